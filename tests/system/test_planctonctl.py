"""planctonctl and the real planctond, without an engine: it holds launches and says so."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from plancton.cli import contact, stopping
from plancton.common.lock import holder
from plancton.common.messages import Mode
from plancton.common.paths import Paths
from plancton.common.processes import ProcessState
from plancton.common.status import StatusReport
from tests.support.planctonctl import Planctonctl, options, paths_below, planctonctl_for
from tests.support.running import REPOSITORY
from tests.support.waiting import wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:subprocess [0-9]+ is still running:ResourceWarning"),
]
PROCESSES = ("probe", "scheduler", "launcher", "reaper", "metrics")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Paths of a planctond that nobody has started."""
    return paths_below(tmp_path)


@pytest.fixture
def planctonctl(paths: Paths) -> Planctonctl:
    """Run planctonctl with those paths, in this process."""
    return planctonctl_for(paths)


@pytest.fixture(autouse=True)
def nothing_left(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Configure an engine that isn't there; afterwards end whatever still holds the run directory."""
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    paths.confdir.mkdir()
    paths.config_file.write_text(f"docker_url: unix://{paths.rundir}/no-engine\n")
    yield
    pid = holder(paths.lock_file)
    if pid:
        os.kill(pid, signal.SIGCONT)
        os.kill(pid, signal.SIGTERM)
    wait_for(lambda: holder(paths.lock_file) is None, 20, "planctond and its workers are gone")


def status(planctonctl: Planctonctl) -> StatusReport:
    result = planctonctl("status", "--json")
    assert result.exit_code == 0, result.stderr
    return msgspec.json.decode(result.stdout, type=StatusReport)


def pid_of(paths: Paths) -> int:
    pid = holder(paths.lock_file)
    assert pid
    return pid


def test_from_start_to_stop(planctonctl: Planctonctl, paths: Paths) -> None:
    started = planctonctl("start")
    assert started.exit_code == 0, started.stderr
    pid = pid_of(paths)
    assert f"planctond runs, pid {pid}, ready after" in started.stdout
    assert "it launches no pilots now: engine-unknown" in started.stdout
    assert paths.pidfile.read_text() == f"{pid}\n"
    report = status(planctonctl)
    assert (report.pid, report.ready, report.mode) == (pid, True, Mode.ACTIVE)
    assert [process.name for process in report.processes] == list(PROCESSES)
    assert {process.state for process in report.processes} == {ProcessState.RUNNING}
    assert f"planctond runs already, pid {pid}" in planctonctl("start").stdout
    stopped = planctonctl("stop")
    assert (stopped.exit_code, stopped.stdout) == (0, "planctond stopped; the pilots run on\n")
    assert planctonctl("status").exit_code == 3
    assert not paths.pidfile.exists()
    assert not paths.control_socket.exists()


def test_defect_12_status_explains(planctonctl: Planctonctl, paths: Paths) -> None:
    assert planctonctl("start").exit_code == 0
    former = next(process for process in status(planctonctl).processes if process.name == "metrics")
    assert former.pid
    os.kill(former.pid, signal.SIGKILL)
    wait_for(lambda: status(planctonctl).processes[-1].pid not in {None, former.pid}, 10, "metrics is back")
    report, told = status(planctonctl), planctonctl("status").stdout
    for process in report.processes:
        pattern = rf"^{process.name} +running +{process.pid} +{process.restarts} "
        assert re.search(pattern, told, re.MULTILINE), (pattern, told)
    assert [process.restarts for process in report.processes] == [0, 0, 0, 0, 1]
    for pattern in (
        rf"runs: pid {report.pid}, up .* s, ready$",
        r"^Mode +active: ",
        r"^Pilots +how many run isn't known, 0 wanted$",
        r"^ +held: engine-unknown: .*No such file or directory.* \(since .* s\)$",
        rf"^Engine +can't be asked at unix://{paths.rundir}/no-engine \(since .* s\): .*No such file or directory",
        rf"^Config +{paths.config_file}; read .* s ago, generation 1$",
        r"^metrics .* killed by SIGKILL",
    ):
        assert re.search(pattern, told, re.MULTILINE), (pattern, told)


def test_a_drain_survives_a_restart_and_resume_ends_it(planctonctl: Planctonctl, paths: Paths) -> None:
    assert planctonctl("drain").exit_code == 0
    assert "it launches no pilots: drained; planctonctl resume ends that" in planctonctl("start").stdout
    assert status(planctonctl).mode is Mode.DRAINING
    assert planctonctl("resume").exit_code == 0
    assert status(planctonctl).mode is Mode.ACTIVE
    assert planctonctl("drain").exit_code == 0
    assert planctonctl("stop").exit_code == 0
    assert paths.drain_marker.exists()
    assert "engine-unknown" in planctonctl("force-start").stdout
    assert status(planctonctl).mode is Mode.ACTIVE
    assert not paths.drain_marker.exists()


def test_a_drain_stop_waits_while_the_pilots_are_unknown_and_resume_ends_it(planctonctl: Planctonctl) -> None:
    assert planctonctl("start").exit_code == 0
    drained = planctonctl("drain-stop")
    assert (drained.exit_code, "how many run on isn't known" in drained.stdout) == (0, True)
    assert status(planctonctl).mode is Mode.DRAIN_STOPPING
    assert planctonctl("resume").exit_code == 0
    assert status(planctonctl).mode is Mode.ACTIVE


def test_a_bad_configuration_says_where_and_exits_with_78(planctonctl: Planctonctl, paths: Paths) -> None:
    paths.config_file.write_text("main_sleep: 5\nmax_ttl: soon\n")
    result = planctonctl("start")
    assert (result.exit_code, "its configuration is bad" in result.stderr) == (78, True)
    assert f"{paths.config_file}:2" in result.stderr
    assert "max_ttl" in result.stderr
    assert planctonctl("status").exit_code == 3


def test_a_reload_of_a_bad_file_changes_nothing(planctonctl: Planctonctl, paths: Paths) -> None:
    assert planctonctl("start").exit_code == 0
    good = paths.config_file.read_text()
    paths.config_file.write_text(f"{good}max_ttl: soon\n")
    assert planctonctl("reload").exit_code == 78
    explained = planctonctl("status").stdout
    assert f"error: {paths.config_file}:2" in explained
    assert "the settings read before stay in force" in explained
    paths.config_file.write_text(f"{good}max_ttl: 60\nmax_dock: 3\n")
    reloaded = planctonctl("reload")
    assert (reloaded.exit_code, "warning: " in reloaded.stderr, "max_docks" in reloaded.stderr) == (0, True, True)


def test_a_shells_kill_stops_it(planctonctl: Planctonctl, paths: Paths) -> None:
    assert planctonctl("start").exit_code == 0
    os.kill(int(paths.pidfile.read_text()), signal.SIGTERM)
    wait_for(lambda: planctonctl("status").exit_code == 3, 20, "it is gone")


def test_after_a_violent_death_start_starts_anew(planctonctl: Planctonctl, paths: Paths) -> None:
    assert planctonctl("start").exit_code == 0
    first = pid_of(paths)
    os.kill(first, signal.SIGKILL)
    again = planctonctl("start")
    assert again.exit_code == 0, again.stderr
    assert pid_of(paths) != first
    assert status(planctonctl).ready


def test_one_that_hangs_is_unknown_and_stop_still_ends_it(
    planctonctl: Planctonctl, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert planctonctl("start").exit_code == 0
    pid = pid_of(paths)
    monkeypatch.setattr(contact, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(stopping, "_ASK_SECONDS", 0.2)
    monkeypatch.setattr(stopping, "STOP_SECONDS", 0.5)
    os.kill(pid, signal.SIGSTOP)
    assert planctonctl("status").exit_code == 4
    stuck = planctonctl("stop")
    assert (stuck.exit_code, f"sent SIGTERM to pid {pid}" in stuck.stderr, "still runs" in stuck.stderr) == (
        1,
        True,
        True,
    )
    os.kill(pid, signal.SIGCONT)
    wait_for(lambda: planctonctl("status").exit_code == 3, 20, "it took the SIGTERM")


def test_nodaemon_runs_in_the_foreground_and_a_second_one_is_refused(
    planctonctl: Planctonctl, paths: Paths, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "plancton.cli.main", "nodaemon", *options(paths)]
    output = tmp_path / "output"
    with (
        output.open("wb") as stream,
        subprocess.Popen(command, stdout=stream, stderr=stream, cwd=REPOSITORY) as process,
    ):
        try:
            wait_for(lambda: planctonctl("status").exit_code == 0 and status(planctonctl).ready, 20, "it is ready")
            assert pid_of(paths) == process.pid
            second = subprocess.run(command, capture_output=True, cwd=REPOSITORY, check=False)
            assert (second.returncode, b"already running" in second.stderr) == (69, True)
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()
    assert f"planctond[{process.pid}]" in output.read_text()


def test_two_starts_at_once_are_one_planctond(paths: Paths) -> None:
    command = [sys.executable, "-m", "plancton.cli.main", "start", *options(paths)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=REPOSITORY) for _ in "12"]
    told = [process.communicate(timeout=60)[0].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert all(f"pid {pid_of(paths)}" in words for words in told), told


def test_a_forced_stop_waits_for_the_engine_says_so_and_can_be_called_off(
    planctonctl: Planctonctl, paths: Paths, tmp_path: Path
) -> None:
    assert planctonctl("start").exit_code == 0
    command = [sys.executable, "-m", "plancton.cli.main", "force-stop", *options(paths)]
    output = tmp_path / "output"
    with (
        output.open("wb") as stream,
        subprocess.Popen(command, stdout=stream, stderr=stream, cwd=REPOSITORY) as process,
    ):
        try:
            wait_for(lambda: "how many are left isn't known: " in output.read_text(), 20, "it says why it waits")
            assert planctonctl("resume").exit_code == 0
            assert process.wait(20) == 1
        finally:
            process.kill()
    assert "somebody ended the forced stop" in output.read_text()
    assert status(planctonctl).mode is Mode.ACTIVE
