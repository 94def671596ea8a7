"""The reaper's process on a fake engine, and what only the real one can show."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from plancton.common.decision import Ending, Suspension
from plancton.common.engine import Engine
from plancton.common.messages import (
    ActiveSettings,
    EndingAction,
    EndingOutcome,
    Outcome,
    PoolLook,
    PoolUnknown,
    Target,
)
from plancton.common.naming import cgroup_parent, container_name, instance_id, labels
from plancton.common.pilot import PilotState
from plancton.common.pilot_directory import PilotDirectories
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from plancton.supervisor import cgroups
from plancton.workers.probe.pool import from_containers
from plancton.workers.reaper.worker import Reaper
from tests.fakes.engine import FakeEngine
from tests.support.cgroup_files import has_quota, is_frozen, least_weight
from tests.support.contract import FOR_EVER, LABEL, Stage, done, real_stage
from tests.support.facts import target
from tests.support.fake_engine import use
from tests.support.place import KeptPlace, tell
from tests.support.waiting import wait_for

INSTANCE = "00000000"
SAYS_ITS_QUOTA = "cd /sys/fs/cgroup; read quota rest 2>/dev/null < cpu.max || read quota < cpu/cpu.cfs_quota_us"
TRAP = ("/bin/sh", "-c", f"trap '{SAYS_ITS_QUOTA}; echo $quota; exit 5' TERM; echo up; while :; do sleep 0.05; done")
"""It heeds SIGTERM, and says its CPU quota then."""
BURNS = ("/bin/sh", "-c", "while :; do :; done")


class Ward:
    """A reaper, its engine and what it says."""

    def __init__(self, engine: Engine, state: Path, instance: str = INSTANCE, **settings: Any) -> None:  # noqa: ANN401
        self.engine = engine
        self.place = KeptPlace(state / "run")
        self.place.state = state
        self.reaper = Reaper(self.place)
        self._instance = instance
        tell(self.reaper, ActiveSettings(settings=Settings(**settings), generation=1))

    def look(self) -> PoolLook:
        """Show it the pool."""
        containers = done(self.engine.list_containers({"plancton.instance": self._instance}))
        look = PoolLook(pilots=tuple(from_containers(containers, {}).values()), full_look_monotonic=time.monotonic())
        tell(self.reaper, look)
        return look

    def turn_until(self, fact: Callable[[], object], why: str) -> None:
        """Let it turn until something is so."""

        def turned() -> object:
            self.reaper.turn(time.monotonic())
            return fact()

        wait_for(turned, 10.0, why)

    def outcomes(self, count: int) -> list[EndingOutcome]:
        """Let it turn until it has said so much."""
        self.turn_until(lambda: len(self.place.of(EndingOutcome)) >= count, f"{count} outcomes")
        return self.place.of(EndingOutcome)

    def did(self) -> list[EndingAction]:
        """Return what it has done."""
        said = self.place.of(EndingOutcome)
        assert {outcome.outcome for outcome in said} <= {Outcome.DONE}
        return [outcome.action for outcome in said]


class FakeWard(Ward):
    """One whose engine is a fake."""

    engine: FakeEngine


@pytest.fixture
def ward(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeWard:
    """Return a reaper whose engine has six pilots and a neighbour."""
    engine = FakeEngine(now_unix=time.time())
    use(monkeypatch, "reaper", engine)
    for slot in range(6):
        created = engine.create({"Image": "busybox", "Labels": labels(INSTANCE, slot, slot + 1, "s")}, f"p{slot}")
        assert isinstance(created, str)
        engine.start(created)
    engine.create({"Image": "busybox"}, "neighbour")
    engine.start("neighbour")
    return FakeWard(engine, tmp_path, stop_grace=0.0)


def suspends(look: PoolLook, *names: str, valid_seconds: float = 15.0, **changes: Any) -> Target:  # noqa: ANN401
    """Return a target that wants these suspended."""
    return target(
        until=time.monotonic() + valid_seconds,
        suspend=tuple(
            Suspension(container_id=each.container_id, name=each.name, reason=Reason.OWNER_CPU, since_monotonic=0.0)
            for each in look.pilots
            if each.name in names
        ),
        **changes,
    )


def ends(look: PoolLook, *, at_once: bool) -> Target:
    """Return a target that wants all of them ended."""
    return target(
        until=time.monotonic() + 15.0,
        end=tuple(
            Ending(container_id=each.container_id, name=each.name, reason=Reason.FORCE_STOP, at_once=at_once)
            for each in look.pilots
        ),
    )


def test_force_stop_leaves_only_what_is_somebody_elses(ward: FakeWard) -> None:
    tell(ward.reaper, ends(ward.look(), at_once=True))
    assert len(ward.outcomes(6)) == 6
    left = ward.engine.list_containers({})
    assert isinstance(left, tuple)
    assert [each.name for each in left] == ["neighbour"]


def test_those_that_heed_no_sigterm_are_killed_and_then_removed(ward: FakeWard) -> None:
    tell(ward.reaper, ends(ward.look(), at_once=False))
    done = [outcome.action for outcome in ward.outcomes(12)]
    assert done.count(done[0]) == 6
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
    for slot in range(3):
        ward.engine.finish(f"p{slot}")
    look = ward.look()
    with ward.engine.frozen("remove"):
        forced = ends(look, at_once=True).end[:1]
        tell(ward.reaper, target(until=time.monotonic() + 15.0, end=forced))
        ward.turn_until(lambda: [call.name for call in ward.engine.calls].count("remove") == 3, "three slow removals")
        tell(ward.reaper, suspends(look, "p3", "p4"))
        assert {each.name for each in ward.outcomes(2)} == {"p3", "p4"}
    ward.outcomes(5)


def test_a_pilot_is_told_when_sigkill_comes_before_it_gets_sigterm(ward: FakeWard, tmp_path: Path) -> None:
    name = container_name(instance_id(str(ward.place.rundir)), 0, 1)
    directory = PilotDirectories(tmp_path).create(name, "0:0", 1.0)
    look = ward.look()
    tell(ward.reaper, target(until=time.monotonic() + 15.0))
    started = next(each.created_unix for each in look.pilots if each.name == "p0")

    def told() -> float:
        return float((directory / "deadline").read_text())

    max_ttl = Settings().max_ttl
    ward.turn_until(lambda: abs(told() - started - max_ttl) < 2.0, "the deadline of its max_ttl")
    with ward.engine.frozen("kill"):
        tell(ward.reaper, ends(look, at_once=False))
        ward.turn_until(lambda: "kill" in [call.name for call in ward.engine.calls], "SIGTERM")
        assert abs(told() - time.time()) < 5.0
    ward.turn_until(lambda: not ward.look().pilots, "the removals")
    ward.turn_until(lambda: not directory.exists(), "the removal of its directory")


# On the real engine.


class RealWard(Ward):
    """One whose pilots are real, and none else's."""

    def __init__(self, stage: Stage, state: Path, **settings: Any) -> None:  # noqa: ANN401
        super().__init__(stage.engine, state, stage.labels[LABEL][:8], **settings)
        self.stage = stage

    def start(self, command: tuple[str, ...], slot: int = 0, **host_config: object) -> str:
        """Start a pilot in this slot that may use a fifth of a CPU, and return its id."""
        body = self.stage.body(command, CpuPeriod=100_000, CpuQuota=20_000, **host_config)
        body["Labels"] = {**self.stage.labels, **labels(self.stage.labels[LABEL][:8], slot, slot + 1, "s")}
        container = done(self.engine.create(body, self.stage.name()))
        assert self.engine.start(container) is None
        return container

    def pid(self, container: str) -> int:
        """Return a running pilot's first process."""
        pid = done(self.engine.inspect(container)).pid
        assert pid is not None
        return pid


@pytest.fixture
def real_ward(engine_url: str, tmp_path: Path) -> Iterator[RealWard]:
    """Yield a reaper whose engine is real."""
    with real_stage(engine_url) as stage:
        yield RealWard(stage, tmp_path, docker_url=engine_url, stop_grace=20.0)


@contextmanager
def owner() -> Iterator[None]:
    """Use all CPUs within the context."""
    burning = [subprocess.Popen(BURNS) for _cpu in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in burning:
            process.kill()
            process.wait()


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
