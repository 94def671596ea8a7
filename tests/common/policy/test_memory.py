"""What a scheduler remembers of the last word of one before it."""

from plancton.common.policy.memory import Memory, recover
from plancton.common.settings import Settings
from tests.support.decisions import Run, full
from tests.support.facts import EXITED, pilot, pool, running, wish


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
    run.memory = recover(run.decide(after=130.0, owner_cpus=7.0, pool=running(8)))
    held = run.decide(after=30.0, pool=running(1))
    assert held.launch == ()
    run.memory = recover(held)
    assert run.decide(after=30.0, pool=running(1)).launch == ()
    assert run.decide(after=31.0, pool=running(1)).launch


def test_a_new_scheduler_goes_on_suspending() -> None:
    run = Run(full(8))
    settings = Settings(max_docks="ncpus", suspend=True)
    before = run.decide(after=8.0, owner_cpus=4.0, pool=running(8), settings=settings)
    assert len(before.suspend) == 4
    run.memory = recover(before)
    assert run.decide(after=2.0, owner_cpus=4.0, pool=running(8), settings=settings).suspend == before.suspend


def test_a_new_scheduler_knows_of_the_fizzles() -> None:
    run = Run(full(3))
    ended = [pilot(slot, state=EXITED, started_unix=6000.0, ended_unix=6001.0) for slot in range(3)]
    run.decide(pool=running(3))
    held = run.decide(after=1.0, pool=pool(*ended))
    assert held.breaker is not None
    run.memory = recover(held)
    again = run.decide(after=0.1, pool=pool(*ended))
    assert (again.launch, again.breaker) == ((), held.breaker)
