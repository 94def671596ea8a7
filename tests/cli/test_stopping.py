"""stop and force-stop: they return when planctond is gone, and say what becomes of the pilots."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import pytest

from plancton.cli import stopping
from plancton.common.lock import holder
from plancton.common.messages import Mode, PoolUnknown
from plancton.common.paths import Paths
from plancton.common.requests import Answer, Request, Status, Stop
from plancton.common.status import StatusReport
from tests.fakes.control import NOW, FakePlanctond, Reply, report
from tests.support.planctonctl import Planctonctl
from tests.support.running import REPOSITORY
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow


@contextmanager
def process(paths: Paths, behaviour: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a planctond that behaves so, in a process of its own."""
    paths.prepare()
    command = [sys.executable, "-m", "tests.fakes.planctond", behaviour, str(paths.rundir), str(paths.logdir)]
    with subprocess.Popen(command, cwd=REPOSITORY) as fake:
        try:
            wait_for(lambda: holder(paths.lock_file) and paths.control_socket.exists(), 10, "it serves")
            yield fake
        finally:
            fake.kill()


@pytest.mark.parametrize(
    ("pilots", "words"), [(0, "no pilot was running"), (1, "1 pilot runs on"), (5, "5 pilots run on")]
)
def test_stop_leaves_the_pilots(planctonctl: Planctonctl, planctond: FakePlanctond, pilots: int, words: str) -> None:
    planctond.report = report(pilots)
    result = planctonctl("stop")
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"planctond stopped; {words}\n", "")
    assert planctond.asked[-1] == Stop()


def test_stop_leaves_pilots_that_it_knows_nothing_of(planctonctl: Planctonctl, planctond: FakePlanctond) -> None:
    unknown = PoolUnknown(why="refused", since_unix=NOW)
    planctond.report = msgspec.structs.replace(report(), pool=None, pool_unknown=unknown)
    assert planctonctl("stop").stdout == "planctond stopped; the pilots run on\n"


@pytest.mark.parametrize("verb", ["stop", "force-stop"])
def test_what_is_not_running_is_stopped_already(planctonctl: Planctonctl, verb: str) -> None:
    result = planctonctl(verb)
    assert (result.exit_code, result.stdout.startswith("planctond is not running")) == (0, True)


def test_force_stop_without_planctond_says_how_to_end_pilots(planctonctl: Planctonctl) -> None:
    assert "planctonctl start, then planctonctl force-stop" in planctonctl("force-stop").stdout


def test_one_that_does_not_answer_gets_sigterm(
    planctonctl: Planctonctl, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "_ASK_SECONDS", 0.2)
    with process(paths, "silent") as fake:
        result = planctonctl("stop")
        assert (result.exit_code, fake.wait(5)) == (0, 0)
    assert f"sent SIGTERM to pid {fake.pid}" in result.stderr
    assert result.stdout == "planctond stopped; the pilots run on\n"


def test_no_other_process_gets_sigterm(planctonctl: Planctonctl, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "_ASK_SECONDS", 0.2)
    with (
        process(paths, "silent") as fake,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other,
    ):
        paths.lock_file.write_text(f"{other.pid}\n")
        result = planctonctl("stop")
        assert (fake.poll(), other.poll()) == (None, None)
        other.kill()
    assert (result.exit_code, "its process isn't found" in result.stderr) == (1, True)


def test_one_that_does_not_go_is_told(planctonctl: Planctonctl, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "STOP_SECONDS", 0.5)
    monkeypatch.setattr(stopping, "_QUIET_SECONDS", 0.2)
    with process(paths, "stubborn") as fake:
        result = planctonctl("stop")
    assert result.exit_code == 1
    assert f"waiting for planctond, pid {fake.pid}, to end" in result.stderr
    assert f"planctond, pid {fake.pid}, still runs 0.5 s after it was told to stop" in result.stderr


@pytest.mark.parametrize("verb", ["stop", "force-stop"])
def test_a_refusal_is_told(planctonctl: Planctonctl, paths: Paths, verb: str) -> None:
    with FakePlanctond(paths, lambda _: Answer(ok=False, error="disk full")):
        result = planctonctl(verb)
    assert (result.exit_code, "disk full" in result.stderr) == (1, True)


class Ending:
    """A planctond whose pilots end one by one while it is looked at; ``then`` comes once none is left."""

    def __init__(self, then: Callable[[FakePlanctond], None]) -> None:
        self.left = 3
        self.mode = Mode.ACTIVE
        self._then = then

    def serve(self, paths: Paths) -> FakePlanctond:
        """Return it, to be entered."""
        self._fake = FakePlanctond(paths, self._reply)
        return self._fake

    def _reply(self, request: Request) -> Reply:
        match request:
            case Stop(force=True):
                self.mode = Mode.FORCE_STOPPING
            case Status():
                told = msgspec.structs.replace(report(self.left), mode=self.mode)
                if self.left == 0:
                    self._then(self._fake)
                self.left = max(0, self.left - 1)
                return Answer(ok=True, data=msgspec.to_builtins(told))
        return Answer(ok=True)


def test_force_stop_shows_how_many_pilots_are_left(planctonctl: Planctonctl, paths: Paths) -> None:
    with Ending(FakePlanctond.let_go).serve(paths):
        result = planctonctl("force-stop")
    assert (result.exit_code, result.stdout) == (0, "planctond stopped; no pilot is left\n")
    assert result.stderr == "".join(f"ending the pilots: {left} left\n" for left in (3, 2, 1, 0))


def test_force_stop_says_why_it_takes_long(planctonctl: Planctonctl, paths: Paths) -> None:
    looks = iter([False, True])

    def reply(request: Request) -> Reply:
        if isinstance(request, Status):
            unknown = PoolUnknown(why="connection refused", since_unix=NOW)
            if next(looks):
                fake.let_go()
            told = msgspec.structs.replace(report(), pool=None, pool_unknown=unknown, mode=Mode.FORCE_STOPPING)
            return Answer(ok=True, data=msgspec.to_builtins(told))
        return Answer(ok=True)

    fake = FakePlanctond(paths, reply)
    with fake:
        result = planctonctl("force-stop")
    assert result.exit_code == 0
    assert result.stderr == "ending the pilots; how many are left isn't known: connection refused\n"


def test_ctrl_c_ends_the_waiting_alone(
    planctonctl: Planctonctl, planctond: FakePlanctond, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> StatusReport:
        raise KeyboardInterrupt

    monkeypatch.setattr(stopping, "_report", interrupted)
    result = planctonctl("force-stop")
    assert (result.exit_code, planctond.asked) == (1, [Stop(force=True)])
    assert "planctond goes on ending its pilots, and planctonctl resume calls that off" in result.stderr


def test_a_forced_stop_that_somebody_ended_is_not_done(planctonctl: Planctonctl, paths: Paths) -> None:
    def resumed(_: FakePlanctond) -> None:
        ending.mode = Mode.ACTIVE

    ending = Ending(resumed)
    with ending.serve(paths):
        result = planctonctl("force-stop")
    assert (result.exit_code, "somebody ended the forced stop" in result.stderr) == (1, True)


def test_a_planctond_that_dies_before_its_pilots_is_not_done(planctonctl: Planctonctl, paths: Paths) -> None:
    paths.prepare()
    paths.force_stop_marker.touch()
    with Ending(FakePlanctond.let_go).serve(paths):
        result = planctonctl("force-stop")
    assert (result.exit_code, "ended before all of its pilots had" in result.stderr) == (1, True)
