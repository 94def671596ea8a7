"""One order about a container, carried out in a thread of its own."""

import time
from contextlib import AbstractContextManager, nullcontext

import msgspec

from plancton.common.engine import Engine
from plancton.common.engine_types import Container, Failure, FailureKind
from plancton.common.messages import EndingAction, EndingOutcome, Outcome
from plancton.common.pilot import LIVE_STATES, PilotState
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
_DOES_NOT_RUN = frozenset({FailureKind.NOT_FOUND, FailureKind.CONFLICT})
_DEADLINE_SECONDS = 30.0
_HASTY_DEADLINE_SECONDS = 5.0
"""For so long at most all pilots have the normal weight; one that can't die yet is killed again later."""
_RESUME_DEADLINE_SECONDS = 10.0
"""Before SIGTERM, which is tried again; then comes SIGKILL, which needs no resumption."""
_LIFT_DEADLINE_SECONDS = 5.0
_OUTPUT_DEADLINE_SECONDS = {Act.REMOVE: 3.0, Act.REMOVE_FORCED: 1.0}
_FIZZLED_BYTES = 4096
_BYTES_OF_A_LINE = 16
"""As few are expected, so that enough lines are asked for."""
_MOST_LINES = 1024
"""The engine counts as a line what may have 16 KiB, and sends all of it."""


class Killed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the first half of a removal at once."""

    began_at: float
    """Monotonic seconds."""
    may_run: bool
    """It couldn't be killed."""


class _Done(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an order."""

    outcome: Outcome = Outcome.DONE
    detail: str = ""
    container: Container | None = None
    """As it was before it was removed."""
    output: str = ""


def kill(engine: Engine, leeway: AbstractContextManager[None], order: Order) -> Killed:
    """Kill a pilot that is to be removed at once.

    The owner waits for its end alone, and so do others for the thread that ends it; asking for its last words and
    removing it comes after that.
    """
    began = time.monotonic()
    with leeway:
        failure = engine.kill(order.pilot.container_id, "SIGKILL", deadline=_HASTY_DEADLINE_SECONDS)
    return Killed(began_at=began, may_run=failure is not None and failure.kind not in _DOES_NOT_RUN)


def carry_out(
    engine: Engine, leeway: AbstractContextManager[None], order: Order, killed: Killed | None = None
) -> EndingOutcome | None:
    """Do what ``order`` says; None where somebody else had removed the container before.

    Pilots have the normal weight within ``leeway``, for what needs one to run for a moment, be it to stop or to die.
    Before a removal by force the pilot was ``killed``.
    """
    began = time.monotonic() if killed is None else killed.began_at
    done = _do(engine, leeway, order, may_run=killed is not None and killed.may_run)
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
        oom_killed=bool(known and known.oom_killed),
        image_id=known.image_id if known else "",
    )


def _do(engine: Engine, leeway: AbstractContextManager[None], order: Order, *, may_run: bool) -> _Done | None:
    container_id = order.pilot.container_id
    match order.act:
        case Act.SUSPEND:
            with leeway:
                return _done(engine.pause(container_id, deadline=_HASTY_DEADLINE_SECONDS))
        case Act.RESUME:
            return _done(engine.unpause(container_id, deadline=_DEADLINE_SECONDS))
        case Act.TERMINATE:
            return _terminate(engine, order)
        case Act.KILL:
            with leeway:
                return _done(engine.kill(container_id, "SIGKILL", deadline=_HASTY_DEADLINE_SECONDS))
        case Act.REMOVE | Act.REMOVE_FORCED:
            return _remove(engine, leeway, order, may_run=may_run)


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


def _remove(engine: Engine, leeway: AbstractContextManager[None], order: Order, *, may_run: bool) -> _Done | None:
    """Remove a pilot once its last words are there; of one that may still run none are asked for."""
    container_id = order.pilot.container_id
    before = engine.inspect(container_id)
    if isinstance(before, Failure) and before.kind is FailureKind.NOT_FOUND:
        return None
    container = before if isinstance(before, Container) else None
    may_run = may_run if container is None else container.state in LIVE_STATES
    output = "" if container is None or may_run else _output(engine, order, container)
    forced = order.act is Act.REMOVE_FORCED
    with leeway if forced and may_run else nullcontext():
        failure = engine.remove(container_id, force=forced, deadline=_DEADLINE_SECONDS)
    return msgspec.structs.replace(_done(failure), container=container, output=output)


def _output(engine: Engine, order: Order, container: Container) -> str:
    """Return a pilot's last lines without what would command a terminal; nothing where they can't be had."""
    most = max(order.output_bytes, _FIZZLED_BYTES if _fizzled(order, container) else 0)
    if most == 0:
        return ""
    lines = min(most // _BYTES_OF_A_LINE + 1, _MOST_LINES)
    tail = engine.logs_tail(container.container_id, lines, most, deadline=_OUTPUT_DEADLINE_SECONDS[order.act])
    if isinstance(tail, Failure):
        return ""
    harmless = "".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in tail)
    # What was put in the place of others may be longer.
    return harmless.encode()[-most:].decode(errors="ignore")


def _fizzled(order: Order, container: Container) -> bool:
    if order.fizzles_under_seconds is None:
        return False
    uptime = _uptime(container)
    return uptime is None or uptime < order.fizzles_under_seconds


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
