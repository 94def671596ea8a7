"""The scheduler's decision: each reason to hold, growth and replacement, evictions, recovery."""

from typing import Any

import msgspec
import pytest

from plancton.common.messages import Ending, Intent, LauncherState, Mode, PoolUnknown
from plancton.common.pilot import PilotState
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from plancton.workers.scheduler.policy import TARGET_VALID_SECONDS, Memory, launch_failed, recover
from tests.support.decisions import Run, full
from tests.support.facts import CREATED, EXITED, GIB, host, image, pilot, pool, running, wish

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


# Growth and replacement.


def test_growth_is_limited_in_each_period() -> None:
    run = Run()
    first = run.decide(host=host(40))
    assert [each.slot for each in first.launch] == [0, 1, 2, 3]
    there = running(4)
    assert run.decide(after=29.0, host=host(40), pool=there).launch == ()
    assert [each.slot for each in run.decide(after=1.0, host=host(40), pool=there).launch] == [4, 5, 6, 7]


def test_replacement_is_not_limited() -> None:
    run = Run(full(8))
    ended = pool(*(pilot(slot, state=EXITED) for slot in range(8)))
    target = run.decide(pool=ended)
    assert [each.slot for each in target.launch] == list(range(8))
    assert all(each.replaces and each.reason is Reason.REPLACEMENT for each in target.launch)
    assert [each.incarnation for each in target.launch] == list(range(9, 17))


def test_what_stood_empty_for_long_grows_again_slowly() -> None:
    run = Run(full(8))
    drained: dict[str, Any] = {"intent": Intent(mode=Mode.DRAINING, since_unix=0.0)}
    run.decide(pool=pool(), **drained)
    run.decide(after=31.0, pool=pool(), **drained)
    assert len(run.decide().launch) == 4


def test_a_wish_is_repeated_until_its_pilot_was_seen_to_run() -> None:
    run = Run()
    settings = Settings(max_docks="1")
    said = run.decide(settings=settings).launch
    assert run.decide(after=60.0, settings=settings).launch == said
    assert run.decide(settings=settings, pool=pool(pilot(0, 1, CREATED))).launch == said
    assert run.decide(settings=settings, pool=pool(pilot(0, 1))).launch == ()


def test_a_wish_for_a_slot_that_another_pilot_has_is_given_up() -> None:
    run = Run(Memory(wishes=(wish(0, 5),), next_incarnation=6))
    target = run.decide(settings=Settings(max_docks="1"), pool=pool(pilot(0, 3)))
    assert (target.launch, target.withdrawn) == ((), ())


def test_less_room_holds_the_youngest_wishes_back() -> None:
    run = Run(Memory(wishes=(wish(0, 1), wish(1, 2), wish(2, 3)), next_incarnation=4))
    target = run.decide(owner_cpus=6.0)
    assert (target.launch, target.withdrawn, target.want) == ((wish(0, 1), wish(1, 2)), (wish(2, 3),), 2)


def test_a_created_container_takes_its_slot() -> None:
    target = Run().decide(settings=Settings(max_docks="2"), pool=pool(pilot(0, 1, CREATED)))
    assert [each.slot for each in target.launch] == [1]


# Too little room.


def test_after_grace_kill_the_right_number_of_the_youngest_ends_at_once() -> None:
    run = Run(full(8))
    tight: dict[str, Any] = {"owner_cpus": 3.5, "pool": running(8)}
    assert run.decide(**tight).end == ()
    assert run.decide(after=119.0, **tight).end == ()
    target = run.decide(after=1.0, **tight)
    assert [ending.container_id for ending in target.end] == ["c7-8", "c6-7", "c5-6", "c4-5"]
    assert {(ending.reason, ending.at_once) for ending in target.end} == {(Reason.OWNER_CPU, False)}


def test_a_short_spike_ends_nothing() -> None:
    run = Run(full(8))
    for _ in range(10):
        assert run.decide(after=100.0, owner_cpus=8.0, pool=running(8)).end == ()
        assert run.decide(after=2.0, pool=running(8)).end == ()


def test_those_on_their_way_out_count_as_ended_when_more_must_go() -> None:
    run = Run(full(8))
    run.decide(owner_cpus=4.0, pool=running(8))
    run.decide(after=120.0, owner_cpus=4.0, pool=running(8))
    assert len(run.decide(after=500.0, owner_cpus=4.0, pool=running(8)).end) == 4
    run.decide(owner_cpus=6.0, pool=running(8))
    target = run.decide(after=120.0, owner_cpus=6.0, pool=running(8))
    assert [ending.container_id for ending in target.end] == ["c7-8", "c6-7", "c5-6", "c4-5", "c3-4", "c2-3"]


