"""The store's bounds on a real disk: never above its size, smaller when it's told to be, patient with a full one."""

import logging
import os
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from plancton.common.history_schema import store_path
from plancton.workers.metrics.delivery import outbox
from plancton.workers.metrics.storage import store
from plancton.workers.metrics.storage.file import StoreFile
from plancton.workers.metrics.storage.rounds import Bounds, Done, Read, Round, Row, SinkRow
from tests.support.influx import Influx
from tests.support.waiting import wait_for
from tests.workers.metrics.rows import rows_on_disk as rows
from tests.workers.metrics.sending import delivery

pytestmark = pytest.mark.slow

MIB = 2**20
AGELESS = 1e12


def made(first: int, beyond: int, series: int = 13) -> tuple[Row, ...]:
    """Return rows as planctond makes them: of many series, some hundred bytes each."""
    now = time.time_ns()
    return tuple(
        Row(
            number,
            now + number,
            f"s{number % series}",
            '{"hostname":"node-1"}',
            f'{{"v":{number}.0,"t":"{"x" * 120}"}}',
        )
        for number in range(first, beyond)
    )


def asked(put: tuple[Row, ...], size: int, positions: dict[str, int] | None = None, age: float = AGELESS) -> Round:
    bounds = Bounds(size_bytes=size, age_seconds=age)
    return Round(write=True, now_ns=time.time_ns(), bounds=bounds, rows=put, positions=positions or {})


def on_disk(path: Path) -> int:
    size = 0
    for each in path.parent.glob(f"{path.name}*"):
        try:
            size += each.stat().st_size
        except FileNotFoundError:
            continue
    return size


@contextmanager
def watched(path: Path) -> Iterator[list[int]]:
    """Look at the size all the time, whatever is under way."""
    most, over = [0], threading.Event()

    def look() -> None:
        while not over.is_set():
            most[0] = max(most[0], on_disk(path))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[StoreFile]:
    """Give a store that was made."""
    opened = StoreFile(store_path(tmp_path))
    assert opened.run(asked((), MIB)).found is not None
    yield opened
    opened.close()


@pytest.mark.parametrize(("size", "rounds"), [(MIB, 400), (4 * MIB, 700)])
def test_it_is_never_larger_than_its_bound_and_keeps_the_newest(
    tmp_path: Path, file: StoreFile, size: int, rounds: int
) -> None:
    path = store_path(tmp_path)
    number, points = 1, 0
    with watched(path) as most:
        for _ in range(rounds):
            put = made(number, number + 40)
            done = file.run(asked(put, size))
            assert (done.written, done.problem) == (True, "")
            number, points = number + 40, done.points
    assert most[0] <= size
    ids = [each for (each,) in rows(path, "SELECT id FROM points ORDER BY id")]
    assert ids == list(range(number - len(ids), number)), "what's kept is the newest, without a gap"
    assert points == len(ids)
    assert most[0] > size * 0.55, "the bound is made use of"
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


def test_what_goes_is_counted_for_each_sink_from_where_it_is(tmp_path: Path, file: StoreFile) -> None:
    sinks = tuple(SinkRow(name=name, cursor=cursor) for name, cursor in (("far", 0), ("near", 1500), ("up", 10**6)))
    file.run(Round(write=True, now_ns=0, bounds=Bounds(size_bytes=MIB, age_seconds=AGELESS), sinks=sinks))
    lost = {"far": 0, "near": 0, "up": 0, "fetched": 0}
    positions = {"far": 0, "near": 1500, "up": 10**6, "fetched": 200}
    through = 0
    for first in range(1, 16_000, 40):
        done = file.run(asked(made(first, first + 40), MIB, positions))
        for name, number in done.trimmed.items():
            lost[name] += number
        through = max(through, done.trimmed_through)
    assert through > 1500
    assert lost == {"far": through, "near": through - 1500, "up": 0, "fetched": through - 200}
    assert rows(store_path(tmp_path), "SELECT name, cursor, dropped FROM sinks ORDER BY name") == [
        ("far", through, through),
        ("near", through, through - 1500),
        ("up", 10**6, 0),
    ]


def test_how_far_a_sink_is_counts_in_the_round_that_takes_points_away(tmp_path: Path, file: StoreFile) -> None:
    file.run(asked(made(1, 3001), 64 * MIB))
    bounds = Bounds(size_bytes=MIB, age_seconds=AGELESS)
    round_of_both = Round(
        write=True,
        now_ns=0,
        bounds=bounds,
        sinks=(SinkRow(name="a", cursor=100), SinkRow(name="b", cursor=50)),
        positions={"a": 100, "b": 50},
        reads=(Read(sink="b", after=50, most=70),),
        rows=made(3001, 6001),
    )
    done = file.run(round_of_both)
    through = done.trimmed_through
    assert through > 120
    assert done.read is not None
    assert len(done.read["b"]) == 70
    assert done.trimmed == {"a": through - 100, "b": through - 120}, "what was read is safe"
    assert rows(store_path(tmp_path), "SELECT cursor, dropped FROM sinks ORDER BY name") == [
        (through, through - 100),
        (through, through - 50),
    ]


def test_much_that_goes_at_once_takes_no_more_room_than_the_bound(tmp_path: Path, file: StoreFile) -> None:
    path = store_path(tmp_path)
    for first in range(1, 3001, 40):
        assert file.run(asked(made(first, first + 40), MIB)).written
    with watched(path) as most:
        assert file.run(asked((), MIB, age=-3600.0)).points == 0
    assert most[0] <= MIB


