"""One order about a container, carried out in a thread of its own."""

import time
from contextlib import AbstractContextManager, nullcontext

import msgspec

from plancton.common.engine import Engine
from plancton.common.engine_types import Container, Failure, FailureKind
from plancton.common.messages import EndingAction, EndingOutcome, Outcome
from plancton.common.pilot import PilotState
from plancton.common.reasons import Reason
from plancton.workers.reaper.cleanup import Act, Order

_ACTION = {
    Act.SUSPEND: EndingAction.SUSPENDED,
    Act.RESUME: EndingAction.RESUMED,
    Act.TERMINATE: EndingAction.TERMINATED,
    Act.KILL: EndingAction.KILLED,
    Act.REMOVE: EndingAction.REMOVED,
    Act.REMOVE_FORCED: EndingAction.REMOVED,
}
_ENDS = frozenset({Act.TERMINATE, Act.KILL, Act.REMOVE, Act.REMOVE_FORCED})
_DEADLINE_SECONDS = 30.0
_HASTY = frozenset({Act.SUSPEND, Act.KILL, Act.REMOVE_FORCED})
"""What needs the pilot to run for a moment, be it to stop or to die."""
_HASTY_DEADLINE_SECONDS = 5.0
"""For so long at most all pilots have the normal weight; one that can't die yet is killed again later."""
_RESUME_DEADLINE_SECONDS = 10.0
"""Before SIGTERM, which is tried again; then comes SIGKILL, which needs no resumption."""
_LIFT_DEADLINE_SECONDS = 5.0
_OUTPUT_DEADLINE_SECONDS = 3.0
_OUTPUT_LINES = 20
_OUTPUT_BYTES = 4096


class _Done(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an order."""

    outcome: Outcome = Outcome.DONE
    detail: str = ""
    container: Container | None = None
    """As it was before it was removed."""
    output: str = ""


def carry_out(engine: Engine, leeway: AbstractContextManager[None], order: Order) -> EndingOutcome | None:
    """Do what ``order`` says; None where somebody else had removed the container before.

    Pilots have the normal weight within ``leeway``.
    """
    began = time.monotonic()
    with leeway if order.act in _HASTY else nullcontext():
        done = _do(engine, order)
    if done is None:
        return None
    known = done.container
    return EndingOutcome(
        container_id=order.pilot.container_id,
        name=order.pilot.name,
        action=_ACTION[order.act],
        outcome=done.outcome,
        reason=order.reason,
        detail=done.detail,
        seconds=time.monotonic() - began,
        started=known.started_unix is not None if known else order.pilot.state is not PilotState.CREATED,
        killed=order.act in _ENDS and order.reason not in {Reason.ENDED, Reason.NEVER_STARTED},
        uptime_seconds=_uptime(known),
        exit_code=known.exit_code if known else order.pilot.exit_code,
        figures=order.figures,
        output=done.output,
    )


def _do(engine: Engine, order: Order) -> _Done | None:
    container_id = order.pilot.container_id
    match order.act:
        case Act.SUSPEND:
            return _done(engine.pause(container_id, deadline=_HASTY_DEADLINE_SECONDS))
        case Act.RESUME:
            return _done(engine.unpause(container_id, deadline=_DEADLINE_SECONDS))
        case Act.TERMINATE:
            return _terminate(engine, order)
        case Act.KILL:
            return _done(engine.kill(container_id, "SIGKILL", deadline=_HASTY_DEADLINE_SECONDS))
        case Act.REMOVE | Act.REMOVE_FORCED:
            return _remove(engine, order)


def _terminate(engine: Engine, order: Order) -> _Done:
    """Send SIGTERM to a pilot that can use its time to finish: it goes on, and with all the CPUs that are free."""
    container_id = order.pilot.container_id
    if order.stands:
        failure = engine.unpause(container_id, deadline=_RESUME_DEADLINE_SECONDS)
        if failure is not None:
            # Not "timed out" either: nothing was sent that may have its effect yet.
            return _Done(outcome=Outcome.FAILED, detail=f"it doesn't go on: {failure.kind}: {failure.detail}")
    lifted = engine.lift_quota(container_id, deadline=_LIFT_DEADLINE_SECONDS)
    done = _done(engine.kill(container_id, "SIGTERM", deadline=_DEADLINE_SECONDS))
    if lifted is None or done.detail:
        return done
    return msgspec.structs.replace(done, detail=f"its CPU quota stays: {lifted.kind}: {lifted.detail}")


def _remove(engine: Engine, order: Order) -> _Done | None:
    container_id = order.pilot.container_id
    before = engine.inspect(container_id)
    if isinstance(before, Failure) and before.kind is FailureKind.NOT_FOUND:
        return None
    container = before if isinstance(before, Container) else None
    output = _output(engine, container_id) if _fizzled(order, container) else ""
    failure = engine.remove(container_id, force=order.act is Act.REMOVE_FORCED, deadline=_DEADLINE_SECONDS)
    return msgspec.structs.replace(_done(failure), container=container, output=output)


def _fizzled(order: Order, container: Container | None) -> bool:
    if order.fizzles_under_seconds is None or container is None:
        return False
    uptime = _uptime(container)
    return uptime is None or uptime < order.fizzles_under_seconds


def _output(engine: Engine, container_id: str) -> str:
    """Return a pilot's last lines without what would command a terminal; nothing where they can't be had."""
    tail = engine.logs_tail(container_id, _OUTPUT_LINES, _OUTPUT_BYTES, deadline=_OUTPUT_DEADLINE_SECONDS)
    if isinstance(tail, Failure):
        return ""
    return "".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in tail)


def _done(failure: Failure | None) -> _Done:
    if failure is None:
        return _Done()
    outcome = Outcome.TIMED_OUT if failure.kind is FailureKind.TIMED_OUT else Outcome.FAILED
    return _Done(outcome=outcome, detail=f"{failure.kind}: {failure.detail}")


def _uptime(container: Container | None) -> float | None:
    if container is None or container.started_unix is None:
        return None
    ended_unix = container.finished_unix or time.time()
    return max(0.0, ended_unix - container.started_unix)
