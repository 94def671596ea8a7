"""The store's reader: beside a writer, after its end, after a crash, as another user; and stores that can't be read."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from plancton.common import history
from plancton.common.history import POINTS_QUERY, History, HistoryError, Problem
from plancton.common.history_schema import store_path
from plancton.common.paths import Paths
from plancton.common.points import Point
from tests.support.history_store import new_store, point, put, put_output, store_with
from tests.support.planctonctl import paths_below
from tests.support.running import REPOSITORY

LATER = 1e10


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Give paths without a store."""
    return paths_below(tmp_path)


@pytest.fixture
def writer(paths: Paths) -> Iterator[sqlite3.Connection]:
    """Give the connection that writes a new store."""
    connection = new_store(paths)
    yield connection
    connection.close()


def read(paths: Paths, series: str = "host", since: float = 0.0, until: float = LATER) -> list[Point]:
    """Return a series' points in the store."""
    with History(store_path(paths.state)) as store:
        return list(store.points(series, since, until))


def problem_of(path: Path) -> tuple[Problem, str]:
    """Return why a store can't be read."""
    with pytest.raises(HistoryError) as caught:
        read_all(path)
    return caught.value.problem, str(caught.value)


def read_all(path: Path) -> None:
    """Read all of a store."""
    with History(path) as store:
        list(store.points("host", 0.0, LATER))
        store.facts()
        store.outputs()


