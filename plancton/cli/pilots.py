"""The verb that lists the pilots."""

import sys
from typing import Any

import click
import msgspec

from plancton.cli import contact
from plancton.cli.contact import Trouble
from plancton.cli.pilot_rows import HEADINGS, NUMERIC, pilot_age, rows
from plancton.cli.wording import clean, duration
from plancton.common.paths import Paths
from plancton.common.status import StatusReport


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the pilots as a JSON list.")
@click.pass_obj
def pilots(paths: Paths, *, as_json: bool) -> None:
    """List the pilots: slot, name, state, age, CPU and memory."""
    report = contact.status(paths)
    if report.pool is None:
        raise Trouble(_unknown(report))
    if as_json:
        listed = [
            {**_plain(pilot), "age_seconds": pilot_age(pilot, report.now_unix)}
            for pilot in sorted(report.pool.pilots, key=lambda pilot: pilot.slot)
        ]
        click.echo(msgspec.json.format(msgspec.json.encode(listed), indent=2))
    elif not report.pool.pilots:
        click.echo("no pilots")
    elif sys.stdout.isatty():
        _show_table(report)
    else:
        for line in columns([HEADINGS, *rows(report.pool.pilots, report.now_unix)]):
            click.echo(line)


def columns(cells: list[tuple[str, ...]]) -> list[str]:
    """Return the rows as lines, their columns aligned by blanks; the first row is the headings."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if name in NUMERIC else cell.ljust(width)
            for name, cell, width in zip(HEADINGS, row, widths, strict=True)
        ).rstrip()
        for row in cells
    ]


def _show_table(report: StatusReport) -> None:
    from rich.console import Console  # noqa: PLC0415 - a third of the command's time, for a terminal alone

    from plancton.cli.view import pilot_table  # noqa: PLC0415 - (same)

    assert report.pool is not None  # noqa: S101 - the caller looked
    Console().print(pilot_table(report.pool.pilots, report.now_unix))


def _plain(pilot: object) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(pilot)
    return plain


def _unknown(report: StatusReport) -> str:
    if report.pool_unknown is None:
        return "planctond hasn't seen its pilots yet"
    since = duration(report.now_unix - report.pool_unknown.since_unix)
    return f"the pilots aren't known for {since}: the engine can't be asked: {clean(report.pool_unknown.why)}"
