"""Buckets of time: they cover what is asked for, by the local calendar, whatever daylight saving does."""

import time
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plancton.cli.buckets import SIZES, edges, size_for

HOUR, DAY = 3600.0, 86_400.0
ZONES = ("UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo")


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give a local time."""
    yield from in_zone(request.param, monkeypatch)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give the local time of Berlin, where clocks went back on 2026-10-25 and forward on 2026-03-29."""
    yield from in_zone("Europe/Berlin", monkeypatch)


def in_zone(name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Be there for a while."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", name)
        time.tzset()
        yield name
    time.tzset()


def at(text: str) -> float:
    """Return a moment of local time."""
    return datetime.fromisoformat(text).timestamp()


def local(moment: float) -> str:
    """Return local time."""
    return datetime.fromtimestamp(moment).isoformat(sep=" ", timespec="minutes")  # noqa: DTZ006 - local time is meant


@pytest.mark.usefixtures("zone")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.floats(1e6, 2e9), st.floats(0.1, 400 * DAY), st.integers(2, 100))
def test_edges_rise_cover_all_and_are_few(since: float, length: float, most: int) -> None:
    until = since + length
    size = size_for(since, until, most)
    cut = edges(since, until, size)
    assert (cut[0], cut[-1]) == (since, until)
    assert all(begin < end for begin, end in pairwise(cut))
    # A day with another clock begins a bucket anew.
    assert len(cut) - 1 <= most + (2 if size < DAY else 0) or size == SIZES[-1]
    longest = size + (2 * HOUR if size >= DAY else 0.0)
    assert all(end - begin <= longest for begin, end in pairwise(cut))


@pytest.mark.parametrize(
    ("length", "most", "size"),
    [
        (5.0, 60, 1.0),
        (HOUR, 61, 60.0),
        (HOUR, 60, 120.0),
        (DAY, 54, 1800.0),
        (7 * DAY, 54, 6 * HOUR),
        (30 * DAY, 54, DAY),
    ],
)
def test_the_smallest_size_that_gives_few_enough(length: float, most: int, size: float) -> None:
    assert size_for(1e9, 1e9 + length, most) == size


def test_sizes_are_parts_of_a_day_or_days() -> None:
    assert list(SIZES) == sorted(set(SIZES))
    assert all(DAY % size == 0 or size % DAY == 0 for size in SIZES)
    assert all(larger <= 4 * smaller for smaller, larger in pairwise(SIZES))
    assert size_for(0.0, 1e12, 2) == SIZES[-1] == 52 * 7 * DAY


@pytest.mark.usefixtures("berlin")
def test_what_begins_or_ends_at_an_edge_has_no_bucket_without_time() -> None:
    for size in (HOUR, DAY):
        begun, ended = at("2026-11-24 00:00"), at("2026-11-26 00:00")
        cut = edges(begun, ended, size)
        assert len(cut) == len(set(cut)) == 1 + 2 * DAY / size


@pytest.mark.usefixtures("berlin")
def test_a_size_that_parts_no_day_begins_anew_at_midnight() -> None:
    cut = edges(at("2026-11-24 11:00"), at("2026-11-25 08:00"), 7 * HOUR)
    assert [local(each)[11:] for each in cut] == ["11:00", "14:00", "21:00", "00:00", "07:00", "08:00"]


@pytest.mark.usefixtures("berlin")
def test_hours_are_whole_ones_and_days_begin_at_midnight() -> None:
    cut = edges(at("2026-11-24 10:20"), at("2026-11-24 13:05"), HOUR)
    assert [local(each)[11:] for each in cut] == ["10:20", "11:00", "12:00", "13:00", "13:05"]
    cut = edges(at("2026-11-24 10:20"), at("2026-11-26 13:05"), DAY)
    assert [local(each) for each in cut[1:-1]] == ["2026-11-25 00:00", "2026-11-26 00:00"]


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(("day", "hours"), [("2026-10-25", 25), ("2026-03-29", 23), ("2026-11-24", 24)])
def test_a_day_with_another_clock_has_its_own_number_of_hours(day: str, hours: int) -> None:
    begun = at(f"{day} 00:00")
    end = begun + hours * HOUR
    assert local(end).endswith("00:00")
    assert len(edges(begun, end, HOUR)) - 1 == hours
    assert [each - begun for each in edges(begun, end, 6 * HOUR)][:-1] == [
        number * 6 * HOUR for number in range(-(-hours // 6))
    ]
    assert [local(each) for each in edges(begun - DAY, end + DAY, DAY)][1:-1] == [local(begun), local(end)]


@pytest.mark.usefixtures("berlin")
def test_weeks_begin_on_monday() -> None:
    cut = edges(at("2026-10-20 10:00"), at("2026-11-11 10:00"), 7 * DAY)
    assert [local(each)[:10] for each in cut[1:-1]] == ["2026-10-26", "2026-11-02", "2026-11-09"]


def test_days_where_midnight_is_skipped_still_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in in_zone("America/Sao_Paulo", monkeypatch):
        # On 2018-11-04 the clocks went from 00:00 to 01:00.
        cut = edges(at("2018-11-03 12:00"), at("2018-11-06 12:00"), DAY)
        assert [local(each)[:10] for each in cut[1:-1]] == ["2018-11-04", "2018-11-05", "2018-11-06"]
        assert cut[-1] - cut[0] == 3 * DAY - HOUR