def test_points_between_two_moments_come_in_the_order_of_their_times(
    paths: Paths, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_ROWS", 2)
    put(writer, [point("host", at, ncpus=number) for number, at in enumerate((30, 10, 20, 20, 40))])
    put(writer, [point("target", 25, want=1)])
    assert [each.fields["ncpus"] for each in read(paths)] == [1.0, 2.0, 3.0, 0.0, 4.0]
    assert [each.time_unix_ns for each in read(paths, since=20.0, until=40.0)] == [20 * 10**9, 20 * 10**9, 30 * 10**9]
    assert read(paths, "given") == []
    assert read(paths, "target") == [point("target", 25, want=1)]


def test_no_reading_sorts_or_looks_at_more_than_it_is_asked_for(writer: sqlite3.Connection) -> None:
    put(writer, [point("host", at, ncpus=1) for at in range(1000)])
    plan = writer.execute(f"EXPLAIN QUERY PLAN {POINTS_QUERY}", ("host", 5, 5, 10, 10)).fetchall()
    assert len(plan) == 1
    assert "SEARCH points USING INDEX points_of_a_series (series=? AND time_ns>? AND time_ns<?)" in plan[0][3]


def test_what_is_not_understood_is_left_out_and_counted(paths: Paths, writer: sqlite3.Connection) -> None:
    put(writer, [point("host", 1, ncpus=8)])
    for tags, fields in (("{}", "garbage"), (b"\xff", b"\xfe"), ('{"a":1}', "{}"), ("{}", '{"ncpus":-1}')):
        writer.execute("INSERT INTO points (time_ns, series, tags, fields) VALUES (2, 'host', ?, ?)", (tags, fields))
    writer.execute(r"INSERT INTO points (time_ns, series, tags, fields) VALUES (2, 'host', '{}', CAST(x'ff' AS TEXT))")
    with History(store_path(paths.state)) as store:
        assert len(list(store.points("host", 0.0, LATER))) == 1
        assert store.unread == 5


def test_facts(paths: Paths, writer: sqlite3.Connection) -> None:
    put(writer, [point("host", 10, ncpus=1), point("host", 30, ncpus=1), point("given", 20)])
    with History(store_path(paths.state)) as store:
        facts = store.facts()
    assert set(facts) == {"host", "given"}
    assert (facts["host"].points, facts["host"].oldest_unix, facts["host"].newest_unix) == (2, 10.0, 30.0)


def test_outputs_are_listed_by_their_ends_and_read_one_by_one(paths: Paths, writer: sqlite3.Connection) -> None:
    put_output(writer, "b", "p-2", 20, "second\n")
    put_output(writer, "a", "p-1", 30, "é")
    with History(store_path(paths.state)) as store:
        listed = store.outputs()
        assert [(each.pilot, each.size_bytes, each.text) for each in listed] == [("p-2", 7, ""), ("p-1", 2, "")]
        one = store.output("b")
        assert one is not None
        assert (one.text, one.ended_unix) == ("second\n", 20.0)
        assert store.output("c") is None


def test_the_writer_is_held_up_by_no_reader_and_a_reader_sees_what_was_committed(
    paths: Paths, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_ROWS", 2)
    writer.execute("PRAGMA busy_timeout = 0")
    put(writer, [point("host", at, ncpus=1) for at in range(10)])
    with History(store_path(paths.state)) as store:
        points = store.points("host", 0.0, LATER)
        assert next(points).time_unix_ns == 0
        # In the middle of a reading, all of the log goes into the file, and a part of the past goes.
        put(writer, [point("host", 10, ncpus=1)])
        busy, log, folded = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert (busy, log, folded) == (0, 0, 0)
        writer.execute("DELETE FROM points WHERE time_ns < 5000000000")
        assert [each.time_unix_ns // 10**9 for each in points] == [1, 5, 6, 7, 8, 9, 10]


def test_a_store_whose_writer_was_killed_is_read_with_all_that_was_committed(paths: Paths) -> None:
    script = (
        "import os, sys; from pathlib import Path; from tests.support.history_store import *; "
        "from tests.support.planctonctl import paths_below; c = new_store(paths_below(Path(sys.argv[1]))); "
        f"put(c, [point('host', 1, ncpus=1)]); os.kill(os.getpid(), {signal.SIGKILL})"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(paths.rundir.parent)], cwd=REPOSITORY, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert store_path(paths.state).with_name("history.sqlite-wal").stat().st_size > 0
    assert len(read(paths)) == 1


def test_reading_as_root_leaves_nothing_that_the_store_s_user_can_not_write(paths: Paths) -> None:
    if os.geteuid() != 0:
        pytest.fail("run the tests as root: make test does")
    path = store_with(paths, point("host", 1, ncpus=1))
    for each in (path, path.parent):
        os.chown(each, 12345, 12345)
    with History(path) as store:
        list(store.points("host", 0.0, LATER))
        during = list(path.parent.iterdir())
    for file in {*during, *path.parent.iterdir()}:
        if file.exists():
            found = file.stat()
            assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode) & 0o077) == (12345, 12345, 0)


def test_a_store_beside_which_nothing_can_be_made_is_read_all_the_same(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store_with(paths, point("host", 1, ncpus=1))
    connect, asked = sqlite3.connect, []

    def full(address: str, **options: object) -> sqlite3.Connection:
        asked.append(address.rpartition("?")[2])
        if address.endswith("mode=ro"):
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise error
        return connect(address, **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(sqlite3, "connect", full)
    assert len(read(paths)) == 1
    assert asked == ["mode=ro", "immutable=1"]
    # With a log beside it, the file alone may be anything.
    path.with_name("history.sqlite-wal").write_bytes(b"x")
    assert problem_of(path)[0] is Problem.UNREADABLE


def test_reading_changes_nothing(paths: Paths) -> None:
    path = store_with(paths, point("host", 1, ncpus=1))
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    with History(path) as store:
        store.facts()
        with pytest.raises(HistoryError):
            store._rows("DELETE FROM points")  # noqa: SLF001 - there is no way to ask for it
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_no_store_is_missing_and_is_not_made(paths: Paths) -> None:
    path = store_path(paths.state)
    assert problem_of(path) == (
        Problem.MISSING,
        f"{path}: there is no history; planctond makes it once it runs; is this its state directory?",
    )
    assert not path.parent.exists()
    path.parent.mkdir(parents=True)
    path.touch()
    assert problem_of(path)[0] is Problem.MISSING


def test_a_newer_store_names_its_version(paths: Paths) -> None:
    new_store(paths, version=2).close()
    problem, text = problem_of(store_path(paths.state))
    assert (problem, "its version is 2, and 1 is understood; use the planctonctl" in text) == (Problem.NEWER, True)


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_what_is_no_store_is_corrupt(paths: Paths, content: bytes) -> None:
    path = store_path(paths.state)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    problem, text = problem_of(path)
    assert (problem, "sets it aside" in text) == (Problem.CORRUPT, True)


def test_a_store_with_torn_pages_is_corrupt_and_no_traceback(paths: Paths) -> None:
    path = store_with(paths, *(point("host", at, ncpus=1) for at in range(3000)))
    content = bytearray(path.read_bytes())
    page = 4096
    for begin in range(page, len(content), page):
        content[begin : begin + page] = b"\xa5" * page
    path.write_bytes(content)
    assert problem_of(path)[0] is Problem.CORRUPT


def test_a_store_without_our_tables_is_corrupt(paths: Paths) -> None:
    path = store_with(paths)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE points")
    connection.close()
    assert problem_of(path)[0] is Problem.CORRUPT


def test_a_view_without_an_end_and_a_row_without_measure_are_no_trap(paths: Paths) -> None:
    path = store_with(paths)
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO points VALUES (1, 1, 'host', '{}', zeroblob(20000000))")
    connection.close()
    assert problem_of(path)[0] is Problem.CORRUPT
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE points")
        endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS time_ns FROM n"
        connection.execute(f"CREATE VIEW points AS {endless}")
    connection.close()
    assert problem_of(path)[0] is Problem.CORRUPT


def test_a_store_that_somebody_holds_is_locked(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_LOCKED_SECONDS", 0.05)
    path = store_with(paths, point("host", 1, ncpus=1))
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    try:
        problem, text = problem_of(path)
        assert (problem, "try again" in text) == (Problem.LOCKED, True)
    finally:
        holder.close()


def test_a_link_and_a_pipe_are_no_store(paths: Paths, tmp_path: Path) -> None:
    real = store_with(paths, point("host", 1, ncpus=1))
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(real)
    os.mkfifo(pipe)
    for path in (link, pipe, tmp_path):
        assert problem_of(path)[0] is Problem.UNREADABLE


def test_a_store_of_somebody_else_s_is_denied(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store_with(paths)
    monkeypatch.setattr(os, "access", lambda *_: False)
    problem, text = problem_of(path)
    assert (problem, "as the user of that planctond or as root" in text) == (Problem.DENIED, True)


def test_odd_characters_in_the_path_are_no_trouble(tmp_path: Path) -> None:
    odd = paths_below(tmp_path / "a?b#c%20 é")
    store_with(odd, point("host", 1, ncpus=1))
    assert len(read(odd)) == 1
