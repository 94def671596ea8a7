"""planctond's own loop and its handlers, with toy workers: signals, markers and requests end in the same acts."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from plancton.common.control import ask
from plancton.common.messages import Mode, Processes
from plancton.common.processes import ProcessState, ProcessStatus
from plancton.common.requests import (
    Answer,
    ClearFizzles,
    Drain,
    Drill,
    Happenings,
    Reload,
    Request,
    Resume,
    ShowSettings,
    Snooze,
    Status,
    Stop,
)
from plancton.common.status import HappeningsReport, StatusReport
from plancton.supervisor.loop import EXIT_ASKED, EXIT_UNAVAILABLE
from plancton.supervisor.machine import WORKERS
from tests.supervisor.conftest import gone
from tests.supervisor.nursery import paths_in
from tests.support.running import REPOSITORY
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow


class Toy:
    """A planctond with toy workers."""

    def __init__(self, directory: Path) -> None:
        """Start it."""
        self.directory = directory
        self.paths = paths_in(directory)
        self.log = directory / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.supervisor.toy_planctond", str(directory)],
                stdout=log,
                stderr=log,
                cwd=REPOSITORY,
            )

    def ask(self, request: Request) -> Answer:
        """Return the answer to a request."""
        return ask(self.paths.control_socket, request, 5.0)

    def status(self) -> StatusReport:
        """Return what status tells."""
        assert self.process.poll() is None, self.log.read_text()
        assert self.paths.control_socket.exists()
        return msgspec.convert(self.ask(Status()).data, StatusReport)

    def until(self, fact: Callable[[StatusReport], object], why: str) -> StatusReport:
        """Wait until ``fact`` is true of the status, and return that status."""

        def asked() -> StatusReport | None:
            status = self.status()
            return status if fact(status) else None

        found = wait_for(asked, 10, why)
        assert found is not None
        return found

    def mode(self, mode: Mode) -> None:
        """Wait until this is the mode, and the scheduler's word too."""
        self.until(lambda status: status.mode is mode, f"the mode is {mode}")

    def pilots(self, *states: str) -> None:
        """Have the probe see containers in these states, and wait until it does."""
        (self.directory / "pilots").write_text(" ".join(states))
        self.until(lambda status: status.pool and len(status.pool.pilots) == len(states), "the probe saw them")

    def processes(self) -> list[dict[str, ProcessStatus]]:
        """Return what the metrics worker has heard of all processes, oldest first."""
        heard = self.directory / "processes"
        lines = heard.read_bytes().splitlines() if heard.exists() else []
        said = [msgspec.json.decode(line, type=Processes).processes for line in lines]
        return [{each.name: each for each in processes} for processes in said]

    def markers(self) -> set[str]:
        """Return the names of the markers that exist."""
        return {"drain", "stop", "force-stop", "snooze"} & {path.name for path in self.directory.iterdir()}

    def exit_code(self) -> int:
        """Wait for the end."""
        return self.process.wait(10)


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    """Yield a planctond that is ready."""
    toy = Toy(tmp_path)
    try:
        toy.until(lambda status: status.ready and status.pool and status.target, "it's ready")
        yield toy
    finally:
        toy.process.kill()
        toy.process.wait()


def test_status_tells_all_and_workers_are_listed_in_their_order(toy: Toy) -> None:
    status = toy.status()
    assert (status.pid, status.mode, status.ready) == (toy.process.pid, Mode.ACTIVE, True)
    assert [process.name for process in status.processes] == list(WORKERS)
    assert {process.state for process in status.processes} == {ProcessState.RUNNING}
    assert not status.config.exists
    assert status.pool_age_seconds is not None
    assert status.pool_age_seconds < 5.0
    answer = toy.ask(ShowSettings())
    assert answer.data["settings"]["docker_image"] == "busybox"
    assert answer.data["origins"]["docker_image"] == "default"


def test_metrics_is_told_of_all_processes_again_and_again_and_how_their_loops_turn(toy: Toy) -> None:
    told = wait_for(lambda: toy.processes()[5:], 10, "they are told without any change")[0]
    status = toy.status()
    assert list(told) == ["supervisor", "template", *WORKERS]
    assert {each.state for each in told.values()} == {ProcessState.RUNNING}
    assert told["supervisor"].pid == status.pid
    assert {told[each.name].pid for each in status.processes} == {each.pid for each in status.processes}
    template = told["template"].pid
    assert template is not None
    assert psutil.Process(template).ppid() == status.pid
    before, turns = toy.processes()[0], ("supervisor", *WORKERS)
    assert all(before[name].beats <= told[name].beats for name in turns)
    wait_for(lambda: all(told[name].beats < toy.processes()[-1][name].beats for name in turns), 5, "all go on")
    assert {each.name: each.beats for each in toy.status().processes}["probe"] > told["probe"].beats


