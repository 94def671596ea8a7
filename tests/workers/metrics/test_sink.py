"""The sinks: none waits for another, a hanging one stops nobody, and what waits arrives in order once it can."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plancton.common.accounting import SinkState
from plancton.common.points import Point
from plancton.workers.metrics import outbox
from plancton.workers.metrics.sink import Sinks
from tests.support.black_hole import BlackHole
from tests.support.influx import PASSWORD, Influx
from tests.support.influx import influxd as run_influxd
from tests.support.running import free_port
from tests.support.waiting import wait_for


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(outbox, "LONGEST_PAUSE_SECONDS", 0.2)


@pytest.fixture
def sinks() -> Iterator[Sinks]:
    """Sinks of no URL yet, closed at the end."""
    all_of_them = Sinks(lambda: None)
    yield all_of_them
    all_of_them.follow([])


def influx_threads() -> int:
    return sum(thread.name.startswith("influxdb") for thread in threading.enumerate())


def points(first: int, beyond: int) -> list[Point]:
    return [
        Point(series="m", tags={}, fields={"value": float(number)}, time_unix_ns=number + 1)
        for number in range(first, beyond)
    ]


def turning_until(
    sinks: Sinks, fact: Callable[[SinkState], bool], deadline: float, why: str, number: int = 0
) -> SinkState:
    def look() -> SinkState | None:
        sinks.turn(time.monotonic())
        state = sinks.states[number]
        return state if fact(state) else None

    state = wait_for(look, deadline, why)
    assert state
    return state


@contextmanager
def every_turn_short(sinks: Sinks) -> Iterator[list[float]]:
    """Measure each turn meanwhile; the median must be far below any deadline or answer's time."""
    durations: list[float] = []
    turn = sinks.turn

    def measured(now: float) -> float | None:
        began = time.monotonic()
        try:
            return turn(now)
        finally:
            durations.append(time.monotonic() - began)

    sinks.turn = measured  # type: ignore[method-assign]
    yield durations
    assert max(durations) < 1.0, "a fifth of the deadline that the sink's own thread waits for"
    assert sorted(durations)[len(durations) // 2] < 0.02


@pytest.mark.influxdb
def test_points_arrive_and_nothing_is_left_to_do(influxd: Influx, sinks: Sinks) -> None:
    sinks.follow([influxd.setting("d")])
    sinks.put(points(0, 5))
    state = turning_until(sinks, lambda state: state.waiting_points == 0, 10.0, "the points are written")
    assert state == SinkState(name=influxd.setting("d"), written_points=5, waiting_points=0, dropped_points=0)
    assert sinks.turn(time.monotonic()) is None
    assert [row["value"] for row in influxd.query("SELECT value FROM m", "d")] == [0, 1, 2, 3, 4]


def test_a_black_hole_stops_no_turn_and_its_queue_is_bounded(black_hole: BlackHole, sinks: Sinks) -> None:
    sinks.follow([f"{black_hole.url}#d"])
    with every_turn_short(sinks) as durations:
        sinks.put(points(0, 10))
        turning_until(sinks, lambda _: bool(black_hole.accepted), 10.0, "the sink hangs")
        for first in range(10, 10_510, 100):
            sinks.put(points(first, first + 100))
            sinks.turn(time.monotonic())
        assert sinks.states[0].waiting_points == outbox.MOST_POINTS
        assert sinks.states[0].dropped_points == 510
        state = turning_until(sinks, lambda state: state.error != "", 20.0, "the deadline is over")
    assert len(durations) > 100, "turns went on while the sink hung"
    assert "timed out" in state.error
    assert state.waiting_points == outbox.MOST_POINTS
    assert state.written_points == 0


@pytest.mark.influxdb
def test_one_sink_does_not_wait_for_another(influxd: Influx, black_hole: BlackHole, sinks: Sinks) -> None:
    sinks.follow([f"{black_hole.url}#d", influxd.setting("d")])
    sinks.put(points(0, 5))
    turning_until(sinks, lambda state: state.written_points == 5, 4.0, "the other one writes", number=1)
    assert sinks.states[0].waiting_points == 5


@pytest.mark.influxdb
def test_a_sink_that_comes_back_gets_everything_in_order_and_once(tmp_path: Path, sinks: Sinks) -> None:
    port = free_port()
    setting = f"http://127.0.0.1:{port}#d"
    sinks.follow([setting])
    sinks.put(points(0, 1500))
    state = turning_until(sinks, lambda state: state.error != "", 10.0, "nobody is there")
    assert "Connection refused" in state.error
    assert state.error_unix is not None
    with run_influxd(tmp_path / "i", port=port) as first:
        sinks.put(points(1500, 2000))
        turning_until(sinks, lambda state: state.written_points == 2000, 20.0, "all is written")
        assert sinks.states[0].error == ""
        assert [row["value"] for row in first.query("SELECT value FROM m", "d")] == list(range(2000))
    sinks.put(points(2000, 2010))
    turning_until(sinks, lambda state: state.error != "", 10.0, "it is gone again")
    with run_influxd(tmp_path / "i", port=port) as second:
        state = turning_until(sinks, lambda state: state.waiting_points == 0, 20.0, "the rest is written")
        assert [row["value"] for row in second.query("SELECT value FROM m", "d")] == list(range(2010))
    assert (state.written_points, state.dropped_points) == (2010, 0)


@pytest.mark.influxdb
def test_another_login_takes_over_the_queue(
    influxd_with_login: Influx, sinks: Sinks, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    good = influxd_with_login.setting("d")
    bad = f"http://ada:wrong-word@127.0.0.1:{influxd_with_login.port}#d"
    sinks.follow([bad])
    sinks.put(points(0, 5))
    state = turning_until(sinks, lambda state: state.error != "", 10.0, "the login fails")
    assert state.error == "401: authorization failed"
    sinks.follow([good])
    state = turning_until(sinks, lambda state: state.waiting_points == 0, 10.0, "the points are written")
    assert state.written_points == 5
    assert "takes points again" in caplog.text
    for secret in ("wrong-word", PASSWORD, "ada", "Basic"):
        assert secret not in f"{caplog.text} {sinks.states}"


def test_a_url_that_stays_keeps_its_queue_and_one_that_goes_is_forgotten(
    black_hole: BlackHole, sinks: Sinks, caplog: pytest.LogCaptureFixture
) -> None:
    stays, goes = f"{black_hole.url}#stays", f"http://u:secret@127.0.0.1:{free_port()}#goes"
    sinks.follow([goes, stays])
    sinks.put(points(0, 5))
    sinks.turn(time.monotonic())
    sinks.follow([stays, stays, f"{black_hole.url}#new"])
    assert [(state.name.partition("#")[2], state.waiting_points) for state in sinks.states] == [
        ("stays", 5),
        ("new", 0),
    ]
    assert "5 points for it are dropped" in caplog.text
    assert "secret" not in caplog.text


def test_settings_that_change_again_and_again_collect_no_threads(sinks: Sinks) -> None:
    before = influx_threads()
    for number in range(20):
        sinks.follow([f"http://127.0.0.1:{free_port()}#d{number}"])
        sinks.put(points(0, 1))
        turning_until(sinks, lambda state: state.error != "", 10.0, "it has tried")
    assert influx_threads() <= before + 2
