"""Slots: which are taken, which wishes are open, and who goes first."""

import pytest

from plancton.common.pilot import PilotState
from plancton.common.policy import slots
from tests.support.facts import CREATED, EXITED, RUNNING, pilot, wish


@pytest.mark.parametrize("state", list(PilotState))
def test_whatever_has_not_ended_takes_its_slot(state: PilotState) -> None:
    assert bool(slots.alive([pilot(0, state=state)])) is (state not in {EXITED, PilotState.DEAD})


@pytest.mark.parametrize("state", list(PilotState))
def test_a_wish_is_open_until_its_pilot_was_seen_after_its_start(state: PilotState) -> None:
    assert bool(slots.unmet([wish(0, 1)], [pilot(0, 1, state)])) is (state is CREATED)


@pytest.mark.parametrize(("state", "is_open"), [(RUNNING, False), (CREATED, False), (EXITED, True)])
def test_a_wish_for_a_slot_that_another_has_is_not_open(state: PilotState, *, is_open: bool) -> None:
    assert bool(slots.unmet([wish(0, 2)], [pilot(0, 1, state)])) is is_open


def test_a_wish_and_its_container_count_once() -> None:
    there = (pilot(0), pilot(1, 2, CREATED), pilot(2, state=EXITED))
    assert slots.present(there, (wish(1, 2), wish(3, 4))) == 3


def test_new_wishes_take_the_lowest_free_slots_and_fresh_incarnations() -> None:
    there = [pilot(0), pilot(2, state=EXITED), pilot(4)]
    made = slots.new_wishes(3, 1, there, [wish(1, 7)], 8)
    assert [(each.slot, each.incarnation, each.replaces) for each in made] == [
        (2, 8, True),
        (3, 9, False),
        (5, 10, False),
    ]


def test_the_next_incarnation_is_above_all_that_are_known() -> None:
    assert slots.next_incarnation([], 0) == 1
    assert slots.next_incarnation([pilot(0, 7, EXITED)], 3) == 8
    assert slots.next_incarnation([pilot(0, 7)], 30) == 30


def test_those_never_started_go_first_then_the_youngest() -> None:
    there = [
        pilot(0, started_unix=10.0),
        pilot(1, started_unix=30.0),
        pilot(2, started_unix=None, created_unix=20.0),
        pilot(3, state=CREATED, created_unix=5.0),
        pilot(4, state=EXITED),
    ]
    assert [each.slot for each in slots.youngest(there, 9)] == [3, 1, 2, 0]
    assert slots.youngest(there, 0) == slots.youngest(there, -1) == ()
