"""The load of a drill: busy processes outside of the pilots, started together and never left behind."""

import contextlib
import os
import selectors
import subprocess
import sys
import time
from types import TracebackType
from typing import Self

from plancton.cli.burner import READY
from plancton.cli.contact import Trouble
from plancton.cli.drill_verdict import Sample
from plancton.cli.launch import environment

READY_SECONDS = 60.0
"""How long the processes may take to start, on a machine whose CPUs are all busy."""
LATE_SECONDS = 10.0
"""How long one that got no CPU may take to say its last word."""


class Load:
    """So many processes that are each busy for so long, within this context."""

    def __init__(self, processes: int, seconds: float) -> None:
        """Start nothing yet."""
        self._number = processes
        self._seconds = seconds
        self._processes: list[subprocess.Popen[bytes]] = []
        self._selector = selectors.DefaultSelector()
        self._unread: list[bytes] = [b""] * processes
        self._ready = 0
        self.begun: float | None = None
        """Monotonic; None until ``go``."""
        self.samples: list[Sample] = []

    def __enter__(self) -> Self:
        """Start the processes and wait until each is ready to go.

        Raises:
            Trouble: if they can't be started.

        """
        try:
            self._start()
            self._await_ready()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._end()

    def go(self) -> None:
        """Have all of them begin."""
        self.begun = time.monotonic()
        for process in self._processes:
            assert process.stdin is not None  # noqa: S101 - it is a pipe
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(b"\n")
                process.stdin.flush()

    @property
    def done(self) -> bool:
        """Whether all have worked for as long as they should, or had the time to."""
        late = self.begun is not None and time.monotonic() > self.begun + self._seconds + LATE_SECONDS
        return late or not self._selector.get_map()

    def wait(self, seconds: float) -> None:
        """Take in what they report, for so long or until all have ended."""
        end = time.monotonic() + seconds
        while self._selector.get_map():
            left = end - time.monotonic()
            for key, _ in self._selector.select(max(0.0, left)):
                self._read(key.fd, key.data)
            if left <= 0:
                return

    def _start(self) -> None:
        command = [sys.executable, "-m", "plancton.cli.burner", str(self._seconds)]
        for number in range(self._number):
            try:
                process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(), cwd="/"
                )
            except OSError as error:
                message = f"a busy process can't be started: {error.strerror}"
                raise Trouble(message) from None
            self._processes.append(process)
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            os.set_blocking(process.stdout.fileno(), False)
            self._selector.register(process.stdout.fileno(), selectors.EVENT_READ, number)

    def _await_ready(self) -> None:
        end = time.monotonic() + READY_SECONDS
        while self._ready < self._number and self._selector.get_map() and time.monotonic() < end:
            self.wait(0.05)
        if self._ready < self._number:
            message = f"only {self._ready} of {self._number} busy processes could be started"
            raise Trouble(message)

    def _read(self, descriptor: int, number: int) -> None:
        data = os.read(descriptor, 65_536)
        if not data:
            self._selector.unregister(descriptor)
            return
        *lines, self._unread[number] = (self._unread[number] + data).split(b"\n")
        for line in lines:
            if line + b"\n" == READY:
                self._ready += 1
                continue
            moment, units, cpu_seconds = line.split()
            self.samples.append(
                Sample(process=number, moment=float(moment), units=int(units), cpu_seconds=float(cpu_seconds))
            )

    def _end(self) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
        self._selector.close()
