"""Signals to planctond: recorded as they come, acted on by its loop."""

import os
import signal


class Signals:
    """Signals, recorded by their handlers and acted on by the loop."""

    def __init__(self) -> None:
        """Take over the signals that planctond acts on."""
        self._readable, writable = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda _number, _frame: None)

    def fileno(self) -> int:
        """Return the descriptor that is readable while a signal waits."""
        return self._readable

    def take(self) -> list[int]:
        """Return the signals that came since the last call."""
        try:
            return list(os.read(self._readable, 512))
        except BlockingIOError:
            return []
