"""The scheduler's decision: growth and replacement, evictions, adoption."""

from typing import Any

import msgspec

from plancton.common.messages import Intent, Mode
from plancton.common.pilot import PilotState
from plancton.common.policy.memory import TARGET_VALID_SECONDS, Memory
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from tests.support.decisions import UNIX, Run, full
from tests.support.facts import CREATED, EXITED, GIB, host, pilot, pool, running, wish

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


def test_a_node_that_was_full_for_long_is_refilled_at_once() -> None:
    run = Run(full(8))
    run.decide(after=200.0, pool=running(8))
    ended = pool(*(pilot(slot, state=EXITED) for slot in range(8)))
    assert len(run.decide(after=1.0, pool=ended).launch) == 8


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


# The operator's and the owner's word.


def test_a_drained_node_wants_none_and_one_that_is_held_what_it_has() -> None:
    drained = Intent(mode=Mode.DRAINING, since_unix=0.0)
    assert Run(full(3)).decide(pool=running(3), intent=drained).want == 0
    assert Run(full(3)).decide(pool=running(3), launcher=None).want == 3


def test_force_stop_ends_every_container_at_once() -> None:
    everything = pool(pilot(0), pilot(1, state=CREATED), pilot(2, state=EXITED), pilot(3, state=PilotState.PAUSED))
    target = Run().decide(pool=everything, host=None, intent=Intent(mode=Mode.FORCE_STOPPING, since_unix=0.0))
    assert [ending.container_id for ending in target.end] == [each.container_id for each in everything.pilots]
    assert all(ending.at_once and ending.reason is Reason.FORCE_STOP for ending in target.end)


def test_grace_spawn_begins_with_an_eviction_and_ends() -> None:
    run = Run(full(8))
    assert run.decide(after=130.0, owner_cpus=7.0, pool=running(8)).end
    assert run.decide(after=50.0, pool=running(1)).launch == ()
    assert run.decide(after=20.0, pool=running(1)).launch


def test_an_end_that_is_nobodys_doing_holds_nothing() -> None:
    run = Run(full(8))
    run.decide(pool=running(8))
    assert len(run.decide(after=0.1, pool=running(5)).launch) == 3


def test_all_that_must_have_ended_by_a_moment_is_told_when() -> None:
    run = Run()
    assert run.decide().deadline_unix is None
    drained = Intent(mode=Mode.DRAINING, since_unix=0.0, drain_deadline_unix=UNIX + 5000.0)
    assert run.decide(intent=drained).deadline_unix == UNIX + 5000.0
    windows = Settings(windows=("mon 00:00-01:00",))
    assert run.decide(settings=windows).deadline_unix == UNIX + 1000.0 + 3600.0
    assert run.decide(settings=windows, intent=drained).deadline_unix == UNIX + 1000.0 + 3600.0
    assert run.decide(intent=msgspec.structs.replace(drained, mode=Mode.ACTIVE)).deadline_unix is None


def test_memory_that_young_pilots_may_still_take_is_given_to_nobody_else() -> None:
    run = Run()
    settings = Settings(max_docks="ncpus", max_dock_mem=GIB, docks_per_loop=100)
    tight = host(8, ram_bytes=20 * GIB, available_bytes=5 * GIB)
    assert len(run.decide(settings=settings, host=tight).launch) == 4
    young = pool(*(pilot(slot, started_unix=UNIX + 1000.0, memory_bytes=0) for slot in range(4)))
    assert run.decide(after=2.0, settings=settings, host=tight, pool=young).launch == ()
    grown = pool(*(pilot(slot, started_unix=UNIX + 1000.0, memory_bytes=GIB // 2) for slot in range(4)))
    assert len(run.decide(settings=settings, host=tight, pool=grown).launch) == 2
    run = Run()
    old = pool(*(pilot(slot, started_unix=UNIX + 900.0, memory_bytes=0) for slot in range(4)))
    assert len(run.decide(settings=settings, host=tight, pool=old).launch) == 4


def test_a_dip_of_the_owners_starts_nothing_and_room_that_lasts_does() -> None:
    run = Run()
    run.decide(owner_cpus=8.0)
    assert run.decide(after=9.0, owner_cpus=0.0).launch == ()
    run.decide(after=2.0, owner_cpus=8.0)
    assert run.decide(after=9.0, owner_cpus=0.0).launch == ()
    assert len(run.decide(after=4.0, owner_cpus=0.0).launch) == 4


def test_a_pilot_that_ends_while_the_owner_comes_is_not_replaced() -> None:
    run = Run(full(8))
    run.decide(pool=running(8))
    assert run.decide(after=2.0, owner_cpus=3.0, pool=running(7)).launch == ()
    assert len(run.decide(owner_cpus=3.0, pool=running(4)).launch) == 1


def test_each_wish_says_on_which_figures_it_stands() -> None:
    wish_made = Run().decide(owner_cpus=2.0).launch[0]
    assert wish_made.detail == "the owner uses at most 2.00 of 8 CPUs; pilots that fit: 6"


def test_pilots_that_were_there_before_planctond_are_adopted() -> None:
    run = Run()
    assert run.decide(pool=running(8)).launch == ()
    assert len(run.decide(after=1.0, pool=running(1)).launch) == 7


def test_a_target_holds_for_a_while_and_counts_up() -> None:
    run = Run()
    first, second = run.decide(), run.decide(after=1.0)
    assert second.generation == first.generation + 1
    assert second.valid_until_monotonic == 1001.0 + TARGET_VALID_SECONDS
