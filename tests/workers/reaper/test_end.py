"""One call on a container, and what is said of it."""

import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from unittest import mock

import pytest

from plancton.common.engine_types import Failure, FailureKind
from plancton.common.messages import EndingAction, EndingOutcome, Outcome
from plancton.common.pilot import PilotState
from plancton.common.reasons import Reason
from plancton.workers.reaper.cleanup import Act, Order
from plancton.workers.reaper.end import Killed, carry_out, kill
from tests.fakes.containers import Program
from tests.fakes.engine import FakeEngine
from tests.support.facts import CREATED, EXITED, pilot

NO_LEEWAY = nullcontext()


@pytest.fixture
def engine() -> FakeEngine:
    """Return an engine with one container that runs."""
    fake = FakeEngine()
    fake.programs = {("works",): Program(exit_code_on_sigterm=3, output="working\n")}
    created = fake.create({"Image": "busybox", "Cmd": ["works"]}, "one")
    assert isinstance(created, str)
    fake.start(created)
    fake.advance(5.0)
    return fake


def order(
    engine: FakeEngine,
    act: Act,
    reason: Reason = Reason.EXPIRED,
    state: PilotState = PilotState.RUNNING,
    **changes: Any,  # noqa: ANN401
) -> Order:
    """Return an order about the one container."""
    container = engine.inspect("one")
    container_id = getattr(container, "container_id", "gone")
    return Order(act=act, pilot=pilot(0, state=state, container_id=container_id), reason=reason, **changes)


def ordered(engine: FakeEngine, what: Order) -> tuple[EndingOutcome, list[str]]:
    """Carry it out, and return what is said of it and what was asked of the engine."""
    engine.calls.clear()
    killed = kill(engine, NO_LEEWAY, what) if what.act is Act.REMOVE_FORCED else None
    outcome = carry_out(engine, NO_LEEWAY, what, killed)
    assert outcome is not None
    return outcome, [call.name for call in engine.calls]


@pytest.mark.parametrize(
    ("act", "action", "exit_code"),
    [(Act.TERMINATE, EndingAction.TERMINATED, 3), (Act.KILL, EndingAction.KILLED, 137)],
)
def test_signals(engine: FakeEngine, act: Act, action: EndingAction, exit_code: int) -> None:
    outcome = carry_out(engine, NO_LEEWAY, order(engine, act))
    assert outcome is not None
    assert (outcome.action, outcome.outcome, outcome.killed) == (action, Outcome.DONE, True)
    container = engine.inspect("one")
    assert getattr(container, "exit_code", None) == exit_code


def test_a_removal_tells_the_uptime_and_the_exit_code(engine: FakeEngine) -> None:
    engine.finish("one", 4)
    engine.advance(60.0)
    outcome = carry_out(engine, NO_LEEWAY, order(engine, Act.REMOVE, Reason.ENDED, EXITED))
    assert outcome is not None
    assert (outcome.uptime_seconds, outcome.exit_code, outcome.killed, outcome.started) == (5.0, 4, False, True)
    assert engine.list_containers({}) == ()


def test_a_running_container_is_removed_only_by_force(engine: FakeEngine) -> None:
    refused = carry_out(engine, NO_LEEWAY, order(engine, Act.REMOVE))
    assert refused is not None
    assert refused.outcome is Outcome.FAILED
    assert refused.detail.startswith("conflict")
    forced = carry_out(engine, NO_LEEWAY, order(engine, Act.REMOVE_FORCED))
    assert forced is not None
    assert forced.outcome is Outcome.DONE


def test_one_that_never_started_is_told_as_such(engine: FakeEngine) -> None:
    engine.remove("one", force=True)
    engine.create({"Image": "busybox"}, "one")
    outcome = carry_out(engine, NO_LEEWAY, order(engine, Act.REMOVE, Reason.NEVER_STARTED, CREATED))
    assert outcome is not None
    assert (outcome.started, outcome.killed) == (False, False)


def test_nothing_is_said_of_what_somebody_else_removed(engine: FakeEngine) -> None:
    engine.remove("one", force=True)
    assert carry_out(engine, NO_LEEWAY, order(engine, Act.REMOVE)) is None


def test_a_call_without_an_answer_timed_out(engine: FakeEngine) -> None:
    engine.fail("kill", FailureKind.TIMED_OUT)
    outcome = carry_out(engine, NO_LEEWAY, order(engine, Act.KILL))
    assert outcome is not None
    assert outcome.outcome is Outcome.TIMED_OUT


