"""drain --wait and drain-stop --wait: they return when it's done, and say why where it isn't."""

import time
from collections.abc import Callable

import msgspec
import pytest

from plancton.cli import draining
from plancton.cli.draining import none_left, nothing_starts, told
from plancton.cli.wording import clock
from plancton.common.decision import Hold, Wish
from plancton.common.messages import LauncherState, Mode, PoolUnknown, Target
from plancton.common.paths import Paths
from plancton.common.pilot import PilotState
from plancton.common.processes import ProcessState
from plancton.common.reasons import Reason
from plancton.common.requests import Answer, Drain, Request, ShowSettings, Status
from plancton.common.status import StatusReport
from tests.cli.terminal import on_terminal
from tests.fakes.control import NOW, FakePlanctond, Reply, pilot, report
from tests.support.planctonctl import Planctonctl

FAR = 1e12
"""A monotonic moment after all others."""


def drained(
    pilots: int, *, reason: Reason | None = Reason.DRAINING, looked_at: float = FAR, mode: Mode = Mode.DRAINING
) -> StatusReport:
    """Return what a drained planctond tells while so many pilots are left."""
    plain = report(pilots)
    assert plain.pool is not None
    hold = Hold(reason=reason, detail="", since_unix=NOW) if reason else None
    return msgspec.structs.replace(
        plain,
        mode=mode,
        target=Target(generation=8, valid_until_monotonic=9.0, want=0, running=pilots, hold=hold),
        pool=msgspec.structs.replace(plain.pool, full_look_monotonic=looked_at),
    )


class Draining:
    """A planctond that tells one report after the other, the last again and again; None lets go of the directory."""

    def __init__(self, *reports: StatusReport | None, then: Callable[[Paths], None] | None = None) -> None:
        """Tell these."""
        self._reports = list(reports)
        self._then = then
        self.looks = 0

    def serve(self, paths: Paths) -> FakePlanctond:
        """Return it, to be entered."""
        self._fake = FakePlanctond(paths, self._reply)
        return self._fake

    def _reply(self, request: Request) -> Reply:
        match request:
            case Status():
                return self._status()
            case ShowSettings():
                return Answer(ok=True, data={"settings": {"max_ttl": 3600.0}})
        return Answer(ok=True)

    def _status(self) -> Reply:
        self.looks += 1
        now = self._reports.pop(0) if len(self._reports) > 1 else self._reports[0]
        if now is not None and self._reports == [None]:
            self._end()
        return None if now is None else Answer(ok=True, data=msgspec.to_builtins(now))

    def _end(self) -> None:
        if self._then is not None:
            self._then(self._fake.paths)
        self._fake.let_go()


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often and give up soon."""
    monkeypatch.setattr(draining, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(draining, "AWAY_SECONDS", 0.2)


def test_a_drain_is_done_once_a_look_from_after_it_shows_no_pilot(planctonctl: Planctonctl, paths: Paths) -> None:
    # The first look is drain's own.
    told_in_turn = Draining(
        drained(2), drained(2), drained(1), drained(0, reason=Reason.MAX_DOCKS), drained(0, looked_at=0.0), drained(0)
    )
    with told_in_turn.serve(paths):
        result = planctonctl("drain", "--wait")
    until = clock(NOW - 60 + 3600)
    assert (result.exit_code, told_in_turn.looks) == (0, 6)
    assert result.stdout.splitlines()[-1] == "drained: no pilot is left"
    assert result.stderr.splitlines() == [
        f"2 pilots left, until {until} at the latest",
        f"1 pilot left, until {until} at the latest",
        "no pilot is left; waiting for a last look at the engine",
    ]


def test_unknown_pilots_are_waited_for_and_told(planctonctl: Planctonctl, paths: Paths) -> None:
    unknown = msgspec.structs.replace(
        drained(0), pool=None, pool_unknown=PoolUnknown(why="refused\x07", since_unix=NOW)
    )
    with Draining(unknown, unknown, drained(0)).serve(paths):
        result = planctonctl("drain", "--wait")
    assert result.exit_code == 0
    assert "how many pilots are left isn't known: refused\\x07" in result.stderr


@pytest.mark.parametrize("verb", ["drain", "drain-stop"])
def test_after_its_timeout_it_says_who_is_left(planctonctl: Planctonctl, paths: Paths, verb: str) -> None:
    mode = Mode.DRAINING if verb == "drain" else Mode.DRAIN_STOPPING
    with Draining(drained(3, mode=mode)).serve(paths):
        result = planctonctl(verb, "--wait", "--timeout", "0.3s")
    assert result.exit_code == 1
    assert "3 pilots left" in result.stderr.splitlines()[-1]
    assert result.stderr.endswith("after 0.3 s; the drain stays in force\n")


@pytest.mark.parametrize(
    ("verb", "mode"), [("drain", Mode.ACTIVE), ("drain-stop", Mode.ACTIVE), ("drain-stop", Mode.DRAINING)]
)
def test_somebody_who_ends_the_drain_ends_the_waiting(
    planctonctl: Planctonctl, paths: Paths, verb: str, mode: Mode
) -> None:
    first = drained(2, mode=Mode.DRAINING if verb == "drain" else Mode.DRAIN_STOPPING)
    with Draining(first, first, drained(2, mode=mode)).serve(paths):
        result = planctonctl(verb, "--wait")
    assert (result.exit_code, f"somebody ended the drain: planctond, pid {first.pid}, is {mode}" in result.stderr) == (
        1,
        True,
    )


@pytest.mark.parametrize("mode", [Mode.DRAIN_STOPPING, Mode.FORCE_STOPPING])
def test_somebody_who_wants_even_more_than_a_drain_does_not(planctonctl: Planctonctl, paths: Paths, mode: Mode) -> None:
    with Draining(drained(1), drained(1, mode=mode), drained(0, mode=mode, reason=Reason.STOPPING)).serve(paths):
        assert planctonctl("drain", "--wait").exit_code == 0


def test_a_planctond_that_stays_away_is_told(planctonctl: Planctonctl, paths: Paths) -> None:
    with Draining(drained(2), drained(2), None).serve(paths):
        result = planctonctl("drain", "--wait")
    assert result.exit_code == 1
    assert "planctond ended before it was seen that no pilot is left; the drain stays in force" in result.stderr


class SetTime:
    """A clock that moves only by sleeping."""

    def __init__(self) -> None:
        """Begin anywhere."""
        self.now = 100.0

    def monotonic(self) -> float:
        """Return the present."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def test_a_planctond_that_is_restarted_twice_was_never_away_for_long(
    planctonctl: Planctonctl, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SetTime()
    there = iter([1] + [None] * 15 + [1] + [None] * 15 + [1])
    monkeypatch.setattr(draining, "time", clock)
    with Draining(drained(1), drained(1), drained(1), drained(0)).serve(paths):
        monkeypatch.setattr(draining, "running", lambda _: next(there, 1))
        assert planctonctl("drain", "--wait").exit_code == 0
    assert 0.3 < clock.now - 100 < 0.4


