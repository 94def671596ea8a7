"""The verbs that tell planctond what to do from now on: drain, drain-stop, resume, reload."""

import click
import msgspec

from plancton.cli.contact import NotRunning, Trouble, live_pilots, request, status, understood
from plancton.cli.launch import prepare
from plancton.cli.wording import clean, count
from plancton.common.paths import Paths
from plancton.common.requests import Drain, Reload, Request, Resume

_EXIT_CONFIG = 78


class _Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a reload."""

    ok: bool
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


@click.command()
@click.pass_obj
def drain(paths: Paths) -> None:
    """Launch no more pilots, and let those that run live out their lives."""
    if _asked(paths, Drain()):
        click.echo(f"drained: no more pilots are launched; {_left(paths)}")
        return
    prepare(paths)
    try:
        paths.drain_marker.touch(mode=0o600)
    except OSError as error:
        raise _marker_trouble(error) from None
    click.echo("planctond is not running; its next start will launch no pilots, until planctonctl resume")


@click.command()
@click.pass_obj
def drain_stop(paths: Paths) -> None:
    """Launch no more pilots, and stop planctond once the last has ended."""
    if _asked(paths, Drain(stop=True)):
        click.echo(f"drained: planctond stops once the last pilot has ended; {_left(paths)}")
    else:
        click.echo("planctond is not running: nothing to stop")


@click.command()
@click.pass_obj
def resume(paths: Paths) -> None:
    """End a drain, or a stop that waits for the pilots."""
    if resumed(paths):
        click.echo("resumed: pilots are launched wherever there is room")
    else:
        click.echo("planctond is not running; its next start will launch pilots")


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
    """Forget any drain and stop; False where no planctond runs and only the markers were to be removed.

    Raises:
        Trouble: if that can't be done.

    """
    if _asked(paths, Resume()):
        return True
    for marker in (paths.drain_marker, paths.stop_marker, paths.force_stop_marker):
        try:
            marker.unlink(missing_ok=True)
        except OSError as error:
            raise _marker_trouble(error) from None
    return False


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


def _marker_trouble(error: OSError) -> Trouble:
    return Trouble(f"can't change the marker {clean(str(error.filename))}: {error.strerror}")
