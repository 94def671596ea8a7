"""The sinks: none waits for another, a hanging one stops nobody, and what waits arrives in order once it can."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plancton.common.influxdb_setting import InfluxDB
from plancton.workers.metrics.delivery import outbox
from plancton.workers.metrics.influxdb.server import Server
from plancton.workers.metrics.storage import store
from plancton.workers.metrics.storage.rounds import Bounds
from tests.support.black_hole import BlackHole
from tests.support.influx import PASSWORD, Influx
from tests.support.influx import influxd as run_influxd
from tests.support.running import free_port
from tests.support.waiting import wait_for
from tests.workers.metrics.rows import rows_on_disk as rows
from tests.workers.metrics.sending import Delivery, delivery, point

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(outbox, "LONGEST_PAUSE_SECONDS", 0.2)
    monkeypatch.setattr(store, "COMMIT_SECONDS", 0.01)


@pytest.fixture
def sinks(tmp_path: Path) -> Iterator[Delivery]:
    """Give a store without sinks; those it gets are closed at the end."""
    with delivery(tmp_path / "state") as made:
        yield made


def influx_threads() -> int:
    return sum(thread.name.startswith("influxdb") for thread in threading.enumerate())


def values(database: Influx) -> list[float]:
    return [row["value"] for row in database.query("SELECT value FROM m", "d")]


@contextmanager
def every_turn_short(sinks: Delivery) -> Iterator[list[float]]:
    """Measure each turn meanwhile; the median must be far below any deadline or answer's time."""
    durations: list[float] = []
    turn = sinks.turn

    def measured() -> float | None:
        began = time.monotonic()
        try:
            return turn()
        finally:
            durations.append(time.monotonic() - began)

    sinks.turn = measured  # type: ignore[method-assign]
    yield durations
    assert max(durations) < 1.0, "a fraction of the deadline that the sink's own thread waits for"
    assert sorted(durations)[len(durations) // 2] < 0.02


@pytest.mark.influxdb
def test_points_arrive_and_nothing_is_left_to_do(influxd: Influx, sinks: Delivery) -> None:
    sinks.follow(influxd.setting("d"))
    sinks.put(0, 5)
    state = sinks.until(lambda state: state.waiting_points == 0, 10.0, "the points are written")
    assert state.name == influxd.setting("d")
    assert (state.written_points, state.dropped_points, state.refused_points, state.error) == (5, 0, 0, "")
    assert state.server.startswith("InfluxDB 1.")
    assert sinks.sinks.turn(time.monotonic()) is None
    assert values(influxd) == [0, 1, 2, 3, 4]


def test_a_black_hole_stops_no_turn_and_its_points_wait_on_disk(black_hole: BlackHole, sinks: Delivery) -> None:
    sinks.follow(InfluxDB(url=black_hole.url, database="d", timeout=2.0))
    with every_turn_short(sinks) as durations:
        sinks.put(0, 10)
        sinks.until(lambda _: bool(black_hole.accepted), 10.0, "the sink hangs")
        for first in range(10, 10_510, 100):
            sinks.put(first, first + 100)
            sinks.turn()
        assert sinks.sinks.states[0].waiting_points == 10_510
        state = sinks.until(lambda state: state.error != "", 20.0, "the deadline is over")
    assert len(durations) > 100, "turns went on while the sink hung"
    assert state.error == "no answer within 2 s"
    assert (state.waiting_points, state.written_points, state.dropped_points) == (10_510, 0, 0)
    assert sinks.settled().points == 10_510


@pytest.mark.influxdb
def test_one_sink_does_not_wait_for_another(influxd: Influx, black_hole: BlackHole, sinks: Delivery) -> None:
    sinks.follow(f"{black_hole.url}#d", influxd.setting("d"))
    sinks.put(0, 5)
    sinks.until(lambda state: state.written_points == 5, 4.0, "the other one writes", number=1)
    assert sinks.sinks.states[0].waiting_points == 5


@pytest.mark.influxdb
def test_a_sink_that_comes_back_gets_everything_in_order_and_once(tmp_path: Path, sinks: Delivery) -> None:
    port = free_port()
    sinks.follow(f"http://127.0.0.1:{port}#d")
    sinks.put(0, 1500)
    state = sinks.until(lambda state: state.error != "", 10.0, "nobody is there")
    assert "refused" in state.error
    assert state.error_unix is not None
    with run_influxd(tmp_path / "i", port=port) as first:
        sinks.put(1500, 2000)
        state = sinks.until(lambda state: state.written_points == 2000, 20.0, "all is written")
        assert state.error == ""
        assert values(first) == list(range(2000))
    sinks.put(2000, 2010)
    sinks.until(lambda state: state.error != "", 10.0, "it is gone again")
    with run_influxd(tmp_path / "i", port=port) as second:
        state = sinks.until(lambda state: state.waiting_points == 0, 20.0, "the rest is written")
        assert values(second) == list(range(2010))
    assert (state.written_points, state.dropped_points) == (2010, 0)


@pytest.mark.influxdb
def test_what_waits_outlives_the_worker(tmp_path: Path) -> None:
    port = free_port()
    with delivery(tmp_path / "state") as first:
        first.follow(f"http://127.0.0.1:{port}#d")
        first.put(0, 1500)
        first.until(lambda state: state.error != "", 10.0, "nobody is there")
        first.settled()
    with run_influxd(tmp_path / "i", port=port) as database, delivery(tmp_path / "state") as second:
        second.follow(f"http://127.0.0.1:{port}#d")
        second.put(1500, 1600)
        state = second.until(lambda state: state.written_points == 1600, 20.0, "all is written")
        assert values(database) == list(range(1600))
        query = "SELECT written FROM sinks"
        second.stored(lambda _: rows(second.path, query) == [(1600,)], "how far the sink is, is on disk")
    assert (state.waiting_points, state.dropped_points) == (0, 0)
    with delivery(tmp_path / "state") as third:
        third.follow(f"http://127.0.0.1:{port}#d")
        assert third.until(lambda state: state.written_points > 0, 10.0, "it remembers").written_points == 1600


@pytest.mark.influxdb
def test_another_login_takes_over_what_waits(
    influxd_with_login: Influx, sinks: Delivery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    good = influxd_with_login.setting("d")
    sinks.follow(f"http://ada:wrong-word@127.0.0.1:{influxd_with_login.port}#d")
    sinks.put(0, 5)
    state = sinks.until(lambda state: state.error != "", 10.0, "the login fails")
    assert state.error == "401: authorization failed"
    sinks.follow(good)
    state = sinks.until(lambda state: state.waiting_points == 0, 10.0, "the points are written")
    assert state.written_points == 5
    assert "takes points again" in caplog.text
    sinks.settled()
    everything = b"".join(path.read_bytes() for path in sinks.path.parent.iterdir())
    for secret in ("wrong-word", PASSWORD, "ada", "Basic"):
        assert secret not in f"{caplog.text} {sinks.sinks.states}"
        assert secret.encode() not in everything


def test_a_sink_that_stays_keeps_its_place_and_one_that_goes_keeps_it_on_disk(
    black_hole: BlackHole, sinks: Delivery, caplog: pytest.LogCaptureFixture
) -> None:
    stays, goes = f"{black_hole.url}#stays", f"http://u:secret@127.0.0.1:{free_port()}#goes"
    sinks.follow(goes, stays)
    sinks.put(0, 5)
    sinks.turn()
    sinks.follow(stays, stays, f"{black_hole.url}#new")
    assert [(state.name.partition("#")[2], state.waiting_points) for state in sinks.sinks.states] == [
        ("stays", 5),
        ("new", 0),
    ]
    assert "5 points wait until it is again" in caplog.text
    assert "secret" not in caplog.text
    sinks.put(5, 7)
    sinks.settled()
    sinks.follow(goes)
    assert sinks.sinks.states[0].waiting_points == 7


def test_a_sink_named_again_after_many_lives_goes_on_where_it_was_and_a_new_one_begins_now(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with delivery(tmp_path / "state") as first:
        first.follow(f"{url}#former")
        first.settled()
        first.put(0, 3)
        first.settled()
    with delivery(tmp_path / "state") as second:
        second.put(3, 5)
        second.settled()
    with delivery(tmp_path / "state") as third:
        third.put(5, 6)
        third.follow(f"{url}#former", f"{url}#new")
        third.put(6, 10)
        third.settled()
        assert [state.waiting_points for state in third.sinks.states] == [10, 4]


@pytest.mark.influxdb
def test_a_point_that_is_refused_costs_only_itself_and_is_set_aside(
    influxd: Influx, sinks: Delivery, caplog: pytest.LogCaptureFixture
) -> None:
    influxd.query("CREATE DATABASE d")
    sinks.follow(influxd.setting("d"))
    sinks.put(0, 1)
    sinks.until(lambda state: state.written_points == 1, 10.0, "the field is a number")
    odd = point(300)
    odd.fields["value"] = "no number"
    sinks.store.put([*(point(number) for number in range(1, 300)), odd, *(point(number) for number in range(301, 600))])
    state = sinks.until(lambda state: state.waiting_points == 0, 20.0, "all others are written")
    assert (state.written_points, state.refused_points, state.dropped_points) == (599, 1, 0)
    assert values(influxd) == [number for number in range(600) if number != 300]
    assert "field type conflict" in caplog.text
    sinks.settled()
    sinks.stored(lambda _: bool(rows(sinks.path, "SELECT * FROM refused")), "it is set aside")
    ((name, line, why),) = rows(sinks.path, "SELECT sink, line, why FROM refused")
    assert name == influxd.setting("d")
    assert line == 'm value="no number" 301'
    assert "field type conflict" in why


def test_a_point_that_the_disk_has_damaged_is_refused_and_the_others_are_not(
    black_hole: BlackHole, sinks: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    sinks.follow(f"{black_hole.url}#d")
    sinks.put(0, 5)
    sinks.settled()
    sinks.close()
    log = sinks.path.with_name(f"{sinks.path.name}-wal")
    wait_for(lambda: not log.exists(), 10.0, "all is in the file itself")
    with sinks.path.open("r+b") as file:
        content = file.read()
        place = content.index(b'{"value":3.0}')
        file.seek(place)
        file.write(b'{"value":?')
    written: list[str] = []

    def write(_server: object, lines: list[str]) -> outbox.Answer:
        written.extend(lines)
        return outbox.Accepted()

    monkeypatch.setattr(Server, "write", write)
    with delivery(sinks.path.parent) as later:
        later.follow(f"{black_hole.url}#d")
        state = later.until(lambda state: state.refused_points > 0 and not state.waiting_points, 10.0, "it goes on")
    assert (state.written_points, state.refused_points) == (4, 1)
    assert written == [f"m value={number} {number + 1}" for number in (0, 1, 2, 4)]


def test_what_the_bounds_take_is_counted_for_whom_it_waited(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with delivery(tmp_path / "state", Bounds(size_bytes=2**20, age_seconds=1e12)) as made:
        made.follow(f"{url}#a")
        made.settled()
        for first in range(0, 15_000, 500):
            made.put(first, first + 500)
            made.settled()
        state = made.sinks.states[0]
        stored = made.settled()
        assert state.dropped_points > 0
        assert state.dropped_points + state.waiting_points == 15_000
        assert abs(stored.points - state.waiting_points) <= 1000, "those that are on their way are safe"


def test_settings_that_change_again_and_again_collect_no_threads(sinks: Delivery) -> None:
    before = influx_threads()
    for number in range(20):
        sinks.follow(f"http://127.0.0.1:{free_port()}#d{number}")
        sinks.put(number, number + 1)
        sinks.until(lambda state: state.error != "", 10.0, "it has tried")
    assert influx_threads() <= before + 2


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Have the first write hang until the event is set, and then fail; the others succeed."""
    over = threading.Event()
    calls: list[Server] = []

    def write(server: Server, _lines: list[str]) -> outbox.Answer:
        calls.append(server)
        if len(calls) > 1:
            return outbox.Accepted()
        over.wait(30.0)
        return outbox.Away(why="it hung")

    monkeypatch.setattr(Server, "write", write)
    monkeypatch.setattr(outbox, "PAUSE_SECONDS", 3600.0)
    monkeypatch.setattr(outbox, "LONGEST_PAUSE_SECONDS", 3600.0)
    yield over
    over.set()


def begin_to_hang(sinks: Delivery, item: str) -> None:
    sinks.follow(item)
    sinks.settled()
    sinks.put(0, 3)
    sinks.settled()
    wait_for(lambda: sinks.turn() is None or sinks.store.outbox(sinks.sinks.states[0].name).here, 10.0, "it's sent")


def test_another_login_tries_at_once_although_the_former_failed_meanwhile(
    sinks: Delivery, hanging: threading.Event
) -> None:
    begin_to_hang(sinks, "http://a:former@127.0.0.1:9#d")
    sinks.follow("http://a:new@127.0.0.1:9#d")
    sinks.turn()
    hanging.set()
    sinks.until(lambda state: state.written_points == 3, 10.0, "the new one writes")


def test_a_sink_that_went_while_it_was_sent_points_gets_them_when_it_is_named_again(
    sinks: Delivery, hanging: threading.Event
) -> None:
    begin_to_hang(sinks, "http://127.0.0.1:9#d")
    sinks.follow()
    sinks.turn()
    sinks.follow("http://127.0.0.1:9#d")
    state = sinks.until(lambda state: state.written_points == 3, 10.0, "it gets them, whatever became of the first try")
    assert (state.waiting_points, state.dropped_points) == (0, 0)
    assert not hanging.is_set()
