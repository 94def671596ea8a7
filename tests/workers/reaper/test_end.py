"""One call on a container, and what is said of it."""

import pytest

from plancton.common.engine_types import FailureKind
from plancton.common.messages import EndingAction, Outcome
from plancton.common.pilot import PilotState
from plancton.common.reasons import Reason
from plancton.workers.reaper.cleanup import Act, Order
from plancton.workers.reaper.end import carry_out
from tests.fakes.containers import Program
from tests.fakes.engine import FakeEngine
from tests.support.facts import CREATED, EXITED, pilot


@pytest.fixture
def engine() -> FakeEngine:
    """Return an engine with one container that runs."""
    fake = FakeEngine()
    fake.programs = {("works",): Program(exit_code_on_sigterm=3)}
    created = fake.create({"Image": "busybox", "Cmd": ["works"]}, "one")
    assert isinstance(created, str)
    fake.start(created)
    fake.advance(5.0)
    return fake


def order(
    engine: FakeEngine, act: Act, reason: Reason = Reason.EXPIRED, state: PilotState = PilotState.RUNNING
) -> Order:
    """Return an order about the one container."""
    container = engine.inspect("one")
    container_id = getattr(container, "container_id", "gone")
    return Order(act=act, pilot=pilot(0, state=state, container_id=container_id), reason=reason)


@pytest.mark.parametrize(
    ("act", "action", "exit_code"),
    [(Act.TERMINATE, EndingAction.TERMINATED, 3), (Act.KILL, EndingAction.KILLED, 137)],
)
def test_signals(engine: FakeEngine, act: Act, action: EndingAction, exit_code: int) -> None:
    outcome = carry_out(engine, order(engine, act))
    assert outcome is not None
    assert (outcome.action, outcome.outcome, outcome.killed) == (action, Outcome.DONE, True)
    container = engine.inspect("one")
    assert getattr(container, "exit_code", None) == exit_code


def test_a_removal_tells_the_uptime_and_the_exit_code(engine: FakeEngine) -> None:
    engine.finish("one", 4)
    engine.advance(60.0)
    outcome = carry_out(engine, order(engine, Act.REMOVE, Reason.ENDED, EXITED))
    assert outcome is not None
    assert (outcome.uptime_seconds, outcome.exit_code, outcome.killed, outcome.started) == (5.0, 4, False, True)
    assert engine.list_containers({}) == ()


def test_a_running_container_is_removed_only_by_force(engine: FakeEngine) -> None:
    refused = carry_out(engine, order(engine, Act.REMOVE))
    assert refused is not None
    assert refused.outcome is Outcome.FAILED
    assert refused.detail.startswith("conflict")
    forced = carry_out(engine, order(engine, Act.REMOVE_FORCED))
    assert forced is not None
    assert forced.outcome is Outcome.DONE


def test_one_that_never_started_is_told_as_such(engine: FakeEngine) -> None:
    engine.remove("one", force=True)
    engine.create({"Image": "busybox"}, "one")
    outcome = carry_out(engine, order(engine, Act.REMOVE, Reason.NEVER_STARTED, CREATED))
    assert outcome is not None
    assert (outcome.started, outcome.killed) == (False, False)


def test_nothing_is_said_of_what_somebody_else_removed(engine: FakeEngine) -> None:
    engine.remove("one", force=True)
    assert carry_out(engine, order(engine, Act.REMOVE)) is None


def test_a_call_without_an_answer_timed_out(engine: FakeEngine) -> None:
    engine.fail("kill", FailureKind.TIMED_OUT)
    outcome = carry_out(engine, order(engine, Act.KILL))
    assert outcome is not None
    assert outcome.outcome is Outcome.TIMED_OUT