def run_until_done(file: StoreFile, size: int, age: float = AGELESS) -> Done:
    """Run rounds until there is nothing more to take away."""
    for _ in range(3000):
        done = file.run(asked((), size, age=age))
        assert done.problem == ""
        if not done.more:
            return done
    message = "it never ends"
    raise AssertionError(message)


def test_a_smaller_bound_gives_space_back(tmp_path: Path, file: StoreFile) -> None:
    path = store_path(tmp_path)
    for first in range(1, 20_000, 400):
        assert file.run(asked(made(first, first + 400), 64 * MIB)).written
    assert on_disk(path) > 4 * MIB
    done = run_until_done(file, MIB)
    assert on_disk(path) <= MIB
    assert done.points == rows(path, "SELECT COUNT(*) FROM points")[0][0] > 500
    assert rows(path, "SELECT MAX(id) FROM points") == [(20_000,)]


def test_what_is_too_old_goes_and_gives_its_space_back(tmp_path: Path, file: StoreFile) -> None:
    path = store_path(tmp_path)
    for first in range(1, 20_000, 400):
        assert file.run(asked(made(first, first + 400), 64 * MIB)).written
    left = [file.run(asked((), 64 * MIB, age=-3600.0)).points for _ in range(200)]
    assert left[-1] == 0
    assert on_disk(path) < 2 * MIB


def test_a_reader_that_holds_the_log_for_ever_holds_the_writer_and_not_the_bound(
    tmp_path: Path, file: StoreFile
) -> None:
    path = store_path(tmp_path)
    number = 1
    assert file.run(asked(made(number, 41), MIB)).written
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM points").fetchall()
        problems = []
        for _ in range(60):
            number += 40
            done = file.run(asked(made(number, number + 40), MIB))
            assert on_disk(path) <= MIB
            if not done.written:
                problems.append(done.problem)
                break
        assert problems == ["some other program reads it for too long"]
        reader.execute("COMMIT")
    assert file.run(asked(made(number, number + 40), MIB)).written


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """Give the root of a file system of 2 MB."""
    disk = Path(tempfile.mkdtemp(prefix="plancton-disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
        disk.rmdir()


def fill(disk: Path) -> Path:
    """Leave no room on the disk."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as opened:
        for size in (65_536, 4096, 1):
            try:
                while opened.write(b"\0" * size):
                    pass
            except OSError:
                continue
    assert os.statvfs(disk).f_bavail == 0
    return filler


def test_a_full_disk_refuses_whole_rounds_and_harms_nothing(small_disk: Path) -> None:
    file = StoreFile(store_path(small_disk))
    file.run(asked((), MIB))
    assert file.run(asked(made(1, 101), MIB)).written
    filler = fill(small_disk)
    number, problem = 101, ""
    while not problem:
        done = file.run(asked(made(number, number + 40), MIB))
        assert not done.lost
        assert done.written == (not done.problem)
        number, problem = number + 40 * done.written, done.problem
    assert "full" in problem
    done = file.run(Round(write=False, now_ns=0, bounds=Bounds(size_bytes=MIB, age_seconds=1.0), reads=(read_all(),)))
    assert done.read is not None
    assert [row.id for row in done.read["a"]] == list(range(1, number)), "what is there can be read"
    filler.unlink()
    assert file.run(asked(made(number, number + 40), MIB)).written
    file.close()
    assert rows(store_path(small_disk), "PRAGMA integrity_check") == [("ok",)]
    assert rows(store_path(small_disk), "SELECT COUNT(*), MAX(id) FROM points") == [(number + 39, number + 39)]


def read_all() -> Read:
    return Read(sink="a", after=0, most=10**6)


def test_a_store_that_is_made_on_a_full_disk_is_made_once_there_is_room(small_disk: Path) -> None:
    filler = fill(small_disk)
    file = StoreFile(store_path(small_disk))
    for _ in range(5):
        done = file.run(asked((), MIB))
        assert done.found is None
        assert done.problem
        assert not done.set_aside
    filler.unlink()
    assert file.run(asked((), MIB)).found is not None
    assert file.run(asked(made(1, 41), MIB)).points == 40
    file.close()


@pytest.mark.influxdb
def test_a_full_disk_keeps_nothing_from_a_sink_and_all_is_on_disk_afterwards(
    small_disk: Path, influxd: Influx, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(store, "COMMIT_SECONDS", 0.01)
    monkeypatch.setattr(store, "LONGEST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(outbox, "PAUSE_SECONDS", 0.02)
    with delivery(small_disk / "state", Bounds(size_bytes=MIB, age_seconds=AGELESS)) as made_one:
        made_one.follow(influxd.setting("d"))
        made_one.put(0, 10)
        made_one.settled()
        filler = fill(small_disk)
        made_one.put(10, 2000)
        made_one.stored(lambda state: "full" in state.error, "it is told of")
        made_one.until(lambda state: state.written_points == 2000, 20.0, "all is in the sink")
        waiting = made_one.stored(lambda state: bool(state.error), "the disk is still full").waiting_points
        assert waiting > 0
        filler.unlink()
        state = made_one.settled()
        assert (state.points, state.dropped_points) == (2000, 0)
        wait_for(
            lambda: made_one.turn() is None or rows(made_one.path, "SELECT written FROM sinks") == [(2000,)], 9, ""
        )
    assert [row["value"] for row in influxd.query("SELECT value FROM m", "d")] == list(range(2000))
    told = [record.levelname for record in caplog.records if "history.sqlite" in record.message]
    assert told == ["WARNING", "INFO"]
