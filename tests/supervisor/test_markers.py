"""The marker files: what is written is what is seen, whoever made them."""

import itertools
from pathlib import Path

import msgspec
import pytest

from plancton.common.paths import Paths
from plancton.supervisor.intent import Markers
from plancton.supervisor.markers import MarkerFiles


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Return the paths of one planctond."""
    return Paths(rundir=tmp_path, logdir=tmp_path, confdir=tmp_path, statedir=tmp_path, pidfile=tmp_path / "pid")


def test_what_is_written_is_what_is_seen_from_any_state_to_any_other(paths: Paths) -> None:
    files = MarkerFiles(paths)
    every = [Markers(drain=a, stop=b, force_stop=c) for a, b, c in itertools.product((False, True), repeat=3)]
    for before, after in itertools.product(every, repeat=2):
        files.write(before)
        assert files.look() == before
        files.write(after)
        assert files.look() == after


def test_the_files_have_the_names_that_shell_scripts_know(paths: Paths) -> None:
    MarkerFiles(paths).write(Markers(drain=True, stop=True, force_stop=True))
    assert {path.name for path in paths.rundir.iterdir()} == {"drain", "stop", "force-stop"}


def test_a_marker_made_by_hand_counts(paths: Paths) -> None:
    (paths.rundir / "drain").write_text("because I say so\n")
    assert MarkerFiles(paths).look() == Markers(drain=True)


def test_a_marker_that_can_not_be_made_is_an_error(paths: Paths) -> None:
    gone = msgspec.structs.replace(paths, rundir=paths.rundir / "gone")
    with pytest.raises(FileNotFoundError):
        MarkerFiles(gone).write(Markers(drain=True))
