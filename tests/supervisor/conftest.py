"""A nursery of toy workers, in a process of its own."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from plancton.common.processes import ProcessState, ProcessStatus
from plancton.supervisor.machine import WORKERS
from tests.supervisor.nursery import Report
from tests.support.running import REPOSITORY
from tests.support.waiting import wait_for


def gone(pid: int) -> bool:
    """Tell whether a process is over, be it reaped or not."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Toys:
    """The tests' view of a nursery."""

    def __init__(self, rundir: Path) -> None:
        """Start it."""
        self._rundir = rundir
        self.log = rundir / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.supervisor.nursery", str(rundir)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=REPOSITORY,
            )

    def order(self, worker: str, does: str) -> None:
        """Say what the worker does in its next lives."""
        (self._rundir / f"does-{worker}").write_text(does)

    def report(self) -> Report:
        """Return the nursery's present state."""
        assert self.process.poll() is None, self.log.read_text()
        path = self._rundir / "report.json"
        assert path.exists()
        return msgspec.json.decode(path.read_bytes(), type=Report)

    def worker(self, name: str) -> ProcessStatus:
        """Return one worker's present state."""
        return self.report().workers[name]

    def pid(self, name: str) -> int:
        """Return a running worker's pid."""
        pid = self.worker(name).pid
        assert pid is not None
        return pid

    def until(self, fact: Callable[[Report], object], why: str, seconds: float = 10.0) -> Report:
        """Wait until ``fact`` is true of the report, and return the report."""

        def asked() -> Report | None:
            report = self.report()
            return report if fact(report) else None

        found = wait_for(asked, seconds, why)
        assert found is not None
        return found

    def all_run(self) -> Report:
        """Wait until all workers run."""
        return self.until(
            lambda report: all(worker.state is ProcessState.RUNNING for worker in report.workers.values()), "all run"
        )

    def back(self, name: str, former: int) -> ProcessStatus:
        """Wait until a worker runs in another life than ``former``."""
        return self.until(
            lambda report: (
                report.workers[name].state is ProcessState.RUNNING and report.workers[name].pid not in {None, former}
            ),
            f"{name} is back",
        ).workers[name]

    def stop(self) -> int:
        """Ask for the end, and return the exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(20)


@pytest.fixture
def toys(tmp_path: Path) -> Iterator[Toys]:
    """A nursery whose workers may not run yet."""
    toys = Toys(tmp_path)
    yield toys
    toys.process.kill()
    toys.process.wait()
    if toys.process.stdin is not None:
        toys.process.stdin.close()


@pytest.fixture
def running_toys(toys: Toys) -> Toys:
    """A nursery whose workers all run."""
    assert set(toys.all_run().workers) == set(WORKERS)
    return toys
