"""Stopping planctond and waiting until it and its workers are gone."""

import os
import signal
import time
from pathlib import Path

import click

from plancton.cli.contact import Refused, Trouble, Unreachable, live_pilots, request, running, status
from plancton.cli.progress import Progress
from plancton.cli.wording import clean, count, duration
from plancton.common.messages import Mode
from plancton.common.paths import Paths
from plancton.common.requests import Stop
from plancton.common.status import StatusReport

STOP_SECONDS = 30.0
"""How long planctond may take to stop its workers."""
PROGRESS_SECONDS = 5.0
"""How often to say that it isn't gone yet."""
_QUIET_SECONDS = 1.0
"""How long a stop may take without a word."""
_LOOK_SECONDS = 0.1
_ASK_SECONDS = 3.0


def stopped(paths: Paths) -> None:
    """Stop planctond, wait until it is gone, and say so.

    Raises:
        Trouble: if it isn't gone in time.

    """
    pid = running(paths)
    if pid is None:
        click.echo("planctond is not running")
        return
    report = _report(paths)
    try:
        request(paths, Stop(), _ASK_SECONDS)
    except Refused:
        raise
    except Trouble as trouble:
        _terminate(paths, pid, trouble)
    _await_end(paths, pid)
    pilots = None if report is None else live_pilots(report)
    on = "the pilots run on" if pilots is None else _run_on(pilots)
    click.echo(f"planctond stopped; {on}")


def force_stopped(paths: Paths) -> None:
    """Have planctond kill its pilots and stop; wait, however long that takes, and say how many are left meanwhile.

    Raises:
        Trouble: if planctond doesn't take the order, is told otherwise meanwhile, or dies before it's done.

    """
    pid = running(paths)
    if pid is None:
        click.echo("planctond is not running, and nothing else ends its pilots")
        click.echo("if some are left: planctonctl start, then planctonctl force-stop")
        return
    request(paths, Stop(force=True))
    try:
        _await_forced_end(paths)
    except KeyboardInterrupt:
        message = "no longer waiting; planctond goes on ending its pilots, and planctonctl resume calls that off"
        raise Trouble(message) from None
    if paths.force_stop_marker.exists():
        message = "planctond ended before all of its pilots had: planctonctl start, then planctonctl force-stop"
        raise Trouble(message)
    click.echo("planctond stopped; no pilot is left")


def _await_forced_end(paths: Paths) -> None:
    asked_for = False
    with Progress(PROGRESS_SECONDS) as progress:
        while running(paths) is not None:
            report = _report(paths)
            if report is not None:
                forced = report.mode is Mode.FORCE_STOPPING
                if asked_for and not forced and report.ready:
                    message = f"somebody ended the forced stop: planctond, pid {report.pid}, is {report.mode} again"
                    raise Trouble(message)
                asked_for = asked_for or forced
                progress.tell(_left(report))
            time.sleep(_LOOK_SECONDS)


def _left(report: StatusReport) -> str:
    if report.pool is None:
        why = f": {clean(report.pool_unknown.why)}" if report.pool_unknown else ""
        return f"ending the pilots; how many are left isn't known{why}"
    return f"ending the pilots: {len(report.pool.pilots)} left"


def _run_on(pilots: int) -> str:
    return (
        "1 pilot runs on" if pilots == 1 else f"{count(pilots, 'pilot')} run on" if pilots else "no pilot was running"
    )


def _report(paths: Paths) -> StatusReport | None:
    try:
        return status(paths, _ASK_SECONDS)
    except Trouble:
        return None


def _terminate(paths: Paths, pid: int, trouble: Trouble) -> None:
    """Send SIGTERM, as a shell script would, to one that doesn't answer. The pid file alone is never believed."""
    if running(paths) is None:
        return
    if not _is_holder(pid, paths.lock_file):
        message = f"{trouble.message}; and its process isn't found"
        raise Unreachable(message)
    try:
        os.kill(pid, signal.SIGTERM)
    except OSError as error:
        message = f"{trouble.message}; and it can't be sent SIGTERM: {error.strerror}"
        raise Unreachable(message) from None
    click.echo(f"planctond doesn't answer; sent SIGTERM to pid {pid}", err=True)


def _is_holder(pid: int, lock_file: Path) -> bool:
    """Tell whether process ``pid`` has the lock file open: a pid may have become another program's."""
    if pid <= 0:
        return False
    try:
        return any(entry.samefile(lock_file) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.exists())
    except OSError:
        return False


def _await_end(paths: Paths, pid: int) -> None:
    begun = time.monotonic()
    with Progress(PROGRESS_SECONDS) as progress:
        while running(paths) is not None:
            passed = time.monotonic() - begun
            if passed > STOP_SECONDS:
                message = f"planctond, pid {pid}, still runs {duration(STOP_SECONDS)} after it was told to stop"
                raise Trouble(message)
            if passed > _QUIET_SECONDS:
                progress.tell(f"waiting for planctond, pid {pid}, to end ...")
            time.sleep(_LOOK_SECONDS)
