"""How a worker's calls on the engine went is told now and then, by each worker that has one."""

import time
from pathlib import Path

import pytest

from plancton.common.accounting import CallTimes
from plancton.common.messages import ActiveSettings, EngineCalls, PoolLook
from plancton.common.settings import Settings
from plancton.workers.engine_report import EngineReport
from plancton.workers.registry import WORKERS
from tests.fakes.engine import FakeEngine
from tests.support.facts import EXITED, pilot
from tests.support.fake_engine import use
from tests.support.place import KeptPlace, tell
from tests.support.waiting import wait_for


def test_calls_are_told_at_most_every_ten_seconds_and_none_is_left_out() -> None:
    engine, place = FakeEngine(), KeptPlace()
    report = EngineReport(place)
    report.turn(engine, 100.0)
    assert place.said == []
    engine.times.note("start", 1.0, None)
    report.turn(engine, 101.0)
    for seconds in (2.0, 3.0):
        engine.times.note("start", seconds, None)
        report.turn(engine, 101.0 + seconds)
    assert len(place.said) == 1
    report.turn(engine, 111.0)
    report.turn(engine, 130.0)
    first, second = (each.calls for each in place.of(EngineCalls))
    assert first == (CallTimes(operation="start", calls=1, failures=0, seconds=1.0, longest_seconds=1.0),)
    assert second == (CallTimes(operation="start", calls=2, failures=0, seconds=5.0, longest_seconds=3.0),)


@pytest.mark.parametrize(
    ("kind", "operations"),
    [("probe", {"info", "list_containers", "events"}), ("launcher", {"info", "image_id"}), ("reaper", {"inspect"})],
)
def test_each_worker_that_has_an_engine_tells(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, operations: set[str]
) -> None:
    engine, place = FakeEngine(), KeptPlace(tmp_path)
    use(monkeypatch, kind, engine)
    monkeypatch.setattr("plancton.workers.engine_report._SAY_SECONDS", 0.0)
    worker = WORKERS[kind](place)
    tell(worker, ActiveSettings(settings=Settings(), generation=1))
    if kind == "reaper":
        tell(worker, PoolLook(pilots=(pilot(0, state=EXITED),), full_look_monotonic=0.0))

    def told() -> bool:
        worker.turn(time.monotonic())
        return operations <= {times.operation for each in place.of(EngineCalls) for times in each.calls}

    wait_for(told, 5.0, f"{operations}")
    engine.stop()
