"""One call on a container, and what is said of it."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from plancton.common.engine_types import FailureKind
from plancton.common.messages import EndingAction, EndingOutcome, Outcome
from plancton.common.pilot import PilotState
from plancton.common.reasons import Reason
from plancton.workers.reaper.cleanup import Act, Order
from plancton.workers.reaper.end import carry_out
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
    outcome = carry_out(engine, NO_LEEWAY, what)
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


def test_words_that_would_command_a_terminal_do_not(engine: FakeEngine) -> None:
    engine.programs["works",] = Program(output="".join(f"{n}\n" for n in range(30)) + "\tdé\x1b[2J\r\x9b\u202e\x00\n")
    engine.finish("one")
    outcome, _ = ordered(engine, order(engine, Act.REMOVE, Reason.ENDED, EXITED, fizzles_under_seconds=9.0))
    *lines, last = outcome.output.splitlines()
    assert lines == [str(number) for number in range(11, 30)]
    assert last == "\tdé\ufffd[2J" + "\ufffd" * 4


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


@pytest.mark.parametrize("act", list(Act))
@pytest.mark.parametrize("fails", [False, True])
def test_pilots_have_leeway_while_one_is_suspended_or_killed(engine: FakeEngine, act: Act, *, fails: bool) -> None:
    seen: list[str] = []

    @contextmanager
    def leeway() -> Iterator[None]:
        engine.calls.clear()
        yield
        seen.extend(call.name for call in engine.calls)
        engine.calls.clear()

    if fails:
        for call in ("pause", "kill", "remove"):
            engine.fail(call, FailureKind.BROKEN)
    carry_out(engine, leeway(), order(engine, act))
    needs_it = {Act.SUSPEND: ["pause"], Act.KILL: ["kill"], Act.REMOVE_FORCED: ["inspect", "remove"]}
    assert seen == needs_it.get(act, [])
    assert bool(seen) is not bool(engine.calls)
