"""Each attempt to start a pilot is a point."""

import pytest

from plancton.common.messages import LaunchOutcome, Outcome
from plancton.common.points import Point
from plancton.common.reasons import Reason
from plancton.workers.metrics.points.launch_points import launch_point
from plancton.workers.metrics.points.stamp import Stamp


@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_attempt_is_told_whatever_came_of_it(outcome: Outcome) -> None:
    launch = LaunchOutcome(
        slot=0, incarnation=1, name="p", outcome=outcome, reason=Reason.REPLACEMENT, seconds=0.25, detail="x"
    )
    assert launch_point(launch, Stamp(hostname="node", time_unix_ns=7)) == Point(
        series="launch",
        tags={"hostname": "node", "outcome": outcome.value, "reason": "replacement"},
        fields={"seconds": 0.25, "pilot": "p"},
        time_unix_ns=7,
    )
