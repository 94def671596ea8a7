"""How the engine answered since the last point, for each process that called it and each operation: pure."""

from collections.abc import Mapping

from plancton.common.accounting import CallTimes
from plancton.common.messages import EngineCalls
from plancton.common.points import Point
from plancton.workers.metrics.points.stamp import Stamp, point

Calls = Mapping[tuple[str, str], CallTimes]
"""By process and operation."""


def called(before: Calls, process: str, message: EngineCalls) -> Calls:
    """Return the calls with those that ``process`` tells of added."""
    calls = dict(before)
    for each in message.calls:
        known = calls.get((process, each.operation))
        calls[process, each.operation] = each if known is None else _sum(known, each)
    return calls


def engine_points(calls: Calls, stamp: Stamp) -> tuple[Point, ...]:
    """Return a point for each operation that was called."""
    made = (
        point(
            "engine",
            stamp,
            {
                "calls": each.calls,
                "failures": each.failures,
                "mean_seconds": each.seconds / each.calls,
                "longest_seconds": each.longest_seconds,
            },
            process=process,
            operation=operation,
        )
        for (process, operation), each in calls.items()
        if each.calls > 0
    )
    return tuple(each for each in made if each is not None)


def _sum(one: CallTimes, other: CallTimes) -> CallTimes:
    return CallTimes(
        operation=one.operation,
        calls=one.calls + other.calls,
        failures=one.failures + other.failures,
        seconds=one.seconds + other.seconds,
        longest_seconds=max(one.longest_seconds, other.longest_seconds),
    )
