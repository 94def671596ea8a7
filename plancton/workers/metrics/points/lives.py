"""The lives of pilots, from what the pool last showed of each to the point that tells its end: pure."""

from collections.abc import Mapping

import msgspec

from plancton.common.messages import EndingOutcome, PoolLook
from plancton.common.pilot import ENDED_STATES, Pilot
from plancton.common.points import Point
from plancton.common.series import Exit
from plancton.workers.metrics.points.exits import exit_of
from plancton.workers.metrics.points.stamp import Stamp, point

_MOST_GONE = 256
"""How many pilots are remembered that the pool no longer shows: the word of their end is on its way."""
_CUT_SHORT = frozenset({Exit.EVICTED, Exit.EXPIRED, Exit.STOPPED})


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one pilot."""

    pilot: Pilot
    """As it was last seen, with the last figures that were known."""
    kept_cpu_seconds: float = 0.0
    """CPU time before it began what it is at, as far as it says so itself: that work is done."""


class Lives(msgspec.Struct, frozen=True, kw_only=True):
    """All that is remembered, by container id."""

    there: Mapping[str, Life] = {}
    gone: Mapping[str, Life] = {}
    """Those that went last come last."""


def seen(lives: Lives, pool: PoolLook) -> Lives:
    """Return the lives after a look at the pool; of those that it no longer shows only the last are kept."""
    there: dict[str, Life] = {}
    for pilot in pool.pilots:
        before = lives.there.get(pilot.container_id)
        there[pilot.container_id] = Life(pilot=pilot) if before is None else _lived_on(before, pilot)
    if lives.there.keys() <= there.keys():
        return Lives(there=there, gone=lives.gone)
    left = {key: life for key, life in lives.there.items() if key not in there}
    return Lives(there=there, gone=dict([*lives.gone.items(), *left.items()][-_MOST_GONE:]))


def known(lives: Lives, container_id: str) -> Life | None:
    """Return what is known of this pilot."""
    return lives.there.get(container_id) or lives.gone.get(container_id)


def told(lives: Lives, container_id: str) -> Lives:
    """Return the lives without the one whose end is told. One that the pool still shows goes with the next look."""
    if container_id not in lives.gone:
        return lives
    gone = {key: life for key, life in lives.gone.items() if key != container_id}
    return msgspec.structs.replace(lives, gone=gone)


def lost_core_seconds(end: Exit, life: Life | None) -> float | None:
    """Return the CPU time that was used in vain; None where nobody can tell.

    It is all that the pilot used where it was ended by others, but for what it says itself that it had done. What it
    may have finished after it was asked to end isn't told from work cut short.
    """
    if end not in _CUT_SHORT:
        return 0.0
    if life is None:
        return None
    if life.pilot.safe_to_stop:
        return 0.0
    used = life.pilot.cpu_seconds
    return None if used is None else max(0.0, used - life.kept_cpu_seconds)


def pilot_point(outcome: EndingOutcome, fizzle_seconds: float, life: Life | None, stamp: Stamp) -> Point | None:
    """Return the whole life of a pilot whose container is removed."""
    end = exit_of(outcome, fizzle_seconds)
    pilot = life.pilot if life is not None else None
    return point(
        "pilot",
        stamp,
        {
            "pilot": outcome.name,
            "container": outcome.container_id,
            "image": outcome.image_id or None,
            "exit_code": outcome.exit_code if outcome.started else None,
            "uptime_seconds": outcome.uptime_seconds if outcome.started else 0.0,
            "cpu_seconds": pilot.cpu_seconds if pilot else None,
            "lost_core_seconds": lost_core_seconds(end, life),
            "peak_memory_bytes": pilot.memory_peak_bytes if pilot else None,
            "oom_killed": float(outcome.oom_killed),
        },
        exit=end.value,
        reason=outcome.reason.value,
    )


def _lived_on(before: Life, pilot: Pilot) -> Life:
    last = before.pilot
    changes: dict[str, object] = {}
    if pilot.cpu_seconds is None:
        changes["cpu_seconds"] = last.cpu_seconds
    if last.memory_peak_bytes is not None:
        changes["memory_peak_bytes"] = max(last.memory_peak_bytes, pilot.memory_peak_bytes or 0)
    if pilot.state in ENDED_STATES:
        # Its last word is what it said while it lived.
        changes |= {"busy_since_unix": last.busy_since_unix, "safe_to_stop": last.safe_to_stop}
    kept = before.kept_cpu_seconds
    if pilot.state not in ENDED_STATES and pilot.busy_since_unix not in {None, last.busy_since_unix}:
        kept = last.cpu_seconds or kept
    return Life(pilot=msgspec.structs.replace(pilot, **changes) if changes else pilot, kept_cpu_seconds=kept)