def test_a_drain_stop_is_done_when_planctond_has_stopped(planctonctl: Planctonctl, paths: Paths) -> None:
    last = drained(0, mode=Mode.DRAIN_STOPPING, reason=Reason.STOPPING)
    with Draining(drained(1, mode=Mode.DRAIN_STOPPING), last, last, None).serve(paths):
        result = planctonctl("drain-stop", "--wait")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "planctond stopped; no pilot is left")


def test_a_drain_stop_is_not_done_where_planctond_died_before(planctonctl: Planctonctl, paths: Paths) -> None:
    one = drained(1, mode=Mode.DRAIN_STOPPING)
    with Draining(one, one, None, then=lambda place: place.stop_marker.touch()).serve(paths):
        result = planctonctl("drain-stop", "--wait")
    assert (result.exit_code, "planctond ended before it was seen" in result.stderr) == (1, True)


def test_ctrl_c_ends_the_waiting_alone(planctonctl: Planctonctl, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupted)
    with Draining(drained(2)).serve(paths) as planctond:
        result = planctonctl("drain", "--wait")
    assert result.exit_code == 130
    assert result.stderr.endswith("no longer waiting; the drain stays in force, and planctonctl resume ends it\n")
    assert [type(each) for each in planctond.asked].count(Drain) == 1


def test_on_a_terminal_the_time_that_is_left_is_shown(paths: Paths) -> None:
    until = msgspec.structs.replace(drained(2), drain_deadline_unix=NOW + 95.0)
    with Draining(until).serve(paths), on_terminal(paths, "drain", "--wait") as terminal:
        assert f"2 pilots left, until {clock(NOW + 95)} at the latest (in 1 min 35 s)" in terminal.read_until("35 s)")


WISH = Wish(slot=0, incarnation=1, reason=Reason.ROOM)


def busy(in_flight: int, launcher: ProcessState = ProcessState.RUNNING) -> StatusReport:
    """Return a drained planctond with so many starts under way."""
    plain = drained(0)
    processes = tuple(
        msgspec.structs.replace(each, state=launcher) if each.name == "launcher" else each for each in plain.processes
    )
    state = LauncherState(image="busybox", image_id="sha256:1", in_flight=in_flight)
    return msgspec.structs.replace(plain, launcher=state, processes=processes)


def test_nothing_starts_once_the_scheduler_knows_and_no_start_is_under_way() -> None:
    for reason in (
        Reason.DRAINING, Reason.STOPPING, Reason.SNOOZED, Reason.DRAIN_DEADLINE, Reason.OUTSIDE_WINDOWS
    ):  # fmt: skip
        assert nothing_starts(drained(0, reason=reason))
    assert not nothing_starts(drained(0, reason=Reason.MAX_DOCKS))
    assert not nothing_starts(drained(0, reason=None))
    assert not nothing_starts(msgspec.structs.replace(drained(0), target=None))
    launching = drained(0)
    assert launching.target is not None
    target = msgspec.structs.replace(launching.target, launch=(WISH,))
    assert not nothing_starts(msgspec.structs.replace(launching, target=target))
    assert nothing_starts(busy(0))
    assert not nothing_starts(busy(1))
    assert nothing_starts(busy(1, ProcessState.FATAL))
    assert nothing_starts(msgspec.structs.replace(drained(0), launcher=None))


@pytest.mark.parametrize("state", PilotState)
def test_only_ended_pilots_and_a_later_look_are_none_left(state: PilotState) -> None:
    plain = drained(0, looked_at=5.0)
    assert plain.pool is not None
    seen = msgspec.structs.replace(plain, pool=msgspec.structs.replace(plain.pool, pilots=(pilot(0, state),)))
    assert none_left(seen, 4.9) is (state in {PilotState.EXITED, PilotState.DEAD})
    assert not none_left(seen, 5.0)
    assert not none_left(msgspec.structs.replace(seen, pool=None), 0.0)


def test_the_last_pilot_ends_by_its_life_or_by_the_deadline() -> None:
    two = drained(2)
    assert told(two, None) == ("2 pilots left", "")
    assert told(two, 90.0) == (f"2 pilots left, until {clock(NOW + 30)} at the latest", " (in 30 s)")
    sooner = msgspec.structs.replace(two, drain_deadline_unix=NOW + 10)
    assert told(sooner, 90.0) == (f"2 pilots left, until {clock(NOW + 10)} at the latest", " (in 10 s)")
    assert told(sooner, None) == told(sooner, 90.0)
