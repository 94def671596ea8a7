"""The starts of pilots: pure."""

from plancton.common.messages import LaunchOutcome
from plancton.common.points import Point
from plancton.workers.metrics.points.stamp import Stamp, point


def launch_point(launch: LaunchOutcome, stamp: Stamp) -> Point | None:
    """Return an attempt to start a pilot."""
    fields: dict[str, float | str | None] = {"seconds": max(0.0, launch.seconds), "pilot": launch.name}
    return point("launch", stamp, fields, outcome=launch.outcome.value, reason=launch.reason.value)
