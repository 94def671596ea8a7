"""The verb that takes the machine back for a while."""

import time

import click
import msgspec

from plancton.cli.contact import NotRunning, Trouble, request, running, status
from plancton.cli.durations import seconds
from plancton.cli.launch import prepare
from plancton.cli.mode import marker_trouble
from plancton.cli.wording import count, duration, moment
from plancton.common.marker_files import MarkerFiles
from plancton.common.paths import Paths
from plancton.common.pilot import ENDED_STATES
from plancton.common.requests import ShowSettings, Snooze

_OFF = "off"


class Snoozed(msgspec.Struct, frozen=True, kw_only=True):
    """What ``--json`` prints."""

    running: bool
    """Whether planctond runs; where it doesn't, nobody ends pilots."""
    snooze_until_unix: float | None
    pilots: int | None = None
    """Those that haven't ended yet; None where nobody tells."""
    stop_grace: float | None = None
    """How many seconds each of them has to finish, once it was told."""


@click.command()
@click.argument("duration_or_off", required=False, metavar="[DURATION|off]")
@click.option("--json", "as_json", is_flag=True, help="Print what is in force as JSON.")
@click.pass_obj
def snooze(paths: Paths, *, duration_or_off: str | None, as_json: bool) -> None:
    """End all pilots and launch none for so long, such as 45m or 2h; off ends that.

    Pilots have stop_grace to finish. A snooze outlives a restart of planctond, and a drain beside it stands by itself.
    Without an argument, tell whether there is one.
    """
    until = None
    if duration_or_off not in {None, _OFF}:
        until = time.time() + seconds(str(duration_or_off))
    runs = running(paths) is not None
    if duration_or_off is not None:
        runs = _set(paths, until)
    found = _in_force(paths, until) if runs else Snoozed(running=False, snooze_until_unix=_marked(paths))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    else:
        click.echo(_told(found))


def _set(paths: Paths, until: float | None) -> bool:
    """Have it so; False where no planctond runs and only the marker was to be changed."""
    try:
        request(paths, Snooze(until_unix=until))
    except NotRunning:
        if until is not None:
            prepare(paths)
    else:
        return True
    files = MarkerFiles(paths)
    try:
        files.write(msgspec.structs.replace(files.look()[0], snooze_until_unix=until))
    except OSError as error:
        raise marker_trouble(error) from None
    return False


def _marked(paths: Paths) -> float | None:
    until = MarkerFiles(paths).look()[0].snooze_until_unix
    return until if until is not None and until > time.time() else None


def _in_force(paths: Paths, until: float | None) -> Snoozed:
    """Return what planctond tells; where it says no more than that it snoozes ``until`` then, that."""
    try:
        report = status(paths)
    except Trouble:
        if until is None:
            raise
        return Snoozed(running=True, snooze_until_unix=until)
    live = None if report.pool is None else sum(pilot.state not in ENDED_STATES for pilot in report.pool.pilots)
    return Snoozed(running=True, snooze_until_unix=report.snooze_until_unix, pilots=live, stop_grace=_stop_grace(paths))


def _stop_grace(paths: Paths) -> float | None:
    try:
        return float(request(paths, ShowSettings())["settings"]["stop_grace"])
    except (Trouble, KeyError, TypeError, ValueError):
        return None


def _told(found: Snoozed) -> str:
    if found.snooze_until_unix is None:
        return "not snoozed" if found.running else "not snoozed; planctond is not running"
    text = f"snoozed until {moment(found.snooze_until_unix, time.time())}: "
    if not found.running:
        return text + "planctond is not running; its next start ends pilots that still run and launches none until then"
    if found.pilots == 0:
        return text + "no pilot runs, and none is launched until then"
    grace = "" if found.stop_grace is None else f", with {duration(found.stop_grace)} to finish"
    return text + f"{_those(found.pilots)} told to end{grace}; none is launched until then"


def _those(pilots: int | None) -> str:
    if pilots is None:
        return "how many pilots run isn't known; they are"
    return "1 pilot is" if pilots == 1 else f"{count(pilots, 'pilot')} are"
