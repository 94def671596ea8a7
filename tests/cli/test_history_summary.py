"""Sums over time: nothing is lost between buckets, whatever their size; what nobody recorded is a gap, and no zero."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.cli.history_figures import Figures, Summary
from plancton.cli.history_summary import SERIES, summarise
from plancton.common.points import Point
from plancton.common.series import SERIES as DECLARED
from plancton.common.series import Exit
from tests.support.history_store import point

START = 1_000_000.0
LENGTH = 10_000.0
SUMS = (
    "recorded_seconds",
    "watched_seconds",
    "given_core_seconds",
    "free_core_seconds",
    "pilot_seconds",
    "owner_core_seconds",
)


def tick(at: float, seconds: float = 30.0, *, held: str = "", **given_fields: float) -> list[Point]:
    """Return the points of one moment: a machine of 8 CPUs of which the owner uses 2 and pilots 5."""
    fields = {
        "interval_seconds": seconds,
        "core_seconds": 5 * seconds,
        "free_core_seconds": 6 * seconds,
        "pilot_seconds": 4 * seconds,
        "owner_stall_cpu_seconds": 0.1 * seconds,
    }
    return [
        point("given", START + at, None, **{**fields, **given_fields}),
        point("host", START + at, ncpus=8, owner_cpus=2),
        point("target", START + at, suspended=1, held=float(bool(held)), reason=held),
    ]


def life(at: float, end: str, lost: float = 0.0, reason: str = "ended") -> Point:
    """Return a pilot's end."""
    return point("pilot", START + at, {"exit": end, "reason": reason}, pilot="p", lost_core_seconds=lost)


def summed(points: list[Point], *edges: float) -> Summary:
    """Return the sums between these edges, seconds after the start."""
    return summarise(sorted(points, key=lambda each: each.time_unix_ns), [START + edge for edge in edges])


def test_what_is_summed_up_is_declared() -> None:
    assert set(SERIES) <= set(DECLARED)
    for each in (*tick(0.0), life(0.0, "evicted")):
        assert set(each.fields) <= set(DECLARED[each.series].fields)


def test_a_time_is_spread_over_the_buckets_that_it_touches() -> None:
    summary = summed(tick(30.0), 0.0, 10.0, 40.0)
    first, second = summary.buckets
    assert (first.recorded_seconds, second.recorded_seconds) == (10.0, 20.0)
    assert (first.given_core_seconds, second.given_core_seconds) == pytest.approx((50.0, 100.0))
    assert first.occupancy == pytest.approx(5 / 6)
    assert (first.owner_core_seconds, first.machine_core_seconds) == (20.0, 80.0)
    assert (first.pilot_seconds, first.suspended_pilot_seconds) == pytest.approx((40.0, 10.0))
    assert first.mean(first.pilot_seconds) == pytest.approx(4.0)
    assert summary.total.owner_stall_cpu_seconds == pytest.approx(3.0)


def test_what_lies_outside_is_in_no_sum() -> None:
    summary = summed([*tick(10.0), *tick(70.0), *tick(200.0), life(50.0, "failed"), life(-1.0, "failed")], 0.0, 50.0)
    # The first tells of 10 s of it, the second of another 10 s; the end is the next one's first moment.
    assert summary.total.watched_seconds == pytest.approx(20.0)
    assert summary.total.given_core_seconds == pytest.approx(100.0)
    # Nothing is missing between them.
    assert summary.total.recorded_seconds == pytest.approx(50.0)
    assert summary.total.exits == {}


def test_what_nobody_knew_is_none_and_what_nobody_recorded_too() -> None:
    unknown = [
        point("given", START + 30, interval_seconds=30, free_core_seconds=60.0),
        point("host", START + 30, ncpus=8),
    ]
    summary = summed([*unknown, *tick(390.0)], 0.0, 30.0, 360.0, 390.0)
    first, gap, last = summary.buckets
    assert (first.given_core_seconds, first.occupancy, first.owner_core_seconds) == (None, None, None)
    assert first.free_core_seconds == pytest.approx(60.0)
    assert (gap.recorded_seconds, gap.given_core_seconds, gap.mean(1.0), gap.watched_mean(1.0)) == (
        0.0,
        None,
        None,
        None,
    )
    assert last.given_core_seconds == summary.total.given_core_seconds == pytest.approx(150.0)


