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


class Terminal:
    """The terminal's other end."""

    def __init__(self, descriptor: int, process: subprocess.Popen[bytes]) -> None:
        """Read what ``process`` writes on ``descriptor``."""
        self.process = process
        self._descriptor = descriptor
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
def on_terminal(paths: Paths, *arguments: str, term: str = "xterm-256color") -> Iterator[Terminal]:
    """Run planctonctl with these arguments on a terminal of its own."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": term, "PYTHONPATH": str(REPOSITORY), "LANG": "C.UTF-8"}
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "plancton.cli.main", *options(paths), *arguments]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    try:
        yield Terminal(ours, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(ours)