def test_a_suspension_and_its_end(engine: FakeEngine) -> None:
    suspended, _ = ordered(engine, order(engine, Act.SUSPEND, Reason.OWNER_CPU, figures="the owner uses 2 CPUs"))
    assert (suspended.action, suspended.outcome, suspended.killed) == (EndingAction.SUSPENDED, Outcome.DONE, False)
    assert (suspended.reason, suspended.figures) == (Reason.OWNER_CPU, "the owner uses 2 CPUs")
    assert engine.inspect("one").state is PilotState.PAUSED  # type: ignore[union-attr]
    resumed, _ = ordered(engine, order(engine, Act.RESUME, Reason.ROOM_AGAIN, PilotState.PAUSED))
    assert (resumed.action, resumed.outcome, resumed.killed) == (EndingAction.RESUMED, Outcome.DONE, False)
    assert engine.inspect("one").state is PilotState.RUNNING  # type: ignore[union-attr]
    engine.finish("one")
    for act in (Act.SUSPEND, Act.RESUME):
        late, _ = ordered(engine, order(engine, act))
        assert (late.outcome, late.detail.partition(":")[0]) == (Outcome.FAILED, "conflict")


def test_one_that_stands_goes_on_and_has_all_cpus_before_it_gets_sigterm(engine: FakeEngine) -> None:
    engine.pause("one")
    outcome, calls = ordered(engine, order(engine, Act.TERMINATE, state=PilotState.PAUSED, stands=True))
    assert calls == ["unpause", "lift_quota", "kill"]
    assert (outcome.action, outcome.outcome, outcome.detail) == (EndingAction.TERMINATED, Outcome.DONE, "")
    assert engine.inspect("one").exit_code == 3  # type: ignore[union-attr]


def test_one_that_runs_has_all_cpus_before_it_gets_sigterm(engine: FakeEngine) -> None:
    assert ordered(engine, order(engine, Act.TERMINATE))[1] == ["lift_quota", "kill"]


def test_a_quota_that_stays_is_told_and_stops_nothing(engine: FakeEngine) -> None:
    engine.fail("lift_quota", FailureKind.NOT_FOUND, "page not found")
    outcome, _ = ordered(engine, order(engine, Act.TERMINATE))
    assert (outcome.outcome, outcome.detail) == (Outcome.DONE, "its CPU quota stays: not-found: page not found")
    assert engine.inspect("one").exit_code == 3  # type: ignore[union-attr]


def test_what_fails_after_the_quota_stayed_is_told_as_the_failure(engine: FakeEngine) -> None:
    engine.fail("lift_quota", FailureKind.NOT_FOUND)
    engine.fail("kill", FailureKind.TIMED_OUT, "no answer")
    outcome, _ = ordered(engine, order(engine, Act.TERMINATE))
    assert (outcome.outcome, outcome.detail) == (Outcome.TIMED_OUT, "timed-out: no answer")


@pytest.mark.parametrize("kind", [FailureKind.BROKEN, FailureKind.TIMED_OUT])
def test_one_that_does_not_go_on_gets_no_sigterm_and_the_order_failed(engine: FakeEngine, kind: FailureKind) -> None:
    engine.pause("one")
    engine.fail("unpause", kind, "no thaw")
    outcome, calls = ordered(engine, order(engine, Act.TERMINATE, state=PilotState.PAUSED, stands=True))
    assert calls == ["unpause"]
    assert (outcome.outcome, outcome.detail) == (Outcome.FAILED, f"it doesn't go on: {kind}: no thaw")


@pytest.mark.parametrize("act", [Act.KILL, Act.REMOVE_FORCED])
def test_sigkill_and_removal_by_force_need_no_resumption(engine: FakeEngine, act: Act) -> None:
    engine.pause("one")
    outcome, calls = ordered(engine, order(engine, act, state=PilotState.PAUSED))
    assert outcome.outcome is Outcome.DONE
    assert not {"unpause", "lift_quota"} & set(calls)


@pytest.mark.parametrize(("under", "kept"), [(None, ""), (0.0, ""), (5.0, ""), (5.1, "working\n")])
def test_the_last_words_of_a_fizzled_pilot_are_kept(engine: FakeEngine, under: float | None, kept: str) -> None:
    engine.finish("one")
    outcome, _ = ordered(engine, order(engine, Act.REMOVE, Reason.ENDED, EXITED, fizzles_under_seconds=under))
    assert (outcome.outcome, outcome.output) == (Outcome.DONE, kept)


