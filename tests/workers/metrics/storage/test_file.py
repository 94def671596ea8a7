"""The store's file, round by round: what is written is there, once; what is read is in order; the rest is bounded."""

import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from plancton.workers.metrics.storage.file import REFUSED_KEPT, StoreFile
from plancton.workers.metrics.storage.rounds import Bounds, Done, Output, Read, Refused, Round, Row, SinkRow
from tests.workers.metrics.rows import rows_on_disk as on_disk

BOUNDS = Bounds(size_bytes=64 * 2**20, age_seconds=1e12)


def rows(first: int, beyond: int, size: int = 20) -> tuple[Row, ...]:
    now = time.time_ns()
    return tuple(
        Row(number, now + number, "m", "{}", f'{{"v":{number}.{"0" * size}}}') for number in range(first, beyond)
    )


def asked(
    *put: Row, bounds: Bounds = BOUNDS, sinks: tuple[SinkRow, ...] = (), positions: dict[str, int] | None = None
) -> Round:
    return Round(write=True, now_ns=time.time_ns(), bounds=bounds, rows=put, sinks=sinks, positions=positions or {})


def refused(number: int, sink: str = "s") -> Refused:
    return Refused(sink=sink, id=number, line="m v=1", why="bad")


def output(number: int, text: str = "bye", ended_ns: int | None = None) -> Output:
    return Output(container_id=str(number), pilot="p", ended_ns=ended_ns or time.time_ns(), text=text)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the path of a store, in a directory that isn't there yet."""
    return tmp_path / "state" / "instance" / "history.sqlite"


@pytest.fixture
def file(path: Path) -> Iterator[StoreFile]:
    """Give a store that was made."""
    made = StoreFile(path)
    done = made.run(asked())
    assert done.found is not None
    assert (done.found.last_id, done.found.sinks, done.problem) == (0, (), "")
    yield made
    made.close()


def well(done: Done) -> Done:
    """Return what was done, and done whole."""
    assert done.written
    assert (done.problem, done.lost) == ("", False)
    return done


def test_it_is_made_for_this_user_alone(file: StoreFile, path: Path) -> None:
    well(file.run(asked(*rows(1, 3))))
    for each in path.parent.iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o600, each
    for each in (path.parent, path.parent.parent):
        assert stat.S_IMODE(each.stat().st_mode) == 0o700
    assert [pragma for (pragma,) in on_disk(path, "PRAGMA journal_mode")] == ["wal"]
    assert [pragma for (pragma,) in on_disk(path, "PRAGMA auto_vacuum")] == [2]


def test_what_is_written_survives_the_machine_and_the_log_is_folded_by_nobody_else(file: StoreFile) -> None:
    db = file._db  # noqa: SLF001 - only this connection tells
    assert db is not None
    assert db.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"
    assert db.execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)


def test_a_store_that_others_may_read_is_tightened(file: StoreFile, path: Path) -> None:
    well(file.run(asked(*rows(1, 3))))
    file.close()
    path.chmod(0o644)
    found = StoreFile(path)
    assert found.run(asked()).points == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found.close()


def test_what_is_written_is_there_for_others_and_for_the_next_life(file: StoreFile, path: Path) -> None:
    sinks = (SinkRow(name="a", cursor=2, written=2), SinkRow(name="b", cursor=9, dropped=1, refused=4))
    put = rows(1, 6)
    done = well(file.run(asked(*put, sinks=sinks)))
    assert (done.points, done.oldest_ns) == (5, put[0].time_ns)
    assert done.size_bytes == sum(each.stat().st_size for each in path.parent.iterdir())
    assert on_disk(path, "SELECT id FROM points") == [(1,), (2,), (3,), (4,), (5,)]
    # Not closed: as after a crash.
    later = StoreFile(path)
    found = later.run(asked()).found
    assert found is not None
    assert sorted(found.sinks, key=lambda row: row.name) == list(sinks)
    assert found.waiting == {"a": 3, "b": 0}
    assert found.last_id == 9, "a cursor's number was used once, too"
    later.close()


