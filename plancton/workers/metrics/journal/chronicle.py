"""Which messages become entries of the journal: pure. A wish that is only repeated is no news."""

from collections.abc import Iterator

import msgspec

from plancton.common.decision import Ending, Hold, Suspension
from plancton.common.journal_entries import Entry, Kind
from plancton.common.messages import (
    EndingAction,
    EndingOutcome,
    LauncherState,
    LaunchOutcome,
    Message,
    Outcome,
    PoolLook,
    PoolUnknown,
    Target,
    Weight,
)
from plancton.common.naming import parse_name
from plancton.common.pilot import LIVE_STATES
from plancton.workers.metrics.points.exits import fizzled

_MOST_LINES, _MOST_BYTES = 20, 4096
"""Of a fizzled pilot's output."""
_LAUNCHES = {Outcome.DONE: Kind.LAUNCHED, Outcome.REFUSED: Kind.LAUNCH_REFUSED}
_DEEDS = {
    EndingAction.SUSPENDED: Kind.SUSPENDED,
    EndingAction.RESUMED: Kind.RESUMED,
    EndingAction.TERMINATED: Kind.ASKED_TO_END,
    EndingAction.KILLED: Kind.KILLED,
    EndingAction.REMOVED: Kind.REMOVED,
}


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What was known before a message."""

    hold: Hold | None = None
    suspend: tuple[Suspension, ...] = ()
    end: tuple[Ending, ...] = ()
    weight: Weight | None = None
    pool: PoolLook | None = None
    """None where nobody could look."""


def know(known: Known, message: Message) -> Known:
    """Return what is known after ``message``."""
    match message:
        case Target(hold=hold, suspend=suspend, end=end):
            return msgspec.structs.replace(known, hold=hold, suspend=suspend, end=end)
        case LauncherState(weight=Weight() as weight):
            return msgspec.structs.replace(known, weight=weight)
        case PoolLook() as pool:
            return msgspec.structs.replace(known, pool=pool)
        case PoolUnknown():
            return msgspec.structs.replace(known, pool=None)
        case _:
            return known


def tell(message: Message, known: Known, at_unix: float, fizzle_seconds: float) -> tuple[Entry, ...]:
    """Return what of ``message``, said at ``at_unix``, is news where ``known`` was known before."""
    match message:
        case Target() as target:
            news = (*_hold(target, known.hold, at_unix), *_suspensions(target, known), *_endings(target, known.end))
            return tuple(
                msgspec.structs.replace(entry, at_unix=at_unix, generation=target.generation) for entry in news
            )
        case LauncherState(weight=Weight() as weight) if weight != known.weight:
            return (_weight(weight, at_unix),)
        case LaunchOutcome() as launch:
            return (_launch(launch, at_unix),)
        case EndingOutcome() as ending:
            return (_deed(ending, at_unix, fizzle_seconds),)
        case _:
            return ()


def _hold(target: Target, before: Hold | None, at_unix: float) -> Iterator[Entry]:
    """Tell a hold whose reason is another; its figures change all the time."""
    hold = target.hold
    if hold is not None and (before is None or hold.reason is not before.reason):
        yield Entry(
            at_unix=at_unix, kind=Kind.HELD, reason=hold.reason, figures=hold.detail, until_unix=hold.until_unix
        )
    elif hold is None and before is not None:
        lasted = max(0.0, at_unix - before.since_unix)
        yield Entry(at_unix=at_unix, kind=Kind.RELEASED, reason=before.reason, seconds=lasted)


def _suspensions(target: Target, known: Known) -> Iterator[Entry]:
    before = {each.container_id: each.reason for each in known.suspend}
    for each in target.suspend:
        if before.get(each.container_id) is not each.reason:
            yield _wish(Kind.TO_SUSPEND, each)
    if not before or known.pool is None:
        return
    # One that is to end, or has ended, isn't to go on.
    there = {pilot.container_id for pilot in known.pool.pilots if pilot.state in LIVE_STATES}
    going_on = there - {each.container_id for each in target.suspend} - {each.container_id for each in target.end}
    for each in known.suspend:
        if each.container_id in going_on:
            yield msgspec.structs.replace(_wish(Kind.TO_RESUME, each), reason="", figures="")


def _endings(target: Target, before: tuple[Ending, ...]) -> Iterator[Entry]:
    known = {(each.container_id, each.reason, each.at_once) for each in before}
    for each in target.end:
        if (each.container_id, each.reason, each.at_once) not in known:
            entry = _wish(Kind.TO_END, each)
            yield msgspec.structs.replace(entry, detail="at once") if each.at_once else entry


def _wish(kind: Kind, wish: Suspension | Ending) -> Entry:
    return _named(
        Entry(
            at_unix=0.0,
            kind=kind,
            pilot=wish.name,
            container_id=wish.container_id,
            reason=wish.reason,
            figures=wish.detail,
        )
    )


def _named(entry: Entry) -> Entry:
    name = parse_name(entry.pilot)
    return msgspec.structs.replace(entry, slot=name.slot, incarnation=name.incarnation) if name else entry


def _weight(weight: Weight, at_unix: float) -> Entry:
    in_force = ", ".join(filter(None, (weight.cpu, weight.io))) or "none"
    return Entry(at_unix=at_unix, kind=Kind.WEIGHT, detail="; ".join((in_force, *weight.problems)))


def _launch(launch: LaunchOutcome, at_unix: float) -> Entry:
    return Entry(
        at_unix=at_unix,
        kind=_LAUNCHES.get(launch.outcome, Kind.LAUNCH_FAILED),
        pilot=launch.name,
        slot=launch.slot,
        incarnation=launch.incarnation,
        reason=launch.reason,
        figures=launch.figures,
        detail=launch.detail,
        outcome=launch.outcome,
        seconds=max(0.0, launch.seconds),
    )


def _deed(ending: EndingOutcome, at_unix: float, fizzle_seconds: float) -> Entry:
    has_fizzled = fizzled(ending, fizzle_seconds)
    return _named(
        Entry(
            at_unix=at_unix,
            kind=Kind.FIZZLED if has_fizzled else _DEEDS[ending.action],
            pilot=ending.name,
            container_id=ending.container_id,
            reason=ending.reason,
            figures=ending.figures,
            detail=ending.detail,
            outcome=ending.outcome,
            seconds=max(0.0, ending.seconds),
            uptime_seconds=None if ending.uptime_seconds is None else max(0.0, ending.uptime_seconds),
            started=ending.started,
            killed=ending.killed,
            exit_code=ending.exit_code,
            output=_end_of(ending.output) if has_fizzled else "",
        )
    )


def _end_of(output: str) -> str:
    """Return as much of a pilot's last lines as tells why it couldn't work."""
    lines = "".join(output.splitlines(keepends=True)[-_MOST_LINES:])
    return lines.encode(errors="replace")[-_MOST_BYTES:].decode(errors="ignore")