def test_ends_of_pilots_are_counted_by_what_came_of_them() -> None:
    lives = [
        life(1.0, "completed"),
        life(2.0, "evicted", 3600.0, "owner-cpu"),
        life(3.0, "evicted", 1800.0, "owner-memory"),
        life(4.0, "expired", 100.0),
        life(12.0, "fizzled"),
    ]
    total = summed(lives, 0.0, 10.0, 20.0).total
    assert total.exits == {"completed": 1, "evicted": 2, "expired": 1, "fizzled": 1}
    assert (total.evicted, total.evictions) == (2, {"owner-cpu": 1, "owner-memory": 1})
    assert (total.lost_core_seconds, total.evicted_lost_core_seconds) == (5500.0, 5400.0)


def test_handbacks_have_a_median_and_a_worst_case() -> None:
    points = [point("handback", START + at, {"by": "ended"}, seconds=at) for at in (1.0, 2.0, 30.0)]
    summary = summed(points, 0.0, 10.0, 40.0)
    assert (summary.buckets[0].handback_median_seconds, summary.buckets[1].handback_worst_seconds) == (1.5, 30.0)
    assert (summary.total.handback_median_seconds, summary.total.handback_worst_seconds) == (2.0, 30.0)
    assert summed([], 0.0, 1.0).total.handback_median_seconds is None


def test_launches_and_holds() -> None:
    points = [point("launch", START + 1, {"outcome": "done"}), point("launch", START + 2, {"outcome": "failed"})]
    points += [*tick(30.0, held="owner-cpu"), *tick(60.0, held="max-docks"), *tick(90.0)]
    total = summed(points, 0.0, 90.0).total
    assert total.launches == {"done": 1, "failed": 1}
    assert total.held_seconds == pytest.approx({"owner-cpu": 30.0, "max-docks": 30.0})


def test_a_hold_counts_while_nobody_watches_the_machine_but_not_over_a_gap() -> None:
    held = [point("target", START + at, held=1, reason="host-unknown") for at in (60.0, 90.0, 5000.0)]
    total = summed([*tick(30.0), *held], 0.0, 6000.0).total
    assert total.held_seconds == pytest.approx({"host-unknown": 60.0})


def test_more_points_than_looks_count_no_time_twice() -> None:
    # Points each second, looks each other one.
    points = []
    for at in range(2, 102, 2):
        points += [*tick(float(at), 2.0, pilot_seconds=4.0, core_seconds=10.0)]
        points += [
            point("given", START + at + 1, interval_seconds=0, pilot_seconds=4),
            point("target", START + at + 1, held=1),
        ]
    total = summed(points, 0.0, 101.0).total
    assert (total.watched_seconds, total.recorded_seconds) == pytest.approx((100.0, 101.0))
    assert total.watched_mean(total.given_core_seconds) == pytest.approx(5.0)
    assert total.mean(total.pilot_seconds) == pytest.approx(400.0 / 101.0)
    assert total.watched_mean(total.owner_core_seconds) == pytest.approx(2.0)
    assert total.held_seconds == pytest.approx({"": 50.0})


def test_gaps_are_told_at_both_ends_and_within() -> None:
    points = [*tick(500.0), *tick(530.0), *tick(1000.0), *tick(1030.0)]
    gaps = summed(points, 0.0, 2000.0).gaps
    assert [(gap.since_unix - START, gap.until_unix - START) for gap in gaps] == [
        (0.0, 470.0),
        (530.0, 970.0),
        (1030.0, 2000.0),
    ]
    assert [gap.seconds for gap in summed([], 0.0, 300.0).gaps] == [300.0]


def test_what_is_only_late_is_no_gap() -> None:
    every_minute = [each for at in range(60, 3000, 60) for each in tick(float(at), 30.0)]
    assert summed(every_minute, 0.0, 3000.0).gaps == ()
    # With ten minutes between points, one that is just due is no gap either.
    assert summed([*tick(600.0, 600.0), *tick(1200.0, 600.0)], 0.0, 2000.0).gaps == ()


def test_what_comes_later_and_later_is_a_gap_all_the_same() -> None:
    points = [each for at in (30.0, 100.0, 270.0, 690.0) for each in tick(at)]
    assert [gap.seconds for gap in summed(points, 0.0, 690.0).gaps] == [140.0, 390.0]


@pytest.mark.parametrize(
    ("seconds", "apart", "gaps"),
    [
        (30.0, 75.0, []),
        (30.0, 75.5, [45.5]),
        (10.0, 60.0, []),
        (10.0, 71.0, [61.0]),
        (600.0, 1500.0, []),
        (600.0, 2101.0, [1501.0]),
    ],
)
def test_two_and_a_half_times_and_a_minute_are_no_gap(seconds: float, apart: float, gaps: list[float]) -> None:
    points = [*tick(seconds, seconds), *tick(seconds + apart, seconds)]
    summary = summed(points, 0.0, seconds + apart)
    assert [gap.seconds for gap in summary.gaps] == [each for each in gaps if each > max(60.0, 2.5 * seconds)]
    assert summary.total.recorded_seconds == pytest.approx(2 * seconds if gaps else seconds + apart)


