"""What the scheduler knows and what it remembers from one decision to the next: pure."""

import msgspec

from plancton.common.decision import Ending, Wish
from plancton.common.messages import HostLook, Intent, LauncherState, PoolLook, PoolUnknown, Target
from plancton.common.reasons import Reason
from plancton.common.settings import Settings

TARGET_VALID_SECONDS = 15.0
"""How long hands may act on a target. Longer than its repetition, shorter than an owner's patience."""
_LONGEST_RETRY_SECONDS = 60.0
EVICTIONS = frozenset({Reason.OWNER_CPU, Reason.OWNER_MEMORY})
"""Endings for these reasons are the owner's doing."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known now. None means unknown or too old to be relied on, never zero."""

    settings: Settings | None = None
    intent: Intent | None = None
    host: HostLook | None = None
    owner_cpus: float | None = None
    """Smoothed; None while the pilots' own use is unknown."""
    pool: PoolLook | None = None
    pool_unknown: PoolUnknown | None = None
    launcher: LauncherState | None = None


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What one decision leaves to the next. Moments are monotonic seconds."""

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
    pressed_since: float | None = None
    """Since when there are more pilots than room."""
    endings: tuple[Ending, ...] = ()
    evicted_at: float | None = None
    launch_failures: int = 0
    """In a row."""
    retry_at: float = 0.0
    hold_reason: Reason | None = None
    hold_since_unix: float = 0.0


def recover(target: Target) -> Memory:
    """Return what a scheduler remembers that starts after another one which said ``target`` last."""
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
        endings=target.end,
        evicted_at=said_at if evicted or (hold and hold.reason is Reason.AFTER_EVICTION) else None,
        hold_reason=hold.reason if hold else None,
        hold_since_unix=hold.since_unix if hold else 0.0,
    )


def launch_failed(memory: Memory, now: float, *, failed: bool) -> Memory:
    """Return the memory after a launch ended: failures in a row hold further launches for longer and longer."""
    if not failed:
        return msgspec.structs.replace(memory, launch_failures=0, retry_at=0.0)
    if now < memory.retry_at:
        # It was under way when the one before failed: several of one cause are one failure.
        return memory
    failures = memory.launch_failures + 1
    delay = min(2.0 ** min(failures - 1, 10), _LONGEST_RETRY_SECONDS)
    return msgspec.structs.replace(memory, launch_failures=failures, retry_at=now + delay)
