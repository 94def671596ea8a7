"""The verb that tells why: the present decision with its inputs, or a pilot's life from the journal."""

import time
from collections.abc import Iterator
from typing import Any, NoReturn

import click
import msgspec

from plancton.cli import contact
from plancton.cli.contact import NotRunning, Refused, Trouble, Unreachable, request, understood
from plancton.cli.life import Life, matching, of_pilot, tell
from plancton.cli.reasoning import reasoning
from plancton.cli.safeguards import counted
from plancton.cli.status import EXIT_NOT_RUNNING, EXIT_UNKNOWN
from plancton.cli.wording import clean
from plancton.common.declarations import DECLARATIONS
from plancton.common.journal import Unread, directory_below, read
from plancton.common.journal_entries import Entry
from plancton.common.paths import Paths
from plancton.common.pilot import Pilot
from plancton.common.requests import ShowSettings
from plancton.common.settings import Settings
from plancton.common.status import StatusReport

_PUBLIC = frozenset(name for name, declaration in DECLARATIONS.items() if not declaration.secret)
_SHOWN = 5
"""How many pilots an answer names that isn't about one."""


class _InForce(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to ShowSettings."""

    settings: dict[str, Any]


class _Notes:
    """What of the journal couldn't be read, once each."""

    def __init__(self) -> None:
        self.unread: dict[str, Unread] = {}

    def entries(self, paths: Paths) -> Iterator[Entry]:
        """Yield the journal's entries."""
        for each in read(directory_below(paths.state)):
            if isinstance(each, Unread):
                self.unread[each.what] = each
            else:
                yield each


@click.command()
@click.argument("pilot", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print what the answer is made of as JSON.")
@click.pass_obj
def why(paths: Paths, *, pilot: str | None, as_json: bool) -> None:
    """Tell why so many pilots run and no more, or why PILOT was started, suspended and ended.

    PILOT is a pilot's name, its last numbers (12 or 3-12), or the beginning of its container's id; its life is told
    from the journal, also while planctond is down. Exits as status does, and with 1 where no such pilot is known.
    """
    if pilot is None:
        _decision(paths, as_json=as_json)
    else:
        _pilot(paths, pilot, as_json=as_json)


def _decision(paths: Paths, *, as_json: bool) -> None:
    try:
        report = contact.status(paths)
        public = public_settings(paths)
        settings = understood(public, Settings)
    except NotRunning as trouble:
        click.echo(trouble.message, err=as_json)
        raise SystemExit(EXIT_NOT_RUNNING) from None
    except (Unreachable, Refused) as trouble:
        trouble.show()
        raise SystemExit(EXIT_UNKNOWN) from None
    if as_json:
        _print_json(_inputs(report, public))
        return
    for line in reasoning(report, settings):
        click.echo(line)


def public_settings(paths: Paths, seconds: float | None = None) -> dict[str, Any]:
    """Return the settings in force, without those that hold passwords, on which nothing is decided.

    Raises as ``request`` does.
    """
    shown = understood(request(paths, ShowSettings(), seconds), _InForce).settings
    return {name: value for name, value in shown.items() if name in _PUBLIC}


def _inputs(report: StatusReport, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what the decision is made of, as planctond tells it."""
    plain: dict[str, Any] = msgspec.to_builtins(report)
    numbers = counted(report)
    left_out = {"version", "instance", "pid", "started_unix", "ready", "engine_url", "config", "processes", "counters"}
    return {
        "running": None if numbers is None else numbers[0],
        "suspended": None if numbers is None else numbers[1],
        **{name: value for name, value in plain.items() if name not in left_out | {"pool"}},
        "settings": settings,
    }


def _pilot(paths: Paths, wanted: str, *, as_json: bool) -> None:
    present, absence = _present(paths)
    notes = _Notes()
    known: dict[str, str] = {}
    for entry in notes.entries(paths):
        if entry.pilot:
            # Put at the end anew, so that the last ones are those last heard of.
            former = known.pop(entry.pilot, "")
            known[entry.pilot] = entry.container_id or former
    known |= {name: pilot.container_id for name, pilot in present.items()}
    found = matching(wanted, known)
    if len(found) != 1:
        _not_one(wanted, found, known, notes)
    (name,) = found
    life = Life(
        name=name,
        container_id=known[name],
        present=present.get(name),
        absence=absence or "it is gone",
        entries=of_pilot(notes.entries(paths), name),
    )
    if as_json:
        _print_json({**msgspec.to_builtins(life), "unread": msgspec.to_builtins(tuple(notes.unread.values()))})
        return
    _show(notes)
    for line in tell(life, time.time()):
        click.echo(line)


def _present(paths: Paths) -> tuple[dict[str, Pilot], str]:
    """Return the pilots that planctond sees, by name; where it sees none, also why."""
    try:
        report = contact.status(paths)
    except Trouble as trouble:
        return {}, f"whether it still runs isn't known: {trouble.message}"
    if report.pool is None:
        return {}, "whether it still runs isn't known: the engine can't be asked"
    return {pilot.name: pilot for pilot in report.pool.pilots}, ""


def _not_one(wanted: str, found: tuple[str, ...], known: dict[str, str], notes: _Notes) -> NoReturn:
    """Say that no pilot or more than one is meant."""
    _show(notes)
    if found:
        message = f"{clean(wanted)!r} may be any of {len(found)} pilots: {_named(found)}"
        raise Trouble(message)
    if notes.unread and not known:
        raise SystemExit(EXIT_UNKNOWN)
    last = f"the last pilots: {_named(tuple(known))}" if known else "the journal tells of no pilot yet"
    message = f"no pilot {clean(wanted)!r} is known; {last}"
    raise Trouble(message)


def _named(pilots: tuple[str, ...]) -> str:
    return ", ".join(map(clean, pilots[-_SHOWN:]))


def _show(notes: _Notes) -> None:
    for unread in notes.unread.values():
        click.echo(
            f"planctonctl: the journal can't be read in full: {clean(unread.what)}: {clean(unread.why)}", err=True
        )


def _print_json(value: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))
