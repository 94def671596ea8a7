"""The machine's use between two points: means weighted by time, and of what was known alone."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.messages import HostLook
from plancton.workers.metrics.points.host_points import Watched, host, pressure, watched
from plancton.workers.metrics.points.stamp import Stamp
from tests.support.facts import GIB
from tests.support.facts import host as look

STAMP = Stamp(hostname="node", time_unix_ns=7)


def seen(*looks: HostLook) -> Watched:
    known = Watched()
    for each in looks:
        known = watched(known, each)
    return known


def fields(*looks: HostLook) -> dict[str, float | str]:
    made = host(seen(*looks), STAMP)
    assert made is not None
    return made.fields


def test_without_a_look_there_is_no_point() -> None:
    assert host(Watched(), STAMP) is None
    assert pressure(Watched(), STAMP) is None


def test_cpus_are_means_weighted_by_time_and_memory_is_the_last_look_s() -> None:
    looks = (
        look(interval_seconds=1.0, busy_cpus=4.0, pilots_cpus=3.0, engine_cpus=0.5, available_bytes=GIB),
        look(interval_seconds=3.0, busy_cpus=2.0, pilots_cpus=2.0, stolen_cpus=1.0, available_bytes=2 * GIB),
    )
    assert fields(*looks) == {
        "ncpus": 8.0,
        "busy_cpus": 2.5,
        "owner_cpus": 0.125,
        "pilots_cpus": 2.25,
        "engine_cpus": 0.125,
        "stolen_cpus": 0.75,
        "ram_bytes": 64.0 * GIB,
        "available_bytes": 2.0 * GIB,
        "swap_bytes": 0.0,
    }


def test_of_what_was_unknown_for_a_while_the_known_part_is_told() -> None:
    known, unknown = look(busy_cpus=3.0, pilots_cpus=1.0), look(busy_cpus=5.0, pilots_cpus=None)
    assert (fields(known, unknown)["owner_cpus"], fields(known, unknown)["busy_cpus"]) == (2.0, 4.0)
    assert {"owner_cpus", "pilots_cpus"}.isdisjoint(fields(unknown))


def test_pressure_is_told_as_far_as_the_kernel_does() -> None:
    made = pressure(seen(look(stall_cpu=0.5, stall_io=0.0), look(stall_cpu=0.0), look()), STAMP)
    assert made is not None
    assert made.fields == {"cpu": 0.25, "io": 0.0}
    assert pressure(seen(look()), STAMP) is None


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan, math.inf])
def test_a_look_that_covers_no_time_says_nothing(seconds: float) -> None:
    assert seen(look(interval_seconds=seconds)) == Watched()


def test_a_number_that_is_none_is_left_out() -> None:
    assert fields(look(busy_cpus=math.nan), look(busy_cpus=1.0))["busy_cpus"] == 1.0


@given(st.lists(st.tuples(st.floats(0.001, 100.0), st.none() | st.floats(0.0, 8.0)), min_size=1, max_size=20))
def test_a_mean_lies_between_the_least_and_the_most(uses: list[tuple[float, float | None]]) -> None:
    looks = [look(interval_seconds=seconds, busy_cpus=8.0, pilots_cpus=cpus) for seconds, cpus in uses]
    known = [cpus for _seconds, cpus in uses if cpus is not None]
    mean = fields(*looks).get("pilots_cpus")
    assert (mean is None) == (not known)
    if mean is not None:
        assert min(known) - 1e-9 <= float(mean) <= max(known) + 1e-9
