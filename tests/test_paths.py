"""Where things are kept: system or user paths, options that win, and directories that only their owner can use."""

import os
import stat
from pathlib import Path

import pytest

from plancton.common.paths import IPC_PATH_MAX_BYTES, PathError, Paths, resolve


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


@pytest.fixture
def as_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/ada")


def below(directory: Path) -> Paths:
    return resolve(
        rundir=directory / "run",
        logdir=directory / "log",
        confdir=directory / "conf",
        statedir=directory / "state",
        pidfile=directory / "pid",
    )


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("as_root")
def test_root_has_the_systems_paths() -> None:
    assert resolve() == Paths(
        rundir=Path("/var/run/plancton"),
        logdir=Path("/var/log/plancton"),
        confdir=Path("/etc/plancton"),
        statedir=Path("/var/lib/plancton"),
        pidfile=Path("/var/run/plancton.pid"),
    )


HOME_PATHS = Paths(
    rundir=Path("/home/ada/.plancton/run"),
    logdir=Path("/home/ada/.plancton/log"),
    confdir=Path("/home/ada/.plancton/conf"),
    statedir=Path("/home/ada/.plancton/state"),
    pidfile=Path("/home/ada/.plancton/run/plancton.pid"),
)


@pytest.mark.usefixtures("as_user")
def test_everyone_else_has_paths_below_their_home() -> None:
    assert resolve() == HOME_PATHS


@pytest.mark.usefixtures("as_root")
def test_root_can_ask_for_the_paths_below_their_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert resolve(user=True) == HOME_PATHS


@pytest.mark.usefixtures("as_user")
@pytest.mark.parametrize("user", [False, True])
def test_an_option_wins_over_user(user: bool) -> None:  # noqa: FBT001 - a parameter of the test
    options = {name: Path(f"/{name}") for name in ("rundir", "logdir", "confdir", "statedir", "pidfile")}
    assert resolve(user=user, **options) == Paths(**options)


@pytest.mark.usefixtures("as_user")
def test_a_users_pid_file_follows_the_run_directory() -> None:
    assert resolve(rundir=Path("/r")).pidfile == Path("/r/plancton.pid")


def test_relative_paths_and_tilde_become_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    given = resolve(rundir=Path("a/../r"), logdir=Path("~/l"))
    assert given.rundir == tmp_path / "r"
    assert given.logdir == Path("/home/ada/l")


def test_names_in_the_directories() -> None:
    paths = below(Path("/x"))
    assert paths.config_file == Path("/x/conf/config.yaml")
    assert paths.log_file == Path("/x/log/plancton.log")
    in_rundir = [
        paths.bus_socket,
        paths.control_socket,
        paths.lock_file,
        paths.drain_marker,
        paths.stop_marker,
        paths.force_stop_marker,
    ]
    assert {path.parent for path in in_rundir} == {Path("/x/run")}
    assert len(set(in_rundir)) == len(in_rundir)
    assert [path.name for path in in_rundir[-3:]] == ["drain", "stop", "force-stop"]


def test_a_socket_path_may_be_just_as_long_as_the_kernel_allows() -> None:
    longest = "/" + "r" * (IPC_PATH_MAX_BYTES - 1 - len("/control.sock"))
    assert len(os.fsencode(resolve(rundir=Path(longest)).control_socket)) == IPC_PATH_MAX_BYTES
    with pytest.raises(PathError, match=r"108 bytes long, but .* 107 at most.*shorter by 1 .*--rundir"):
        resolve(rundir=Path(longest + "r"))


def test_a_socket_paths_length_is_in_bytes() -> None:
    with pytest.raises(PathError):
        resolve(rundir=Path("/" + "ü" * 50))


def test_prepare_makes_directories_for_this_user_alone(tmp_path: Path) -> None:
    paths = below(tmp_path / "deep" / "er")
    paths.prepare()
    assert mode(paths.rundir) == 0o700
    assert mode(paths.logdir) == 0o700
    assert not paths.confdir.exists()


def test_prepare_can_be_repeated_and_tightens(tmp_path: Path) -> None:
    paths = below(tmp_path)
    paths.prepare()
    paths.rundir.chmod(0o777)
    paths.logdir.chmod(0o777)
    paths.drain_marker.touch()
    paths.prepare()
    assert mode(paths.rundir) == 0o700
    assert mode(paths.logdir) == 0o755
    assert paths.drain_marker.exists()


def test_prepare_refuses_a_run_directory_that_is_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PathError, match="symbolic link"):
        below(tmp_path).prepare()


def test_prepare_refuses_a_run_directory_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = below(tmp_path)
    paths.prepare()
    paths.rundir.chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(PathError, match=f"belongs to user id {os.getuid()}"):
        paths.prepare()
    assert mode(paths.rundir) == 0o755


def test_prepare_refuses_a_file_in_the_directorys_place(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(PathError, match="can't be used as a directory"):
        below(tmp_path).prepare()
