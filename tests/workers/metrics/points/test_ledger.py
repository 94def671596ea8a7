"""What was given and what it cost: sums of what was watched, and unknown never as zero."""

import math

import msgspec
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from plancton.common.messages import Counters, HostLook
from plancton.workers.metrics.points.ledger import Given, given, given_point, totals
from plancton.workers.metrics.points.stamp import Stamp
from tests.support.facts import host

STAMP = Stamp(hostname="node", time_unix_ns=7)
BUSY = host(busy_cpus=5.0, pilots_cpus=3.0, engine_cpus=0.5, stolen_cpus=1.0, stall_cpu=0.25, stall_io=0.5)


def test_a_look_s_interval_in_core_seconds() -> None:
    assert given(Given(), BUSY, pilots_ran=True) == Given(
        interval_seconds=2.0,
        core_seconds=6.0,
        free_core_seconds=2.0 * (8 - 1.5 - 1.0),
        owner_stall_cpu_seconds=0.5,
        owner_stall_io_seconds=1.0,
    )


@pytest.mark.parametrize(("ran", "cost"), [(True, 0.5), (False, 0.0), (None, None)])
def test_the_owner_s_stall_counts_while_pilots_ran(ran: bool | None, cost: float | None) -> None:  # noqa: FBT001
    assert given(Given(), BUSY, pilots_ran=ran).owner_stall_cpu_seconds == cost


def test_no_stall_is_none_whoever_ran() -> None:
    assert given(Given(), host(stall_cpu=0.0), pilots_ran=None).owner_stall_cpu_seconds == 0.0


def test_totals_grow_by_the_sums_and_by_nothing_else() -> None:
    before = Counters(
        launched=9,
        given_core_seconds=1.0,
        free_core_seconds=2.0,
        owner_stall_cpu_seconds=3.0,
        owner_stall_memory_seconds=4.0,
        owner_stall_io_seconds=5.0,
    )
    sums = Given(
        interval_seconds=1.0,
        core_seconds=10.0,
        free_core_seconds=20.0,
        owner_stall_cpu_seconds=30.0,
        owner_stall_memory_seconds=40.0,
        owner_stall_io_seconds=50.0,
    )
    assert totals(before, Given(interval_seconds=1.0)) == before
    assert totals(before, sums) == Counters(
        launched=9,
        given_core_seconds=11.0,
        free_core_seconds=22.0,
        owner_stall_cpu_seconds=33.0,
        owner_stall_memory_seconds=44.0,
        owner_stall_io_seconds=55.0,
    )


def test_less_than_nothing_is_never_left() -> None:
    skewed = host(busy_cpus=7.5, pilots_cpus=7.75, stolen_cpus=0.5)
    assert given(Given(), skewed, pilots_ran=True).free_core_seconds == 2.0 * 7.75, "pilots used it, so it was left"
    taken, nearly = host(busy_cpus=8.0, stolen_cpus=1.0), host(busy_cpus=7.5)
    assert given(Given(), taken, pilots_ran=False).free_core_seconds == 0.0
    assert given(Given(), nearly, pilots_ran=False).free_core_seconds == 1.0


def test_a_number_that_is_none_is_in_no_sum() -> None:
    assert given(Given(), host(stall_io=math.nan), pilots_ran=True).owner_stall_io_seconds is None


def test_what_is_unknown_is_in_no_sum() -> None:
    blind = host(busy_cpus=5.0, pilots_cpus=None)
    assert given(Given(), blind, pilots_ran=True) == Given(interval_seconds=2.0)
    assert given(given(Given(), BUSY, pilots_ran=True), blind, pilots_ran=True).core_seconds == 6.0


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan, math.inf])
def test_a_look_that_covers_no_time_changes_nothing(seconds: float) -> None:
    assert given(Given(), msgspec.structs.replace(BUSY, interval_seconds=seconds), pilots_ran=True) == Given()


def test_the_point_has_what_is_known() -> None:
    made = given_point(given(Given(), host(pilots_cpus=None), pilots_ran=False), 4.0, STAMP)
    assert made is not None
    assert made.fields == {
        "interval_seconds": 2.0,
        "pilot_seconds": 4.0,
        "owner_stall_cpu_seconds": 0.0,
        "owner_stall_memory_seconds": 0.0,
        "owner_stall_io_seconds": 0.0,
    }
    assert given_point(Given(), None, STAMP) is None
    alone = given_point(Given(), 4.0, STAMP)
    assert alone is not None
    assert alone.fields == {"interval_seconds": 0.0, "pilot_seconds": 4.0}


LOOKS = st.lists(
    st.builds(
        lambda seconds, busy, pilots, stall, stolen: host(
            interval_seconds=seconds, busy_cpus=busy, pilots_cpus=pilots, stall_cpu=stall, stolen_cpus=stolen
        ),
        st.floats(0.1, 60.0),
        st.floats(0.0, 8.0),
        st.none() | st.floats(0.0, 8.0),
        st.none() | st.floats(0.0, 1.0),
        st.floats(0.0, 4.0),
    ),
    max_size=20,
)


@examples(LOOKS, st.integers(0, 20))
def test_totals_don_t_depend_on_where_the_points_are(looks: list[HostLook], cut: int) -> None:
    whole, parts = Given(), [Given(), Given()]
    for number, look in enumerate(looks):
        whole = given(whole, look, pilots_ran=True)
        parts[number >= cut] = given(parts[number >= cut], look, pilots_ran=True)
    once, twice = totals(Counters(), whole), totals(totals(Counters(), parts[0]), parts[1])
    for name in ("given_core_seconds", "free_core_seconds", "owner_stall_cpu_seconds"):
        assert getattr(once, name) == pytest.approx(getattr(twice, name))


@examples(LOOKS)
def test_no_more_is_given_than_there_is_nor_longer_stalled_than_watched(looks: list[HostLook]) -> None:
    sums = Given()
    for look in looks:
        sums = given(sums, look, pilots_ran=True)
    most = 8 * sums.interval_seconds + 1e-6
    assert 0.0 <= (sums.core_seconds or 0.0) <= most
    assert (sums.core_seconds or 0.0) - 1e-6 <= (sums.free_core_seconds or 0.0) <= most
    assert 0.0 <= (sums.owner_stall_cpu_seconds or 0.0) <= sums.interval_seconds + 1e-6
