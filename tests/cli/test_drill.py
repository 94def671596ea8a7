"""drill: an owner is played on a stand-in for planctond, which suspends its pilots when it's asked to."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import msgspec
import psutil
import pytest

from plancton.cli import drill as verb
from plancton.cli.contact import Trouble
from plancton.cli.drill import Exercise
from plancton.cli.drill_report import DrillReport, told
from plancton.cli.progress import Progress
from plancton.common.decision import Hold
from plancton.common.messages import LauncherState, PoolUnknown, Weight
from plancton.common.paths import Paths
from plancton.common.pilot import PilotState
from plancton.common.reasons import Reason
from plancton.common.requests import Answer, Drill, Happenings, Request, ShowSettings, Status
from plancton.common.status import Happening, HappeningsReport, StatusReport
from tests.fakes.control import NOW, FakePlanctond, Reply, report
from tests.support.planctonctl import Planctonctl, options
from tests.support.running import REPOSITORY
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

SETTINGS = {"suspend": True, "grace_suspend": 5.0, "grace_kill": 120.0}


class Drilled:
    """A planctond that takes its pilots' CPUs away for a drill; ``obeys`` is false for one that doesn't."""

    def __init__(self, pilots: int = 2, *, obeys: bool = True) -> None:
        """Have so many pilots."""
        self.plain = report(pilots)
        self.obeys = obeys
        self.suspended = False
        self.drills: list[float] = []
        self.before: Callable[[], object] = lambda: None
        """What happens just before each look."""
        self.change: Callable[[StatusReport], StatusReport] = lambda told: told

    def __call__(self, request: Request) -> Reply:
        """Answer."""
        match request:
            case Drill(seconds=seconds):
                self.drills.append(seconds)
                self.suspended = seconds > 0 and self.obeys
            case Status():
                self.before()
                return Answer(ok=True, data=msgspec.to_builtins(self.change(self._report())))
            case Happenings(after=after):
                told = Happening(number=7, at_unix=time.time(), what="reaper", text="suspended p-1")
                past = Happening(number=8, at_unix=NOW, what="reaper", text="long ago")
                new = tuple(each for each in (told, past) if after)
                first = (Happening(number=1, at_unix=NOW, what="planctond", text="began"),) if not after else ()
                return Answer(ok=True, data=msgspec.to_builtins(HappeningsReport(happenings=first + new)))
            case ShowSettings():
                return Answer(ok=True, data={"settings": SETTINGS})
        return Answer(ok=True)

    def _report(self) -> StatusReport:
        plain = self.plain
        assert plain.pool is not None
        assert plain.host is not None
        state = PilotState.PAUSED if self.suspended else PilotState.RUNNING
        pilots = tuple(msgspec.structs.replace(each, state=state) for each in plain.pool.pilots)
        return msgspec.structs.replace(
            plain,
            pool=msgspec.structs.replace(plain.pool, pilots=pilots),
            host=msgspec.structs.replace(plain.host, interval_seconds=0.01),
            host_age_seconds=0.0,
            launcher=LauncherState(image="busybox", image_id="sha256:1", weight=Weight(cpu="cpu.idle=1")),
        )


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for little."""
    monkeypatch.setattr(verb, "SUSPENDED_SECONDS", 0.5)
    monkeypatch.setattr(verb, "CALM_SECONDS", 0.5)


def drilled(paths: Paths) -> DrillReport:
    """Return the report of a short drill."""
    with Progress() as progress:
        return Exercise(paths, progress, 1, 0.4).run()


def test_a_drill_measures_first_without_pilots_and_then_beside_them(paths: Paths) -> None:
    stand_in = Drilled()
    with FakePlanctond(paths, stand_in):
        found = drilled(paths)
    assert stand_in.drills == [0.7, 0.7, 0.0]
    assert (found.processes, found.seconds, found.alone_seconds) == (1, 0.4, 0.2)
    assert found.verdict.cpus > 0
    assert found.verdict.alone_cpus is not None
    assert found.verdict.slowdown is not None
    assert [(each.running, each.suspended) for each in found.pilots] == [(2, 0)]
    assert [each.text for each in found.deeds] == ["suspended p-1"]
    assert found.timers is not None
    assert (found.timers.weight, found.timers.suspend, found.timers.grace_kill) == ("cpu.idle=1", True, 120.0)
    assert not [note for note in found.notes if "other programs are busy" not in note]


