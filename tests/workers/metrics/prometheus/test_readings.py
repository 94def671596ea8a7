"""What planctond's processes have used: of those alone that are its own, and not read more often than need be."""

import os
import subprocess
import sys

import psutil
import pytest

from plancton.common.processes import ProcessState, ProcessStatus
from plancton.workers.metrics.prometheus import readings as prometheus_readings
from plancton.workers.metrics.prometheus.readings import Readings

HERE, SUPERVISOR = os.getpid(), os.getppid()
"""The test takes a worker's place, and whoever started it the supervisor's."""


def process(pid: int | None, name: str = "probe") -> ProcessStatus:
    return ProcessStatus(name=name, state=ProcessState.RUNNING, pid=pid, restarts=0, since_unix=0.0)


def count_shares(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows with each process whose share of memory is read."""
    read: list[int] = []

    def pss(of: psutil.Process) -> int:
        read.append(of.pid)
        return 1000 + len(read)

    monkeypatch.setattr(prometheus_readings, "pss_bytes", pss)
    return read


def test_a_worker_and_the_supervisor_are_read() -> None:
    itself = psutil.Process()
    before = sum(itself.cpu_times()[:2])
    uses = Readings().read([process(HERE, "metrics"), process(SUPERVISOR, "supervisor")], 0.0)
    assert uses.keys() == {"metrics", "supervisor"}
    assert uses["metrics"].started_unix == itself.create_time()
    assert before <= uses["metrics"].cpu_seconds <= sum(itself.cpu_times()[:2])
    pss = uses["metrics"].pss_bytes
    assert pss is not None
    assert 2**20 < pss < 2**31


def test_a_process_that_is_gone_or_somebody_elses_is_left_out() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert Readings().read([process(other.pid)], 0.0) == {}, "no worker's parent is a worker"
        other.communicate(b"\n")
    assert Readings().read([process(other.pid), process(None)], 0.0) == {}


def test_within_a_second_the_same_is_told_and_afterwards_anew() -> None:
    readings = Readings()
    first = readings.read([process(HERE)], 100.0)
    assert readings.read([process(HERE)], 100.9) is first
    assert readings.read([], 100.9) is first
    assert readings.read([], 101.0) == {}


def test_shares_of_memory_are_read_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    read = count_shares(monkeypatch)
    readings = Readings()
    told = [readings.read([process(HERE)], at)["probe"].pss_bytes for at in (100.0, 105.0, 109.0, 110.0, 115.0, 120.0)]
    assert told == [1001, 1001, 1001, 1002, 1002, 1003]
    assert read == [HERE] * 3


def test_the_share_of_another_process_of_the_same_name_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    read = count_shares(monkeypatch)
    # Whoever started the test may have begun in the same hundredth of a second.
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: float(process.pid))
    readings = Readings()
    readings.read([process(HERE)], 100.0)
    assert readings.read([process(SUPERVISOR)], 101.0)["probe"].pss_bytes == 1002
    assert read == [HERE, SUPERVISOR]


def test_a_share_that_may_not_be_known_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: psutil.Process) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "memory_full_info", denied)
    use = Readings().read([process(HERE)], 0.0)["probe"]
    assert use.pss_bytes is None
    assert use.cpu_seconds > 0.0
