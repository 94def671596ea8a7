"""Which pilots give way first, so that least work is lost: pure."""

from collections.abc import Iterable

from plancton.common.pilot import Pilot, PilotState

_LEAST_SECONDS = 1.0
"""So that among pilots that lose nothing the larger go first where memory is short."""


def lost_seconds(pilot: Pilot, now_unix: float) -> float:
    """Return the seconds of work that are lost if the pilot is ended now.

    A pilot's own word counts: what is safe to stop loses nothing, what is busy since a moment only what came after it.
    Of a pilot that says nothing, all that it did since its start is lost.
    """
    if pilot.safe_to_stop or pilot.state is PilotState.CREATED:
        return 0.0
    begun = pilot.begun_unix
    if pilot.busy_since_unix is not None:
        begun = max(begun, pilot.busy_since_unix)
    return max(0.0, now_unix - begun)


def least_lost(pilots: Iterable[Pilot], count: int, now_unix: float) -> tuple[Pilot, ...]:
    """Return ``count`` pilots, those first that lose least work; never started ones before all others."""
    if count <= 0:
        return ()
    return tuple(sorted(pilots, key=lambda pilot: _order(pilot, now_unix))[:count])


def most_lost(pilots: Iterable[Pilot], count: int, now_unix: float) -> tuple[Pilot, ...]:
    """Return ``count`` pilots, those first that would lose most work."""
    if count <= 0:
        return ()
    return tuple(sorted(pilots, key=lambda pilot: _order(pilot, now_unix), reverse=True)[:count])


def least_lost_for_memory(pilots: Iterable[Pilot], wanted_bytes: float, now_unix: float) -> tuple[Pilot, ...]:
    """Return pilots whose end makes ``wanted_bytes`` available, as far as that can be, with little work lost.

    Those go first that lose least work for each byte. A pilot whose memory isn't known counts as one that frees
    nothing; it goes only after all others, and one by one.
    """
    known = [pilot for pilot in pilots if pilot.anonymous_bytes]
    ranked = sorted(known, key=lambda pilot: (_for_each_byte(pilot, now_unix), *_order(pilot, now_unix)))
    chosen: list[Pilot] = []
    freed = 0.0
    for pilot in ranked:
        if freed >= wanted_bytes:
            break
        chosen.append(pilot)
        freed += pilot.anonymous_bytes or 0
    if not chosen and wanted_bytes > 0:
        return least_lost(pilots, 1, now_unix)
    return tuple(chosen)


def _for_each_byte(pilot: Pilot, now_unix: float) -> float:
    return (lost_seconds(pilot, now_unix) + _LEAST_SECONDS) / max(1, pilot.anonymous_bytes or 0)


def _order(pilot: Pilot, now_unix: float) -> tuple[bool, float, float, int]:
    return pilot.state is not PilotState.CREATED, lost_seconds(pilot, now_unix), -pilot.begun_unix, -pilot.slot
