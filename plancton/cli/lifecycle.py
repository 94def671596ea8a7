"""The verbs that start and stop planctond."""

import os
import sys

import click

from plancton.cli.contact import Trouble, running
from plancton.cli.explain import notes
from plancton.cli.launch import READY_SECONDS, Started, await_ready, command, environment, prepare
from plancton.cli.mode import resumed
from plancton.cli.stopping import force_stopped, stopped
from plancton.cli.wording import clean, duration
from plancton.common.paths import Paths
from plancton.common.status import StatusReport


@click.command()
@click.pass_obj
def start(paths: Paths) -> None:
    """Start planctond and return once it is ready."""
    pid = running(paths)
    if pid is not None:
        report = await_ready(paths, None)
        if report is not None:
            _tell(
                report,
                f"planctond runs already, pid {report.pid}, up {duration(report.now_unix - report.started_unix)}",
            )
            return
        # The one that ran was on its way out.
    prepare(paths)
    started = Started(paths)
    report = await_ready(paths, started)
    if report is None:
        message = f"planctond, pid {started.pid}, hasn't taken the run directory after {duration(READY_SECONDS)}"
        raise Trouble(message)
    _tell(report, f"planctond runs, pid {report.pid}, ready after {duration(report.now_unix - report.started_unix)}")


@click.command()
@click.pass_context
def force_start(ctx: click.Context) -> None:
    """Forget any drain, stop or snooze, and start planctond."""
    resumed(ctx.obj)
    ctx.invoke(start)


@click.command()
@click.pass_obj
def nodaemon(paths: Paths) -> None:
    """Run planctond in the foreground, in this process's place."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, command(paths), environment())  # noqa: S606 - becoming planctond is the point


@click.command()
@click.pass_obj
def stop(paths: Paths) -> None:
    """Stop planctond; the pilots run on."""
    stopped(paths)


@click.command()
@click.pass_obj
def force_stop(paths: Paths) -> None:
    """Kill the pilots, then stop planctond."""
    force_stopped(paths)


def _tell(report: StatusReport, first: str) -> None:
    click.echo(clean(first))
    for line in notes(report):
        click.echo(f"  {line}")
