"""Which of the wished pilots to start now: pure."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from plancton.common.decision import Wish
from plancton.common.messages import Target

Key = tuple[int, int]
"""Slot and incarnation."""

WAITING_FOR_EACH_MORE = 4
MOST_ABREAST = 4
"""How many starts that aren't slow are under way at once: one, and one more for each so many that wait, up to this.

Measured on a bridge: a pilot runs soonest if it's started alone, and those started one after the other also end one
after the other; but a few at once start more in a second, which counts where many wait. More than four gain nothing.
"""
SLOW_SECONDS = 1.0
"""A start under way for so long no longer counts against those limits."""
MOST_IN_FLIGHT = 16
"""Starts under way at once, slow ones included."""


def key(wish: Wish) -> Key:
    """Return what tells a wish from another."""
    return wish.slot, wish.incarnation


def wished(target: Target | None, what: Key, now: float) -> bool:
    """Tell whether ``target`` asks for this pilot at ``now``; one that is void asks for nothing."""
    return (
        target is not None and now < target.valid_until_monotonic and any(key(wish) == what for wish in target.launch)
    )


def to_start(
    target: Target | None, in_flight: Mapping[Key, float], settled: AbstractSet[Key], now: float
) -> tuple[Wish, ...]:
    """Return the wishes to start now, replacements first.

    ``in_flight`` are being started, each since a moment in monotonic seconds. ``settled`` were started or failed, which
    the scheduler doesn't know yet. An engine does its starts nearly one after the other, so that several at once only
    delay the first of them; but one that is slow must delay no other.
    """
    if target is None or now >= target.valid_until_monotonic:
        return ()
    open_wishes = [wish for wish in target.launch if key(wish) not in in_flight and key(wish) not in settled]
    replacements_first = sorted(open_wishes, key=lambda wish: not wish.replaces)
    abreast = min(1 + (len(open_wishes) - 1) // WAITING_FOR_EACH_MORE, MOST_ABREAST)
    swift = sum(now - since < SLOW_SECONDS for since in in_flight.values())
    free = min(abreast - swift, MOST_IN_FLIGHT - len(in_flight))
    return tuple(replacements_first[: max(0, free)])
