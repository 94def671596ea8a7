"""Which slots are taken, and which get a new pilot: pure."""

from collections.abc import Iterable

import msgspec

from plancton.common.decision import Wish
from plancton.common.pilot import ENDED_STATES, Pilot, PilotState
from plancton.common.reasons import Reason

_NEVER_REACHED = 10**15


class Census(msgspec.Struct, frozen=True, kw_only=True):
    """The pilots of one look, counted once for all who ask."""

    alive: tuple[Pilot, ...]
    """Those that run or may still be started; each of them takes its slot."""
    ended: tuple[Pilot, ...]
    holders: dict[int, int]
    """The incarnation of the live pilot in each slot that has one."""
    there: frozenset[tuple[int, int]]
    """Slot and incarnation of all."""
    started: frozenset[tuple[int, int]]
    """Of those that were started; one that is only created isn't yet."""
    latest: int
    """The highest incarnation that anybody gave out; 0 where there is none."""


def census(pilots: tuple[Pilot, ...]) -> Census:
    """Return the census of ``pilots``.

    An incarnation so large that it was never given out doesn't count: names have no room for what comes after it.
    """
    alive = tuple(pilot for pilot in pilots if pilot.state not in ENDED_STATES)
    return Census(
        alive=alive,
        ended=tuple(pilot for pilot in pilots if pilot.state in ENDED_STATES),
        holders={pilot.slot: pilot.incarnation for pilot in alive},
        there=frozenset((pilot.slot, pilot.incarnation) for pilot in pilots),
        started=frozenset((pilot.slot, pilot.incarnation) for pilot in pilots if pilot.state is not PilotState.CREATED),
        latest=max((pilot.incarnation for pilot in pilots if pilot.incarnation < _NEVER_REACHED), default=0),
    )


def unmet(wishes: Iterable[Wish], look: Census) -> tuple[Wish, ...]:
    """Return those of ``wishes`` whose pilot was never seen to run.

    A wish for a slot that another pilot has is none any more.
    """
    return tuple(
        wish
        for wish in wishes
        if (wish.slot, wish.incarnation) not in look.started
        and look.holders.get(wish.slot, wish.incarnation) == wish.incarnation
    )


def unborn(wishes: Iterable[Wish], look: Census) -> tuple[Wish, ...]:
    """Return those of ``wishes`` that no container stands for yet."""
    return tuple(wish for wish in wishes if (wish.slot, wish.incarnation) not in look.there)


def present(look: Census, wishes: Iterable[Wish]) -> int:
    """Return how many pilots there are or are on their way."""
    return len(look.alive) + len(unborn(wishes, look))


def new_wishes(
    reasons: Iterable[tuple[Reason, str]], look: Census, wishes: Iterable[Wish], next_incarnation: int
) -> tuple[Wish, ...]:
    """Return a wish for each of ``reasons`` with its figures, for the lowest free slots."""
    taken = {*look.holders, *(wish.slot for wish in wishes)}
    made: list[Wish] = []
    slot = 0
    for number, (reason, detail) in enumerate(reasons):
        while slot in taken:
            slot += 1
        made.append(
            Wish(
                slot=slot,
                incarnation=next_incarnation + number,
                reason=reason,
                replaces=reason is Reason.REPLACEMENT,
                detail=detail,
            )
        )
        slot += 1
    return tuple(made)


def without(wishes: Iterable[Wish], slot: int, incarnation: int) -> tuple[Wish, ...]:
    """Return the wishes but this one, which can't be fulfilled under its name; its slot is free for another."""
    return tuple(wish for wish in wishes if (wish.slot, wish.incarnation) != (slot, incarnation))