def test_an_ending_is_repeated_until_the_pilot_has_ended() -> None:
    ending = Ending(container_id="c1-2", name="n", reason=Reason.OWNER_CPU)
    run = Run(Memory(endings=(ending,)))
    assert run.decide(pool=running(2)).end == (ending,)
    assert run.decide(pool=None).end == (ending,)
    assert run.decide(pool=pool(pilot(0), pilot(1, state=EXITED))).end == ()


def test_pilots_beyond_max_docks_are_surplus_and_not_evicted() -> None:
    run = Run(full(8))
    few: dict[str, Any] = {"settings": Settings(max_docks="2", grace_kill=0.0), "pool": running(8)}
    assert {ending.reason for ending in run.decide(**few).end} == {Reason.SURPLUS}
    assert run.memory.evicted_at is None


def test_force_stop_ends_every_container_at_once() -> None:
    everything = pool(pilot(0), pilot(1, state=CREATED), pilot(2, state=EXITED), pilot(3, state=PilotState.PAUSED))
    target = Run().decide(pool=everything, host=None, intent=Intent(mode=Mode.FORCE_STOPPING, since_unix=0.0))
    assert [ending.container_id for ending in target.end] == [each.container_id for each in everything.pilots]
    assert all(ending.at_once and ending.reason is Reason.FORCE_STOP for ending in target.end)


def test_grace_spawn_begins_with_an_eviction_and_ends() -> None:
    run = Run(full(8))
    run.decide(owner_cpus=7.0, pool=running(8))
    assert run.decide(after=120.0, owner_cpus=7.0, pool=running(8)).end
    assert run.decide(after=59.0, pool=running(1)).launch == ()
    assert run.decide(after=1.0, pool=running(1)).launch


# Failing launches.


def test_failures_hold_launches_for_longer_and_longer_and_those_of_one_cause_count_once() -> None:
    memory, now, waits = Memory(), 1000.0, []
    for _ in range(9):
        for _ in range(8):
            memory = launch_failed(memory, now, failed=True)
        waits.append(memory.retry_at - now)
        now = memory.retry_at
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert launch_failed(memory, now, failed=False).launch_failures == 0


# A scheduler that starts anew.


def test_a_new_scheduler_wishes_for_nothing_else() -> None:
    run = Run()
    before = run.decide()
    run.memory = recover(before)
    after = run.decide(after=3.0)
    assert after.launch == before.launch
    assert after.next_incarnation == before.next_incarnation


def test_a_new_scheduler_keeps_the_slots_of_wishes_that_were_held_back() -> None:
    run = Run(Memory(wishes=(wish(0, 7),), next_incarnation=8))
    run.memory = recover(run.decide(pool=None))
    assert run.memory.wishes == (wish(0, 7),)


def test_pilots_that_ended_while_there_was_no_scheduler_are_replaced_at_once() -> None:
    run = Run(full(8))
    run.memory = recover(run.decide(pool=running(8)))
    assert len(run.decide(after=2.0, pool=running(2)).launch) == 6


def test_a_new_scheduler_goes_on_holding_after_an_eviction() -> None:
    run = Run(full(8))
    run.decide(owner_cpus=7.0, pool=running(8))
    run.memory = recover(run.decide(after=120.0, owner_cpus=7.0, pool=running(8)))
    held = run.decide(after=30.0, pool=running(1))
    assert held.launch == ()
    run.memory = recover(held)
    assert run.decide(after=30.0, pool=running(1)).launch == ()
    assert run.decide(after=31.0, pool=running(1)).launch


def test_pilots_that_were_there_before_planctond_are_adopted() -> None:
    run = Run()
    assert run.decide(pool=running(8)).launch == ()
    assert len(run.decide(after=1.0, pool=running(1)).launch) == 7


def test_a_target_holds_for_a_while_and_counts_up() -> None:
    run = Run()
    first, second = run.decide(), run.decide(after=1.0)
    assert second.generation == first.generation + 1
    assert second.valid_until_monotonic == 1001.0 + TARGET_VALID_SECONDS


def test_the_image_that_is_pulled_or_missing_is_told() -> None:
    said = []
    for state in (
        LauncherState(image="busybox", image_id=None, pulling=True),
        LauncherState(image="busybox", image_id=None, detail="can't be pulled: denied"),
    ):
        hold = Run().decide(launcher=state).hold
        said.append(hold.detail if hold else "")
    assert said == ["pulling busybox", "busybox is neither here nor to be had: can't be pulled: denied"]
