"""Slots: which are taken, and which wishes are open."""

import pytest

from plancton.common.pilot import PilotState
from plancton.common.policy import slots
from plancton.common.policy.slots import census
from plancton.common.reasons import Reason
from tests.support.facts import CREATED, EXITED, RUNNING, pilot, wish


@pytest.mark.parametrize("state", list(PilotState))
def test_whatever_has_not_ended_takes_its_slot(state: PilotState) -> None:
    look = census((pilot(0, state=state),))
    lives = state not in {EXITED, PilotState.DEAD}
    assert (bool(look.alive), bool(look.holders), bool(look.ended)) == (lives, lives, not lives)


@pytest.mark.parametrize("state", list(PilotState))
def test_a_wish_is_open_until_its_pilot_was_seen_after_its_start(state: PilotState) -> None:
    assert bool(slots.unmet([wish(0, 1)], census((pilot(0, 1, state),)))) is (state is CREATED)


@pytest.mark.parametrize(("state", "is_open"), [(RUNNING, False), (CREATED, False), (EXITED, True)])
def test_a_wish_for_a_slot_that_another_has_is_not_open(state: PilotState, *, is_open: bool) -> None:
    assert bool(slots.unmet([wish(0, 2)], census((pilot(0, 1, state),)))) is is_open


def test_a_wish_and_its_container_count_once() -> None:
    there = census((pilot(0), pilot(1, 2, CREATED), pilot(2, state=EXITED)))
    assert slots.present(there, (wish(1, 2), wish(3, 4))) == 3


def test_new_wishes_take_the_lowest_free_slots_and_fresh_incarnations() -> None:
    there = census((pilot(0), pilot(2, state=EXITED), pilot(4)))
    reasons = [(Reason.REPLACEMENT, "a"), (Reason.ROOM, "b"), (Reason.ROOM, "b")]
    made = slots.new_wishes(reasons, there, [wish(1, 7)], 8)
    assert [(each.slot, each.incarnation, each.replaces, each.detail) for each in made] == [
        (2, 8, True, "a"),
        (3, 9, False, "b"),
        (5, 10, False, "b"),
    ]


def test_the_latest_incarnation_is_of_all_that_somebody_gave_out() -> None:
    assert census(()).latest == 0
    assert census((pilot(0, 7, EXITED), pilot(1, 3))).latest == 7
    assert census((pilot(0, 10**17), pilot(1, 3))).latest == 3


def test_one_wish_is_taken_out_of_many() -> None:
    assert slots.without([wish(0, 1), wish(1, 2)], 0, 1) == (wish(1, 2),)
