"""The store: nothing is lost but what the bounds take, and that is counted; every sink gets all else, in order."""

import itertools
import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from plancton.common.accounting import SinkState, StoreState
from plancton.common.history_schema import store_path
from plancton.common.points import Point
from plancton.workers.metrics.delivery.outbox import Accepted, Answer, Rejected
from plancton.workers.metrics.storage.rounds import Bounds, Done, Output, Refused, Round
from tests.workers.metrics.stepped_lanes import SteppedStore
from tests.workers.metrics.store_laws import BOUNDS, TAIL_BYTES, AnyHistory, full, points, state_of, value


def send(stepped: SteppedStore, name: str, answer: Answer | None = None) -> list[int]:
    """Have a sink take what it can, and answer; return the values of what it took."""
    stepped.store.fetch(name, stepped.now)
    outbox = stepped.store.outbox(name)
    rows = outbox.take(stepped.now)
    if not rows:
        return []
    refused = outbox.answered(answer or Accepted(), stepped.now, 0.0, 1.0)
    if refused is not None:
        stepped.store.refuse(Refused(sink=name, id=refused.id, line="m", why="bad"))
    return [value(row) for row in rows]


def drain(stepped: SteppedStore, name: str) -> list[int]:
    """Have a sink take all that there is."""
    taken = []
    for _ in range(300):
        stepped.rest(1)
        taken += send(stepped, name)
    return taken


@pytest.fixture
def stepped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SteppedStore:
    """Give a store that isn't open yet."""
    return SteppedStore(tmp_path / "state", monkeypatch, BOUNDS, TAIL_BYTES)


def test_nothing_is_known_before_it_is_open(stepped: SteppedStore) -> None:
    stepped.store.put(points(0, 3))
    assert stepped.store.state is None
    stepped.turn()
    assert stepped.store.state is None
    stepped.rest()
    state = state_of(stepped)
    assert (state.points, state.waiting_points, state.error) == (3, 0, "")
    assert state.size_bytes > 0
    assert state.oldest_unix is not None
    assert abs(state.oldest_unix - time.time()) < 60


def test_points_are_on_disk_soon_and_writes_are_not_too_many(stepped: SteppedStore) -> None:
    stepped.store.outbox("a")
    stepped.rest()
    stepped.turn()
    rounds = []

    def noted(asked: Round, run: Callable[[Round], Done]) -> Done:
        rounds.append(stepped.now)
        return run(asked)

    stepped.disk = noted
    begun = stepped.now
    for number in range(100):
        stepped.store.put(points(number, number + 1, text="short"))
        stepped.turn(0.1)
        stepped.lane.step()
        stepped.store.collect()
    assert 15 < len(rounds) <= 10 / 0.5 + 2
    assert rounds[0] <= begun + 0.2
    assert state_of(stepped).waiting_points <= 6
    stepped.rest(1)
    rounds.clear()
    stepped.turn(1.0)
    assert not stepped.lane.waiting, "nothing is written where nothing is new"


@pytest.mark.parametrize("problem", ["database or disk is full", "disk I/O error"])
def test_a_disk_that_takes_nothing_keeps_nothing_from_sinks_and_is_told_of_once(
    stepped: SteppedStore, caplog: pytest.LogCaptureFixture, problem: str
) -> None:
    caplog.set_level(logging.INFO)
    stepped.store.outbox("a")
    stepped.rest()
    stepped.disk = lambda _asked, _run: Done(problem=problem)
    for number in range(60):
        stepped.store.put(points(number, number + 1))
        stepped.rest(1)
        assert send(stepped, "a") == [number]
    state = state_of(stepped)
    assert state.error == problem
    assert state.error_unix is not None
    assert state.dropped_points == 60 - state.waiting_points > 0
    outbox = stepped.store.outbox("a").state
    assert (outbox.written_points, outbox.dropped_points, outbox.waiting_points) == (60, 0, 0)
    stepped.disk = lambda asked, run: run(asked)
    stepped.rest()
    assert (state_of(stepped).error, state_of(stepped).error_unix) == ("", None)
    assert state_of(stepped).points == 60 - state.dropped_points
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert problem in caplog.text