def test_a_loop_that_was_late_is_told_of_and_then_forgotten_but_status_remembers_for_a_while(toy: Toy) -> None:
    late = toy.directory / "late-reaper"
    late.write_text("1.5")
    wait_for(lambda: toy.processes()[-1]["reaper"].late_seconds == 1.5, 10, "that it's late")
    late.unlink()
    wait_for(lambda: toy.processes()[-1]["reaper"].late_seconds == 0.0, 10, "that it's late no more")
    lates = {each.name: each.late_seconds for each in toy.status().processes}
    assert (lates.pop("reaper"), set(lates.values())) == (1.5, {0.0})


def test_a_change_of_a_workers_state_is_told_at_once(toy: Toy) -> None:
    former = next(each.pid for each in toy.status().processes if each.name == "launcher")
    assert former is not None
    os.kill(former, signal.SIGKILL)
    toy.until(lambda status: status.processes[2].pid not in {None, former}, "it's back")
    # Birth and readiness come within milliseconds of the end, which is told nevertheless.
    wait_for(lambda: toy.processes()[-1]["launcher"].restarts == 1, 10, "that it's back")
    states = [each["launcher"].state for each in toy.processes() if each["launcher"].restarts == 1]
    assert states[0] is not ProcessState.RUNNING
    assert toy.processes()[-1]["launcher"].last_end == "killed by SIGKILL"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_workers_in_reverse_and_then_planctond(toy: Toy, number: signal.Signals) -> None:
    pids = [process.pid for process in toy.status().processes if process.pid]
    toy.process.send_signal(number)
    assert toy.exit_code() == EXIT_ASKED
    assert len(pids) == len(WORKERS)
    assert all(map(gone, pids))


def test_a_stop_leaves_pilots_a_drain_that_stood_and_a_snooze(toy: Toy) -> None:
    toy.pilots("running")
    toy.ask(Drain(reason="disk swap"))
    toy.ask(Snooze(until_unix=toy.status().now_unix + 60))
    assert toy.ask(Stop()).ok
    assert toy.exit_code() == EXIT_ASKED
    assert toy.markers() == {"drain", "snooze"}
    assert toy.paths.drain_marker.read_text() == '{"reason":"disk swap"}\n'


def test_drain_and_resume_are_in_force_with_their_answer(toy: Toy) -> None:
    assert toy.ask(Drain()).ok
    assert toy.status().mode is Mode.DRAINING
    assert toy.markers() == {"drain"}
    assert toy.ask(Resume()).ok
    assert toy.status().mode is Mode.ACTIVE
    assert toy.markers() == set()


def test_status_tells_why_and_until_when(toy: Toy) -> None:
    now = toy.status().now_unix
    assert toy.ask(Drain(reason="disk swap", deadline_unix=now + 60)).ok
    assert toy.ask(Snooze(until_unix=now + 0.5)).ok
    assert toy.ask(Drill(seconds=0.5)).ok
    assert toy.ask(ClearFizzles()).ok
    status = toy.status()
    assert (status.drain_reason, status.drain_deadline_unix) == ("disk swap", now + 60)
    assert status.snooze_until_unix is not None
    assert now < status.snooze_until_unix < now + 2
    assert status.drill_until_unix is not None
    toy.until(
        lambda later: later.snooze_until_unix is None and later.drill_until_unix is None, "both end by themselves"
    )
    assert toy.markers() == {"drain"}


