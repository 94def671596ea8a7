"""The scheduler's decision: growth and replacement, evictions, adoption."""

from typing import Any

from plancton.common.decision import Ending
from plancton.common.messages import Intent, Mode
from plancton.common.pilot import PilotState
from plancton.common.policy.memory import TARGET_VALID_SECONDS, Memory
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from tests.support.decisions import Run, full
from tests.support.facts import CREATED, EXITED, host, pilot, pool, running, wish

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


def test_pilots_that_were_there_before_planctond_are_adopted() -> None:
    run = Run()
    assert run.decide(pool=running(8)).launch == ()
    assert len(run.decide(after=1.0, pool=running(1)).launch) == 7


def test_a_target_holds_for_a_while_and_counts_up() -> None:
    run = Run()
    first, second = run.decide(), run.decide(after=1.0)
    assert second.generation == first.generation + 1
    assert second.valid_until_monotonic == 1001.0 + TARGET_VALID_SECONDS