def test_blind_ticks_have_gaps_too() -> None:
    blind = [point("target", START + at, held=1, reason="x") for at in (0.0, 60.0, 120.0, 5000.0, 5060.0)]
    summary = summed(blind, 0.0, 5060.0)
    assert [(gap.since_unix - START, gap.until_unix - START) for gap in summary.gaps] == [(120.0, 5000.0)]
    assert summary.total.held_seconds == {"x": 180.0}


def test_a_watch_that_begins_anew_or_is_none_is_no_gap() -> None:
    points = [*tick(600.0, 600.0), *tick(1200.0, 20.0), *tick(1800.0, 600.0)]
    assert summed(points, 0.0, 1800.0).gaps == ()
    blind = [point("target", START + at, held=1, reason="x") for at in (600.0, 1200.0, 1800.0, 2400.0)]
    summary = summed(blind, 0.0, 2400.0)
    # Only the third tells how far they are apart.
    assert [gap.until_unix - START for gap in summary.gaps] == [600.0, 1200.0]
    assert summary.total.held_seconds == {"x": 1200.0}


def test_a_clock_that_is_set_back_loses_nothing_and_makes_no_gap() -> None:
    summary = summed([*tick(30.0), *tick(60.0), *tick(45.0), *tick(75.0)], 0.0, 80.0)
    assert summary.total.given_core_seconds == pytest.approx(4 * 150.0)
    assert summary.gaps == ()


MOMENTS = st.integers(30_000, int(LENGTH) * 1000).map(lambda milliseconds: milliseconds / 1000)
EDGES = st.lists(st.floats(0.0, LENGTH), max_size=20, unique=True).map(lambda inner: sorted({0.0, LENGTH, *inner}))
LIVES = st.tuples(st.floats(30.0, LENGTH - 1.0), st.sampled_from(list(Exit)), st.floats(0, 1e6))


@given(st.lists(MOMENTS, unique=True), st.lists(LIVES), EDGES, EDGES)
def test_any_buckets_add_up_to_the_same(
    ticks: list[float], lives: list[tuple[float, str, float]], edges: list[float], others: list[float]
) -> None:
    points = [each for at in ticks for each in tick(at, held="owner-cpu" if at > 100 else "")]
    points += [life(at, end, lost, "owner-cpu") for at, end, lost in lives]
    one, other = summed(points, *edges), summed(points, *others)
    assert one.gaps == other.gaps
    assert (one.total.since_unix, one.total.until_unix) == (START, START + LENGTH)
    for name in SUMS:
        assert (getattr(one.total, name) is None) is (getattr(other.total, name) is None)
        assert (getattr(one.total, name) or 0.0) == pytest.approx(getattr(other.total, name) or 0.0, rel=1e-6, abs=1e-3)
        parts = [getattr(bucket, name) or 0.0 for bucket in one.buckets]
        assert sum(parts) == pytest.approx(getattr(one.total, name) or 0.0, rel=1e-6, abs=1e-3)
    assert one.total.given_core_seconds == (pytest.approx(150.0 * len(ticks), rel=1e-6) if ticks else None)
    assert one.total.exits == other.total.exits
    assert sum(one.total.exits.values()) == len(lives)
    assert one.total.lost_core_seconds == pytest.approx(sum(lost for _, _, lost in lives))
    assert one.total.held_seconds == pytest.approx(other.total.held_seconds, rel=1e-6, abs=1e-3)


@given(st.lists(MOMENTS, unique=True), EDGES)
def test_gaps_and_record_make_up_the_time(ticks: list[float], edges: list[float]) -> None:
    summary = summed([each for at in ticks for each in tick(at)], *edges)
    for gap in summary.gaps:
        inside = [at for at in ticks if gap.since_unix - START + 1e-3 < at < gap.until_unix - START - 1e-3]
        assert inside == []
        assert gap.seconds > 60.0
    assert sum(gap.seconds for gap in summary.gaps) <= LENGTH
    covered = len(ticks) * 30.0 + sum(gap.seconds for gap in summary.gaps)
    # What is neither is shorter than any gap.
    assert covered >= LENGTH - (len(ticks) + 1) * 75.0


def test_figures_of_no_record_have_no_mean() -> None:
    figures = Figures(since_unix=0.0, until_unix=10.0)
    assert (figures.seconds, figures.mean(5.0), figures.occupancy, figures.evicted) == (10.0, None, None, 0)
    assert figures.handback_worst_seconds is None
