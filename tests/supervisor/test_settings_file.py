"""The configuration file: whatever becomes of it, the last good settings stay and status says what is wrong."""

import os
import time
from pathlib import Path

import pytest

from plancton.common.settings import Settings
from plancton.supervisor.settings_file import SettingsFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a configuration that holds."""
    path = tmp_path / "config.yaml"
    path.write_text("max_ttl: 100\n")
    return path


@pytest.fixture
def file(path: Path) -> SettingsFile:
    """Return the file, read once."""
    file = SettingsFile(path)
    assert file.read()
    return file


def test_before_it_is_read_the_defaults_are_in_force(path: Path) -> None:
    file = SettingsFile(path)
    assert file.settings == Settings()
    assert file.loaded is None
    assert file.active().generation == 0


def test_what_was_read_is_in_force(file: SettingsFile, path: Path) -> None:
    assert file.settings == Settings(max_ttl=100.0)
    assert file.active().settings is file.settings
    status = file.status()
    assert (status.file, status.exists, status.generation, status.errors) == (str(path), True, 1, ())


def test_a_missing_file_means_the_defaults(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "config.yaml")
    assert file.read()
    assert file.settings == Settings()
    assert not file.status().exists
    assert not file.read()


def test_an_unchanged_file_changes_nothing(file: SettingsFile) -> None:
    assert not file.read()
    assert file.active().generation == 1


def test_a_new_comment_is_no_change_of_settings(file: SettingsFile, path: Path) -> None:
    path.write_text("# longer\nmax_ttl: 100\n")
    assert not file.read()
    assert file.active().generation == 1
    assert file.loaded is not None
    assert file.loaded.origins["max_ttl"] == f"{path}:2"


def test_each_change_has_a_generation_of_its_own_and_a_key_removed_takes_its_default_back(
    file: SettingsFile, path: Path
) -> None:
    path.write_text("main_sleep: 5\n")
    assert file.read()
    assert file.settings == Settings(main_sleep=5.0)
    path.unlink()
    assert file.read()
    assert file.settings == Settings()
    assert file.active().generation == 3


def worthless(path: Path, how: str) -> None:
    """Make what is at ``path`` unusable."""
    path.unlink()
    match how:
        case "directory":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "endless":
            path.symlink_to("/dev/zero")
        case "huge":
            path.write_text("# é" * 100_000)
        case "latin-1":
            path.write_bytes("docker_image: é\n".encode("latin-1"))
        case "loop":
            path.symlink_to(path)
        case text:
            path.write_text(text)


WORTHLESS = ["directory", "pipe", "endless", "huge", "latin-1", "loop", "max_ttl: [", "max_ttl: soon\n", "just text"]


@pytest.mark.timeout(10)
@pytest.mark.parametrize("how", WORTHLESS)
def test_a_bad_file_changes_nothing_and_says_so_until_it_is_good_again(
    file: SettingsFile, path: Path, how: str
) -> None:
    worthless(path, how)
    assert not file.read()
    assert file.settings == Settings(max_ttl=100.0)
    assert file.errors
    assert str(path) in file.errors[0]
    assert file.status().errors == file.errors
    assert not file.read()
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink()
    path.write_text("max_ttl: 100\n")
    assert not file.read()
    assert file.errors == ()
    assert file.active().generation == 1


@pytest.mark.parametrize("how", WORTHLESS)
def test_a_first_file_that_is_bad_gives_nothing(path: Path, how: str) -> None:
    worthless(path, how)
    file = SettingsFile(path)
    assert not file.read()
    assert file.loaded is None
    assert file.errors


def test_each_error_is_logged_once(file: SettingsFile, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.write_text("max_ttl: soon\n")
    file.read()
    first = len(caplog.records)
    assert first == 2
    path.write_text("max_ttl: soon\n#\n")
    file.read()
    assert len(caplog.records) == first


def test_warnings_are_told_and_change_nothing(file: SettingsFile, path: Path) -> None:
    path.write_text("max_ttl: 100\nrigidity: 3\n")
    assert not file.read()
    assert "rigidity" in file.status().warnings[0]


def test_a_file_is_just_written_for_a_second(tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    settings = SettingsFile(path)
    assert not settings.just_written()
    path.write_text("")
    assert settings.just_written()
    past = time.time() - 1.5
    os.utime(path, (past, past))
    assert not settings.just_written()
