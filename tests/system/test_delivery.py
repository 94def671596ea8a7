"""A real planctond: its metrics worker killed, its sink away, its disk full. No decision waits, and nothing is lost."""

import json
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from plancton.common.accounting import SinkState, StoreState
from plancton.common.history_schema import store_path
from plancton.common.requests import Reload
from tests.support.black_hole import BlackHole
from tests.support.influx import Influx, influxd
from tests.support.node import Node, node
from tests.support.running import free_port
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(300)]

FAST: dict[str, object] = {"main_sleep": 0.1, "updateconfig": 3600}
"""Points ten times a second."""
KILLS = 7
"""Fewer than make the supervisor give up."""
Key = tuple[str, int, tuple[tuple[str, str], ...]]


class Rhythm(msgspec.Struct, frozen=True):
    """How the scheduler did for some time."""

    decisions_per_second: float
    late_seconds: float
    """The most that its loop was late."""


class Watch:
    """Watches the scheduler's rhythm from now on."""

    def __init__(self, made: Node) -> None:
        """Begin."""
        self._made = made
        self._since = time.monotonic()
        self._first = made.target().generation
        self._late: list[float] = []

    def look(self) -> None:
        """Look at how late it was."""
        scheduler = next(each for each in self._made.status().processes if each.name == "scheduler")
        self._late.append(scheduler.late_seconds)

    def until(self, seconds: float) -> None:
        """Watch for so long."""
        end = time.monotonic() + seconds

        def over() -> bool:
            self.look()
            return time.monotonic() >= end

        wait_for(over, seconds + 60.0, "time passes")

    def rhythm(self) -> Rhythm:
        """Return what was seen."""
        self.look()
        passed = time.monotonic() - self._since
        return Rhythm((self._made.target().generation - self._first) / passed, max(self._late))


