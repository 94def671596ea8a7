"""A pilot's life as the journal tells it: pure."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from plancton.cli import pilot_rows
from plancton.cli.reason_words import words
from plancton.cli.wording import clean, date_and_clock, duration
from plancton.common.journal_entries import Entry, Kind
from plancton.common.messages import Outcome
from plancton.common.pilot import ENDED_STATES, Pilot
from plancton.common.reasons import Reason

_SOON_SECONDS = 3.0
"""A deed that follows its decision within this tells both."""
_DEED_OF: dict[str, str] = {
    Kind.TO_SUSPEND: Kind.SUSPENDED,
    Kind.TO_RESUME: Kind.RESUMED,
    Kind.TO_END: Kind.ASKED_TO_END,
}
_ATTEMPTS: dict[str, str] = {
    Kind.LAUNCH_FAILED: "started",
    Kind.SUSPENDED: "suspended",
    Kind.RESUMED: "resumed",
    Kind.ASKED_TO_END: "asked to end",
    Kind.KILLED: "killed",
    Kind.REMOVED: "removed",
}
_DONE: dict[str, str] = {
    Kind.TO_SUSPEND: "is to be suspended",
    Kind.TO_RESUME: "is to go on",
    Kind.TO_END: "is to end",
    Kind.LAUNCHED: "started",
    Kind.SUSPENDED: "suspended",
    Kind.RESUMED: "goes on",
    Kind.ASKED_TO_END: "asked to end by SIGTERM",
    Kind.KILLED: "killed by SIGKILL",
}


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one pilot."""

    name: str
    container_id: str = ""
    present: Pilot | None = None
    """As the engine shows it now."""
    absence: str = ""
    """Why ``present`` is None."""
    entries: tuple[Entry, ...] = ()
    """The journal's, oldest first, and where others are missing."""


def matching(wanted: str, known: Mapping[str, str]) -> tuple[str, ...]:
    """Return which of the pilots ``wanted`` means, by their names; ``known`` gives each one's container, or nothing.

    It may be a name, the last numbers of one, or the beginning of a container's id; what comes first in this order and
    fits any pilot counts.
    """
    if not wanted:
        return ()
    for fits in (
        lambda name, container_id: wanted in {name, container_id},
        lambda name, _: name.endswith(f"-{wanted}"),
        lambda _, container_id: container_id.startswith(wanted),
    ):
        found = tuple(name for name, container_id in known.items() if fits(name, container_id))
        if found:
            return found
    return ()


def tell(life: Life, now_unix: float) -> Iterator[str]:
    """Yield the lines of ``planctonctl why PILOT``."""
    container = f", container {clean(life.container_id)[:12]}" if life.container_id else ""
    yield f"{clean(life.name)}{container}: {_present(life, now_unix)}"
    own = [entry for entry in life.entries if entry.kind != Kind.LOST]
    if not own:
        yield "the journal tells nothing of it: it is older, or is yet to be written"
    told: Entry | None = None
    for entry in _without_echoes(life.entries):
        # What was said of the step before needn't be said again.
        again = told is not None and entry.reason == told.reason and entry.figures in {told.figures, ""}
        yield f"{date_and_clock(entry.at_unix, now_unix)}  {sentence(entry, again=again)}"
        told = entry if entry.reason and not again else told
        if entry.output:
            yield "    the last lines of its output:"
            yield from (f"    | {clean(line.expandtabs())}" for line in entry.output.splitlines())


def _present(life: Life, now_unix: float) -> str:
    pilot = life.present
    if pilot is None:
        return "it is gone" if any(map(_is_end, life.entries)) else life.absence
    age = duration(int(pilot_rows.pilot_age(pilot, now_unix)))
    work = pilot_rows.work(pilot, now_unix)
    lived = "after" if pilot.state in ENDED_STATES else "for"
    return f"{pilot_rows.state(pilot)} {lived} {age}" + (f", {work}" if work else "")


def _is_end(entry: Entry) -> bool:
    return entry.kind in {Kind.REMOVED, Kind.FIZZLED} and entry.outcome == Outcome.DONE


def _without_echoes(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Yield the entries but for decisions that were carried out at once."""
    for entry, following in itertools.zip_longest(entries, entries[1:]):
        carried_out = (
            following is not None
            and following.kind == _DEED_OF.get(entry.kind)
            and following.outcome == Outcome.DONE
            and 0.0 <= following.at_unix - entry.at_unix <= _SOON_SECONDS
        )
        if not carried_out:
            yield entry


def sentence(entry: Entry, *, again: bool = False) -> str:
    """Return what an entry tells of its pilot; ``again`` leaves out the reason, which was told before."""
    detail = f": {clean(entry.detail)}" if entry.detail else ""
    if entry.kind == Kind.LOST:
        return f"the journal lacks something here{detail}"
    if entry.kind in {Kind.REMOVED, Kind.FIZZLED} and entry.outcome == Outcome.DONE:
        return _end(entry) + ("" if again or entry.reason == Reason.ENDED else because(entry))
    if entry.kind == Kind.LAUNCH_REFUSED:
        return f"not started{detail}"
    if entry.kind in _ATTEMPTS and entry.outcome != Outcome.DONE:
        return f"couldn't be {_ATTEMPTS[entry.kind]}: {clean(entry.outcome)}{detail}"
    if entry.kind not in _DONE:
        return f"{clean(entry.kind)}{detail}"
    at_once = ", at once" if entry.kind == Kind.TO_END and entry.detail else ""
    took = f" in {entry.seconds:.2f} s" if entry.kind == Kind.LAUNCHED and entry.seconds is not None else ""
    return f"{_DONE[entry.kind]}{at_once}{took}" + ("" if again else because(entry))


def _end(entry: Entry) -> str:
    if not entry.started:
        return "removed; it never ran"
    after = "" if entry.uptime_seconds is None else f" after {duration(entry.uptime_seconds)}"
    code = "" if entry.exit_code is None else f" with exit code {entry.exit_code}"
    how = "was ended" if entry.killed else "ended by itself"
    return f"{'fizzled: it ' if entry.kind == Kind.FIZZLED else ''}{how}{after}{code}, and is removed"


def because(entry: Entry) -> str:
    """Return an entry's reason and figures as a clause that may stand behind its sentence; empty without a reason."""
    if not entry.reason:
        return ""
    figures = f": {clean(entry.figures)}" if entry.figures else ""
    return f", because {clean(words(entry.reason).why)} ({clean(entry.reason)}){figures}"


def of_pilot(entries: Iterable[Entry], name: str) -> tuple[Entry, ...]:
    """Return the entries of one pilot, and those between them that tell of missing ones."""
    kept: list[Entry] = []
    ended = False
    for entry in entries:
        if entry.pilot == name:
            ended = _is_end(entry)
            kept.append(entry)
        elif entry.kind == Kind.LOST and kept and not ended:
            kept.append(entry)
    return tuple(kept)
