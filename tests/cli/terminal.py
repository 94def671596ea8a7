"""planctonctl on a terminal: a real process on a pseudo-terminal."""

import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

from plancton.common.paths import Paths
from tests.support.planctonctl import options
from tests.support.running import REPOSITORY

ROWS, COLUMNS = 30, 110
_STARTS = """
import fcntl, termios
# Of a session of its own this is the terminal, so that Ctrl-C comes as a signal, as for anybody.
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
{}
from plancton.cli.main import main
main()
"""


class Terminal:
    """The terminal's other end."""

    def __init__(self, descriptor: int, process: subprocess.Popen[bytes]) -> None:
        """Read what ``process`` writes on ``descriptor``."""
        self.process = process
        self._descriptor = descriptor
        self._text = ""
        self.modes_before = self.modes()

    def modes(self) -> list[object]:
        """Return the terminal's modes, such as whether it echoes."""
        return termios.tcgetattr(self._descriptor)

    def type(self, keys: str) -> None:
        """Send what somebody types."""
        os.write(self._descriptor, keys.encode())

    def resize(self, rows: int, columns: int) -> None:
        """Give the terminal another size, of which its processes are told."""
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def hang_up(self) -> None:
        """Take the terminal away."""
        os.close(self._descriptor)
        self._descriptor = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)

    def forget(self) -> None:
        """Forget what was read, so that the next words are new ones."""
        self._text = ""

    def read_until(self, words: str, seconds: float = 20.0) -> str:
        """Read until ``words`` were written; return all that was."""
        end = time.monotonic() + seconds
        while words not in self._text:
            assert self._read(end - time.monotonic()), f"{words!r} isn't in {self._text!r}"
        return self._text

    def read_to_end(self) -> str:
        """Read what is left once the process has ended; return all that was written."""
        while self._read(0.2):
            continue
        return self._text

    def close(self) -> None:
        """Close this end."""
        os.close(self._descriptor)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._descriptor], [], [], max(0.0, seconds))[0]:
            return False
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:
            # The last process has closed its end.
            return False
        self._text += data.decode(errors="replace")
        return bool(data)


@contextmanager
def on_terminal(
    paths: Paths, *arguments: str, term: str = "xterm-256color", code: str = "", **environment: str
) -> Iterator[Terminal]:
    """Run planctonctl with these arguments on a terminal of its own, after ``code`` and with this environment."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    inherited = {**os.environ, "TERM": term, "PYTHONPATH": str(REPOSITORY), "LANG": "C.UTF-8"}
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
        inherited.pop(name, None)
    command = [sys.executable, "-c", _STARTS.format(code), *options(paths), *arguments]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=inherited | environment, start_new_session=True
    )
    os.close(theirs)
    terminal = Terminal(ours, process)
    try:
        yield terminal
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        terminal.close()
