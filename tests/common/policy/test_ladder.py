"""The ladder: each rung after its own time, the right number at once, least work lost first."""

from typing import Any

import pytest

from plancton.common.decision import Ending
from plancton.common.messages import Intent, Mode, PoolLook, Target
from plancton.common.pilot import PilotState
from plancton.common.policy.memory import Memory
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from tests.support.decisions import SETTINGS, UNIX, Run, full
from tests.support.facts import GIB, host, pilot, pool, running

SUSPENDING = Settings(max_docks="ncpus", suspend=True)


def ids(target: Target) -> list[str]:
    return [ending.container_id for ending in target.end]


def suspended(target: Target) -> list[str]:
    return [each.container_id for each in target.suspend]


def paused(look: PoolLook, *slots: int) -> PoolLook:
    """Return the pool once these are paused."""
    return pool(*(pilot(p.slot, state=PilotState.PAUSED) if p.slot in slots else p for p in look.pilots))


# Stop.


def test_after_grace_kill_the_right_number_of_those_that_lose_least_ends_at_once() -> None:
    run = Run(full(8))
    tight: dict[str, Any] = {"owner_cpus": 3.8, "pool": running(8)}
    run.decide(pool=running(8))
    assert run.decide(after=2.0, **tight).end == ()
    assert run.decide(after=117.0, **tight).end == ()
    target = run.decide(after=3.0, **tight)
    assert ids(target) == ["c7-8", "c6-7", "c5-6", "c4-5"]
    assert {(ending.reason, ending.at_once) for ending in target.end} == {(Reason.OWNER_CPU, False)}
    assert target.end[0].detail == (
        "the owner has used 3.80 of 8 CPUs or more for 120 s; pilots of 1 that fit: 4; 8 were running"
    )


def test_a_spike_that_is_shorter_ends_nothing_however_often_it_comes() -> None:
    run = Run(full(8))
    for _ in range(10):
        assert run.decide(after=100.0, owner_cpus=8.0, pool=running(8)).end == ()
        assert run.decide(after=10.0, pool=running(8)).end == ()


def test_an_owner_within_the_overlap_costs_no_pilot() -> None:
    run = Run(full(8))
    assert run.decide(after=1000.0, owner_cpus=0.7, pool=running(8)).end == ()
    assert len(run.decide(after=200.0, owner_cpus=0.8, pool=running(8)).end) == 1


def test_the_number_is_that_of_what_lasted_and_not_of_a_spike_at_the_end() -> None:
    run = Run(full(8))
    run.decide(after=118.0, owner_cpus=2.0, pool=running(8))
    assert len(run.decide(after=4.0, owner_cpus=8.0, pool=running(8)).end) == 2


def test_those_on_their_way_out_count_as_ended_when_more_must_go() -> None:
    run = Run(full(8))
    assert len(run.decide(after=130.0, owner_cpus=4.0, pool=running(8)).end) == 4
    assert len(run.decide(after=500.0, owner_cpus=4.0, pool=running(8)).end) == 4
    target = run.decide(after=130.0, owner_cpus=6.0, pool=running(8))
    assert ids(target) == ["c7-8", "c6-7", "c5-6", "c4-5", "c3-4", "c2-3"]


def test_an_ending_is_repeated_until_the_pilot_has_ended() -> None:
    ending = Ending(container_id="c1-2", name="n", reason=Reason.OWNER_CPU)
    run = Run(Memory(endings=(ending,)))
    assert run.decide(pool=running(2)).end == (ending,)
    assert run.decide(pool=None).end == (ending,)
    assert run.decide(pool=pool(pilot(0))).end == ()


def test_pilots_beyond_max_docks_are_surplus_and_not_evicted() -> None:
    run = Run(full(8))
    few: dict[str, Any] = {"settings": Settings(max_docks="2"), "pool": running(8)}
    assert run.decide(after=100.0, **few).end == ()
    target = run.decide(after=30.0, **few)
    assert ({ending.reason for ending in target.end}, len(target.end)) == ({Reason.SURPLUS}, 6)
    assert run.memory.evicted_at is None


@pytest.mark.parametrize("grace", [0.0, 3.0, 10.0, 600.0])
def test_whatever_the_hold_time_the_owner_has_what_was_asked_for_a_look_after_it(grace: float) -> None:
    settings = Settings(max_docks="ncpus", grace_kill=grace)
    run = Run(full(8))
    run.decide(after=60.0, pool=running(8), settings=settings)
    late = grace * (1 + 1 / 64) + 4.0
    assert len(run.decide(after=late, owner_cpus=5.0, pool=running(8), settings=settings).end) == 5


def test_a_demand_that_nobody_watched_all_the_time_ends_nothing_yet() -> None:
    run = Run(full(8))
    run.decide(after=100.0, owner_cpus=5.0, pool=running(8))
    run.decide(after=16.0, host=None, pool=running(8))
    assert run.decide(after=100.0, owner_cpus=5.0, pool=running(8)).end == ()
    assert run.decide(after=30.0, owner_cpus=5.0, pool=running(8)).end


