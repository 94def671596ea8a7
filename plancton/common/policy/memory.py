"""What the scheduler remembers from one decision to the next: pure."""

import msgspec

from plancton.common.decision import Breaker, Ending, Suspension, Wish
from plancton.common.messages import Target
from plancton.common.policy.demand import Demand
from plancton.common.reasons import EVICTIONS, Reason

TARGET_VALID_SECONDS = 15.0
"""How long hands may act on a target. Longer than its repetition, shorter than an owner's patience."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What one decision leaves to the next. Moments are monotonic seconds unless they're named otherwise."""

    generation: int = 0
    next_incarnation: int = 1
    capacity: int = 0
    """The number of pilots that the node has grown to; filling up to here is replacing, not growth."""
    full_at: float = 0.0
    """When that many were last present."""
    grown_at: tuple[float, ...] = ()
    """The moments of the growth that still counts against ``docks_per_loop``."""
    wishes: tuple[Wish, ...] = ()
    """Those whose pilot was never seen, oldest first. One that is held back stays here and keeps its slot: a launch
    under way may fulfil it yet."""
    demand: Demand = Demand()
    surplus_since: float | None = None
    """Since when there are more pilots than ``max_docks`` allows."""
    suspensions: tuple[Suspension, ...] = ()
    endings: tuple[Ending, ...] = ()
    evicted_at: float | None = None
    breaker: Breaker | None = None
    judged: frozenset[str] = frozenset()
    """The ended containers of which it's known whether they fizzled."""
    stream_since: float | None = None
    """The event stream through which the pilots are known; None where all that has ended is nobody's fault."""
    hold_reason: Reason | None = None
    hold_since_unix: float = 0.0


def recover(target: Target) -> Memory:
    """Return what a scheduler remembers that starts after another one which said ``target`` last.

    How long the owner has asked for more isn't in it: it's watched anew.
    """
    said_at = target.valid_until_monotonic - TARGET_VALID_SECONDS
    hold = target.hold
    evicted = any(ending.reason in EVICTIONS for ending in target.end)
    return Memory(
        generation=target.generation,
        next_incarnation=target.next_incarnation,
        capacity=target.capacity,
        full_at=said_at,
        grown_at=(said_at,) * sum(not wish.replaces for wish in target.launch),
        wishes=target.launch + target.withdrawn,
        suspensions=tuple(each for each in target.suspend if each.reason is not Reason.DRILL),
        endings=target.end,
        evicted_at=said_at if evicted or (hold and hold.reason is Reason.AFTER_EVICTION) else None,
        breaker=target.breaker,
        hold_reason=hold.reason if hold else None,
        hold_since_unix=hold.since_unix if hold else 0.0,
    )
