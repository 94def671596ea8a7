"""Starting planctond: ready, or why it isn't."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plancton.cli import launch, lifecycle
from plancton.common.lock import holder
from plancton.common.paths import Paths
from tests.fakes.control import FakePlanctond
from tests.support.planctonctl import Planctonctl
from tests.support.running import REPOSITORY
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

Behave = Callable[[str], None]


@pytest.fixture
def behave(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Iterator[Behave]:
    """Let the planctond that planctonctl starts behave as told; end it afterwards."""
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    started: list[int] = []
    start = launch.Started.__init__

    def remember(self: launch.Started, where: Paths) -> None:
        start(self, where)
        started.append(self.pid)

    monkeypatch.setattr(launch.Started, "__init__", remember)

    def so(behaviour: str) -> None:
        command = [sys.executable, "-m", "tests.fakes.planctond", behaviour, str(paths.rundir), str(paths.logdir)]
        monkeypatch.setattr(launch, "command", lambda _: command)
        monkeypatch.setattr(lifecycle, "command", lambda _: command)

    yield so
    for pid in started:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    wait_for(lambda: holder(paths.lock_file) is None, 5, "the fake planctonds are gone")


def test_the_command_carries_all_paths_and_never_imports_from_the_current_directory(paths: Paths) -> None:
    words = launch.command(paths)
    assert words[:3] == [sys.executable, "-m", "plancton.planctond"]
    for name, path in (("log", paths.logdir), ("run", paths.rundir), ("conf", paths.confdir)):
        assert words[words.index(f"--{name}dir") + 1] == str(path)
    assert words[words.index("--pidfile") + 1] == str(paths.pidfile)
    assert launch.environment()["PYTHONSAFEPATH"] == "1"


def test_start_returns_once_it_is_ready_and_stop_ends_it(
    planctonctl: Planctonctl, behave: Behave, paths: Paths
) -> None:
    behave("slow")
    result = planctonctl("start")
    assert (result.exit_code, result.stderr) == (0, "")
    pid = holder(paths.lock_file)
    assert pid
    assert f"planctond runs, pid {pid}, ready after" in result.stdout
    assert os.getsid(pid) == pid
    assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")
    assert Path(f"/proc/{pid}/fd/0").readlink() == Path("/dev/null")
    assert Path(f"/proc/{pid}/fd/1").readlink() == Path("/dev/null")
    assert Path(f"/proc/{pid}/fd/2").readlink() == paths.logdir / "planctond.err"
    again = planctonctl("start")
    assert (again.exit_code, f"planctond runs already, pid {pid}" in again.stdout) == (0, True)
    stopped = planctonctl("stop")
    assert (stopped.exit_code, "planctond stopped; 2 pilots run on" in stopped.stdout) == (0, True)


def test_start_tells_why_launches_are_held(planctonctl: Planctonctl, behave: Behave) -> None:
    behave("held")
    result = planctonctl("start")
    assert result.exit_code == 0
    assert "  it launches no pilots now: engine-unknown: connection refused" in result.stdout


def test_start_tells_that_it_is_drained(planctonctl: Planctonctl, behave: Behave) -> None:
    behave("drained")
    result = planctonctl("start")
    assert result.exit_code == 0
    assert "  it launches no pilots: drained; planctonctl resume ends that" in result.stdout


@pytest.mark.parametrize(
    ("code", "passed_on"),
    [
        ("69 (it can't serve)", 69),
        ("70 (a bug in it)", 70),
        ("73 (it can't use its directories)", 73),
        ("78 (its configuration is bad)", 78),
        ("3", 1),
    ],
)
def test_its_own_exit_code_and_words_are_passed_on(
    planctonctl: Planctonctl, behave: Behave, paths: Paths, code: str, passed_on: int
) -> None:
    paths.prepare()
    (paths.logdir / "planctond.err").write_text("words of another day\n")
    behave(f"exit:{code.split(maxsplit=1)[0]}")
    result = planctonctl("start")
    assert (result.exit_code, result.stdout) == (passed_on, "")
    assert result.stderr == (
        f"planctonctl: planctond ended with exit code {code} before it was ready:\n"
        "  planctond: what went \\x1b[31mwrong\n"
    )


def test_its_log_speaks_where_it_left_no_words(planctonctl: Planctonctl, behave: Behave) -> None:
    behave("log:0")
    result = planctonctl("start")
    assert (result.exit_code, "  a line in the log\n" in result.stderr) == (1, True)


def test_a_violent_end_is_told(planctonctl: Planctonctl, behave: Behave) -> None:
    behave("die")
    result = planctonctl("start")
    assert result.exit_code == 1
    assert "was killed by signal 9 before it was ready:\n  it left no word in" in result.stderr


def test_the_worker_that_is_not_ready_is_named(
    planctonctl: Planctonctl, behave: Behave, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "READY_SECONDS", 1.5)
    behave("never-ready")
    result = planctonctl("start")
    assert result.exit_code == 1
    assert "isn't ready after 1.5 s and goes on trying:\n  probe is backoff after 4 restarts" in result.stderr
    assert "; its last end: exited with status 1" in result.stderr


def test_one_that_never_answers_is_told(
    planctonctl: Planctonctl, behave: Behave, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "READY_SECONDS", 1.5)
    monkeypatch.setattr(launch, "_ASK_SECONDS", 0.1)
    behave("silent")
    result = planctonctl("start")
    assert (result.exit_code, "hasn't answered within 1.5 s" in result.stderr) == (1, True)


def test_one_that_does_nothing_at_all_is_told(
    planctonctl: Planctonctl, behave: Behave, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "READY_SECONDS", 0.3)
    behave("hang")
    result = planctonctl("start")
    assert (result.exit_code, "hasn't taken the run directory" in result.stderr) == (1, True)


def test_somebody_elses_faster_start_is_the_state_asked_for(
    planctonctl: Planctonctl, behave: Behave, monkeypatch: pytest.MonkeyPatch, planctond: FakePlanctond
) -> None:
    behave("exit:69")
    seen = iter([None])
    monkeypatch.setattr(lifecycle, "running", lambda _: next(seen))
    result = planctonctl("start")
    assert result.exit_code == 0
    assert f"planctond runs, pid {planctond.report.pid}" in result.stdout


def test_an_unusable_run_directory_comes_with_the_remedy(planctonctl: Planctonctl, paths: Paths) -> None:
    paths.rundir.symlink_to("/tmp")
    result = planctonctl("start")
    assert (result.exit_code, "--rundir" in result.stderr) == (1, True)


def test_a_command_that_can_not_be_run_is_told(planctonctl: Planctonctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "command", lambda _: ["/no/such/python"])
    result = planctonctl("start")
    assert (result.exit_code, "can't be started" in result.stderr) == (1, True)
