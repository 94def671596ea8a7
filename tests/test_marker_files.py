"""The marker files: what is written is what is seen, whoever made them and whatever stands in their place."""

import itertools
import os
import socket
from pathlib import Path

import msgspec
import pytest

from plancton.common.marker_files import MarkerFiles
from plancton.common.markers import Markers, Terms
from plancton.common.paths import Paths

WHY = Terms(reason="disk swap", deadline_unix=1_700_000_000.0)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Return the paths of one planctond."""
    return Paths(rundir=tmp_path, logdir=tmp_path, confdir=tmp_path, statedir=tmp_path, pidfile=tmp_path / "pid")


def test_what_is_written_is_what_is_seen_from_any_state_to_any_other(paths: Paths) -> None:
    files = MarkerFiles(paths)
    every = [
        Markers(drain=drain, stop=stop, force_stop=force, snooze_until_unix=snooze)
        for drain, stop, force, snooze in itertools.product(
            (None, Terms(), WHY), (None, WHY), (False, True), (None, 1_700_000_000.0)
        )
    ]
    for before, after in itertools.product(every, repeat=2):
        files.write(before)
        assert files.look() == (before, ())
        files.write(after)
        assert files.look() == (after, ())


def test_the_files_have_the_names_that_shell_scripts_know(paths: Paths) -> None:
    MarkerFiles(paths).write(Markers(drain=Terms(), stop=Terms(), force_stop=True, snooze_until_unix=1.0))
    assert {path.name for path in paths.rundir.iterdir()} == {"drain", "stop", "force-stop", "snooze"}
    assert {path.stat().st_mode & 0o777 for path in paths.rundir.iterdir()} == {0o600}
    assert [marker.read_bytes() for marker in (paths.drain_marker, paths.stop_marker)] == [b"", b""]


def test_planctond_finds_nothing_strange_in_a_directory_of_markers(tmp_path: Path) -> None:
    made = Paths(
        rundir=tmp_path / "run", logdir=tmp_path, confdir=tmp_path, statedir=tmp_path, pidfile=tmp_path / "pid"
    )
    made.rundir.mkdir(mode=0o755)
    MarkerFiles(made).write(Markers(drain=Terms(), stop=Terms(), force_stop=True, snooze_until_unix=1.0))
    made.prepare()
    assert made.rundir.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("made", ["touch", "mkdir", "text", "link", "fifo", "socket", "device"])
def test_a_marker_made_by_hand_counts_whatever_it_is(paths: Paths, made: str) -> None:
    marker = paths.drain_marker
    with socket.socket(socket.AF_UNIX) as server:
        match made:
            case "touch":
                marker.touch()
            case "mkdir":
                marker.mkdir()
            case "text":
                marker.write_text("because I say so\n")
            case "link":
                marker.symlink_to("/nowhere/at/all")
            case "fifo":
                os.mkfifo(marker)
            case "socket":
                server.bind(str(marker))
            case "device":
                marker.symlink_to("/dev/zero")
        files = MarkerFiles(paths)
        markers, problems = files.look()
        assert markers == Markers(drain=Terms())
        assert bool(problems) is (made == "text")
        files.write(markers)
        assert os.path.lexists(marker)
        files.write(Markers(drain=WHY))
        assert files.look() == (Markers(drain=WHY), ())
        files.write(Markers())
        assert not os.path.lexists(marker)


@pytest.mark.parametrize("made", ["empty", "mkdir", "text", "link", "fifo"])
def test_a_snooze_that_is_not_understood_is_told_and_harms_no_other_wish(paths: Paths, made: str) -> None:
    marker = paths.snooze_marker
    match made:
        case "empty":
            marker.touch()
        case "mkdir":
            (marker / "full").mkdir(parents=True)
        case "text":
            marker.write_bytes(b"\x1b[2J" * 5000)
        case "link":
            (paths.rundir / "secret").write_text("1900000000")
            marker.symlink_to("secret")
        case "fifo":
            os.mkfifo(marker)
    files = MarkerFiles(paths)
    files.write(Markers(drain=WHY, stop=WHY))
    markers, problems = files.look()
    assert markers == Markers(drain=WHY, stop=WHY)
    assert len(problems) == 1
    assert problems[0].startswith(f"the marker {marker} ")
    assert problems[0].isprintable()


def test_a_marker_is_never_half_written(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    files = MarkerFiles(paths)
    files.write(Markers(drain=WHY))
    seen: list[tuple[Markers, tuple[str, ...]]] = []
    replace = Path.replace

    def looking(new: Path, target: Path) -> Path:
        seen.append(files.look())
        return replace(new, target)

    monkeypatch.setattr(Path, "replace", looking)
    other = Markers(drain=Terms(reason="other"))
    files.write(other)
    assert (seen, files.look()) == ([(Markers(drain=WHY), ())], (other, ()))


def test_a_marker_that_can_not_be_made_is_an_error_and_leaves_nothing(paths: Paths) -> None:
    gone = msgspec.structs.replace(paths, rundir=paths.rundir / "gone")
    with pytest.raises(FileNotFoundError):
        MarkerFiles(gone).write(Markers(drain=Terms()))
    (paths.drain_marker / "full").mkdir(parents=True)
    with pytest.raises(OSError, match="not empty"):
        MarkerFiles(paths).write(Markers(drain=WHY))
    with pytest.raises(OSError, match="not empty"):
        MarkerFiles(paths).write(Markers())
    assert [path.name for path in paths.rundir.iterdir()] == ["drain"]