@contextmanager
def small_disk(directory: Path) -> Iterator[Path]:
    """Give three megabytes for all that is below the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(directory)], check=True)
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def kept_its_rhythm(calm: Rhythm, stormy: Rhythm) -> None:
    """Check that a fault changed nothing that an owner would notice."""
    assert stormy.decisions_per_second >= 0.7 * calm.decisions_per_second, (calm, stormy)
    assert stormy.late_seconds <= calm.late_seconds + 0.5, (calm, stormy)


def store_of(made: Node) -> StoreState:
    counters = made.status().counters
    assert counters is not None
    assert counters.store is not None
    return counters.store


def sink_of(made: Node) -> SinkState:
    counters = made.status().counters
    assert counters is not None
    (sink,) = counters.sinks
    return sink


def kill_at_random(made: Node, watch: Watch, chance: random.Random) -> list[float]:
    """Kill the metrics worker again and again; return when that was, in seconds since 1970."""
    kills = []
    for _ in range(KILLS):
        watch.until(chance.uniform(0.3, 2.5))
        moment = time.time()
        former = made.signal_worker("metrics", signal.SIGKILL)
        kills.append(moment)
        wait_for(lambda former=former: made.works_again("metrics", former), 20, "metrics works again")  # type: ignore[misc]
    watch.until(2.0)
    return kills


def be_still(made: Node) -> None:
    """Have no more points made, and wait until all that there are have arrived."""
    made.configure(main_sleep=3600)
    assert made.ask(Reload()).ok
    wait_for(lambda: not (store_of(made).waiting_points or sink_of(made).waiting_points), 60, "all has arrived")


def stored(made: Node) -> dict[Key, dict[str, Any]]:
    """Return all points in the store: their fields, by series, time and tags."""
    with closing(sqlite3.connect(store_path(made.paths.state))) as db:
        rows = db.execute("SELECT id, series, time_ns, tags, fields FROM points ORDER BY id").fetchall()
    assert len({row[0] for row in rows}) == len(rows)
    points = {
        (series, at, tuple(sorted(json.loads(tags).items()))): json.loads(fields)
        for _, series, at, tags, fields in rows
    }
    assert len(points) == len(rows), "no two points are one to InfluxDB"
    return points


def nanoseconds(text: str) -> int:
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return int(datetime.fromisoformat(f"{whole}+00:00").timestamp()) * 10**9 + int(f"{fraction:0<9}"[:9] or 0)


def arrived(database: Influx, tags: dict[str, set[str]]) -> dict[Key, dict[str, Any]]:
    """Return all points in the sink; ``tags`` are those of each series."""
    points = {}
    for series, names in tags.items():
        for row in database.query(f'SELECT * FROM "{series}"', "d"):  # noqa: S608 - planctond's own names
            known = {name: value for name, value in row.items() if value is not None}
            at = nanoseconds(known.pop("time"))
            key = (series, at, tuple(sorted((name, known.pop(name)) for name in names & known.keys())))
            assert key not in points
            points[key] = known
    return points


def all_is_there_once(made: Node, database: Influx, kills: list[float]) -> None:
    """Check that the sink has each point of the store, and besides only what was measured right before a kill."""
    expected = stored(made)
    tags: dict[str, set[str]] = {}
    for series, _, pairs in expected:
        tags.setdefault(series, set()).update(name for name, _ in pairs)
    found = arrived(database, tags)
    assert {key: found.get(key) for key in expected} == expected
    for _, at, _ in found.keys() - expected.keys():
        assert any(-0.5 < kill - at / 1e9 < 1.5 for kill in kills), "only what a crash took from the store"
    moments = sorted(at / 1e9 for series, at, _ in expected if series == "daemon")
    for kill in kills:
        before = max(moment for moment in moments if moment <= kill)
        # A second, and what a busy machine adds to it.
        assert kill - before < 1.5, f"{kill - before:.2f} s are missing before a kill"


@pytest.fixture
def chance() -> random.Random:
    """Give chance that can be repeated."""
    seed = time.time_ns()
    print("seed", seed)  # noqa: T201 - for whoever reads a failure
    return random.Random(seed)  # noqa: S311 - no secret


def test_a_worker_killed_at_any_moment_loses_a_second_at_most_and_disturbs_no_decision(
    influxd: Influx, chance: random.Random
) -> None:
    with node(None, influxdb_url=influxd.setting("d"), **FAST) as made:
        made.start()
        wait_for(lambda: store_of(made).points > 100, 30, "points are stored")
        watch = Watch(made)
        watch.until(8.0)
        calm = watch.rhythm()
        watch = Watch(made)
        kills = kill_at_random(made, watch, chance)
        kept_its_rhythm(calm, watch.rhythm())
        be_still(made)
        assert (sink_of(made).dropped_points, sink_of(made).refused_points) == (0, 0)
        all_is_there_once(made, influxd, kills)
        assert "Traceback" not in made.log()


def test_what_was_measured_while_the_sink_was_away_arrives_whatever_happened_to_the_worker(
    tmp_path: Path, chance: random.Random
) -> None:
    port = free_port()
    with node(None, influxdb_url=f"http://127.0.0.1:{port}#d", **FAST) as made:
        made.start()
        wait_for(lambda: store_of(made).points > 100, 30, "points are stored")
        watch = Watch(made)
        kills = kill_at_random(made, watch, chance)
        wait_for(lambda: sink_of(made).waiting_points > 1000, 60, "more than a batch waits")
        made.end()
        made.start()
        with influxd(tmp_path / "influxd", port=port) as database:
            be_still(made)
            sink = sink_of(made)
            assert sink.written_points >= len(stored(made))
            assert (sink.dropped_points, sink.refused_points) == (0, 0)
            all_is_there_once(made, database, [*kills, time.time()])


def test_a_black_hole_and_a_disk_that_is_full_disturb_no_decision(black_hole: BlackHole) -> None:
    with node(None, **FAST) as made, small_disk(made.paths.statedir) as disk:
        made.start()
        wait_for(lambda: store_of(made).points > 20, 30, "points are stored")
        watch = Watch(made)
        watch.until(8.0)
        calm = watch.rhythm()
        made.configure(influxdb_url=f"{black_hole.url}#d")
        assert made.ask(Reload()).ok
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as opened:
            for size in (65_536, 512):
                try:
                    while opened.write(b"\0" * size):
                        pass
                except OSError:
                    continue
        watch = Watch(made)
        wait_for(lambda: bool(store_of(made).error) and bool(sink_of(made).error), 60, "both are told of")
        watch.until(5.0)
        kept_its_rhythm(calm, watch.rhythm())
        dropped = store_of(made).dropped_points
        filler.unlink()
        state = wait_for(lambda: store_of(made) if not store_of(made).error else None, 60, "it's written again")
        assert state is not None
        assert state.dropped_points == dropped == 0, "memory has room for longer than this"
        assert "Traceback" not in made.log()
        metrics = next(each for each in made.status().processes if each.name == "metrics")
        assert metrics.restarts == 0
        made.end()