def test_points_are_read_in_order_and_not_more_than_wished(file: StoreFile) -> None:
    put = rows(1, 11)
    well(file.run(asked(*put)))
    wishes = (Read(sink="a", after=0, most=3), Read(sink="b", after=8, most=100), Read(sink="c", after=10, most=1))
    done = file.run(Round(write=False, now_ns=0, bounds=BOUNDS, reads=wishes))
    assert done.read == {"a": put[:3], "b": put[8:], "c": ()}
    assert not done.written


def test_a_row_of_other_types_is_given_as_one_that_can_not_be_read(file: StoreFile, path: Path) -> None:
    well(file.run(asked(*rows(1, 4))))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE points SET tags = x'ff00', time_ns = 'soon' WHERE id = 2")
        db.execute("UPDATE points SET fields = CAST(x'fffe' AS TEXT) WHERE id = 3")
    done = file.run(Round(write=False, now_ns=0, bounds=BOUNDS, reads=(Read(sink="a", after=0, most=9),)))
    assert done.read is not None
    assert [(row.id, row.series) for row in done.read["a"]] == [(1, "m"), (2, ""), (3, "m")]


def test_of_refused_points_the_newest_of_each_sink_are_kept(file: StoreFile, path: Path) -> None:
    many = tuple(refused(number) for number in range(1, REFUSED_KEPT + 6))
    well(file.run(Round(write=True, now_ns=0, bounds=BOUNDS, refused=(*many, refused(1, "other")))))
    assert on_disk(path, "SELECT sink, COUNT(*), MIN(id), MAX(id) FROM refused GROUP BY sink") == [
        ("other", 1, 1, 1),
        ("s", REFUSED_KEPT, 6, REFUSED_KEPT + 5),
    ]


def test_outputs_are_kept_within_their_share_and_their_age(file: StoreFile, path: Path) -> None:
    bounds = Bounds(size_bytes=2**20, age_seconds=3600.0)
    now = time.time_ns()
    old = output(0, ended_ns=now - 3700 * 10**9)
    well(file.run(Round(write=True, now_ns=now, bounds=BOUNDS, outputs=(old, output(1, "first"), output(1, "last")))))
    assert sorted(on_disk(path, "SELECT output FROM outputs")) == [("bye",), ("last",)]
    many = tuple(output(number, "ü" * 20_000, ended_ns=now + number) for number in range(10, 20))
    for each in many:
        well(file.run(Round(write=True, now_ns=now, bounds=bounds, outputs=(each,))))
    kept = [
        number for (number,) in on_disk(path, "SELECT CAST(container_id AS INTEGER) FROM outputs ORDER BY ended_ns")
    ]
    assert 0 < len(kept) <= 6
    assert kept == list(range(20 - len(kept), 20))
    file.close()
    later = StoreFile(path)
    later.run(asked())
    well(later.run(Round(write=True, now_ns=now + 4000 * 10**9, bounds=bounds)))
    assert on_disk(path, "SELECT COUNT(*) FROM outputs") == [(0,)]
    later.close()


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_file_that_is_gone_is_noticed_and_another_is_made(file: StoreFile, path: Path, how: str) -> None:
    well(file.run(asked(*rows(1, 3))))
    path.unlink()
    if how == "replaced":
        path.touch()
    done = file.run(asked(*rows(3, 5)))
    assert done.lost
    assert not done.written
    assert file.run(asked()).found is not None
    assert well(file.run(asked(*rows(3, 5)))).points == 2
    assert on_disk(path, "SELECT id FROM points") == [(3,), (4,)]


def test_somebody_who_holds_it_makes_it_wait_and_lose_nothing(file: StoreFile, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        done = file.run(asked(*rows(1, 3)))
        assert (done.written, done.lost) == (False, False)
        assert "locked" in done.problem
        db.execute("ROLLBACK")
    assert well(file.run(asked(*rows(1, 3)))).points == 2


def test_a_directory_that_can_not_be_used_is_a_problem_and_no_end(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    path = tmp_path / "state" / "instance" / "history.sqlite"
    file = StoreFile(path)
    done = file.run(asked())
    assert (done.found, done.lost) == (None, False)
    assert done.problem
    (tmp_path / "state").unlink()
    assert file.run(asked()).found is not None
    file.close()
