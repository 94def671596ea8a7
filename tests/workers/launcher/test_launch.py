"""One launch on a fake engine: repeatable, never two in a slot, nothing that is wished no more, nothing left behind."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from plancton.common.engine_types import FailureKind
from plancton.common.messages import LaunchOutcome, Outcome
from plancton.common.naming import cgroup_parent, container_name, labels
from plancton.common.pilot import PilotState
from plancton.workers.launcher.launch import Launch, launch
from tests.fakes.engine import FakeEngine
from tests.support.facts import wish

INSTANCE = "0123abcd"


def order(slot: int, incarnation: int) -> Launch:
    body: dict[str, Any] = {"Image": "busybox", "Labels": labels(INSTANCE, slot, incarnation, "s")}
    name = container_name(INSTANCE, slot, incarnation)
    return Launch(
        wish=wish(slot, incarnation),
        instance=INSTANCE,
        name=name,
        make_directory=tuple,
        body=lambda _directory: body,
        image_id="i",
    )


def run(engine: FakeEngine, slot: int, incarnation: int, *, wished: bool = True) -> LaunchOutcome:
    return launch(engine, order(slot, incarnation), lambda: wished)


def states(engine: FakeEngine) -> dict[str, PilotState]:
    """Return the states of all containers by slot and incarnation."""
    there = engine.list_containers({})
    assert isinstance(there, tuple)
    return {each.name.removeprefix(f"plancton-worker-{INSTANCE}-"): each.state for each in there}


@pytest.fixture
def engine() -> FakeEngine:
    """Return an engine without containers."""
    return FakeEngine()


def test_a_pilot_starts(engine: FakeEngine) -> None:
    outcome = run(engine, 3, 7)
    assert (outcome.outcome, outcome.slot, outcome.incarnation, outcome.image_id) == (Outcome.DONE, 3, 7, "i")
    assert states(engine) == {"3-7": PilotState.RUNNING}


def test_starting_twice_is_starting_once(engine: FakeEngine) -> None:
    run(engine, 0, 1)
    assert run(engine, 0, 1).outcome is Outcome.DONE
    assert states(engine) == {"0-1": PilotState.RUNNING}
    assert len([call for call in engine.calls if call.name == "start"]) == 1


def test_one_that_has_ended_is_not_started_again(engine: FakeEngine) -> None:
    run(engine, 0, 1)
    engine.finish(container_name(INSTANCE, 0, 1))
    outcome = run(engine, 0, 1)
    assert (outcome.outcome, outcome.detail) == (Outcome.DONE, "had been started before; it is exited")
    assert states(engine) == {"0-1": PilotState.EXITED}


def test_what_a_former_attempt_created_is_started(engine: FakeEngine) -> None:
    engine.lose_answer("create")
    assert run(engine, 0, 1).outcome is Outcome.TIMED_OUT
    assert run(engine, 0, 1).outcome is Outcome.DONE
    assert states(engine) == {"0-1": PilotState.RUNNING}


@pytest.mark.parametrize("state", [PilotState.RUNNING, PilotState.CREATED])
def test_a_slot_that_another_has_is_left_to_it(engine: FakeEngine, state: PilotState) -> None:
    if state is PilotState.RUNNING:
        run(engine, 0, 1)
    else:
        engine.create(order(0, 1).body(()), order(0, 1).name)
    outcome = run(engine, 0, 2)
    assert outcome.outcome is Outcome.REFUSED
    assert outcome.detail == f"{container_name(INSTANCE, 0, 1)} has its slot"
    assert states(engine) == {"0-1": state}


def test_one_that_ended_has_its_slot_no_more(engine: FakeEngine) -> None:
    run(engine, 0, 1)
    engine.finish(container_name(INSTANCE, 0, 1))
    assert run(engine, 0, 2).outcome is Outcome.DONE


def test_the_same_slot_of_another_instance_is_free(engine: FakeEngine) -> None:
    engine.create({"Image": "busybox", "Labels": labels("ffffffff", 0, 1, "s")}, "theirs")
    engine.start("theirs")
    assert run(engine, 0, 2).outcome is Outcome.DONE


@pytest.mark.parametrize(
    ("parent", "expected"), [("", Outcome.DONE), (cgroup_parent(INSTANCE, "cgroupfs"), Outcome.REFUSED)]
)
def test_a_stranger_with_copied_labels_has_no_slot_but_a_pilot_renamed_by_hand_has(
    engine: FakeEngine, parent: str, expected: Outcome
) -> None:
    engine.create({**order(0, 1).body(()), "HostConfig": {"CgroupParent": parent}}, "other")
    engine.start("other")
    assert run(engine, 0, 2).outcome is expected
    assert states(engine)["other"] is PilotState.RUNNING


def test_what_is_wished_no_more_is_not_started_and_not_left(engine: FakeEngine) -> None:
    outcome = run(engine, 0, 1, wished=False)
    assert (outcome.outcome, outcome.detail) == (Outcome.REFUSED, "no longer wished")
    assert states(engine) == {}


def test_whether_it_is_wished_is_asked_last_before_the_start(engine: FakeEngine) -> None:
    asked: list[str] = []

    def wished() -> bool:
        asked.extend(call.name for call in engine.calls)
        return True

    launch(engine, order(0, 1), wished)
    assert asked == ["create", "list_containers"]
    assert [call.name for call in engine.calls] == ["create", "list_containers", "start"]


@pytest.mark.parametrize("call", ["create", "list_containers", "start"])
@pytest.mark.parametrize("kind", [FailureKind.BROKEN, FailureKind.TIMED_OUT, FailureKind.UNREACHABLE])
def test_a_failure_is_told_and_the_next_attempt_works(engine: FakeEngine, call: str, kind: FailureKind) -> None:
    engine.fail(call, kind, "as told")
    outcome = run(engine, 0, 1)
    assert outcome.outcome is (Outcome.TIMED_OUT if kind is FailureKind.TIMED_OUT else Outcome.FAILED)
    assert outcome.detail == f"{kind}: as told"
    assert PilotState.RUNNING not in states(engine).values()
    assert run(engine, 0, 1).outcome is Outcome.DONE


def test_what_can_not_be_started_is_removed(engine: FakeEngine) -> None:
    engine.fail("start", FailureKind.REFUSED, "no such command")
    run(engine, 0, 1)
    assert states(engine) == {}


def test_a_start_that_timed_out_but_worked_is_left_running(engine: FakeEngine) -> None:
    engine.lose_answer("start")
    assert run(engine, 0, 1).outcome is Outcome.TIMED_OUT
    assert states(engine) == {"0-1": PilotState.RUNNING}


def test_one_that_somebody_else_removed_meanwhile_failed(engine: FakeEngine) -> None:
    engine.fail("create", FailureKind.CONFLICT)
    assert run(engine, 0, 1).outcome is Outcome.FAILED


def test_its_directory_is_made_first_and_is_bound(engine: FakeEngine) -> None:
    made: list[int] = []

    def make() -> list[str]:
        made.append(len(engine.calls))
        return ["/d:/plancton:ro"]

    def body(directory: Sequence[str]) -> dict[str, Any]:
        return {**order(0, 1).body(()), "HostConfig": {"Binds": directory}}

    what = msgspec.structs.replace(order(0, 1), make_directory=make, body=body)
    assert launch(engine, what, lambda: True).outcome is Outcome.DONE
    assert made == [0]
    assert [each["HostConfig"]["Binds"] for each in engine.bodies.values()] == [["/d:/plancton:ro"]]


def test_the_outcome_tells_on_which_figures_it_was_wished(engine: FakeEngine) -> None:
    wished = msgspec.structs.replace(wish(0, 1), detail="room for 3")
    outcome = launch(engine, msgspec.structs.replace(order(0, 1), wish=wished), lambda: True)
    assert outcome.figures == "room for 3"