# Suspend.


def test_pilots_are_suspended_first_where_that_is_wanted_and_not_ended_for_the_same_demand() -> None:
    run = Run(full(8))
    run.decide(pool=running(8), settings=SUSPENDING)
    target = run.decide(after=8.0, owner_cpus=3.8, pool=running(8), settings=SUSPENDING)
    assert suspended(target) == ["c7-8", "c6-7", "c5-6", "c4-5"]
    assert {each.reason for each in target.suspend} == {Reason.OWNER_CPU}
    quiet = run.decide(after=500.0, owner_cpus=3.8, pool=paused(running(8), 4, 5, 6, 7), settings=SUSPENDING)
    assert (quiet.suspend, quiet.end, quiet.launch) == (target.suspend, (), ())


def test_nobody_is_suspended_unless_the_owner_of_the_file_says_so() -> None:
    assert Run(full(8)).decide(after=60.0, owner_cpus=8.0, pool=running(8)).suspend == ()


def test_suspended_pilots_go_on_where_there_has_been_room_for_a_while_those_first_that_did_most() -> None:
    run = Run(full(8))
    run.decide(after=8.0, owner_cpus=3.8, pool=running(8), settings=SUSPENDING)
    there = paused(running(8), 4, 5, 6, 7)
    assert len(run.decide(after=8.0, owner_cpus=1.5, pool=there, settings=SUSPENDING).suspend) == 4
    assert suspended(run.decide(after=4.0, owner_cpus=1.5, pool=there, settings=SUSPENDING)) == ["c7-8", "c6-7"]
    assert run.decide(after=14.0, owner_cpus=0.0, pool=paused(running(8), 6, 7), settings=SUSPENDING).suspend == ()


def test_one_that_was_suspended_for_too_long_is_ended() -> None:
    run = Run(full(8))
    run.decide(after=8.0, owner_cpus=7.0, pool=running(8), settings=SUSPENDING)
    there = paused(running(8), *range(1, 8))
    assert run.decide(after=590.0, owner_cpus=7.0, pool=there, settings=SUSPENDING).end == ()
    target = run.decide(after=12.0, owner_cpus=7.0, pool=there, settings=SUSPENDING)
    assert ({ending.reason for ending in target.end}, len(target.end)) == ({Reason.SUSPENDED_TOO_LONG}, 7)
    assert target.suspend == ()


def test_where_memory_is_short_pilots_are_ended_and_none_is_suspended() -> None:
    run = Run(full(8))
    short = host(8, available_bytes=2 * GIB)
    there = pool(*(pilot(slot, anonymous_bytes=GIB) for slot in range(8)))
    target = run.decide(after=8.0, owner_cpus=8.0, host=short, pool=there, settings=SUSPENDING)
    assert target.suspend == ()
    assert ({ending.reason for ending in target.end}, len(target.end)) == ({Reason.OWNER_MEMORY}, 2)


def test_all_go_on_once_suspending_is_no_longer_wanted() -> None:
    run = Run(full(8))
    assert run.decide(after=8.0, owner_cpus=8.0, pool=running(8), settings=SUSPENDING).suspend
    assert run.decide(after=2.0, owner_cpus=8.0, pool=running(8), settings=SETTINGS).suspend == ()


def test_a_drill_suspends_all_until_its_end_and_no_longer() -> None:
    run = Run(full(8))
    drill = Intent(mode=Mode.ACTIVE, since_unix=0.0, drill_until_unix=UNIX + 1010.0)
    assert len(run.decide(after=1.0, pool=running(8), intent=drill).suspend) == 8
    assert len(run.decide(after=8.0, pool=paused(running(8), *range(8)), intent=drill).suspend) == 8
    assert run.decide(after=2.0, pool=paused(running(8), *range(8)), intent=drill).suspend == ()


# Memory.


def test_memory_that_lacks_for_a_moment_ends_nothing_and_for_longer_just_enough() -> None:
    run = Run(full(8))
    there = pool(*(pilot(slot, anonymous_bytes=GIB) for slot in range(8)))
    run.decide(after=10.0, pool=there)
    short = host(8, available_bytes=1 * GIB)
    assert run.decide(after=2.0, host=short, pool=there).end == ()
    target = run.decide(after=4.0, host=short, pool=there)
    assert ids(target) == ["c7-8", "c6-7", "c5-6"]
    assert run.decide(after=60.0, host=short, pool=there).end == target.end, "they will free enough once they're gone"
    more = run.decide(after=2.0, host=host(8, available_bytes=0), pool=there)
    assert len(more.end) == 4