@pytest.mark.parametrize(
    ("request_made", "why"),
    [
        (Snooze(until_unix=float("nan")), "refused: the end of the snooze is no moment: nan"),
        (Drain(deadline_unix=5.0), "refused: the deadline is past: "),
        (Drain(reason="two\nlines"), "refused: a reason is one line of printable text"),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(toy: Toy, request_made: Request, why: str) -> None:
    answer = toy.ask(request_made)
    assert (answer.ok, answer.error.startswith(why)) == (False, True)
    assert (toy.markers(), toy.status().mode) == (set(), Mode.ACTIVE)


def test_markers_made_and_removed_by_hand_are_seen(toy: Toy) -> None:
    toy.paths.drain_marker.touch()
    toy.mode(Mode.DRAINING)
    toy.paths.drain_marker.unlink()
    toy.mode(Mode.ACTIVE)


@pytest.mark.parametrize("before", [(), (Drain(),)])
def test_a_drain_stop_waits_for_the_last_live_pilot_and_is_forgotten(toy: Toy, before: tuple[Request, ...]) -> None:
    toy.pilots("running", "exited")
    for request in before:
        toy.ask(request)
    assert toy.ask(Drain(stop=True)).ok
    status = toy.until(lambda status: status.target and status.target.hold, "the scheduler knows")
    assert status.mode is Mode.DRAIN_STOPPING
    toy.until(lambda later: later.pool_age_seconds is not None and later.now_unix > status.now_unix + 0.3, "looks on")
    toy.pilots("exited", "exited")
    assert toy.exit_code() == EXIT_ASKED
    assert toy.markers() == set()


@pytest.mark.parametrize(
    ("before", "left"),
    [
        ((), set()),
        ((Drain(),), {"drain"}),
        ((Drain(stop=True),), set()),
        ((Drain(), Drain(stop=True)), set()),
        ((Stop(force=True),), set()),
    ],
)
def test_a_forced_stop_waits_for_every_container_and_leaves_only_a_drain_that_stood_by_itself(
    toy: Toy, before: tuple[Request, ...], left: set[str]
) -> None:
    toy.pilots("running", "exited")
    for request in (*before, Stop(force=True)):
        assert toy.ask(request).ok
    toy.mode(Mode.FORCE_STOPPING)
    toy.pilots("exited")
    (toy.directory / "pilots").write_text("")
    assert toy.exit_code() == EXIT_ASKED
    assert toy.markers() == left


def test_new_settings_are_in_force_and_bad_ones_change_nothing(toy: Toy) -> None:
    toy.paths.config_file.write_text("max_ttl: 99\n")
    answer = toy.ask(Reload())
    assert answer.data == {"ok": True, "warnings": [], "errors": []}
    assert toy.ask(ShowSettings()).data["settings"]["max_ttl"] == 99.0
    toy.paths.config_file.write_text("max_ttl: [\n")
    answer = toy.ask(Reload())
    assert not answer.data["ok"]
    assert answer.data["errors"]
    assert toy.ask(ShowSettings()).data["settings"]["max_ttl"] == 99.0
    toy.paths.config_file.write_text("max_ttl: 98\n")
    toy.process.send_signal(signal.SIGHUP)
    wait_for(lambda: toy.ask(ShowSettings()).data["settings"]["max_ttl"] == 98.0, 5, "SIGHUP reads it again")
    assert toy.status().config.errors == ()


def test_settings_are_told_without_their_secrets(toy: Toy) -> None:
    sinks = "{url: 'http://h', database: d, user: u, password: Passw0rd}, 'http://me:Passw0rd@h#d'"
    toy.paths.config_file.write_text(f"influxdb_url: [{sinks}]\n")
    assert toy.ask(Reload()).data["ok"]
    told = toy.ask(ShowSettings()).data["settings"]["influxdb_url"]
    assert told[1] == "http://***@h#d"
    assert (told[0]["user"], told[0]["password"], told[0]["bucket"]) == ("u", "***", None)


def test_a_marker_that_can_not_be_made_is_answered_and_changes_nothing(toy: Toy) -> None:
    (toy.paths.drain_marker / "full").mkdir(parents=True)
    toy.mode(Mode.DRAINING)
    answer = toy.ask(Drain(reason="disk swap"))
    assert not answer.ok
    assert "Drain failed" in answer.error
    assert toy.status().drain_reason == ""
    assert not toy.ask(Resume()).ok
    assert toy.status().mode is Mode.DRAINING


def test_happenings_are_told_from_where_one_left_off(toy: Toy) -> None:
    toy.ask(Drain())
    told = msgspec.convert(toy.ask(Happenings()).data, HappeningsReport).happenings
    assert told[-1].text == "mode is now draining"
    assert msgspec.convert(toy.ask(Happenings(after=told[-1].number)).data, HappeningsReport).happenings == ()


def give_up(toy: Toy, worker: str) -> None:
    """Have a worker fail until it's given up."""
    (toy.directory / f"does-{worker}").write_text("fail")
    pid = next(process.pid for process in toy.status().processes if process.name == worker)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def test_without_a_voice_planctond_serves_on(toy: Toy) -> None:
    give_up(toy, "metrics")
    status = toy.until(lambda status: status.processes[4].state is ProcessState.FATAL, "metrics is given up")
    assert status.ready
    assert status.mode is Mode.ACTIVE
    happenings = msgspec.convert(toy.ask(Happenings()).data, HappeningsReport).happenings
    assert "exited with 3; given up" in [happening.text for happening in happenings if happening.what == "metrics"]
    toy.process.send_signal(signal.SIGTERM)
    assert toy.exit_code() == EXIT_ASKED


@pytest.mark.parametrize("hand", ["launcher", "reaper"])
def test_without_a_hand_the_others_are_told(toy: Toy, hand: str) -> None:
    give_up(toy, hand)
    toy.until(
        lambda status: status.target and status.target.generation == 1, f"the scheduler knows that {hand} is lost"
    )
    assert toy.process.poll() is None


@pytest.mark.parametrize("organ", ["probe", "scheduler"])
def test_blind_or_brainless_planctond_leaves_it_to_init(toy: Toy, organ: str) -> None:
    give_up(toy, organ)
    assert toy.exit_code() == EXIT_UNAVAILABLE


@pytest.mark.parametrize("well", [True, False])
def test_a_forced_stop_gives_a_lost_reaper_one_more_life_and_never_waits_for_a_dead_one(
    toy: Toy, *, well: bool
) -> None:
    toy.pilots("running")
    give_up(toy, "reaper")
    toy.until(lambda status: status.processes[3].state is ProcessState.FATAL, "the reaper is given up")
    if well:
        (toy.directory / "does-reaper").write_text("live")
    assert toy.ask(Stop(force=True)).ok
    if well:
        toy.until(lambda status: status.processes[3].state is ProcessState.RUNNING, "the reaper lives again")
        (toy.directory / "pilots").write_text("")
    assert toy.exit_code() == (EXIT_ASKED if well else EXIT_UNAVAILABLE)
    assert toy.markers() == (set() if well else {"force-stop"})
