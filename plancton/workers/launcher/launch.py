"""One launch, in a thread of its own: create, check that its slot is free and that it's still wished, start."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from plancton.common.decision import Wish
from plancton.common.engine import Engine
from plancton.common.engine_types import Container, Failure, FailureKind
from plancton.common.messages import LaunchOutcome, Outcome
from plancton.common.naming import LABEL_INSTANCE, LABEL_SLOT, is_pilot
from plancton.common.pilot import ENDED_STATES, PilotState

CREATE_DEADLINE_SECONDS = 30.0
LOOK_DEADLINE_SECONDS = 10.0
START_DEADLINE_SECONDS = 60.0


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """What a launch needs."""

    wish: Wish
    instance: str
    name: str
    make_directory: Callable[[], Sequence[str]]
    """Makes the pilot's own directory, and returns its binds; none where it can't, or where it's to have none."""
    body: Callable[[Sequence[str]], Mapping[str, Any]]
    """Returns the create call's body, given those binds."""
    image_id: str


def launch(engine: Engine, what: Launch, still_wished: Callable[[], bool]) -> LaunchOutcome:
    """Start one pilot; whatever happens comes back as its outcome.

    The name makes it repeatable: where a container of this name is there already, an earlier attempt made it. Each
    launch creates before it looks who else is in its slot, so that of two launches at most one starts, whatever
    messages were lost, late or repeated.
    """
    began = time.monotonic()
    outcome, detail = _attempt(engine, what, still_wished)
    return LaunchOutcome(
        slot=what.wish.slot,
        incarnation=what.wish.incarnation,
        name=what.name,
        outcome=outcome,
        reason=what.wish.reason,
        detail=detail,
        seconds=time.monotonic() - began,
        image_id=what.image_id,
        figures=what.wish.detail,
    )


def _attempt(engine: Engine, what: Launch, still_wished: Callable[[], bool]) -> tuple[Outcome, str]:
    # Before the container: the engine would make what is missing of its binds, for root alone.
    body = what.body(what.make_directory())
    created = engine.create(body, what.name, deadline=CREATE_DEADLINE_SECONDS)
    if isinstance(created, Failure) and created.kind is not FailureKind.CONFLICT:
        return _failed(created)
    labels = {LABEL_INSTANCE: what.instance, LABEL_SLOT: str(what.wish.slot)}
    in_slot = engine.list_containers(labels, deadline=LOOK_DEADLINE_SECONDS)
    if isinstance(in_slot, Failure):
        return _failed(in_slot)
    own = next((container for container in in_slot if container.name == what.name), None)
    if own is None:
        taken = f"{FailureKind.CONFLICT}: its name is that of a container which isn't this planctond's"
        gone = "removed by somebody else before it was started"
        return Outcome.FAILED, taken if isinstance(created, Failure) else gone
    if own.state is not PilotState.CREATED:
        return Outcome.DONE, f"had been started before; it is {own.state}"
    holder = next((other.name for other in in_slot if other is not own and _holds_slot(engine, other)), None)
    if holder is not None or not still_wished():
        engine.remove(own.container_id, force=False)
        return Outcome.REFUSED, "no longer wished" if holder is None else f"{holder} has its slot"
    return _start(engine, own.container_id)


def _holds_slot(engine: Engine, other: Container) -> bool:
    """Tell whether ``other`` is a pilot that runs or may still be started. An inspection shows an end before a list."""
    if other.state in ENDED_STATES:
        return False
    there = engine.inspect(other.container_id, deadline=LOOK_DEADLINE_SECONDS)
    if isinstance(there, Failure):
        return there.kind is not FailureKind.NOT_FOUND
    return there.state not in ENDED_STATES and is_pilot(there.name, there.labels, there.cgroup_parent)


def _start(engine: Engine, container_id: str) -> tuple[Outcome, str]:
    failure = engine.start(container_id, deadline=START_DEADLINE_SECONDS)
    if failure is None:
        return Outcome.DONE, ""
    if failure.kind is not FailureKind.TIMED_OUT:
        # Without force: if it does run after all, the next look shows it.
        engine.remove(container_id, force=False)
    return _failed(failure)


def _failed(failure: Failure) -> tuple[Outcome, str]:
    outcome = Outcome.TIMED_OUT if failure.kind is FailureKind.TIMED_OUT else Outcome.FAILED
    return outcome, f"{failure.kind}: {failure.detail}"
