"""The reaper's process on a fake engine, and what only the real one can show."""

import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plancton.common.messages import (
    EndingAction,
    EndingOutcome,
    PoolUnknown,
)
from plancton.common.naming import cgroup_parent, instance_id, labels
from plancton.common.pilot import PilotState
from plancton.common.pilot_directory import PilotDirectories
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from plancton.supervisor import cgroups
from plancton.workers.reaper import deadlines, worker
from plancton.workers.reaper.worker import Reaper
from tests.fakes.engine import FakeEngine
from tests.support.cgroup_files import has_quota, is_frozen, least_weight
from tests.support.contract import FOR_EVER, done, real_stage
from tests.support.facts import target
from tests.support.fake_engine import use
from tests.support.place import KeptPlace, tell
from tests.support.waiting import wait_for
from tests.workers.reaper.ward import BURNS, INSTANCE, PILOTS, TRAP, FakeWard, RealWard, ends, owner, suspends


@pytest.fixture
def ward(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeWard:
    """Return a reaper whose engine has eight pilots and a neighbour."""
    engine = FakeEngine(now_unix=time.time())
    use(monkeypatch, "reaper", engine)
    for slot in range(PILOTS):
        created = engine.create({"Image": "busybox", "Labels": labels(INSTANCE, slot, slot + 1, "s")}, f"p{slot}")
        assert isinstance(created, str)
        engine.start(created)
    engine.create({"Image": "busybox"}, "neighbour")
    engine.start("neighbour")
    return FakeWard(engine, tmp_path, stop_grace=0.0)


def test_force_stop_leaves_only_what_is_somebody_elses(ward: FakeWard) -> None:
    tell(ward.reaper, ends(ward.look(), at_once=True))
    assert len(ward.outcomes(PILOTS)) == PILOTS
    left = ward.engine.list_containers({})
    assert isinstance(left, tuple)
    assert [each.name for each in left] == ["neighbour"]


def test_those_that_heed_no_sigterm_are_killed_and_then_removed(ward: FakeWard) -> None:
    tell(ward.reaper, ends(ward.look(), at_once=False))
    acted = [outcome.action for outcome in ward.outcomes(2 * PILOTS)]
    assert acted.count(acted[0]) == PILOTS
    ward.engine.advance(3.0)
    states = {each.state for each in ward.look().pilots}
    assert states == {PilotState.EXITED}


def test_ended_pilots_are_removed(ward: FakeWard) -> None:
    ward.engine.finish("p3", 1)
    ward.look()
    (outcome,) = ward.outcomes(1)
    assert (outcome.name, outcome.reason, outcome.exit_code) == ("p3", Reason.ENDED, 1)


def test_a_void_target_is_not_obeyed(ward: FakeWard) -> None:
    look = ward.look()
    tell(ward.reaper, target(until=time.monotonic() - 1.0, end=ends(look, at_once=True).end))
    ward.engine.finish("p3")
    ward.look()
    assert [outcome.name for outcome in ward.outcomes(1)] == ["p3"]
    assert len([call for call in ward.engine.calls if call.name in {"kill", "remove"}]) == 1


def test_nothing_is_touched_while_the_pool_is_unknown(ward: FakeWard) -> None:
    look = ward.look()
    tell(ward.reaper, PoolUnknown(why="", since_unix=0.0))
    tell(ward.reaper, ends(look, at_once=True))
    ward.reaper.turn(time.monotonic())
    tell(ward.reaper, target(until=time.monotonic() + 15.0))
    ward.engine.finish("p3")
    ward.look()
    assert [outcome.name for outcome in ward.outcomes(1)] == ["p3"]
    assert len([call for call in ward.engine.calls if call.name in {"kill", "remove"}]) == 1


def test_before_it_has_settings_it_waits() -> None:
    now = time.monotonic()
    assert Reaper(KeptPlace()).turn(now) == now + 1.0


def test_pilots_are_suspended_and_go_on_as_the_target_says(ward: FakeWard) -> None:
    tell(ward.reaper, suspends(ward.look(), "p1", "p4"))
    assert {(each.name, each.action) for each in ward.outcomes(2)} == {
        ("p1", EndingAction.SUSPENDED),
        ("p4", EndingAction.SUSPENDED),
    }
    look = ward.look()
    assert {each.name for each in look.pilots if each.state is PilotState.PAUSED} == {"p1", "p4"}
    tell(ward.reaper, suspends(look, "p4"))
    assert [(each.name, each.action) for each in ward.outcomes(3)[2:]] == [("p1", EndingAction.RESUMED)]


def test_under_a_void_target_what_is_suspended_stays_so(ward: FakeWard) -> None:
    tell(ward.reaper, suspends(ward.look(), "p1"))
    ward.outcomes(1)
    tell(ward.reaper, suspends(ward.look(), valid_seconds=-1.0))
    ward.engine.finish("p3")
    ward.look()
    assert ward.outcomes(2)[1].name == "p3"
    assert not [call for call in ward.engine.calls if call.name == "unpause"]


def test_suspensions_wait_neither_for_slow_removals_nor_for_slow_kills(ward: FakeWard) -> None:
    for slot in range(2):
        ward.engine.finish(f"p{slot}")
    look = ward.look()
    with ward.engine.frozen("remove", "kill"):
        forced = ends(look, at_once=True).end
        slow = tuple(each for each in forced if each.name in {"p2", "p3", "p4", "p5"})
        tell(ward.reaper, target(until=time.monotonic() + 15.0, end=slow))
        slow_ones = (("remove", 2), ("kill", 4))
        ward.turn_until(lambda: all(ward.asked(call) == count for call, count in slow_ones), f"{slow_ones}")
        tell(ward.reaper, suspends(look, "p6", "p7"))
        assert {each.name for each in ward.outcomes(2)} == {"p6", "p7"}
    ward.outcomes(8)


def test_nobodys_end_waits_for_the_last_words_of_others(ward: FakeWard) -> None:
    with ward.engine.frozen("logs_tail"):
        tell(ward.reaper, ends(ward.look(), at_once=True))
        ward.turn_until(lambda: ward.asked("kill") == PILOTS, "all are killed")
        assert ward.asked("logs_tail") <= 2
        assert {each.state for each in ward.look().pilots} == {PilotState.EXITED}
    assert len(ward.outcomes(PILOTS)) == PILOTS
    assert ward.look().pilots == ()


def test_a_suspension_comes_before_what_is_due_and_not_yet_begun(
    ward: FakeWard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_LANES", dict.fromkeys(("signal", "kill", "remove"), 1))
    look = ward.look()
    ending = tuple(each for each in ends(look, at_once=False).end if each.name in {"p0", "p1"})
    with ward.engine.frozen("lift_quota"):
        tell(ward.reaper, target(until=time.monotonic() + 15.0, end=ending))
        ward.turn_until(lambda: ward.asked("lift_quota") == 1, "the first ending")
        tell(ward.reaper, suspends(look, "p7", end=ending))
    ward.turn_until(lambda: ward.asked("lift_quota") == 2, "the other one")
    calls = [call.name for call in ward.engine.calls if call.name in {"lift_quota", "pause"}]
    assert calls == ["lift_quota", "pause", "lift_quota"]


def test_a_pilot_is_told_when_sigkill_comes_before_it_gets_sigterm(ward: FakeWard) -> None:
    directory = ward.directory(0)
    look = ward.look()
    tell(ward.reaper, target(until=time.monotonic() + 15.0))
    started = next(each.created_unix for each in look.pilots if each.name == "p0")

    def told() -> float:
        return float((directory / "deadline").read_text())

    max_ttl = Settings().max_ttl
    ward.turn_until(lambda: abs(told() - started - max_ttl) < 2.0, "the deadline of its max_ttl")
    with ward.engine.frozen("kill"):
        tell(ward.reaper, ends(look, at_once=False))
        ward.turn_until(lambda: ward.asked("kill") > 0, "SIGTERM")
        assert abs(told() - time.time()) < 5.0


def test_sigterm_waits_for_the_deadline(ward: FakeWard, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(PilotDirectories, "write_deadline", lambda *_arguments: gate.wait(10.0))
    tell(ward.reaper, ends(ward.look(), at_once=False))
    ward.reaper.turn(time.monotonic())
    assert not vars(ward.reaper)["_busy"]
    gate.set()
    ward.turn_until(lambda: ward.asked("kill") > 0, "SIGTERM")


def test_a_directory_goes_with_its_container_whoever_removed_that(ward: FakeWard) -> None:
    directories = [ward.directory(slot) for slot in range(3)]
    for slot in range(2):
        ward.engine.finish(f"p{slot}")
    ward.look()
    ward.engine.remove("p1")
    ward.turn_until(lambda: not any(each.exists() for each in directories[:2]), "the end of two directories")
    assert [outcome.name for outcome in ward.place.of(EndingOutcome)] == ["p0"]
    assert directories[2].exists()


def test_each_full_look_sweeps_directories(ward: FakeWard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "_ORPHANED_SECONDS", 0.0)
    there, orphan = ward.directory(0), ward.directory(PILOTS)
    ward.look()
    ward.turn_until(lambda: not orphan.exists(), "the end of a directory without a container")
    assert there.exists()


# On the real engine.


@pytest.fixture
def real_ward(engine_url: str, tmp_path: Path) -> Iterator[RealWard]:
    """Yield a reaper whose engine is real."""
    with real_stage(engine_url) as stage:
        yield RealWard(stage, tmp_path, docker_url=engine_url, stop_grace=20.0)


@pytest.mark.engine
def test_a_suspended_pilots_cgroup_is_frozen_until_it_goes_on(real_ward: RealWard) -> None:
    pid = real_ward.pid(real_ward.start(FOR_EVER))
    look = real_ward.look()
    tell(real_ward.reaper, suspends(look, look.pilots[0].name))
    real_ward.outcomes(1)
    assert is_frozen(pid)
    look = real_ward.look()
    tell(real_ward.reaper, suspends(look))
    real_ward.outcomes(2)
    assert not is_frozen(pid)
    assert has_quota(pid)
    assert real_ward.did() == [EndingAction.SUSPENDED, EndingAction.RESUMED]


@pytest.mark.engine
@pytest.mark.parametrize("suspended", [False, True])
def test_a_pilot_that_is_ended_has_all_cpus_to_finish(real_ward: RealWard, *, suspended: bool) -> None:
    container = real_ward.start(TRAP)
    wait_for(lambda: real_ward.engine.logs_tail(container, 9, 99) == "up\n", 20.0, "its trap")
    look = real_ward.look()
    if suspended:
        tell(real_ward.reaper, suspends(look, look.pilots[0].name))
        real_ward.outcomes(1)
        look = real_ward.look()
        assert look.pilots[0].state is PilotState.PAUSED
    tell(real_ward.reaper, ends(look, at_once=False))
    real_ward.turn_until(lambda: real_ward.look().pilots[0].state is PilotState.EXITED, "its end")
    assert done(real_ward.engine.inspect(container)).exit_code == 5
    assert done(real_ward.engine.logs_tail(container, 1, 99)) in {"-1\n", "max\n"}
    assert real_ward.did() == [EndingAction.SUSPENDED] * suspended + [EndingAction.TERMINATED]


@pytest.mark.engine
def test_the_last_words_of_a_pilot_that_could_not_work_are_kept(real_ward: RealWard) -> None:
    real_ward.start(("/bin/sh", "-c", "echo no proxy; echo giving up >&2; exit 7"))
    real_ward.turn_until(lambda: real_ward.look().pilots[0].state is PilotState.EXITED, "its end")
    (outcome,) = real_ward.outcomes(1)
    assert (outcome.action, outcome.reason, outcome.exit_code) == (EndingAction.REMOVED, Reason.ENDED, 7)
    assert sorted(outcome.output.splitlines()) == ["giving up", "no proxy"]
    assert real_ward.look().pilots == ()


@pytest.mark.engine
def test_a_pilot_that_wanted_more_memory_than_it_may_have_is_told_as_such(real_ward: RealWard) -> None:
    # What it has asked for is wanted by its first process itself.
    command = ("/bin/sh", "-c", "echo wants much; exec tail /dev/zero")
    container = real_ward.start(command, Memory=16 * 2**20, MemorySwap=16 * 2**20)
    image = done(real_ward.engine.inspect(container)).image_id
    real_ward.turn_until(lambda: real_ward.look().pilots[0].state is PilotState.EXITED, "its end")
    (outcome,) = real_ward.outcomes(1)
    assert (outcome.oom_killed, outcome.exit_code, outcome.killed) == (True, 137, False)
    assert (outcome.reason, outcome.output, outcome.image_id) == (Reason.ENDED, "wants much\n", image)


@pytest.mark.engine
@pytest.mark.parametrize("at_once", [False, True])
def test_what_a_pilot_wrote_that_was_ended_is_told_as_well(real_ward: RealWard, *, at_once: bool) -> None:
    container = real_ward.start(TRAP)
    wait_for(lambda: real_ward.engine.logs_tail(container, 9, 99) == "up\n", 20.0, "its trap")
    tell(real_ward.reaper, ends(real_ward.look(), at_once=at_once))
    if not at_once:
        real_ward.turn_until(lambda: real_ward.look().pilots[0].state is PilotState.EXITED, "its end")
    outcome = real_ward.outcomes(1 if at_once else 2)[-1]
    assert (outcome.action, outcome.killed, outcome.oom_killed) == (EndingAction.REMOVED, True, False)
    assert outcome.exit_code == (137 if at_once else 5)
    assert outcome.output.splitlines()[0] == "up"
    assert len(outcome.output.splitlines()) == (1 if at_once else 2)
    assert real_ward.look().pilots == ()


@pytest.mark.engine
def test_force_stop_removes_suspended_pilots_too(real_ward: RealWard) -> None:
    for slot in range(3):
        real_ward.start(FOR_EVER, slot)
    look = real_ward.look()
    tell(real_ward.reaper, suspends(look, *(each.name for each in look.pilots)))
    real_ward.outcomes(3)
    tell(real_ward.reaper, ends(real_ward.look(), at_once=True))
    real_ward.outcomes(6)
    assert real_ward.did() == [EndingAction.SUSPENDED] * 3 + [EndingAction.REMOVED] * 3
    assert real_ward.look().pilots == ()


@pytest.mark.engine
def test_pilots_of_the_least_weight_are_suspended_and_killed_at_once_while_the_owner_uses_all_cpus(
    real_ward: RealWard,
) -> None:
    instance = instance_id(str(real_ward.place.rundir))
    parent = cgroup_parent(instance, done(real_ward.engine.info()).cgroup_driver)
    try:
        burning = [real_ward.start(BURNS, slot, CgroupParent=parent) for slot in range(4)]
        weight = least_weight(real_ward.pid(burning[0]))
        least = weight.read_text()
        look = real_ward.look()
        with owner():
            tell(real_ward.reaper, suspends(look, *(each.name for each in look.pilots)))
            real_ward.outcomes(4)
            tell(real_ward.reaper, suspends(real_ward.look()))
            real_ward.outcomes(8)
            tell(real_ward.reaper, ends(real_ward.look(), at_once=True))
            said = real_ward.outcomes(12)
        # Without leeway nearly all suspensions fail, and a removal takes two seconds or more.
        assert real_ward.did() == [
            *[EndingAction.SUSPENDED] * 4,
            *[EndingAction.RESUMED] * 4,
            *[EndingAction.REMOVED] * 4,
        ]
        assert statistics.median(outcome.seconds for outcome in said[8:]) < 1.5
        assert weight.read_text() == least
    finally:
        for container in real_ward.stage.look():
            real_ward.engine.remove(container, force=True)
        cgroups.remove_empty(instance)
