"""What came of a pilot: pure."""

from plancton.common.messages import EndingAction, EndingOutcome, Outcome
from plancton.common.reasons import EVICTIONS, Reason
from plancton.common.series import Exit

_BY_ITSELF = frozenset({Reason.ENDED, Reason.NEVER_STARTED})


def is_end(outcome: EndingOutcome) -> bool:
    """Tell whether a container is gone now."""
    return outcome.action is EndingAction.REMOVED and outcome.outcome is Outcome.DONE


def fizzled(end: EndingOutcome, fizzle_seconds: float) -> bool:
    """Tell whether this is the removal of a pilot that ended by itself too soon."""
    by_itself = end.reason is Reason.ENDED and end.started and not end.killed
    return is_end(end) and by_itself and end.uptime_seconds is not None and end.uptime_seconds < fizzle_seconds


def exit_of(end: EndingOutcome, fizzle_seconds: float) -> Exit:
    """Return what came of a pilot whose container is removed.

    An exit code that nobody knows is no 0. One that ended with 0 has done its work, though the kernel may have ended
    some process of it for want of memory.
    """
    if not end.started:
        return Exit.NEVER_STARTED
    if end.reason in EVICTIONS:
        return Exit.EVICTED
    if end.reason is Reason.EXPIRED:
        return Exit.EXPIRED
    if end.reason not in _BY_ITSELF:
        return Exit.STOPPED
    if fizzled(end, fizzle_seconds):
        return Exit.FIZZLED
    return Exit.COMPLETED if end.exit_code == 0 else Exit.FAILED
