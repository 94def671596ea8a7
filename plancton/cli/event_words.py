"""The journal's entries as events, each in one line of plain words: pure."""

from collections.abc import Collection

from plancton.cli.life import because, matching, sentence
from plancton.cli.wording import clean, date_and_clock, duration
from plancton.common.journal_entries import Entry, Kind


def line(entry: Entry, now_unix: float) -> str:
    """Return when something happened, to whom, what and why."""
    return f"{date_and_clock(entry.at_unix, now_unix)}  {told(entry, now_unix)}"


def told(entry: Entry, now_unix: float) -> str:
    """Return what happened, to whom, and why."""
    if entry.kind == Kind.HELD:
        until = "" if entry.until_unix is None else f", until {date_and_clock(entry.until_unix, now_unix)}"
        return f"no further pilot is started{because(entry)}{until}"
    if entry.kind == Kind.RELEASED:
        lasted = "" if entry.seconds is None else f" for {duration(entry.seconds)}"
        return f"pilots may be started again; they weren't{lasted}{because(entry)}"
    if entry.kind == Kind.WEIGHT:
        return f"the pilots' weight: {clean(entry.detail)}"
    who = f"{clean(entry.pilot)}: " if entry.pilot else ""
    return f"{who}{sentence(entry)}"


def chosen(entry: Entry, *, since_unix: float, kinds: Collection[str], pilot: str, pilots: Collection[str]) -> bool:
    """Tell whether an entry is asked for.

    ``kinds`` may be empty: any. ``pilot`` is one as ``why`` takes it, or empty: any and none; ``pilots`` are the names
    that it's known to mean.
    """
    if entry.at_unix < since_unix or (kinds and entry.kind not in kinds):
        return False
    if not pilot:
        return True
    return entry.pilot in pilots or bool(entry.pilot and matching(pilot, {entry.pilot: entry.container_id}))
