"""What planctonctl's tests share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from plancton.cli.main import main
from plancton.common.paths import Paths, resolve
from tests.fakes.control import FakePlanctond

Planctonctl = Callable[..., Result]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Paths of a planctond that nobody has started."""
    return resolve(
        rundir=tmp_path / "run",
        logdir=tmp_path / "log",
        confdir=tmp_path / "conf",
        pidfile=tmp_path / "pid",
    )


def options(paths: Paths) -> list[str]:
    """Return the path options that lead to ``paths``."""
    given = {"logdir": paths.logdir, "rundir": paths.rundir, "pidfile": paths.pidfile, "confdir": paths.confdir}
    return [word for name, path in given.items() for word in (f"--{name}", str(path))]


@pytest.fixture
def planctonctl(paths: Paths) -> Planctonctl:
    """Run planctonctl with those paths, in this process."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, [*options(paths), *arguments])

    return run


@pytest.fixture
def planctond(paths: Paths) -> Iterator[FakePlanctond]:
    """A planctond in good order."""
    with FakePlanctond(paths) as fake:
        yield fake