def test_how_a_drill_goes_is_told_on_standard_error(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    with FakePlanctond(paths, Drilled()):
        drilled(paths)
    assert capsys.readouterr().err.splitlines() == [
        "suspending the pilots, to measure an owner's load without them",
        "an owner's load without pilots",
        "waiting until the pilots go on",
        "an owner's load beside the pilots",
    ]


def test_pilots_that_can_not_be_suspended_leave_what_can_be_told(paths: Paths) -> None:
    stand_in = Drilled(obeys=False)
    hold = Hold(reason=Reason.DRAINING, detail="", since_unix=NOW)
    assert stand_in.plain.target is not None
    target = msgspec.structs.replace(stand_in.plain.target, hold=hold)
    stand_in.plain = msgspec.structs.replace(stand_in.plain, target=target)
    with FakePlanctond(paths, stand_in):
        found = drilled(paths)
    assert stand_in.drills[-1] == 0.0
    assert (found.alone_seconds, found.verdict.slowdown) == (None, None)
    assert found.verdict.cpus > 0
    assert found.notes == ("the pilots weren't suspended within 0.5 s: draining",)


def test_unknown_pilots_are_not_suspended_and_the_load_runs_all_the_same(paths: Paths) -> None:
    stand_in = Drilled()
    unknown = PoolUnknown(why="refused", since_unix=NOW)
    stand_in.change = lambda told: msgspec.structs.replace(told, pool=None, pool_unknown=unknown)
    with FakePlanctond(paths, stand_in):
        found = drilled(paths)
    assert stand_in.drills == []
    assert (found.alone_seconds, found.pilots) == (None, ())
    assert "planctond doesn't know its pilots now" in found.notes[0]


def test_pilots_that_run_during_the_reference_make_the_drill_useless_and_that_is_told(paths: Paths) -> None:
    stand_in = Drilled()

    def ended_early() -> None:
        # Suspended as long as it's waited for, running once the load runs.
        stand_in.suspended = stand_in.suspended and len(stand_in.drills) < 2

    stand_in.before = ended_early
    with FakePlanctond(paths, stand_in):
        found = drilled(paths)
    assert any("some pilots ran while the load was measured" in note for note in found.notes)


def test_pilots_that_stay_suspended_afterwards_and_a_blind_planctond_are_told(paths: Paths) -> None:
    stand_in = Drilled()

    def stuck() -> None:
        stand_in.suspended = bool(stand_in.drills)

    stand_in.before = stuck
    stand_in.change = lambda told: msgspec.structs.replace(told, host=None)
    with FakePlanctond(paths, stand_in):
        found = drilled(paths)
    assert any("pilots were still suspended 0.5 s after the reference" in note for note in found.notes)
    assert any("planctond may have counted the load of the reference" in note for note in found.notes)
    assert [(each.running, each.suspended) for each in found.pilots] == [(0, 2)]


def test_a_look_at_the_host_from_before_the_references_end_is_not_enough(paths: Paths) -> None:
    stand_in = Drilled()
    stand_in.change = lambda told: msgspec.structs.replace(told, host_age_seconds=1e6)
    with FakePlanctond(paths, stand_in):
        begun = time.monotonic()
        found = drilled(paths)
    assert any("planctond may have counted the load of the reference" in note for note in found.notes)
    assert time.monotonic() - begun > 0.5


@pytest.mark.parametrize(("quiet", "told_so"), [(2.0, True), (0.0, False)])
def test_a_machine_that_is_busy_anyway_is_told(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, quiet: float, *, told_so: bool
) -> None:
    monkeypatch.setattr(verb, "QUIET", quiet)
    with FakePlanctond(paths, Drilled()):
        found = drilled(paths)
    assert any("other programs are busy too" in note for note in found.notes) is told_so


def test_a_planctond_that_goes_away_during_the_drill_ends_it_and_its_load(paths: Paths) -> None:
    stand_in = Drilled()
    planctond = FakePlanctond(paths, stand_in)

    def leaves() -> None:
        if stand_in.drills[-1:] == [0.0]:
            planctond.let_go()

    stand_in.before = leaves
    with planctond, pytest.raises(Trouble, match="is not running"):
        drilled(paths)
    assert not burners()


def test_a_planctond_that_goes_away_beside_the_load_leaves_what_was_measured(paths: Paths) -> None:
    stand_in = Drilled()
    planctond = FakePlanctond(paths, stand_in)
    stand_in.before = lambda: planctond.let_go() if Happenings() in planctond.asked else None
    with planctond:
        found = drilled(paths)
    assert found.verdict.slowdown is not None
    assert (found.deeds, found.timers) == ((), None)
    assert "planctond didn't tell what it did meanwhile" in found.notes


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_the_verb_runs_the_exercise_that_is_asked_for_and_prints_its_report(
    planctonctl: Planctonctl, paths: Paths, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    asked: list[tuple[int, float]] = []

    def run(self: Exercise) -> DrillReport:
        asked.append((self.processes, self.seconds))
        return shown

    with FakePlanctond(paths, Drilled()):
        shown = drilled(paths)
    monkeypatch.setattr(Exercise, "run", run)
    result = planctonctl("drill", "--cpus", "3", "--seconds", "7.5", *arguments)
    planctonctl("drill")
    assert asked == [(3, 7.5), (len(os.sched_getaffinity(0)), 60.0)]
    assert result.exit_code == 0
    if arguments:
        assert msgspec.json.decode(result.stdout, type=DrillReport) == shown
    else:
        assert result.stdout == "".join(f"{line}\n" for line in told(shown))


def test_without_pilots_there_is_nothing_to_drill(planctonctl: Planctonctl, paths: Paths) -> None:
    with FakePlanctond(paths, Drilled(pilots=0)) as planctond:
        result = planctonctl("drill")
    assert (result.exit_code, "no pilot runs" in result.stderr, result.stdout) == (1, True, "")
    assert planctond.asked == [Status()]


def test_without_planctond_there_is_no_drill(planctonctl: Planctonctl) -> None:
    result = planctonctl("drill")
    assert (result.exit_code, "is not running" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    "arguments", [["--cpus", "0"], ["--cpus", "x"], ["--seconds", "1"], ["--seconds", "nan"], ["--seconds", "4000"]]
)
def test_senseless_numbers_are_wrong_usage(
    planctonctl: Planctonctl, planctond: FakePlanctond, arguments: list[str]
) -> None:
    assert (planctonctl("drill", *arguments).exit_code, planctond.asked) == (2, [])


def burners(parent: int | None = None) -> list[psutil.Process]:
    """Return the busy processes below a process."""
    return [each for each in psutil.Process(parent).children() if each.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_drill_that_is_broken_off_leaves_no_load_and_no_suspension(paths: Paths, number: signal.Signals) -> None:
    stand_in = Drilled()
    command = [sys.executable, "-m", "plancton.cli.main", *options(paths), "drill", "--cpus", "1", "--seconds", "60"]
    with (
        FakePlanctond(paths, stand_in),
        subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, env=os.environ) as process,
    ):
        try:
            wait_for(lambda: stand_in.suspended and burners(process.pid), 20, "the reference is being measured")
            process.send_signal(number)
            assert process.wait(20) == 130
            assert process.stderr is not None
            assert b"broken off: the load is over, and the pilots go on" in process.stderr.read()
            assert stand_in.drills[-1] == 0.0
        finally:
            process.kill()
