"""planctonctl run by tests, on paths of the test's own."""

from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner, Result

from plancton.cli.main import main
from plancton.common.paths import Paths, resolve

Planctonctl = Callable[..., Result]


def paths_below(directory: Path) -> Paths:
    """Return the paths of a planctond that keeps all its things below ``directory``."""
    return resolve(
        rundir=directory / "run",
        logdir=directory / "log",
        statedir=directory / "state",
        confdir=directory / "conf",
        pidfile=directory / "pid",
    )


def options(paths: Paths) -> list[str]:
    """Return the path options that lead to ``paths``."""
    given = {
        "logdir": paths.logdir,
        "rundir": paths.rundir,
        "pidfile": paths.pidfile,
        "confdir": paths.confdir,
        "statedir": paths.statedir,
    }
    return [word for name, path in given.items() for word in (f"--{name}", str(path))]


def planctonctl_for(paths: Paths) -> Planctonctl:
    """Return what runs planctonctl with those paths, in this process."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, [*options(paths), *arguments])

    return run
