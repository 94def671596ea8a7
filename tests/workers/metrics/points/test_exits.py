"""What came of a pilot, by how and why it ended."""

from typing import Any

import msgspec
import pytest

from plancton.common.messages import EndingAction, EndingOutcome, Outcome
from plancton.common.reasons import EVICTIONS, Reason
from plancton.common.series import Exit
from plancton.workers.metrics.points.exits import exit_of, fizzled, is_end

FIZZLE_SECONDS = 5.0
END = EndingOutcome(
    container_id="1",
    name="a",
    action=EndingAction.REMOVED,
    outcome=Outcome.DONE,
    reason=Reason.ENDED,
    uptime_seconds=60.0,
    exit_code=0,
)


def end(**changes: Any) -> EndingOutcome:  # noqa: ANN401
    return msgspec.structs.replace(END, **changes)


@pytest.mark.parametrize(
    ("changes", "exit_"),
    [
        ({}, Exit.COMPLETED),
        ({"oom_killed": True}, Exit.COMPLETED),
        ({"exit_code": 1}, Exit.FAILED),
        ({"exit_code": 137, "oom_killed": True}, Exit.FAILED),
        ({"exit_code": None}, Exit.FAILED),
        ({"uptime_seconds": 4.9}, Exit.FIZZLED),
        ({"uptime_seconds": 4.9, "exit_code": 1}, Exit.FIZZLED),
        ({"uptime_seconds": None}, Exit.COMPLETED),
        ({"reason": Reason.NEVER_STARTED, "started": False}, Exit.NEVER_STARTED),
        ({"reason": Reason.OWNER_CPU, "started": False, "killed": True}, Exit.NEVER_STARTED),
        ({"reason": Reason.NEVER_STARTED}, Exit.COMPLETED),
        ({"reason": Reason.EXPIRED, "killed": True}, Exit.EXPIRED),
        ({"reason": Reason.EXPIRED, "killed": False, "exit_code": 0}, Exit.EXPIRED),
        ({"reason": Reason.OWNER_CPU, "killed": True, "uptime_seconds": 1.0}, Exit.EVICTED),
        *(({"reason": reason, "killed": True}, Exit.EVICTED) for reason in EVICTIONS),
        *(
            ({"reason": reason, "killed": True}, Exit.STOPPED)
            for reason in (
                Reason.DRAINING,
                Reason.STOPPING,
                Reason.SNOOZED,
                Reason.OUTSIDE_WINDOWS,
                Reason.DRAIN_DEADLINE,
                Reason.FORCE_STOP,
                Reason.SURPLUS,
            )
        ),
    ],
)
def test_what_came_of_a_pilot(changes: dict[str, object], exit_: Exit) -> None:
    assert exit_of(end(**changes), FIZZLE_SECONDS) is exit_


@pytest.mark.parametrize(
    ("changes", "is_one"),
    [
        ({"uptime_seconds": 0.0}, True),
        ({"uptime_seconds": 4.999}, True),
        ({"uptime_seconds": 5.0}, False),
        ({"uptime_seconds": None}, False),
        ({"uptime_seconds": 1.0, "reason": Reason.OWNER_CPU}, False),
        ({"uptime_seconds": 1.0, "killed": True}, False),
        ({"uptime_seconds": 1.0, "started": False}, False),
        ({"uptime_seconds": 1.0, "action": EndingAction.TERMINATED}, False),
        ({"uptime_seconds": 1.0, "outcome": Outcome.TIMED_OUT}, False),
    ],
)
def test_a_fizzle_ends_by_itself_and_soon(changes: dict[str, object], *, is_one: bool) -> None:
    assert fizzled(end(**changes), FIZZLE_SECONDS) is is_one
    assert not fizzled(end(**changes), 0.0), "no life is too short where that is the setting"


def test_an_end_is_a_removal_that_was_done() -> None:
    assert is_end(END)
    assert [action for action in EndingAction if is_end(end(action=action))] == [EndingAction.REMOVED]
    assert [outcome for outcome in Outcome if is_end(end(outcome=outcome))] == [Outcome.DONE]
