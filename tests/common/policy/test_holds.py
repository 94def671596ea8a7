"""Each reason to hold is reached by the facts that it names."""

from typing import Any

import msgspec
import pytest

from plancton.common.decision import Breaker, Suspension
from plancton.common.messages import Intent, LauncherState, Mode, PoolUnknown
from plancton.common.policy.memory import Memory, recover
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from tests.support.decisions import UNIX, Run
from tests.support.facts import GIB, host, image, pilot, pool, wish

SUSPENSION = Suspension(container_id="c30-31", name="n", reason=Reason.OWNER_CPU, since_monotonic=999.0)


def intent(mode: Mode = Mode.ACTIVE, **changes: Any) -> Intent:  # noqa: ANN401
    return Intent(mode=mode, since_unix=0.0, **changes)


def breaker(reason: Reason) -> Breaker:
    return Breaker(fizzles=3, reason=reason, last_unix=UNIX + 999.0, last="x", open_until_monotonic=1001.0)


HOLDS: list[tuple[Reason, dict[str, Any], Memory]] = [
    (Reason.NO_SETTINGS, {"settings": None}, Memory()),
    (Reason.NO_SETTINGS, {"intent": None}, Memory()),
    (Reason.ENGINE_UNKNOWN, {"pool": None}, Memory()),
    (Reason.HOST_UNKNOWN, {"host": None}, Memory()),
    (Reason.OWNER_CPU_UNKNOWN, {"host": host(pilots_cpus=None)}, Memory()),
    (Reason.DRAINING, {"intent": intent(Mode.DRAINING)}, Memory()),
    (Reason.DRAIN_DEADLINE, {"intent": intent(Mode.DRAINING, drain_deadline_unix=UNIX)}, Memory()),
    (Reason.STOPPING, {"intent": intent(Mode.DRAIN_STOPPING)}, Memory()),
    (Reason.STOPPING, {"intent": intent(Mode.DRAIN_STOPPING, drain_deadline_unix=UNIX)}, Memory()),
    (Reason.STOPPING, {"intent": intent(Mode.FORCE_STOPPING)}, Memory()),
    (Reason.SNOOZED, {"intent": intent(snooze_until_unix=UNIX + 1001.0)}, Memory()),
    (Reason.SNOOZED, {"intent": intent(Mode.DRAINING, snooze_until_unix=UNIX + 1001.0)}, Memory()),
    (Reason.STOPPING, {"intent": intent(Mode.DRAIN_STOPPING, snooze_until_unix=UNIX + 1001.0)}, Memory()),
    (Reason.OUTSIDE_WINDOWS, {"settings": Settings(max_docks="ncpus", windows=("sun",))}, Memory()),
    (Reason.DRILL, {"intent": intent(drill_until_unix=UNIX + 1001.0)}, Memory()),
    (Reason.NO_LAUNCHER, {"intent": intent(lost_workers=("launcher",))}, Memory()),
    (Reason.NO_REAPER, {"intent": intent(lost_workers=("reaper",))}, Memory()),
    (Reason.NO_IMAGE, {"launcher": None}, Memory()),
    (Reason.NO_IMAGE, {"launcher": image(image_id=None)}, Memory()),
    (Reason.NO_IMAGE, {"launcher": image("another")}, Memory()),
    (Reason.AFTER_EVICTION, {}, Memory(evicted_at=950.0)),
    (Reason.LAUNCHES_FAIL, {}, Memory(breaker=breaker(Reason.LAUNCHES_FAIL), stream_since=0.0)),
    (Reason.FIZZLES, {}, Memory(breaker=breaker(Reason.FIZZLES), stream_since=0.0)),
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
    run.memory = msgspec.structs.replace(run.memory, breaker=None)
    again = run.decide(after=100.0)
    assert again.launch[:2] == (wish(0, 7), wish(1, 8))
    assert again.launch[2].slot == 2


def test_suspended_pilots_come_before_new_ones() -> None:
    suspended = pool(pilot(30, state=pilot(0).state))
    settings = Settings(max_docks="ncpus", suspend=True)
    run = Run(Memory(suspensions=(SUSPENSION,), stream_since=0.0))
    held = run.decide(owner_cpus=8.0, pool=suspended, settings=settings)
    assert held.hold is not None
    assert (held.launch, held.hold.reason) == ((), Reason.SUSPENDED_FIRST)


@pytest.mark.parametrize(
    ("changes", "memory", "until"),
    [
        ({"intent": intent(snooze_until_unix=UNIX + 1700.0)}, Memory(), UNIX + 1700.0),
        ({"settings": Settings(windows=("tue",))}, Memory(), UNIX + 1000.0 + 86_400.0),
        ({"intent": intent(drill_until_unix=UNIX + 1009.0)}, Memory(), UNIX + 1009.0),
        ({}, Memory(evicted_at=990.0), UNIX + 1050.0),
        ({}, Memory(breaker=breaker(Reason.FIZZLES), stream_since=0.0), UNIX + 1001.0),
        ({"intent": intent(Mode.DRAINING)}, Memory(), None),
    ],
)
def test_when_a_hold_ends_by_itself_is_told(changes: dict[str, Any], memory: Memory, until: float | None) -> None:
    hold = Run(memory).decide(**changes).hold
    assert hold is not None
    assert hold.until_unix == until


def test_the_operators_own_words_are_told() -> None:
    hold = Run().decide(intent=intent(Mode.DRAINING, drain_reason="new kernel")).hold
    assert hold is not None
    assert "new kernel" in hold.detail


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
    drained: dict[str, Any] = {"intent": intent(Mode.DRAINING)}
    began = run.decide(**drained).hold
    assert began is not None
    later = run.decide(after=7.0, **drained)
    assert later.hold is not None
    run.memory = recover(later)
    recovered = run.decide(after=1.0, **drained).hold
    assert recovered is not None
    assert began.since_unix == later.hold.since_unix == recovered.since_unix == UNIX + 1000.0


def test_the_image_that_is_pulled_or_missing_is_told() -> None:
    said = []
    for state in (
        LauncherState(image="busybox", image_id=None, pulling=True),
        LauncherState(image="busybox", image_id=None, detail="can't be pulled: denied"),
    ):
        hold = Run().decide(launcher=state).hold
        said.append(hold.detail if hold else "")
    assert said == ["pulling busybox", "busybox is neither here nor to be had: can't be pulled: denied"]
