"""One launch, in a thread of its own: create, check that it's still wished, start, and clean up after a failure."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from plancton.common.engine import Engine
from plancton.common.engine_types import Failure, FailureKind
from plancton.common.messages import LaunchOutcome, Outcome, Wish
from plancton.common.pilot import ENDED_STATES

CREATE_DEADLINE_SECONDS = 30.0
START_DEADLINE_SECONDS = 60.0


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """What a launch needs."""

    wish: Wish
    name: str
    body: Mapping[str, Any]
    image_id: str


def launch(engine: Engine, what: Launch, still_wished: Callable[[], bool]) -> LaunchOutcome:
    """Start one pilot; whatever happens comes back as its outcome.

    The name makes it repeatable: where a container of this name is there already, an earlier attempt made it.
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
    )


def _attempt(engine: Engine, what: Launch, still_wished: Callable[[], bool]) -> tuple[Outcome, str]:
    created = engine.create(what.body, what.name, deadline=CREATE_DEADLINE_SECONDS)
    if isinstance(created, Failure):
        if created.kind is not FailureKind.CONFLICT:
            return _failed(created)
        there = engine.inspect(what.name)
        if isinstance(there, Failure):
            return _failed(there)
        if there.state in ENDED_STATES:
            return Outcome.DONE, "had been started and has ended"
        created = there.container_id
    if not still_wished():
        engine.remove(created, force=False)
        return Outcome.REFUSED, "no longer wished"
    started = engine.start(created, deadline=START_DEADLINE_SECONDS)
    if started is None:
        return Outcome.DONE, ""
    if started.kind is not FailureKind.TIMED_OUT:
        # Without force: if it does run after all, the next look shows it.
        engine.remove(created, force=False)
    return _failed(started)


def _failed(failure: Failure) -> tuple[Outcome, str]:
    outcome = Outcome.TIMED_OUT if failure.kind is FailureKind.TIMED_OUT else Outcome.FAILED
    return outcome, f"{failure.kind}: {failure.detail}"
