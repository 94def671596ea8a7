"""The owner as the bench plays it, outside of containers: a job of a fixed amount of work, and a demand that lasts."""

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import msgspec

CALIBRATION_ROUNDS = 3_000_000
READY = b"ready\n"
WORK = """\
import sys
rounds = int(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
while rounds:
    rounds -= 1
print("done", flush=True)
"""
"""Counts down so many rounds, or for ever from -1 on, once it is told to begin."""


def cpus() -> int:
    """How many CPUs the owner may use, and pilots too."""
    return len(os.sched_getaffinity(0))


@contextlib.contextmanager
def _workers(count: int, rounds: int) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Have so many processes ready to begin; they end with the context."""
    with contextlib.ExitStack() as stack:
        workers = []
        for _ in range(count):
            command = [sys.executable, "-I", "-S", "-c", WORK, str(rounds)]
            worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            stack.enter_context(worker)
            stack.callback(worker.kill)
            workers.append(worker)
        for worker in workers:
            if _line(worker) != READY:
                msg = f"a process of the owner's ended with {worker.wait()} before it began"
                raise OSError(msg)
        yield workers


def _line(worker: "subprocess.Popen[bytes]") -> bytes:
    return worker.stdout.readline() if worker.stdout is not None else b""


def _begin(workers: list["subprocess.Popen[bytes]"]) -> None:
    for worker in workers:
        if worker.stdin is not None:
            worker.stdin.write(b"\n")
            worker.stdin.flush()


class Timed(msgspec.Struct, frozen=True, kw_only=True):
    """One job, from its start until the last process was done."""

    seconds: float
    abreast_seconds: float
    """Until the first was done: from then on there was a CPU to spare."""
    meanwhile: float
    """What the watched figure grew by within these."""


def _timed(count: int, rounds: int, watch: Callable[[], float]) -> Timed:
    with _workers(count, rounds) as workers:
        before, begin = watch(), time.monotonic()
        _begin(workers)
        select.select([worker.stdout for worker in workers if worker.stdout is not None], [], [])
        abreast, after = time.monotonic() - begin, watch()
        for worker in workers:
            _line(worker)
        return Timed(seconds=time.monotonic() - begin, abreast_seconds=abreast, meanwhile=after - before)


class Job:
    """As many processes as there are CPUs, each with the same fixed amount of work."""

    def __init__(self, seconds: float) -> None:
        """Fix the amount so that it takes about ``seconds`` on an idle machine."""
        once = _timed(1, CALIBRATION_ROUNDS, lambda: 0.0)
        self._rounds = max(1, round(CALIBRATION_ROUNDS * seconds / once.seconds))

    def run(self, watch: Callable[[], float] = lambda: 0.0) -> Timed:
        """Do the work once; ``watch`` tells a figure that grows, asked for at the start and when a process is done."""
        return _timed(cpus(), self._rounds, watch)


@contextlib.contextmanager
def demand() -> Iterator[float]:
    """Use all CPUs for as long as the context lasts, and give the moment at which that began, since the epoch."""
    with _workers(cpus(), -1) as workers:
        begin = time.time()
        _begin(workers)
        yield begin
