"""The verb that tells what was given and what it cost, from the store of points on disk."""

import functools
import heapq
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from plancton.cli import history_forms, history_pilots
from plancton.cli.buckets import edges, size_for
from plancton.cli.contact import Trouble
from plancton.cli.durations import duration_option
from plancton.cli.graph import has_blocks
from plancton.cli.history_figures import Summary
from plancton.cli.history_summary import SERIES as SUMMED
from plancton.cli.history_summary import summarise
from plancton.cli.history_view import columns_of, view
from plancton.cli.history_words import sentences
from plancton.cli.moments import moment
from plancton.cli.pictures import draw_into, picture_option
from plancton.cli.wording import clean, count, date_and_clock
from plancton.common.history import History, HistoryError
from plancton.common.history_schema import store_path
from plancton.common.paths import Paths
from plancton.common.points import Point
from plancton.common.series import SERIES

_PLAIN_COLUMNS = 80
_MOST_BUCKETS = 10_000
_AFTERWARDS_SECONDS = 300.0
"""A point tells of the time before it, so that the end is told by what comes after it."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for."""

    now_unix: float
    since_unix: float
    until_unix: float
    ends_now: bool
    bucket: float | None
    as_json: bool
    as_csv: bool
    picture: Path | None
    pilots: bool
    series: str | None


@click.command()
@click.option("--since", default="1d", show_default=True, metavar="WHEN", help="12h, 7d, or '2026-11-24 10:30'.")
@click.option("--until", metavar="WHEN", help="Likewise. [default: now]")
@click.option("--bucket", metavar="DURATION", callback=duration_option, help="Sum up by this. [default: as fits]")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a line of CSV for each bucket.")
@click.option(
    "--plot",
    "picture",
    metavar="FILE",
    type=click.Path(path_type=Path),
    callback=picture_option,
    help="Draw a .png or .svg too.",
)
@click.option("--pilots", is_flag=True, help="The lives of the pilots that ended, one by one.")
@click.option(
    "--series",
    metavar="NAME",
    type=click.Choice(list(SERIES)),
    help="The points of one series of docs/series.md, as lines of JSON or CSV.",
)
@click.pass_obj
def history(paths: Paths, /, **options: Any) -> None:  # noqa: ANN401 - click's
    """Tell what this machine gave to pilots, and what that cost its owner.

    It is read from planctond's store on disk, so that it can be while planctond is down. Times without a record are
    left blank, and told. Exits with 1 where the store can't be read.
    """
    asked = _asked(**options)
    try:
        with History(store_path(paths.state)) as store:
            answer = _SHOWS[_form(asked)]
            answer(store, asked)
            _tell_unread(store.unread)
    except HistoryError as error:
        raise Trouble(clean(str(error))) from None


def _asked(*, since: str, until: str | None, **others: Any) -> Asked:  # noqa: ANN401 - click's
    now = time.time()
    until_unix = now if until is None else min(now, moment(until, now))
    since_unix = moment(since, now)
    if since_unix >= until_unix:
        message = "--since should be before --until, and in the past"
        raise click.UsageError(message)
    asked = Asked(now_unix=now, since_unix=since_unix, until_unix=until_unix, ends_now=until is None, **others)
    if sum(map(bool, (asked.pilots, asked.series, asked.picture))) > 1 or (asked.as_json and asked.as_csv):
        message = "--pilots, --series and --plot exclude each other, and so do --json and --csv"
        raise click.UsageError(message)
    if asked.bucket is not None and (until_unix - since_unix) / asked.bucket > _MOST_BUCKETS:
        message = f"that makes more than {_MOST_BUCKETS} buckets"
        raise click.UsageError(message)
    return asked


def _form(asked: Asked) -> str:
    return "pilots" if asked.pilots else "series" if asked.series else "summary"


def _show_summary(store: History, asked: Asked) -> None:
    width = _PLAIN_COLUMNS
    if sys.stdout.isatty() and not (asked.as_json or asked.as_csv):
        width = shutil.get_terminal_size((_PLAIN_COLUMNS, 24)).columns
    since, until = asked.since_unix, asked.until_unix
    size = asked.bucket or size_for(since, until, columns_of(width))
    summary = summarise(_points(store, since, until), edges(since, until, size))
    if asked.picture is not None:
        draw_into(asked.picture, functools.partial(_drawing, summary, asked))
    if asked.as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(history_forms.plain(summary, store.unread)), indent=2))
    elif asked.as_csv:
        for text in history_forms.csv_lines(summary):
            click.echo(text)
    else:
        _print(summary, asked, width)
        if not summary.total.recorded_seconds:
            _tell_extent(store, asked.now_unix)


def _points(store: History, since: float, until: float) -> Iterator[Point]:
    streams = [store.points(name, since, until + _AFTERWARDS_SECONDS) for name in SUMMED]
    return heapq.merge(*streams, key=lambda point: point.time_unix_ns)


def _print(summary: Summary, asked: Asked, width: int) -> None:
    ascii_only = not has_blocks(sys.stdout.encoding)
    coloured = "NO_COLOR" not in os.environ and os.environ.get("TERM", "dumb") not in {"dumb", "unknown", ""}
    for line in view(summary, now_unix=asked.now_unix, ends_now=asked.ends_now, width=width, ascii_only=ascii_only):
        # Where the output is no terminal, click leaves colours out.
        click.echo(click.style(line.text, fg=line.colour) if line.colour and coloured else line.text)


def _tell_extent(store: History, now_unix: float) -> None:
    """Say of which time there is a record."""
    facts = store.facts().get("given") or store.facts().get("daemon")
    if facts is None:
        click.echo("The store has no record yet.", err=True)
        return
    begun, ended = (date_and_clock(unix, now_unix) for unix in (facts.oldest_unix, facts.newest_unix))
    click.echo(f"There is a record from {begun} to {ended}.", err=True)


def _show_pilots(store: History, asked: Asked) -> None:
    lives = [history_pilots.ended(point) for point in store.points("pilot", asked.since_unix, asked.until_unix)]
    if asked.as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(lives), indent=2))
    elif asked.as_csv:
        click.echo(history_forms.line(history_pilots.Ended.__struct_fields__))
        for life in lives:
            click.echo(history_forms.line(msgspec.structs.astuple(life)))
    elif not lives:
        click.echo("no pilot ended in that time")
    else:
        width = shutil.get_terminal_size((_PLAIN_COLUMNS, 24)).columns if sys.stdout.isatty() else None
        for text in history_pilots.lines(lives, asked.now_unix, width):
            click.echo(text)


def _show_series(store: History, asked: Asked) -> None:
    assert asked.series is not None  # noqa: S101 - the table below
    if asked.as_csv:
        click.echo(history_forms.line(history_forms.point_header(asked.series)))
    for point in store.points(asked.series, asked.since_unix, asked.until_unix):
        if asked.as_csv:
            click.echo(history_forms.line(history_forms.point_cells(point)))
        else:
            click.echo(msgspec.json.encode(point))


_SHOWS: dict[str, Callable[[History, Asked], None]] = {
    "summary": _show_summary,
    "pilots": _show_pilots,
    "series": _show_series,
}


def _tell_unread(rows: int) -> None:
    if rows:
        click.echo(
            f"planctonctl: {count(rows, 'point')} in the store couldn't be understood and are left out", err=True
        )


def _drawing(summary: Summary, asked: Asked) -> Callable[[Path], None]:
    from plancton.cli.history_plot import draw  # noqa: PLC0415 - matplotlib is an extra, and slow to import

    return functools.partial(draw, summary, " ".join(sentences(summary, asked.now_unix, ends_now=asked.ends_now)))
