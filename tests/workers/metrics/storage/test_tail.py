"""Points in memory: in order, bounded, each with a number of its own; a point and its row are one."""

import math

from hypothesis import given
from hypothesis import strategies as st

from plancton.common.points import Point
from plancton.workers.metrics.storage.rounds import Row
from plancton.workers.metrics.storage.tail import Tail, moved, point_of, row_of


def points(number: int) -> list[Point]:
    return [Point(series="m", tags={}, fields={"v": float(each)}, time_unix_ns=each) for each in range(number)]


def ids(rows: tuple[Row, ...]) -> list[int]:
    return [row.id for row in rows]


def test_points_are_numbered_and_stay_until_they_are_on_disk() -> None:
    tail = Tail()
    assert tail.put(points(5)) == ()
    assert ids(tail.after(0, 100)) == [1, 2, 3, 4, 5]
    assert ids(tail.take(10**6)) == [1, 2, 3, 4, 5]
    tail.put(points(2))
    assert ids(tail.after(3, 3)) == [4, 5, 6], "what's being written is still to be had"
    assert tail.count_after(4) == 3
    assert tail.answered(written=True) == 5
    assert ids(tail.after(0, 100)) == [6, 7]
    assert tail.last_id == 7


def test_what_could_not_be_written_comes_before_all_else() -> None:
    tail = Tail()
    tail.put(points(2))
    tail.take(10**6)
    tail.put(points(1))
    assert tail.answered(written=False) == 0
    assert ids(tail.take(10**6)) == [1, 2, 3]


def test_little_is_written_at_a_time_but_always_something() -> None:
    tail = Tail()
    tail.put(points(5))
    size = row_of(points(1)[0], 1).size_bytes
    assert ids(tail.take(2 * size)) == [1, 2]
    tail.answered(written=True)
    assert ids(tail.take(1)) == [3]


def test_the_oldest_go_where_there_is_no_room_but_not_what_is_being_written() -> None:
    size = row_of(points(1)[0], 1).size_bytes
    tail = Tail(3 * size)
    tail.put(points(2))
    tail.take(10**6)
    assert ids(tail.put(points(5))) == [3, 4]
    assert ids(tail.after(0, 100)) == [1, 2, 5, 6, 7]
    tail.answered(written=False)
    assert ids(tail.put(points(1))) == [1, 2, 5]
    assert len(tail) == 3


def test_numbers_move_together() -> None:
    tail = Tail()
    tail.put(points(2))
    tail.shift(100)
    tail.put(points(1))
    assert ids(tail.after(0, 10)) == [101, 102, 103]


@given(
    series=st.text(min_size=1),
    tags=st.dictionaries(st.text(), st.text()),
    fields=st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False) | st.text()),
    time_ns=st.integers(-(2**63), 2**63 - 1),
)
def test_a_row_holds_the_whole_point(
    series: str, tags: dict[str, str], fields: dict[str, float | str], time_ns: int
) -> None:
    point = Point(series=series, tags=tags, fields=fields, time_unix_ns=time_ns)
    assert point_of(row_of(point, 7)) == point
    assert moved(row_of(point, 7), 3) == row_of(point, 10)


def test_texts_that_are_none_and_moments_beyond_reason_harm_nothing() -> None:
    odd = Point(series="m\udc80", tags={"a": "\udcff", "\udcfe": "b"}, fields={"v": "\ud800"}, time_unix_ns=2**70)
    assert point_of(row_of(odd, 1)) == Point(
        series="m?", tags={"a": "?", "?": "b"}, fields={"v": "?"}, time_unix_ns=2**63 - 1
    )
    assert point_of(row_of(Point(series="m", tags={}, fields={"v": math.nan}, time_unix_ns=1), 1)) is None


@given(st.text(), st.text(), st.text())
def test_a_damaged_row_is_no_point_or_one_but_never_an_error(series: str, tags: str, fields: str) -> None:
    assert isinstance(point_of(Row(1, 1, series, tags, fields)), Point | None)
