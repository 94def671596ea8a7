"""The terminal of the live view: taken over, drawn on, and given back as it was."""

import contextlib
import errno
import io
import os
import select
import signal
import termios
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from rich.color import ColorSystem
from rich.console import Console
from rich.text import Text

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?2004h\x1b[2J"
"""Another screen, no cursor, no line that goes on in the next one, pasted text marked as such, all blank."""
_LEAVE = "\x1b[0m\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[?1049l"
_COLOURS = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
}
_READ_BYTES = 1024
_LOCAL = 3
"""Where a terminal's local flags are among its modes."""
_MOST_STOPS = 100
"""A job that nobody controls can't be stopped, nor be put in the foreground."""
_LEAVE_SECONDS = 1.0
"""How long a terminal that takes nothing is waited for at the end."""
_UNKNOWN_SIZE = (80, 24)
"""What a terminal that tells no size is taken for."""


class Gone(Exception):  # noqa: N818 - it names what happened
    """The terminal is gone."""


class Terminal:
    """A terminal whose keys come one by one and whose screen is the view's own, while its context lasts."""

    def __init__(self, keyboard: int, display: int, encoding: str) -> None:
        """Read keys from ``keyboard`` and draw on ``display``; nothing is changed yet."""
        self._keyboard = keyboard
        self._display = _never_waiting(display)
        self._encoding = encoding
        self._console = Console(file=io.StringIO(), force_terminal=True)
        self._modes: list[Any] | None = None
        self._drawn: list[str] = []
        self._unwritten = b""

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.give_back()
        os.close(self._display)

    @property
    def waited_for(self) -> list[int]:
        """The descriptor that takes more once it's writable; empty where nothing is left to be written."""
        return [self._display] if self._unwritten else []

    def take(self) -> None:
        """Take the terminal over, also if somebody changed it since; all is drawn anew.

        Raises:
            Gone: if there is none any more.

        """
        try:
            _await_foreground(self._keyboard)
            if self._modes is None:
                self._modes = termios.tcgetattr(self._keyboard)
            _set_modes(self._keyboard, _key_by_key(self._modes))
        except termios.error as error:
            raise Gone(str(error)) from error
        self._drawn = []
        self._write(_ENTER)

    def give_back(self) -> None:
        """Give the terminal back as it was; it's no error if it's gone."""
        modes, self._modes = self._modes, None
        if modes is None:
            return
        with contextlib.suppress(Gone, termios.error):
            self._write(_LEAVE)
            end = time.monotonic() + _LEAVE_SECONDS
            while self._unwritten and select.select([], [self._display], [], max(0.0, end - time.monotonic()))[1]:
                self.flush()
            if self._unwritten:
                termios.tcflush(self._display, termios.TCOFLUSH)
                self._unwritten = b""
        with contextlib.suppress(termios.error):
            _set_modes(self._keyboard, modes)

    def stop(self) -> None:
        """Give the terminal back, stop as Ctrl-Z wants it, and take the terminal again once this goes on.

        Raises:
            Gone: if there is none any more.

        """
        self.give_back()
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        # To this very thread, so that it stops here and not a little later.
        signal.pthread_kill(threading.get_ident(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, handler)
        self.take()

    def size(self) -> tuple[int, int]:
        """Return the screen's columns and lines, as they are now."""
        try:
            columns, lines = os.get_terminal_size(self._display)
        except OSError:
            return _UNKNOWN_SIZE
        return columns or _UNKNOWN_SIZE[0], lines or _UNKNOWN_SIZE[1]

    def read(self) -> bytes:
        """Return what was typed.

        Raises:
            Gone: if nothing ever will be.

        """
        try:
            data = os.read(self._keyboard, _READ_BYTES)
        except OSError as error:
            raise Gone(str(error)) from error
        if not data:
            message = "no more keys"
            raise Gone(message)
        return data

    def forget(self) -> None:
        """Draw all anew with the next frame, whatever is on the screen."""
        self._drawn = []

    def draw(self, lines: Sequence[Text]) -> bool:
        """Show these lines from the screen's top; only what changed is written. False where it's still busy.

        Raises:
            Gone: if there is no terminal any more.

        """
        self.flush()
        if self._unwritten:
            return False
        frame = [self._rendered(line) for line in lines]
        if len(frame) != len(self._drawn):
            self._drawn = []
        changed = [] if self._drawn else ["\x1b[2J"]
        for number, line in enumerate(frame):
            if not self._drawn or line != self._drawn[number]:
                changed.append(f"\x1b[{number + 1};1H\x1b[K{line}")
        self._drawn = frame
        self._write("".join(changed))
        return True

    def flush(self) -> None:
        """Write what the terminal takes now of what is left.

        Raises:
            Gone: if there is no terminal any more.

        """
        try:
            while self._unwritten:
                self._unwritten = self._unwritten[os.write(self._display, self._unwritten) :]
        except BlockingIOError:
            return
        except OSError as error:
            raise Gone(str(error)) from error

    def _rendered(self, line: Text) -> str:
        colours = _COLOURS.get(self._console.color_system or "")
        parts = []
        # Put into another, for a text renders no style of its own where it has no styled parts.
        for text, style, _ in Text().append_text(line).render(self._console):
            shown = style.without_color if style is not None and self._console.no_color else style
            parts.append(text if shown is None else shown.render(text, color_system=colours))
        return "".join(parts)

    def _write(self, text: str) -> None:
        self._unwritten += text.encode(self._encoding, "replace")
        self.flush()


def _await_foreground(keyboard: int) -> None:
    """Stop until this job has the terminal: in the background, its modes are another's.

    Raises:
        Gone: if it can't be had.

    """
    for _ in range(_MOST_STOPS):
        try:
            if os.tcgetpgrp(keyboard) == os.getpgrp():
                return
        except OSError:
            # Not the terminal that jobs are controlled from.
            return
        os.killpg(0, signal.SIGTTIN)
    message = "it stays in the background"
    raise Gone(message)


def _key_by_key(modes: list[Any]) -> list[Any]:
    """Return a terminal's modes changed so that each key comes at once and isn't echoed."""
    *flags, special = modes
    flags[_LOCAL] &= ~(termios.ECHO | termios.ICANON)
    special = list(special)
    special[termios.VMIN], special[termios.VTIME] = 1, 0
    return [*flags, special]


def _set_modes(keyboard: int, modes: list[Any]) -> None:
    """Set a terminal's modes.

    Raises:
        termios.error: if it's gone.

    """
    while True:
        try:
            termios.tcsetattr(keyboard, termios.TCSANOW, modes)
        except termios.error as error:
            # Unlike others, this call isn't repeated by itself after a signal.
            if error.args[0] != errno.EINTR:
                raise
        else:
            return


def _never_waiting(display: int) -> int:
    """Return a descriptor of the same terminal on which no write waits, though others have it open too."""
    flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(os.ttyname(display), flags)
    except OSError:
        # Another user's, after su: then a write may wait for a stopped terminal.
        return os.dup(display)
