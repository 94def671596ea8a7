"""What a scheduler remembers: failing launches, and the last word of one before it."""

from plancton.common.policy.memory import Memory, launch_failed, recover
from tests.support.decisions import Run, full
from tests.support.facts import running, wish


def test_failures_hold_launches_for_longer_and_longer_and_those_of_one_cause_count_once() -> None:
    memory, now, waits = Memory(), 1000.0, []
    for _ in range(9):
        for _ in range(8):
            memory = launch_failed(memory, now, failed=True)
        waits.append(memory.retry_at - now)
        now = memory.retry_at
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert launch_failed(memory, now, failed=False).launch_failures == 0


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
