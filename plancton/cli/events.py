"""The verb that tells what was decided and done, from the journal on disk, also while planctond is down."""

import errno
import json
import select
import sys
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, NoReturn

import click
import msgspec

from plancton.cli.contact import Trouble
from plancton.cli.durations import duration_option
from plancton.cli.event_words import chosen, line
from plancton.cli.life import matching
from plancton.cli.status import EXIT_UNKNOWN
from plancton.cli.told_signals import ENDING, Told, told_signals
from plancton.cli.wording import clean
from plancton.common.journal import Tail, Unread, directory_below, read
from plancton.common.journal_entries import Entry, Kind
from plancton.common.paths import Paths

LOOK_SECONDS = 0.5
_SHOWN = 20
"""How many events are told where neither their number nor their time is given."""


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are asked for, and in which form."""

    since_unix: float
    kinds: tuple[str, ...]
    pilot: str
    pilots: frozenset[str]
    most: int | None
    as_json: bool

    def __contains__(self, entry: Entry) -> bool:
        return chosen(entry, since_unix=self.since_unix, kinds=self.kinds, pilot=self.pilot, pilots=self.pilots)


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens from now on, until Ctrl-C.")
@click.option("--since", metavar="DURATION", callback=duration_option, help="Only the last such as 90m, 1h or 2d.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice([kind.value for kind in Kind]),
    help="Only such; may be repeated.",
)
@click.option("--pilot", default="", help="Only those of this pilot, as planctonctl why takes it.")
@click.option("-n", "--lines", type=click.IntRange(min=0), help=f"Only the last so many; {_SHOWN} without --since.")
@click.option("--json", "as_json", is_flag=True, help="Print each event as one line of JSON.")
@click.pass_obj
def events(paths: Paths, /, *, follow: bool, **options: Any) -> None:  # noqa: ANN401 - click's
    """Tell what was decided and done, and why, oldest first: the journal of decisions in plain words.

    The journal is read from disk, so that it can be while planctond is down. Exits with 1 where --pilot is none that
    is known, 4 where the journal can't be read.
    """
    wanted = _wanted(paths, follow=follow, **options)
    tail = Tail(directory_below(paths.state))
    notes = Notes()
    number = 0
    past: deque[Entry] = deque(maxlen=wanted.most)
    for entry in notes.entries(tail):
        number += 1
        if entry in wanted:
            past.append(entry)
    for entry in past:
        _print(entry, wanted)
    if follow:
        with told_signals(*ENDING) as told:
            _follow(tail, notes, wanted, told)
    elif not number and notes.any:
        raise SystemExit(EXIT_UNKNOWN)
    elif not past and not wanted.as_json:
        click.echo("no such event is told" if number else "the journal tells of no event yet", err=True)


class Notes:
    """Says once each on standard error what of the journal can't be read."""

    def __init__(self) -> None:
        self._said: set[Unread] = set()

    @property
    def any(self) -> bool:
        """Whether something couldn't be read."""
        return bool(self._said)

    def entries(self, tail: Tail) -> Iterator[Entry]:
        """Yield what the journal tells from there on."""
        for each in tail.read():
            if isinstance(each, Entry):
                yield each
            elif each not in self._said:
                self._said.add(each)
                what, why = clean(each.what), clean(each.why)
                click.echo(f"planctonctl: the journal can't be read in full: {what}: {why}", err=True)


def _wanted(  # noqa: PLR0913 - one for each option
    paths: Paths,
    *,
    follow: bool,
    since: float | None,
    kinds: tuple[str, ...],
    pilot: str,
    lines: int | None,
    as_json: bool,
) -> _Wanted:
    return _Wanted(
        since_unix=0.0 if since is None else time.time() - since,
        kinds=kinds,
        pilot=pilot,
        pilots=_pilots(paths, pilot, follow=follow) if pilot else frozenset(),
        most=_SHOWN if lines is None and since is None else lines,
        as_json=as_json,
    )


def _pilots(paths: Paths, wanted: str, *, follow: bool) -> frozenset[str]:
    """Return the names of the pilots that ``wanted`` means, of those that the journal knows.

    Raises:
        Trouble: if it's none, unless one may be known later.

    """
    known: dict[str, str] = {}
    problem = None
    for each in read(directory_below(paths.state)):
        if isinstance(each, Unread):
            problem = each
        elif each.pilot:
            known[each.pilot] = each.container_id or known.get(each.pilot, "")
    found = matching(wanted, known)
    if not found and not follow and not (problem and not known):
        _unknown(wanted)
    return frozenset(found)


def _unknown(wanted: str) -> NoReturn:
    message = f"the journal tells of no pilot {clean(wanted)!r}"
    raise Trouble(message)


def _follow(tail: Tail, notes: Notes, wanted: _Wanted, told: Told) -> None:
    """Print what is added, until a signal says that it's enough."""
    while True:
        if _wait(told):
            return
        for entry in notes.entries(tail):
            if entry in wanted:
                _print(entry, wanted)


def _wait(told: Told) -> bool:
    """Wait a moment; tell whether a signal came.

    Raises:
        BrokenPipeError: if nobody reads any more, of which an event that may never come would tell too late.

    """
    poll = select.poll()
    poll.register(told, select.POLLIN)
    poll.register(sys.stdout, 0)
    for descriptor, happened in poll.poll(LOOK_SECONDS * 1000):
        if descriptor != told.fileno() and happened & (select.POLLERR | select.POLLHUP):
            raise BrokenPipeError(errno.EPIPE, "nobody reads any more")
    return bool(told.take())


def _print(entry: Entry, wanted: _Wanted) -> None:
    if wanted.as_json:
        # ASCII: what a pilot said is in it, and there are control characters beyond those that JSON escapes.
        click.echo(json.dumps(msgspec.to_builtins(entry), separators=(",", ":")))
    else:
        click.echo(line(entry, time.time()))
