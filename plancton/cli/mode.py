"""The verbs that tell planctond what to do from now on: drain, drain-stop, resume, reload, clear-fizzles."""

import time
from collections.abc import Callable
from typing import Any

import click
import msgspec

from plancton.cli.contact import NotRunning, Trouble, live_pilots, request, status, understood
from plancton.cli.draining import await_drained
from plancton.cli.durations import duration_option
from plancton.cli.launch import prepare
from plancton.cli.wording import clean, count, date_and_clock, duration
from plancton.common.marker_files import MarkerFiles
from plancton.common.markers import REASON_LENGTH, Markers, Terms, is_reason
from plancton.common.messages import Mode
from plancton.common.paths import Paths
from plancton.common.reasons import Reason
from plancton.common.requests import ClearFizzles, Drain, Reload, Request, Resume

_EXIT_CONFIG = 78


class _Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a reload."""

    ok: bool
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


def _drain_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add what drain and drain-stop both take."""
    length: dict[str, Any] = {"metavar": "DURATION", "callback": duration_option}
    for option in (
        click.option("--timeout", **length, help="With --wait: give up waiting, not the drain, after so long."),
        click.option("--wait", is_flag=True, help="Return once that is done: 0 then, 1 if somebody ended the drain."),
        click.option("--deadline", **length, help="End the pilots that still run after so long, such as 2h."),
        click.option("--reason", default="", callback=_reason, help="Why, for whoever asks for status."),
    ):
        command = option(command)
    return command


def _reason(_ctx: click.Context, _param: click.Parameter, text: str) -> str:
    if not is_reason(text):
        message = f"It should be one line of {REASON_LENGTH} printable characters at most."
        raise click.BadParameter(message)
    return text


@click.command()
@_drain_options
@click.pass_obj
def drain(paths: Paths, /, **options: Any) -> None:  # noqa: ANN401 - click's
    """Launch no more pilots, and let those that run live out their lives, or until --deadline.

    It stays so, also after a restart of planctond, until planctonctl resume. Said again, it replaces reason and
    deadline.
    """
    terms = _terms(**options)
    if _asked(paths, Drain(reason=terms.reason, deadline_unix=terms.deadline_unix)):
        click.echo(f"drained: no more pilots are launched; {_left(paths)}{_ended_at(terms)}")
        if options["wait"]:
            await_drained(paths, options["timeout"], stops=False)
        return
    prepare(paths)
    files = MarkerFiles(paths)
    try:
        files.write(msgspec.structs.replace(files.look()[0], drain=terms))
    except OSError as error:
        raise marker_trouble(error) from None
    click.echo("planctond is not running; its next start will launch no pilots, until planctonctl resume")
    if options["wait"]:
        message = "without planctond nobody tells whether pilots are left"
        raise Trouble(message)


@click.command()
@_drain_options
@click.pass_obj
def drain_stop(paths: Paths, /, **options: Any) -> None:  # noqa: ANN401 - click's
    """Launch no more pilots, and stop planctond once the last has ended.

    A drain's reason and deadline stay, unless others are given.
    """
    terms = _terms(**options)
    if not _asked(paths, Drain(stop=True, reason=terms.reason, deadline_unix=terms.deadline_unix)):
        click.echo("planctond is not running: nothing to stop")
        return
    click.echo(f"drained: planctond stops once the last pilot has ended; {_left(paths)}{_ended_at(terms)}")
    if options["wait"]:
        await_drained(paths, options["timeout"], stops=True)


@click.command()
@click.pass_obj
def resume(paths: Paths) -> None:
    """End a drain, a stop that waits for the pilots, and a snooze."""
    if resumed(paths):
        click.echo("resumed: pilots are launched wherever there is room")
    else:
        click.echo("planctond is not running; its next start will launch pilots")


@click.command()
@click.pass_obj
def clear_fizzles(paths: Paths) -> None:
    """Forget the pilots that ended too soon or couldn't be started, and launch again."""
    report = status(paths)
    request(paths, ClearFizzles())
    breaker = report.target.breaker if report.target else None
    if breaker is None:
        click.echo("no pilot fizzled lately: nothing was held for that")
        return
    what = "launches failed" if breaker.reason is Reason.LAUNCHES_FAIL else "pilots fizzled"
    last = f"; the last: {clean(breaker.last)}" if breaker.last else ""
    click.echo(f"forgotten: {breaker.fizzles} {what} in a row{last}")
    left = 0.0 if breaker.open_until_monotonic is None else breaker.open_until_monotonic - report.now_monotonic
    held = f"they were held for another {duration(left)}" if left > 0 else "they weren't held just now"
    click.echo(f"launches go on; {held}" if report.mode is Mode.ACTIVE else f"planctond is {report.mode} all the same")


@click.command()
@click.pass_context
def reload(ctx: click.Context) -> None:
    """Read the configuration now."""
    paths: Paths = ctx.obj
    outcome = understood(request(paths, Reload()), _Reloaded)
    for warning in outcome.warnings:
        click.echo(f"warning: {clean(warning)}", err=True)
    if outcome.ok:
        click.echo(f"{clean(str(paths.config_file))} is in force")
        return
    for error in outcome.errors:
        click.echo(f"error: {clean(error)}", err=True)
    click.echo("the settings read before stay in force", err=True)
    ctx.exit(_EXIT_CONFIG)


def resumed(paths: Paths) -> bool:
    """Forget any drain, stop and snooze; False where no planctond runs and only the markers were to be removed.

    Raises:
        Trouble: if that can't be done.

    """
    if _asked(paths, Resume()):
        return True
    try:
        MarkerFiles(paths).write(Markers())
    except OSError as error:
        raise marker_trouble(error) from None
    return False


def marker_trouble(error: OSError) -> Trouble:
    """Return what a marker that can't be changed is told as."""
    return Trouble(f"can't change the marker {clean(str(error.filename))}: {error.strerror}")


def _terms(*, reason: str, deadline: float | None, wait: bool, timeout: float | None) -> Terms:
    if timeout is not None and not wait:
        message = "--timeout is for --wait."
        raise click.UsageError(message)
    return Terms(reason=reason, deadline_unix=None if deadline is None else time.time() + deadline)


def _ended_at(terms: Terms) -> str:
    if terms.deadline_unix is None:
        return ""
    return f"; those that still do are ended at {date_and_clock(terms.deadline_unix, time.time())}"


def _asked(paths: Paths, what: Request) -> bool:
    try:
        request(paths, what)
    except NotRunning:
        return False
    return True


def _left(paths: Paths) -> str:
    try:
        number = live_pilots(status(paths))
    except Trouble:
        number = None
    if number is None:
        return "how many run on isn't known"
    return f"{count(number, 'pilot')} run on" if number != 1 else "1 pilot runs on"
