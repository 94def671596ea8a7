"""One call on a container, in a thread of its own."""

import time

from plancton.common.engine import Engine
from plancton.common.engine_types import Container, Failure, FailureKind
from plancton.common.messages import EndingAction, EndingOutcome, Outcome
from plancton.common.pilot import PilotState
from plancton.common.reasons import Reason
from plancton.workers.reaper.cleanup import Act, Order

_ACTION = {
    Act.TERMINATE: EndingAction.TERMINATED,
    Act.KILL: EndingAction.KILLED,
    Act.REMOVE: EndingAction.REMOVED,
    Act.REMOVE_FORCED: EndingAction.REMOVED,
}
_DEADLINE_SECONDS = 30.0


def carry_out(engine: Engine, order: Order) -> EndingOutcome | None:
    """Do what ``order`` says; None where somebody else had removed the container before."""
    began = time.monotonic()
    container_id = order.pilot.container_id
    before: Container | Failure | None = None
    if order.act in {Act.REMOVE, Act.REMOVE_FORCED}:
        before = engine.inspect(container_id)
        if isinstance(before, Failure) and before.kind is FailureKind.NOT_FOUND:
            return None
        failure = engine.remove(container_id, force=order.act is Act.REMOVE_FORCED, deadline=_DEADLINE_SECONDS)
    else:
        signal = "SIGTERM" if order.act is Act.TERMINATE else "SIGKILL"
        failure = engine.kill(container_id, signal, deadline=_DEADLINE_SECONDS)
    known = before if isinstance(before, Container) else None
    return EndingOutcome(
        container_id=container_id,
        name=order.pilot.name,
        action=_ACTION[order.act],
        outcome=_outcome(failure),
        reason=order.reason,
        detail=f"{failure.kind}: {failure.detail}" if failure else "",
        seconds=time.monotonic() - began,
        started=known.started_unix is not None if known else order.pilot.state is not PilotState.CREATED,
        killed=order.reason not in {Reason.ENDED, Reason.NEVER_STARTED},
        uptime_seconds=_uptime(known),
        exit_code=known.exit_code if known else order.pilot.exit_code,
    )


def _outcome(failure: Failure | None) -> Outcome:
    if failure is None:
        return Outcome.DONE
    return Outcome.TIMED_OUT if failure.kind is FailureKind.TIMED_OUT else Outcome.FAILED


def _uptime(container: Container | None) -> float | None:
    if container is None or container.started_unix is None:
        return None
    ended_unix = container.finished_unix or time.time()
    return max(0.0, ended_unix - container.started_unix)
