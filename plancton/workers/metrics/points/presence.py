"""How many pilots there were over time, as the looks at the pool tell: pure. Moments are monotonic seconds."""

import msgspec

from plancton.common.freshness import POOL_BOUND_SECONDS
from plancton.common.messages import PoolLook
from plancton.common.pilot import PilotState


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """The last look at the pool, and what was summed up to ``at``."""

    up: int | None = None
    """Pilots that run or are suspended; None while nobody can tell."""
    runs: bool | None = None
    """Whether any isn't suspended."""
    said_at: float = 0.0
    at: float = 0.0
    lived_seconds: float | None = None
    """By all pilots together, as far as it was known; None while it never was."""
    ran: bool | None = None
    """Whether any ran at some time since this was asked last."""


def looked(before: Presence, pool: PoolLook | None, at: float) -> Presence:
    """Return the presence after a look, or an attempt at one, that was told at ``at``."""
    summed = passed(before, at)
    if pool is None:
        return msgspec.structs.replace(summed, up=None, runs=None, ran=_either(before.ran, None), said_at=at, at=at)
    running = sum(pilot.state is PilotState.RUNNING for pilot in pool.pilots)
    suspended = sum(pilot.state is PilotState.PAUSED for pilot in pool.pilots)
    return msgspec.structs.replace(
        summed,
        up=running + suspended,
        runs=running > 0,
        ran=_either(before.ran, running > 0),
        said_at=at,
        at=at,
    )


def passed(before: Presence, now: float) -> Presence:
    """Return the presence with the time until ``now`` summed up, as far as the last look is good for."""
    end = min(now, before.said_at + POOL_BOUND_SECONDS)
    if before.up is None or end <= before.at:
        return before
    lived = (before.lived_seconds or 0.0) + before.up * (end - before.at)
    return msgspec.structs.replace(before, at=end, lived_seconds=lived)


def asked(before: Presence, now: float) -> tuple[bool | None, Presence]:
    """Return whether any pilot ran since this was asked last, None where nobody can tell; and what is known on."""
    runs = before.runs if now - before.said_at <= POOL_BOUND_SECONDS else None
    return _either(before.ran, runs), msgspec.structs.replace(before, ran=runs)


def _either(one: bool | None, other: bool | None) -> bool | None:  # noqa: FBT001 - two of three values
    if one or other:
        return True
    return None if one is None or other is None else False