def test_tries_on_a_full_disk_become_rare_but_never_cease(stepped: SteppedStore) -> None:
    stepped.rest()
    stepped.store.put(points(0, 1))
    tries = []

    def noted(asked: Round, run: Callable[[Round], Done]) -> Done:
        tries.append(stepped.now)
        return full(asked, run)

    stepped.disk = noted
    for _ in range(2000):
        stepped.turn(0.1)
        stepped.lane.step()
        stepped.store.collect()
    pauses = [after - before for before, after in itertools.pairwise(tries)]
    assert pauses == sorted(pauses)
    assert pauses[0] < 2.0
    assert 29.0 < pauses[-1] < 31.0


def test_a_disk_that_is_stuck_is_told_of_and_keeps_nothing_from_sinks_that_were_there(stepped: SteppedStore) -> None:
    stepped.store.outbox("a")
    stepped.rest()
    stepped.store.put(points(0, 2))
    stepped.turn()
    assert stepped.lane.waiting
    assert send(stepped, "a") == [0, 1]
    stepped.store.put(points(2, 3))
    for _ in range(10):
        stepped.turn(1.0)
    assert "doesn't answer" in state_of(stepped).error
    assert send(stepped, "a") == [2]
    stepped.rest()
    assert state_of(stepped).error == ""
    assert state_of(stepped).points == 3


def test_a_store_that_can_not_be_opened_keeps_nothing_from_sinks_either(stepped: SteppedStore) -> None:
    stepped.store.outbox("a")
    stepped.disk = lambda _asked, _run: Done(problem="read-only file system")
    stepped.store.put(points(0, 3))
    stepped.rest(3)
    assert state_of(stepped).error == "read-only file system"
    assert send(stepped, "a") == [0, 1, 2]
    stepped.disk = lambda asked, run: run(asked)
    stepped.store.put(points(3, 4))
    assert drain(stepped, "a") == [3]
    assert state_of(stepped).points == 4
    outbox = stepped.store.outbox("a").state
    assert (outbox.written_points, outbox.waiting_points, outbox.dropped_points) == (4, 0, 0)


