"""How far the sinks are: what is on disk and what was said of a former life go together, and nothing counts twice."""

from plancton.common.accounting import SinkState
from plancton.common.points import Point
from plancton.workers.metrics.delivery.outbox import Accepted
from plancton.workers.metrics.delivery.progress import Progress
from plancton.workers.metrics.storage.rounds import Found, SinkRow
from plancton.workers.metrics.storage.tail import Tail, row_of

BASE = 100
POINT = Point(series="m", tags={}, fields={"v": 1.0}, time_unix_ns=1)
NOTHING = Found(last_id=0, sinks=(), waiting={})


def put(progress: Progress, tail: Tail, number: int) -> None:
    before = tail.last_id
    dropped = tail.put([POINT] * number)
    progress.put(tail.last_id - before, dropped)


def found(progress: Progress, tail: Tail, what: Found) -> None:
    tail.shift(BASE)
    progress.found(what, BASE)


def totals(progress: Progress, name: str) -> tuple[int, int, int, int]:
    state = progress.outbox(name).state
    return state.written_points, state.waiting_points, state.dropped_points, state.refused_points


def test_a_new_sink_begins_with_the_next_point_and_a_former_one_where_it_was() -> None:
    tail = Tail()
    progress = Progress(tail)
    put(progress, tail, 3)
    assert progress.outbox("new").cursor == 3
    put(progress, tail, 2)
    row = SinkRow(name="former", cursor=90, written=80, dropped=7, refused=3)
    found(progress, tail, Found(last_id=95, sinks=(row,), waiting={"former": 5}))
    assert totals(progress, "new") == (0, 2, 0, 0)
    assert progress.outbox("new").cursor == BASE + 3
    assert totals(progress, "former") == (80, 10, 7, 3), "five wait on disk, and five in memory"
    assert progress.outbox("former").cursor == 90
    assert totals(progress, "latest") == (0, 0, 0, 0)


def test_what_it_got_from_memory_before_the_store_was_open_is_not_sent_again_where_nothing_waits_on_disk() -> None:
    tail = Tail()
    progress = Progress(tail)
    outbox = progress.outbox("a")
    put(progress, tail, 4)
    outbox.fill(tail.after(0, 3))
    outbox.take(0.0)
    outbox.answered(Accepted(), 0.0, 0.0, 0.0)
    row = SinkRow(name="a", cursor=90, written=80)
    found(progress, tail, Found(last_id=90, sinks=(row,), waiting={"a": 0}))
    assert progress.outbox("a") is outbox
    assert outbox.cursor == BASE + 3
    assert totals(progress, "a") == (83, 1, 0, 0)


def test_what_memory_had_no_room_for_is_lost_for_whom_it_waited() -> None:
    tail = Tail(200)
    progress = Progress(tail)
    put(progress, tail, 10)
    lost = 10 - len(tail)
    assert lost > 0
    row = SinkRow(name="former", cursor=90, dropped=1)
    found(progress, tail, Found(last_id=95, sinks=(row,), waiting={"former": 5}))
    assert totals(progress, "former") == (0, 5 + len(tail), 1 + lost, 0)


def test_what_was_put_before_a_former_sink_was_named_is_for_it_too() -> None:
    tail = Tail()
    progress = Progress(tail)
    put(progress, tail, 3)
    progress.outbox("former")
    put(progress, tail, 2)
    row = SinkRow(name="former", cursor=90, written=80)
    found(progress, tail, Found(last_id=90, sinks=(row,), waiting={"former": 0}))
    assert totals(progress, "former") == (80, 5, 0, 0)
    assert progress.outbox("former").cursor == BASE


def test_what_is_on_its_way_is_not_lost_where_memory_has_no_room_for_it() -> None:
    tail = Tail(400)
    progress = Progress(tail)
    outbox = progress.outbox("a")
    put(progress, tail, 4)
    outbox.fill(tail.after(0, 3))
    put(progress, tail, 10)
    dropped = 14 - len(tail)
    assert dropped > 3
    assert totals(progress, "a") == (0, 14 - (dropped - 3), dropped - 3, 0)


def test_what_the_bounds_take_while_it_is_on_its_way_is_written_down_as_lost_until_it_has_arrived() -> None:
    tail = Tail()
    progress = Progress(tail)
    outbox = progress.outbox("a")
    found(progress, tail, NOTHING)
    put(progress, tail, 5)
    outbox.fill(tail.after(BASE, 3))
    progress.trimmed({"a": 1}, BASE + 4)
    (row,) = progress.changed()
    assert (row.cursor, row.dropped) == (BASE + 4, 4)
    assert totals(progress, "a") == (0, 4, 1, 0)
    outbox.take(0.0)
    outbox.answered(Accepted(), 0.0, 0.0, 0.0)
    (row,) = progress.changed()
    assert (row.cursor, row.dropped, row.written) == (BASE + 3, 1, 3)


def test_what_was_only_on_its_way_when_a_store_opens_late_is_lost() -> None:
    tail = Tail(5 * row_of(POINT, 1).size_bytes)
    progress = Progress(tail)
    outbox = progress.outbox("a")
    put(progress, tail, 4)
    outbox.fill(tail.after(0, 4))
    put(progress, tail, 3)
    dropped = 7 - len(tail)
    assert 0 < dropped < 4
    assert totals(progress, "a") == (0, 7, 0, 0)
    row = SinkRow(name="a", cursor=90)
    found(progress, tail, Found(last_id=95, sinks=(row,), waiting={"a": 5}))
    assert totals(progress, "a") == (0, 5 + len(tail), dropped, 0)


def test_totals_of_a_former_life_count_once_whenever_they_are_told() -> None:
    former = SinkState(name="a", written_points=85, waiting_points=4, dropped_points=1, refused_points=2)
    row = SinkRow(name="a", cursor=90, written=80, dropped=3)
    for told_first in (True, False):
        tail = Tail()
        progress = Progress(tail)
        progress.outbox("a")
        if told_first:
            progress.resume([former])
        found(progress, tail, Found(last_id=95, sinks=(row,), waiting={"a": 5}))
        if not told_first:
            progress.resume([former])
        assert totals(progress, "a") == (85, 5, 3, 2)


def test_what_waited_for_a_sink_in_a_store_that_is_no_more_is_lost() -> None:
    tail = Tail()
    progress = Progress(tail)
    progress.outbox("a")
    progress.resume([SinkState(name="a", written_points=7, waiting_points=2, dropped_points=1)])
    assert totals(progress, "a") == (7, 0, 1, 0), "it isn't known yet"
    found(progress, tail, NOTHING)
    assert totals(progress, "a") == (7, 0, 3, 0)


def test_only_what_changed_is_written_down_and_all_of_it_once_the_file_is_gone() -> None:
    tail = Tail()
    progress = Progress(tail)
    progress.outbox("a")
    progress.outbox("b")
    found(progress, tail, NOTHING)
    rows = progress.changed()
    assert [row.name for row in rows] == ["a", "b"]
    progress.written(rows)
    assert progress.changed() == ()
    put(progress, tail, 5)
    tail.take(10**6)
    tail.answered(written=True)
    assert progress.changed() == ()
    progress.trimmed({"a": 2}, BASE + 2)
    assert [(row.name, row.dropped) for row in progress.changed()] == [("a", 2)]
    put(progress, tail, 1)
    progress.gone()
    assert [(row.name, row.dropped) for row in progress.changed()] == [("a", 5), ("b", 5)]
    assert totals(progress, "a") == (0, 1, 5, 0)
