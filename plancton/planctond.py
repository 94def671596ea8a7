"""planctond's entry point, where supervisor and workers are put together."""

import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import setproctitle

from plancton import __version__
from plancton.common import lock
from plancton.common import log as logs
from plancton.common.bus import BindError
from plancton.common.naming import instance_id
from plancton.common.path_options import path_options
from plancton.common.paths import PathError, Paths
from plancton.supervisor import cgroups
from plancton.supervisor.desk import Desk
from plancton.supervisor.handlers import Handlers
from plancton.supervisor.loop import Supervisor
from plancton.supervisor.settings_file import SettingsFile
from plancton.supervisor.template import Birth, Template, become_subreaper, serve_anew
from plancton.workers.base import Life, live
from plancton.workers.registry import WORKERS

log = logging.getLogger(__name__)

EXIT_UNAVAILABLE = 69
EXIT_BUG = 70
EXIT_CANT_CREATE = 73
EXIT_CONFIG = 78
_ALIVE_SECONDS = 0.3
"""How long a lock may be held by a process that lives: whoever just looks at it holds it for a moment."""
_LOCK_SECONDS = 3.0
"""How long to wait for the last workers of a planctond that just died."""


def run_worker(birth: Birth, lifeline: int) -> None:
    """Be a worker; the template calls it in a new process."""
    rundir = Path(birth.rundir)
    life = Life(
        name=birth.worker,
        boot=birth.boot,
        rundir=rundir,
        bus_socket=rundir / "bus.sock",
        log_file=Path(birth.logdir) / "plancton.log",
        state=Path(birth.state),
        lifeline=lifeline,
    )
    live(life, WORKERS[birth.worker])


def _take_lock(paths: Paths) -> int:
    began = time.monotonic()
    while True:
        try:
            return lock.acquire(paths.lock_file)
        except lock.Held as held:
            # One that lives goes on living: to wait for its end would be to take its place after a later stop.
            patience = _ALIVE_SECONDS if held.pid is not None and Path(f"/proc/{held.pid}").exists() else _LOCK_SECONDS
            if time.monotonic() - began > patience:
                click.echo(f"planctond: already running: {held}", err=True)
                sys.exit(EXIT_UNAVAILABLE)
        except OSError as error:
            click.echo(f"planctond: {paths.lock_file} can't be locked: {error.strerror}", err=True)
            sys.exit(EXIT_CANT_CREATE)
        time.sleep(0.05)


def _forget_inheritance() -> None:
    """Undo what a careless parent leaves to its children: lost ends of children, deaf signals, files for everybody."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD})
    os.umask((os.umask(0o077) | 0o022) & 0o077)


def _read_settings(paths: Paths) -> SettingsFile:
    settings = SettingsFile(paths.config_file)
    settings.read()
    if settings.loaded is None:
        for error in settings.errors:
            click.echo(f"planctond: {error}", err=True)
        sys.exit(EXIT_CONFIG)
    return settings


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@path_options
@click.option("--detached", is_flag=True, hidden=True, help="Write the log to its file alone.")
@click.option("--template", type=int, hidden=True, help="Serve as the template process on this descriptor.")
@click.version_option(__version__, prog_name="planctond")
def main(paths: Paths, *, detached: bool, template: int | None) -> None:
    """Keep this machine's idle CPUs full of pilots: run in the foreground, for an init system.

    SIGTERM and SIGINT stop planctond and leave the pilots running; SIGHUP reads the configuration again. Exit codes: 0
    stopped as asked, 69 it can't serve (already running, or a worker that it can't do without was given up), 70 a bug,
    73 a directory or file that can't be used or made, 78 a bad configuration.
    """
    if template is not None:
        serve_anew(template, run_worker)
    _forget_inheritance()
    try:
        paths.prepare()
    except PathError as error:
        click.echo(f"planctond: {error}", err=True)
        sys.exit(EXIT_CANT_CREATE)
    lock_descriptor = _take_lock(paths)
    settings = _read_settings(paths)
    setproctitle.setproctitle("planctond")
    become_subreaper()
    # Before any thread or ZeroMQ context exists: the workers are forked from a copy of this very moment.
    again = (sys.executable, "-m", "plancton.planctond", "--template")
    process = Template(run_worker, again, (lock_descriptor,))
    logs.set_up("planctond", paths.log_file, to_stderr=not detached)
    sys.exit(_supervise(paths, process, settings, lambda: lock.is_held(lock_descriptor, paths.lock_file)))


def _supervise(paths: Paths, template: Template, settings: SettingsFile, still_ours: Callable[[], bool]) -> int:
    log.info("planctond %s starts, pid %d", __version__, os.getpid())
    settings.log_warnings()
    try:
        paths.pidfile.write_text(f"{os.getpid()}\n", encoding="ascii")
    except OSError as error:
        click.echo(f"planctond: {paths.pidfile} can't be written: {error.strerror}; choose another --pidfile", err=True)
        return EXIT_CANT_CREATE
    try:
        supervisor = Supervisor(paths, template, settings)
        supervisor.still_ours = still_ours
        supervisor.open_desk(Desk(supervisor.context, paths.control_socket, Handlers(supervisor).handle))
        return supervisor.run()
    except BindError as error:
        click.echo(f"planctond: {error}", err=True)
        return EXIT_CANT_CREATE
    except Exception:
        log.exception("planctond crashed")
        return EXIT_BUG
    finally:
        # In a run directory that isn't ours any more they may be another planctond's.
        for path in (paths.pidfile, paths.control_socket, paths.bus_socket) if still_ours() else ():
            with contextlib.suppress(OSError):
                path.unlink()
        cgroups.remove_empty(instance_id(str(paths.rundir)))
        logs.flush()


if __name__ == "__main__":
    main()
