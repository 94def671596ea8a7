"""The course of the CPUs: means by columns that keep their shape, unknown apart from nothing."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.cli.top_model import SPAN_SECONDS, Sample, Seen, courses, sample
from tests.cli.samples import host
from tests.fakes.control import report


def seen(*samples: Sample, now: float = 1000.0, interval: float = 1.0) -> Seen:
    return Seen(hostname="n", now_unix=0.0, now_monotonic=now, interval=interval, samples=samples)


def at(moment: float, owner: float | None = 1.0, pilots: float | None = 2.0) -> Sample:
    return Sample(at_monotonic=moment, owner=owner, pilots=pilots)


def test_a_column_is_the_mean_of_its_time() -> None:
    # 30 columns of 5 seconds; the newest has begun at 1000.
    found = courses(seen(at(990, 1), at(992, 3), at(994, None), at(1000, 4, None)), 30)
    assert found.seconds == 150
    assert found.owner[-3:] == (2.0, None, 4.0)
    assert found.pilots[-3:] == (2.0, 2.0, None)
    assert set(found.owner[:-3]) == {None}


def test_the_past_keeps_its_shape_while_it_moves() -> None:
    samples = [at(900 + number, float(number)) for number in range(100)]
    one, later = courses(seen(*samples, now=1000.0), 30), courses(seen(*samples, now=1004.9), 30)
    assert one.owner == later.owner
    moved = courses(seen(*samples, now=1005.0), 30)
    assert moved.owner[:-1] == one.owner[1:]


def test_a_look_that_comes_a_little_late_leaves_no_gap() -> None:
    # 150 columns of a second each.
    samples = [at(990.99), at(992.01), at(993.5), at(997.2)]
    assert courses(seen(*samples, now=998.0), 150).owner[-9:] == (1.0, 1.0, 1.0, 1.0, 1.0, None, None, 1.0, 1.0)


def test_a_look_just_before_the_first_column_holds_in_it() -> None:
    # 3 columns of a minute; the first begins at 840.
    assert courses(seen(at(839.0), now=1000.0, interval=60.0), 3).owner == (1.0, None, None)
    assert courses(seen(at(700.0), now=1000.0, interval=60.0), 3).owner == (None, None, None)


def test_an_unknown_look_is_a_gap_also_when_it_lasts() -> None:
    assert courses(seen(at(996.9), at(998, None), now=999.0), 150).owner[-4:] == (1.0, 1.0, None, None)


@pytest.mark.parametrize(
    ("interval", "width", "step"), [(1, 150, 1), (1, 149, 2), (10, 150, 10), (45, 1, 60), (60, 9, 60)]
)
def test_columns_reach_back_far_enough_and_are_no_shorter_than_a_look(interval: float, width: int, step: float) -> None:
    found = courses(seen(interval=interval), width)
    assert found.seconds == step * width
    assert len(found.owner) == len(found.pilots) == width


@given(
    moments=st.lists(st.floats(0, 2000), max_size=30).map(sorted),
    now=st.floats(0, 2000),
    width=st.integers(0, 300),
    interval=st.floats(0.2, 60),
)
def test_any_samples_make_as_many_columns_as_asked(
    *, moments: list[float], now: float, width: int, interval: float
) -> None:
    found = courses(seen(*map(at, moments), now=now, interval=interval), width)
    assert len(found.owner) == width
    assert set(found.owner) <= {None, 1.0}
    if width >= 3:
        assert found.seconds >= SPAN_SECONDS


def test_a_look_that_is_old_or_missing_is_unknown() -> None:
    assert sample(report(), 5.0) == Sample(at_monotonic=5.0, owner=1.0, pilots=2.0)
    assert sample(None, 5.0) == Sample(at_monotonic=5.0)
    for changes in ({"host": None}, {"host_age_seconds": 20.0}, {"host": host(pilots_cpus=None)}):
        told = sample(msgspec.structs.replace(report(), **changes), 5.0)
        assert told == Sample(at_monotonic=5.0), changes