def test_what_was_seen_before_pilots_were_gone_ends_no_more_of_them() -> None:
    run = Run(full(8))
    there = [pilot(slot, anonymous_bytes=GIB) for slot in range(8)]
    short = host(8, available_bytes=1 * GIB)
    run.decide(after=10.0, host=short, pool=pool(*there))
    assert run.decide(after=0.1, host=short, pool=pool(*there[:5])).end == ()
    assert run.decide(after=3.0, host=short, pool=pool(*there[:5])).end == ()
    assert run.decide(after=4.0, host=short, pool=pool(*there[:5])).end


def test_pilots_whose_memory_nobody_knows_go_one_by_one() -> None:
    run = Run(full(8))
    short = host(8, available_bytes=0)
    assert len(run.decide(after=60.0, host=short, pool=running(8)).end) == 1
    assert len(run.decide(after=10.0, host=short, pool=running(7)).end) == 1


# Stalls.


def stalled(kind: str, share: float) -> dict[str, Any]:
    look = host(8, **{kind: share}, pilots_cpus=8.0, available_bytes=6 * GIB)
    return {"host": look, "pool": running(8), "owner_cpus": 0.5}


@pytest.mark.parametrize(
    ("kind", "reason", "grace"),
    [
        ("stall_cpu", Reason.OWNER_STALL_CPU, 120.0),
        ("stall_io", Reason.OWNER_STALL_IO, 120.0),
        ("stall_memory", Reason.OWNER_STALL_MEMORY, 4.0),
    ],
)
def test_a_stall_that_lasts_ends_its_share_of_the_pilots_and_is_measured_anew(
    kind: str, reason: Reason, grace: float
) -> None:
    run = Run(full(8))
    assert run.decide(after=grace - 0.5, **stalled(kind, 0.5)).end == ()
    target = run.decide(after=4.5, **stalled(kind, 0.5))
    assert [ending.reason for ending in target.end] == [reason] * 4
    gone = stalled(kind, 0.5) | {"pool": running(4)}
    assert run.decide(after=grace - 2.0, **gone).end == ()
    assert len(run.decide(after=6.0, **gone).end) == 2


@pytest.mark.parametrize("kind", ["stall_cpu", "stall_io", "stall_memory"])
def test_a_stall_below_its_threshold_or_unknown_or_switched_off_ends_nothing(kind: str) -> None:
    assert Run(full(8)).decide(after=300.0, **stalled(kind, 0.05)).end == ()
    unknown = {"host": host(8, pilots_cpus=8.0, available_bytes=6 * GIB), "pool": running(8)}
    assert Run(full(8)).decide(after=300.0, **unknown).end == ()
    never = Settings(max_docks="ncpus", stall_cpu=0.0, stall_io=0.0, stall_memory=0.0)
    assert Run(full(8)).decide(after=300.0, **stalled(kind, 0.9), settings=never).end == ()


@pytest.mark.parametrize("kind", ["stall_cpu", "stall_io"])
def test_a_stall_suspends_where_that_is_wanted(kind: str) -> None:
    run = Run(full(8))
    target = run.decide(after=8.0, **stalled(kind, 0.5) | {"settings": SUSPENDING})
    assert (len(target.suspend), target.end) == (4, ())
    calm: dict[str, Any] = {"pool": paused(running(8), 4, 5, 6, 7), "settings": SUSPENDING}
    assert len(run.decide(after=50.0, **calm).suspend) == 4
    assert run.decide(after=15.0, **calm).suspend == ()


def test_a_stall_for_want_of_memory_ends_suspended_pilots_too_for_they_keep_theirs() -> None:
    run = Run(full(8))
    run.decide(after=8.0, owner_cpus=8.0, pool=running(8), settings=SUSPENDING)
    there = paused(running(8), *range(8))
    short = host(8, stall_memory=0.5, available_bytes=6 * GIB)
    target = run.decide(after=8.0, owner_cpus=8.0, host=short, pool=there, settings=SUSPENDING)
    assert [ending.reason for ending in target.end] == [Reason.OWNER_STALL_MEMORY] * 4


# Nobody at all.


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"intent": Intent(mode=Mode.ACTIVE, since_unix=0.0, snooze_until_unix=UNIX + 2000.0)},
            Reason.SNOOZED,
        ),
        ({"settings": Settings(windows=("sun",))}, Reason.OUTSIDE_WINDOWS),
        ({"intent": Intent(mode=Mode.DRAINING, since_unix=0.0, drain_deadline_unix=UNIX)}, Reason.DRAIN_DEADLINE),
    ],
)
def test_where_no_pilot_may_run_all_are_ended_with_their_time_to_finish(
    changes: dict[str, Any], reason: Reason
) -> None:
    run = Run(full(8))
    target = run.decide(host=None, pool=running(8), **changes)
    assert {(ending.reason, ending.at_once) for ending in target.end} == {(reason, False)}
    assert (len(target.end), run.memory.evicted_at) == (8, None)
