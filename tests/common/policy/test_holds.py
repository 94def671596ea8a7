"""Each reason to hold is reached by the facts that it names."""

from typing import Any

import msgspec
import pytest

from plancton.common.messages import Intent, LauncherState, Mode, PoolUnknown
from plancton.common.policy.memory import Memory, recover
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from tests.support.decisions import Run
from tests.support.facts import GIB, host, image, wish

HOLDS: list[tuple[Reason, dict[str, Any], Memory]] = [
    (Reason.NO_SETTINGS, {"settings": None}, Memory()),
    (Reason.NO_SETTINGS, {"intent": None}, Memory()),
    (Reason.ENGINE_UNKNOWN, {"pool": None}, Memory()),
    (Reason.HOST_UNKNOWN, {"host": None}, Memory()),
    (Reason.OWNER_CPU_UNKNOWN, {"owner_cpus": None}, Memory()),
    (Reason.DRAINING, {"intent": Intent(mode=Mode.DRAINING, since_unix=0.0)}, Memory()),
    (Reason.STOPPING, {"intent": Intent(mode=Mode.DRAIN_STOPPING, since_unix=0.0)}, Memory()),
    (Reason.STOPPING, {"intent": Intent(mode=Mode.FORCE_STOPPING, since_unix=0.0)}, Memory()),
    (Reason.NO_LAUNCHER, {"intent": Intent(mode=Mode.ACTIVE, since_unix=0.0, lost_workers=("launcher",))}, Memory()),
    (Reason.NO_REAPER, {"intent": Intent(mode=Mode.ACTIVE, since_unix=0.0, lost_workers=("reaper",))}, Memory()),
    (Reason.NO_IMAGE, {"launcher": None}, Memory()),
    (Reason.NO_IMAGE, {"launcher": image(image_id=None)}, Memory()),
    (Reason.NO_IMAGE, {"launcher": image("another")}, Memory()),
    (Reason.AFTER_EVICTION, {}, Memory(evicted_at=950.0)),
    (Reason.LAUNCHES_FAIL, {}, Memory(launch_failures=2, retry_at=1001.0)),
]


@pytest.mark.parametrize(("reason", "changes", "memory"), HOLDS)
def test_nothing_is_launched_while_a_reason_stands_against_it(
    reason: Reason, changes: dict[str, Any], memory: Memory
) -> None:
    target = Run(memory).decide(**changes)
    assert target.launch == ()
    assert target.hold is not None
    assert target.hold.reason is reason
    assert target.hold.detail


@pytest.mark.parametrize(("reason", "changes", "memory"), HOLDS)
def test_a_hold_keeps_the_slots_of_what_may_be_starting(
    reason: Reason, changes: dict[str, Any], memory: Memory
) -> None:
    run = Run(msgspec.structs.replace(memory, wishes=(wish(0, 7), wish(1, 8)), next_incarnation=9))
    held = run.decide(**changes)
    assert (held.launch, held.withdrawn) == ((), (wish(0, 7), wish(1, 8))), reason
    again = run.decide(after=100.0)
    assert again.launch[:2] == (wish(0, 7), wish(1, 8))
    assert again.launch[2].slot == 2


LIMITS: list[tuple[Reason, dict[str, Any], int]] = [
    (Reason.MAX_DOCKS, {"settings": Settings(max_docks="2")}, 2),
    (Reason.OWNER_CPU, {"owner_cpus": 5.5}, 2),
    (Reason.OWNER_MEMORY, {"host": host(available_bytes=8 * GIB)}, 2),
    (Reason.GROWTH_LIMIT, {}, 4),
]


@pytest.mark.parametrize(("reason", "changes", "want"), LIMITS)
def test_what_limits_the_number_is_named(reason: Reason, changes: dict[str, Any], want: int) -> None:
    target = Run().decide(**changes)
    assert target.hold is not None
    assert (target.hold.reason, target.want, len(target.launch)) == (reason, want, want)


def test_why_the_engine_is_unknown_is_told() -> None:
    target = Run().decide(pool=None, pool_unknown=PoolUnknown(why="timed-out: no answer", since_unix=0.0))
    assert target.hold is not None
    assert target.hold.detail == "timed-out: no answer"


def test_a_hold_is_dated_from_its_beginning_also_over_a_restart() -> None:
    run = Run()
    drained: dict[str, Any] = {"intent": Intent(mode=Mode.DRAINING, since_unix=0.0)}
    began = run.decide(**drained).hold
    assert began is not None
    later = run.decide(after=7.0, **drained)
    assert later.hold is not None
    run.memory = recover(later)
    recovered = run.decide(after=1.0, **drained).hold
    assert recovered is not None
    assert began.since_unix == later.hold.since_unix == recovered.since_unix == 6000.0


def test_the_image_that_is_pulled_or_missing_is_told() -> None:
    said = []
    for state in (
        LauncherState(image="busybox", image_id=None, pulling=True),
        LauncherState(image="busybox", image_id=None, detail="can't be pulled: denied"),
    ):
        hold = Run().decide(launcher=state).hold
        said.append(hold.detail if hold else "")
    assert said == ["pulling busybox", "busybox is neither here nor to be had: can't be pulled: denied"]
