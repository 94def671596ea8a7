"""What planctonctl's tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from plancton.common.paths import Paths
from tests.fakes.control import FakePlanctond
from tests.support.planctonctl import Planctonctl, paths_below, planctonctl_for


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Paths of a planctond that nobody has started."""
    return paths_below(tmp_path)


@pytest.fixture
def planctonctl(paths: Paths) -> Planctonctl:
    """Run planctonctl with those paths, in this process."""
    return planctonctl_for(paths)


@pytest.fixture
def planctond(paths: Paths) -> Iterator[FakePlanctond]:
    """A planctond in good order."""
    with FakePlanctond(paths) as fake:
        yield fake
