"""Which slots are taken, which get a new pilot, and which pilots must go: pure."""

from collections.abc import Iterable

from plancton.common.decision import Wish
from plancton.common.pilot import ENDED_STATES, Pilot, PilotState
from plancton.common.reasons import Reason

_NEVER_REACHED = 10**15


def alive(pilots: Iterable[Pilot]) -> tuple[Pilot, ...]:
    """Return the pilots that run or may still be started; each of them takes its slot."""
    return tuple(pilot for pilot in pilots if pilot.state not in ENDED_STATES)


def unmet(wishes: Iterable[Wish], pilots: Iterable[Pilot]) -> tuple[Wish, ...]:
    """Return those of ``wishes`` whose pilot was never seen to run. One that is only created isn't started yet.

    A wish for a slot that another pilot has is none any more.
    """
    there = tuple(pilots)
    seen = {(pilot.slot, pilot.incarnation) for pilot in there if pilot.state is not PilotState.CREATED}
    holder = {pilot.slot: pilot.incarnation for pilot in alive(there)}
    return tuple(
        wish
        for wish in wishes
        if (wish.slot, wish.incarnation) not in seen and holder.get(wish.slot, wish.incarnation) == wish.incarnation
    )


def unborn(wishes: Iterable[Wish], pilots: Iterable[Pilot]) -> tuple[Wish, ...]:
    """Return those of ``wishes`` that no container stands for yet."""
    there = {(pilot.slot, pilot.incarnation) for pilot in pilots}
    return tuple(wish for wish in wishes if (wish.slot, wish.incarnation) not in there)


def present(pilots: tuple[Pilot, ...], wishes: tuple[Wish, ...]) -> int:
    """Return how many pilots there are or are on their way."""
    return len(alive(pilots)) + len(unborn(wishes, pilots))


def new_wishes(
    count: int,
    replacing: int,
    pilots: Iterable[Pilot],
    wishes: Iterable[Wish],
    next_incarnation: int,
) -> tuple[Wish, ...]:
    """Return ``count`` wishes for the lowest free slots; the first ``replacing`` of them replace ended pilots."""
    taken = {pilot.slot for pilot in alive(pilots)} | {wish.slot for wish in wishes}
    made: list[Wish] = []
    slot = 0
    while len(made) < count:
        if slot not in taken:
            replaces = len(made) < replacing
            wish = Wish(
                slot=slot,
                incarnation=next_incarnation + len(made),
                reason=Reason.REPLACEMENT if replaces else Reason.ROOM,
                replaces=replaces,
            )
            made.append(wish)
        slot += 1
    return tuple(made)


def next_incarnation(pilots: Iterable[Pilot], known: int) -> int:
    """Return the first incarnation number not below ``known`` and above all that exist.

    One so large that it was never given out doesn't count: names have no room for what comes after it.
    """
    return max(known, 1, *(pilot.incarnation + 1 for pilot in pilots if pilot.incarnation < _NEVER_REACHED))


def without(wishes: Iterable[Wish], slot: int, incarnation: int) -> tuple[Wish, ...]:
    """Return the wishes but this one, which can't be fulfilled under its name; its slot is free for another."""
    return tuple(wish for wish in wishes if (wish.slot, wish.incarnation) != (slot, incarnation))


def youngest(pilots: Iterable[Pilot], count: int) -> tuple[Pilot, ...]:
    """Return the ``count`` pilots that lose least work when ended: never started ones, then the youngest."""
    order = sorted(
        alive(pilots),
        key=lambda pilot: (pilot.state is PilotState.CREATED, pilot.started_unix or pilot.created_unix, pilot.slot),
        reverse=True,
    )
    return tuple(order[: max(0, count)])