@pytest.mark.parametrize(
    ("most", "fizzles_under", "kept"),
    [
        (0, None, 0),
        (0, 5.0, 0),
        (0, 5.1, 4096),
        (100, None, 100),
        (100, 5.1, 4096),
        (8000, None, 8000),
        (8000, 5.1, 8000),
    ],
)
def test_of_each_pilot_as_much_is_kept_as_is_wanted_and_some_of_a_fizzled_one_in_any_case(
    engine: FakeEngine, most: int, fizzles_under: float | None, kept: int
) -> None:
    lines = "".join(f"line {number}\n" for number in range(2000))
    engine.programs["works",] = Program(output=lines)
    engine.finish("one")
    what = order(engine, Act.REMOVE, Reason.ENDED, EXITED, output_bytes=most, fizzles_under_seconds=fizzles_under)
    outcome, calls = ordered(engine, what)
    # Its lines are short: some 1 in 16 bytes are asked for.
    assert len(outcome.output) >= min(kept, (kept // 16) * 10)
    assert len(outcome.output) <= kept
    assert lines.endswith(outcome.output)
    assert ("logs_tail" in calls) is (kept > 0)


def test_words_that_would_command_a_terminal_do_not(engine: FakeEngine) -> None:
    engine.programs["works",] = Program(output="before\n\td\u00e9\x1b[2J\r\x9b\u202e\x00\n")
    engine.finish("one")
    outcome, _ = ordered(engine, order(engine, Act.REMOVE, Reason.ENDED, EXITED, fizzles_under_seconds=9.0))
    assert outcome.output == "before\n\td\u00e9\ufffd[2J" + "\ufffd" * 4 + "\n"


def test_what_stands_for_such_words_takes_no_more_room_than_was_given(engine: FakeEngine) -> None:
    engine.programs["works",] = Program(output="\x1b" * 1000 + "end")
    engine.finish("one")
    outcome, _ = ordered(engine, order(engine, Act.REMOVE, Reason.ENDED, EXITED, output_bytes=100))
    assert outcome.output == "\ufffd" * 32 + "end"


def test_words_that_can_not_be_had_stop_no_removal(engine: FakeEngine) -> None:
    engine.finish("one")
    engine.fail("logs_tail", FailureKind.BROKEN, "configured logging driver does not support reading")
    outcome, _ = ordered(engine, order(engine, Act.REMOVE, Reason.ENDED, EXITED, fizzles_under_seconds=9.0))
    assert (outcome.outcome, outcome.output) == (Outcome.DONE, "")
    assert engine.list_containers({}) == ()


def test_the_last_words_are_asked_for_before_what_never_ran_is_gone(engine: FakeEngine) -> None:
    engine.remove("one", force=True)
    engine.create({"Image": "busybox"}, "one")
    what = order(engine, Act.REMOVE, Reason.ENDED, EXITED, fizzles_under_seconds=0.0)
    assert ordered(engine, what)[1] == ["inspect", "logs_tail", "remove"]


@pytest.mark.parametrize("oom", [False, True])
def test_a_removal_tells_the_image_and_whether_memory_was_wanting(engine: FakeEngine, *, oom: bool) -> None:
    engine.finish("one", 137, oom=oom)
    outcome, _ = ordered(engine, order(engine, Act.REMOVE, Reason.ENDED, EXITED))
    assert (outcome.image_id, outcome.exit_code) == (engine.image_id("busybox"), 137)
    assert outcome.oom_killed is oom
    assert not outcome.killed


def test_one_that_must_go_at_once_is_killed_before_anything_is_asked_of_it(engine: FakeEngine) -> None:
    outcome, calls = ordered(engine, order(engine, Act.REMOVE_FORCED, output_bytes=100))
    assert calls == ["kill", "inspect", "logs_tail", "remove"]
    assert (outcome.action, outcome.outcome, outcome.killed) == (EndingAction.REMOVED, Outcome.DONE, True)
    assert (outcome.exit_code, outcome.uptime_seconds, outcome.output) == (137, 5.0, "working\n")


@pytest.mark.parametrize("kind", [FailureKind.BROKEN, FailureKind.TIMED_OUT])
def test_one_that_can_not_be_killed_is_removed_by_force_and_not_asked(engine: FakeEngine, kind: FailureKind) -> None:
    engine.fail("kill", kind)
    outcome, calls = ordered(engine, order(engine, Act.REMOVE_FORCED, output_bytes=100))
    assert calls == ["kill", "inspect", "remove"]
    assert (outcome.outcome, outcome.output) == (Outcome.DONE, "")
    assert engine.list_containers({}) == ()


def test_one_that_the_kill_did_not_end_is_not_asked_either(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    # As podman, which doesn't wait for the end.
    monkeypatch.setattr(engine, "kill", lambda *_arguments, **_keywords: None)
    outcome, calls = ordered(engine, order(engine, Act.REMOVE_FORCED, output_bytes=100))
    assert calls == ["inspect", "remove"]
    assert outcome.outcome is Outcome.DONE


def test_one_that_can_neither_be_killed_nor_looked_at_is_removed_within_leeway(engine: FakeEngine) -> None:
    for call in ("kill", "inspect"):
        engine.fail(call, FailureKind.BROKEN)
    what = Order(act=Act.REMOVE_FORCED, pilot=pilot(0, container_id="one"), reason=Reason.FORCE_STOP, output_bytes=100)
    leeway = SeenLeeway(engine)
    outcome = carry_out(engine, leeway, what, kill(engine, leeway, what))
    assert outcome is not None
    assert (outcome.outcome, outcome.output, leeway.seen) == (Outcome.DONE, "", ["kill", "remove"])


def test_a_removal_at_once_took_as_long_as_both_of_its_halves_and_what_was_between(engine: FakeEngine) -> None:
    killed = Killed(began_at=time.monotonic() - 50.0, may_run=False)
    outcome = carry_out(engine, NO_LEEWAY, order(engine, Act.REMOVE_FORCED), killed)
    assert outcome is not None
    assert 50.0 <= outcome.seconds < 60.0


def test_one_that_has_ended_is_asked_and_removed_by_force_as_well(engine: FakeEngine) -> None:
    engine.finish("one", 4)
    outcome, calls = ordered(engine, order(engine, Act.REMOVE_FORCED, state=EXITED, output_bytes=100))
    assert calls == ["kill", "inspect", "logs_tail", "remove"]
    assert (outcome.exit_code, outcome.output) == (4, "working\n")
    assert not kill(engine, NO_LEEWAY, order(engine, Act.REMOVE_FORCED)).may_run
    assert carry_out(engine, NO_LEEWAY, order(engine, Act.REMOVE_FORCED)) is None


@pytest.mark.parametrize("act", [Act.REMOVE, Act.REMOVE_FORCED])
def test_words_that_do_not_come_hold_up_a_removal_for_seconds_at_most(engine: FakeEngine, act: Act) -> None:
    engine.finish("one")
    asked: list[float] = []
    tail = engine.logs_tail

    def slow(container_id: str, lines: int, max_bytes: int, *, deadline: float) -> str | Failure:
        asked.append(deadline)
        with engine.frozen("logs_tail"):
            return tail(container_id, lines, max_bytes, deadline=0.01)

    with mock.patch.object(engine, "logs_tail", slow):
        outcome, _ = ordered(engine, order(engine, act, state=EXITED, output_bytes=100))
    assert (outcome.outcome, outcome.output) == (Outcome.DONE, "")
    assert asked == [3.0 if act is Act.REMOVE else 1.0]


class SeenLeeway(AbstractContextManager[None]):
    """Keeps what is asked of an engine within it."""

    def __init__(self, engine: FakeEngine) -> None:
        self.seen: list[str] = []
        self._calls = engine.calls

    def __enter__(self) -> None:
        self._calls.clear()

    def __exit__(self, *_error: object) -> None:
        self.seen.extend(call.name for call in self._calls)
        self._calls.clear()


@pytest.mark.parametrize("act", list(Act))
@pytest.mark.parametrize("fails", [False, True])
def test_pilots_have_leeway_while_one_is_suspended_or_killed(engine: FakeEngine, act: Act, *, fails: bool) -> None:
    if fails:
        for call in ("pause", "kill", "remove"):
            engine.fail(call, FailureKind.BROKEN)
    what, leeway = order(engine, act), SeenLeeway(engine)
    carry_out(engine, leeway, what, kill(engine, leeway, what) if act is Act.REMOVE_FORCED else None)
    needs_it = {Act.SUSPEND: ["pause"], Act.KILL: ["kill"], Act.REMOVE_FORCED: ["kill"] + ["remove"] * fails}
    assert leeway.seen == needs_it.get(act, [])