def test_one_that_opens_late_has_what_waited_in_it_delivered(
    stepped: SteppedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stepped.store.outbox("a")
    stepped.rest()
    stepped.store.put(points(0, 10))
    stepped.rest()
    stepped.crash(tmp_path / "later")
    later = SteppedStore(tmp_path / "later", monkeypatch, BOUNDS, TAIL_BYTES)
    later.disk = lambda _asked, _run: Done(problem="read-only file system")
    later.store.put(points(10, 12))
    later.store.outbox("a")
    later.store.put(points(12, 14))
    later.rest(3)
    assert send(later, "a") == [12, 13], "what came since it was named, for nothing else is known of it"
    later.disk = lambda asked, run: run(asked)
    assert drain(later, "a") == list(range(14)), "again, but in order"
    state = later.store.outbox("a").state
    assert (state.waiting_points, state.dropped_points) == (0, 0)


def test_a_damaged_store_costs_what_is_in_it_but_not_what_is_in_memory(
    stepped: SteppedStore, caplog: pytest.LogCaptureFixture
) -> None:
    stepped.store.outbox("away")
    stepped.store.outbox("here")
    stepped.rest()
    stepped.store.put(points(0, 10))
    stepped.rest()
    assert drain(stepped, "here") == list(range(10))
    stepped.store.put(points(10, 12))
    stepped.on_disk("DROP TABLE points")
    stepped.rest()
    state = state_of(stepped)
    path = store_path(stepped.state)
    assert (state.points, state.waiting_points, state.error) == (2, 0, "")
    assert state.set_aside == f"{path}.set-aside"
    assert caplog.text.count("is set aside as") == 1
    assert drain(stepped, "away") == [10, 11]
    away = stepped.store.outbox("away").state
    assert (away.written_points, away.dropped_points, away.waiting_points) == (2, 10, 0)
    assert drain(stepped, "here") == [10, 11]
    assert stepped.store.outbox("here").state.dropped_points == 0
    assert stepped.on_disk("SELECT name, dropped, written FROM sinks ORDER BY name") == [
        ("away", 10, 2),
        ("here", 0, 12),
    ]


def test_what_is_too_old_goes_and_is_counted(stepped: SteppedStore) -> None:
    stepped.store.outbox("away")
    old = [Point(series="m", tags={}, fields={"v": 1.0}, time_unix_ns=number) for number in range(2500)]
    for some in (old[:1250], points(0, 3), old[1250:]):
        stepped.store.put(some)
        stepped.rest()
    assert state_of(stepped).points == 2503
    stepped.store.follow(Bounds(size_bytes=2**20, age_seconds=3600.0))
    stepped.rest()
    # Old ones among new ones, where the clock was wrong, go with what is before them.
    assert state_of(stepped).points <= 3
    away = stepped.store.outbox("away").state
    assert away.dropped_points == 2503 - state_of(stepped).points
    assert away.dropped_points + away.waiting_points == 2503


def test_a_sink_whose_points_on_disk_are_gone_gets_those_in_memory(stepped: SteppedStore) -> None:
    stepped.store.outbox("a")
    stepped.rest()
    stepped.store.put([Point(series="m", tags={}, fields={"v": -1.0}, time_unix_ns=1)] * 3)
    stepped.rest()
    stepped.store.follow(Bounds(size_bytes=2**20, age_seconds=3600.0))
    stepped.rest()
    stepped.disk = full
    stepped.store.put(points(0, 2))
    assert drain(stepped, "a") == [0, 1]
    state = stepped.store.outbox("a").state
    assert (state.written_points, state.dropped_points, state.waiting_points) == (2, 3, 0)


def test_points_that_somebody_else_takes_away_are_counted_and_waited_for_by_nobody(stepped: SteppedStore) -> None:
    stepped.store.outbox("a")
    stepped.rest()
    stepped.store.put(points(0, 5))
    stepped.rest()
    stepped.on_disk("DELETE FROM points")
    stepped.store.put(points(5, 7))
    assert drain(stepped, "a") == [5, 6]
    stepped.store.put(points(7, 8))
    assert drain(stepped, "a") == [7]
    state = stepped.store.outbox("a").state
    assert (state.written_points, state.dropped_points, state.waiting_points) == (3, 5, 0)


def test_a_smaller_bound_is_kept_soon(stepped: SteppedStore) -> None:
    stepped.store.follow(Bounds(size_bytes=16 * 2**20, age_seconds=1e12))
    for first in range(0, 1800, 20):
        stepped.store.put(points(first, first + 20))
        stepped.rest(4)
    assert state_of(stepped).points == 1800
    assert state_of(stepped).size_bytes > 10 * 2**20
    stepped.store.follow(BOUNDS)
    begun = stepped.now
    while state_of(stepped).size_bytes > BOUNDS.size_bytes:
        stepped.turn(0.01)
        stepped.lane.step()
        stepped.store.collect()
        assert stepped.now < begun + 5.0
    assert state_of(stepped).points > 50


def test_outputs_and_refused_points_are_kept(stepped: SteppedStore) -> None:
    stepped.store.keep(Output(container_id="c", pilot="p", ended_ns=time.time_ns(), text="bye"))
    stepped.store.outbox("a")
    stepped.store.put(points(0, 1))
    stepped.rest()
    stepped.store.fetch("a", stepped.now)
    stepped.rest(1)
    assert send(stepped, "a", Rejected(points=1, why="bad", partial=False)) == [0]
    stepped.rest()
    assert stepped.on_disk("SELECT container_id, pilot, output FROM outputs") == [("c", "p", "bye")]
    assert stepped.on_disk("SELECT sink, line, why FROM refused") == [("a", "m", "bad")]
    assert stepped.on_disk("SELECT written, dropped, refused FROM sinks") == [(0, 0, 1)]


def test_totals_go_on_from_the_larger_of_what_is_on_disk_and_what_was_said(
    stepped: SteppedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stepped.store.outbox("a")
    stepped.rest()
    stepped.store.put(points(0, 10))
    assert drain(stepped, "a") == list(range(10))
    stepped.rest()
    stepped.crash(tmp_path / "later")
    later = SteppedStore(tmp_path / "later", monkeypatch, BOUNDS, TAIL_BYTES)
    former = [
        SinkState(name="a", written_points=9, waiting_points=5, dropped_points=2),
        SinkState(name="b", written_points=3, waiting_points=4, dropped_points=1, refused_points=1),
    ]
    later.store.resume(StoreState(points=10, size_bytes=1, dropped_points=7, set_aside="x"), former)
    later.store.outbox("a")
    later.store.outbox("b")
    later.rest()
    a, b = (later.store.outbox(name).state for name in "ab")
    assert (a.written_points, a.dropped_points, a.waiting_points) == (10, 2, 0)
    assert (b.written_points, b.dropped_points, b.refused_points) == (3, 5, 1), "what waited for it is in no store"
    assert (state_of(later).dropped_points, state_of(later).set_aside) == (7, "x")


AnyHistory.TestCase.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)
TestAnyHistory = AnyHistory.TestCase
