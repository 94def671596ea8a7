"""What the operator wants, as requests and marker files say it: pure."""

import math
from datetime import UTC, datetime

import msgspec

from plancton.common.markers import Markers, Terms, is_moment, is_reason
from plancton.common.messages import Intent, LauncherState, Mode, PoolLook, Target
from plancton.common.pilot import ENDED_STATES
from plancton.common.reasons import Reason
from plancton.common.requests import Drain, Request, Resume, Snooze, Stop

_LONGEST_SECONDS = 10 * 366 * 86_400.0
"""Who snoozes for longer than ten years has mistaken a unit."""
_LATE_SECONDS = 60.0
"""A deadline may have passed while its request was on its way."""


def mode_of(markers: Markers) -> Mode:
    """Return the mode that the markers ask for. ``stop`` says when to exit, so it drains even without ``drain``."""
    if markers.force_stop:
        return Mode.FORCE_STOPPING
    if markers.stop is not None:
        return Mode.DRAIN_STOPPING
    if markers.drain is not None:
        return Mode.DRAINING
    return Mode.ACTIVE


def refusal(request: Request, now_unix: float) -> str:
    """Return why a request makes no sense at ``now_unix``; empty where it does."""
    match request:
        case Drain(reason=reason) if not is_reason(reason):
            return "a reason is one line of printable text"
        case Drain(deadline_unix=float() as deadline):
            return _not_ahead("deadline", deadline, now_unix, _LATE_SECONDS)
        case Snooze(until_unix=float() as until):
            return _not_ahead("end of the snooze", until, now_unix, 0.0)
    return ""


def _not_ahead(what: str, moment_unix: float, now_unix: float, late: float) -> str:
    if not is_moment(moment_unix):
        return f"the {what} is no moment: {moment_unix:g}"
    if moment_unix > now_unix + _LONGEST_SECONDS:
        return f"the {what} is more than ten years away"
    return "" if moment_unix > now_unix - late else f"the {what} is past: {date(moment_unix)}"


def markers_asked(request: Request, mode: Mode, markers: Markers) -> Markers:
    """Return the markers that a request asks for in a node of ``mode`` with ``markers``."""
    # A drain that stands by itself; one that is part of a drain-stop goes with it.
    drain = None if mode is Mode.DRAIN_STOPPING else markers.drain
    match request:
        case Drain(stop=False, reason=reason, deadline_unix=deadline):
            terms = Terms(reason=reason, deadline_unix=deadline)
            return Markers(drain=terms, snooze_until_unix=markers.snooze_until_unix)
        case Drain(reason=reason, deadline_unix=deadline):
            # It adds to a drain that stands: what isn't said anew still holds.
            before = terms_of(markers)
            terms = Terms(
                reason=reason or before.reason,
                deadline_unix=before.deadline_unix if deadline is None else deadline,
            )
            return Markers(drain=drain, stop=terms, snooze_until_unix=markers.snooze_until_unix)
        case Snooze(until_unix=until):
            whole = None if until is None else float(math.ceil(until))
            return msgspec.structs.replace(markers, snooze_until_unix=whole)
        case Resume():
            return Markers()
        case Stop(force=force):
            return Markers(drain=drain, force_stop=force, snooze_until_unix=markers.snooze_until_unix)
    return markers


def terms_of(markers: Markers) -> Terms:
    """Return the reason and the deadline in force: the stop's own, else those of the drain beside it."""
    drain, stop = markers.drain or Terms(), markers.stop or Terms()
    return Terms(
        reason=stop.reason or drain.reason,
        deadline_unix=drain.deadline_unix if stop.deadline_unix is None else stop.deadline_unix,
    )


def intent_of(markers: Markers, before: Intent, now_unix: float) -> Intent:
    """Return the Intent that the markers ask for at ``now_unix``, where ``before`` was the one until now."""
    mode = mode_of(markers)
    terms = terms_of(markers) if mode in {Mode.DRAINING, Mode.DRAIN_STOPPING} else Terms()
    changed = mode is not before.mode
    # Nobody but the reaper ends pilots: for a forced stop it gets one more life.
    revived = {"reaper"} if changed and mode is Mode.FORCE_STOPPING else set()
    return msgspec.structs.replace(
        before,
        mode=mode,
        since_unix=now_unix if changed else before.since_unix,
        lost_workers=tuple(name for name in before.lost_workers if name not in revived),
        drain_reason=terms.reason,
        drain_deadline_unix=terms.deadline_unix,
        snooze_until_unix=None if snooze_over(markers, now_unix) else markers.snooze_until_unix,
    )


def snooze_over(markers: Markers, now_unix: float) -> bool:
    """Tell whether the markers' snooze, if any, is past."""
    return markers.snooze_until_unix is not None and markers.snooze_until_unix <= now_unix


def news(before: Intent, after: Intent) -> list[str]:
    """Return what the change from one Intent to the next is worth telling."""
    told = []
    if (after.mode, _terms(after)) != (before.mode, _terms(before)):
        reason, deadline = _terms(after)
        why = f": {reason}" if reason else ""
        until = "" if deadline is None else f"; pilots may run until {date(deadline)}"
        told.append(f"mode is now {after.mode}{why}{until}")
    if after.snooze_until_unix != before.snooze_until_unix:
        snoozed = after.snooze_until_unix
        told.append("no longer snoozed" if snoozed is None else f"snoozed until {date(snoozed)}")
    if after.fizzles_cleared_unix != before.fizzles_cleared_unix:
        told.append("what fizzled until now is forgotten")
    drills = [intent.drill_until_unix is not None for intent in (before, after)]
    if drills[0] is not drills[1]:
        told.append("a drill suspends the pilots" if drills[1] else "no drill suspends pilots any more")
    return told


def _terms(intent: Intent) -> tuple[str, float | None]:
    return intent.drain_reason, intent.drain_deadline_unix


def date(moment_unix: float) -> str:
    """Return a moment's local date and time."""
    return datetime.fromtimestamp(moment_unix, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def markers_after(mode: Mode, markers: Markers) -> Markers:
    """Return the markers to leave once planctond has done what ``mode`` asked for.

    A stop that was carried out is forgotten with the drain that was part of it, so that the next start isn't drained;
    a drain that stood before a forced stop stays, and a snooze does in any case.
    """
    drain = None if mode is Mode.DRAIN_STOPPING else markers.drain
    return Markers(drain=drain, snooze_until_unix=markers.snooze_until_unix)


STOPPING_MODES = frozenset({Mode.DRAIN_STOPPING, Mode.FORCE_STOPPING})


def settled(mode: Mode, target: Target | None, launcher: LauncherState | None) -> bool:
    """Tell whether nothing is started any more: the scheduler knows that the node stops, and no start is under way.

    Only a full look at the engine from after that moment can prove that no pilot is left.
    """
    return (
        mode in STOPPING_MODES
        and target is not None
        and target.hold is not None
        and target.hold.reason is Reason.STOPPING
        and not target.launch
        and (launcher is None or launcher.in_flight == 0)
    )


def left(mode: Mode, pool: PoolLook) -> int:
    """Return how many containers ``mode`` has to wait for: live ones, or any after a forced stop."""
    if mode is Mode.FORCE_STOPPING:
        return len(pool.pilots)
    return sum(pilot.state not in ENDED_STATES for pilot in pool.pilots)
