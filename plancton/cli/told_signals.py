"""Signals that a verb waits for, as something to read: a handler only records, and the verb's own loop decides."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What tells a verb to end."""


class Told:
    """The signals that came since they were asked about last."""

    def __init__(self, readable: int, numbers: tuple[signal.Signals, ...]) -> None:
        """Read them from ``readable``, the wakeup descriptor's other end."""
        self._readable = readable
        self._numbers = frozenset(numbers)

    def fileno(self) -> int:
        """Return the descriptor that is readable once a signal came."""
        return self._readable

    def take(self) -> frozenset[signal.Signals]:
        """Return those that came; it never waits."""
        try:
            came = os.read(self._readable, 512)
        except BlockingIOError:
            return frozenset()
        return frozenset(number for number in self._numbers if number in came)

    def wait(self, seconds: float) -> frozenset[signal.Signals]:
        """Return those that come within ``seconds``, as soon as there is any."""
        select.select([self._readable], [], [], seconds)
        return self.take()


@contextmanager
def told_signals(*numbers: signal.Signals) -> Iterator[Told]:
    """Have these signals told instead of done, while the context lasts."""
    readable, writable = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    handlers = {number: signal.signal(number, lambda _number, _frame: None) for number in numbers}
    wakeup_before = signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    try:
        yield Told(readable, numbers)
    finally:
        signal.set_wakeup_fd(wakeup_before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(readable)
        os.close(writable)
