"""Which of the wished pilots to start now: pure."""

from collections.abc import Set as AbstractSet

from plancton.common.messages import Target, Wish

Key = tuple[int, int]
"""Slot and incarnation."""


def key(wish: Wish) -> Key:
    """Return what tells a wish from another."""
    return wish.slot, wish.incarnation


def wished(target: Target | None, what: Key, now: float) -> bool:
    """Tell whether ``target`` asks for this pilot at ``now``; one that is void asks for nothing."""
    return (
        target is not None and now < target.valid_until_monotonic and any(key(wish) == what for wish in target.launch)
    )


def to_start(
    target: Target | None, in_flight: AbstractSet[Key], settled: AbstractSet[Key], now: float
) -> tuple[Wish, ...]:
    """Return the wishes to start now, replacements first.

    ``in_flight`` are being started. ``settled`` were started or failed, which the scheduler doesn't know yet.
    """
    if target is None or now >= target.valid_until_monotonic:
        return ()
    open_wishes = [wish for wish in target.launch if key(wish) not in in_flight and key(wish) not in settled]
    return tuple(sorted(open_wishes, key=lambda wish: not wish.replaces))
