"""The engine's answers, summed up for each process and operation."""

from hypothesis import given
from hypothesis import strategies as st

from plancton.common.accounting import CallTimes
from plancton.common.messages import EngineCalls
from plancton.workers.metrics.points.engine_points import Calls, called, engine_points
from plancton.workers.metrics.points.stamp import Stamp

STAMP = Stamp(hostname="node", time_unix_ns=7)


def times(operation: str, calls: int, seconds: float, longest: float, failures: int = 0) -> CallTimes:
    return CallTimes(operation=operation, calls=calls, failures=failures, seconds=seconds, longest_seconds=longest)


def test_calls_are_summed_for_each_process_and_operation() -> None:
    calls: Calls = called({}, "reaper", EngineCalls(calls=(times("kill", 1, 2.0, 2.0), times("remove", 1, 0.5, 0.5))))
    calls = called(calls, "launcher", EngineCalls(calls=(times("kill", 5, 1.0, 0.5),)))
    calls = called(calls, "reaper", EngineCalls(calls=(times("kill", 3, 1.0, 0.5, failures=1),)))
    made = {(point.tags["process"], point.tags["operation"]): point.fields for point in engine_points(calls, STAMP)}
    assert made["reaper", "kill"] == {"calls": 4.0, "failures": 1.0, "mean_seconds": 0.75, "longest_seconds": 2.0}
    assert made.keys() == {("reaper", "kill"), ("reaper", "remove"), ("launcher", "kill")}


def test_without_calls_there_are_no_points() -> None:
    assert engine_points({}, STAMP) == ()
    assert engine_points(called({}, "reaper", EngineCalls(calls=(times("kill", 0, 0.0, 0.0),))), STAMP) == ()


@given(st.lists(st.lists(st.floats(0.0, 60.0), min_size=1, max_size=5), min_size=1, max_size=10))
def test_how_the_calls_were_told_makes_no_difference(told: list[list[float]]) -> None:
    calls: Calls = {}
    for each in told:
        calls = called(calls, "probe", EngineCalls(calls=(times("info", len(each), sum(each), max(each)),)))
    (point,) = engine_points(calls, STAMP)
    flat = [seconds for each in told for seconds in each]
    assert point.fields["calls"] == len(flat)
    assert abs(float(point.fields["mean_seconds"]) - sum(flat) / len(flat)) < 1e-9
    assert point.fields["longest_seconds"] == max(flat)
