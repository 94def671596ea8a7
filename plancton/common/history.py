"""The store of points on disk as its readers see it: what planctond measured, and what pilots said last.

The file is only ever read, whether planctond runs, is down, or was killed. Each read is a short one, so that the
writer's log can be folded into the file meanwhile; what is deleted between two reads is just not found any more.
"""

import os
import sqlite3
import stat
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import msgspec

from plancton.common.history_rows import Output, output_of, point_of
from plancton.common.history_schema import SCHEMA_VERSION
from plancton.common.points import Point

_ROWS = 2000
"""As many are read at a time."""
_LOCKED_SECONDS = 5.0
_LONGEST = 16 * 2**20
"""Bytes of a row. None of planctond's comes near."""

POINTS_QUERY = (
    "SELECT time_ns, id, tags, fields FROM points WHERE series = ? AND (time_ns, id) > (?, ?) AND time_ns < ? "
    "ORDER BY time_ns, id LIMIT ?"
)
"""The index has them in this order, so that it takes as long at the end of a million points as at the beginning."""


class Problem(StrEnum):
    """Why a store can't be read."""

    MISSING = "missing"
    DENIED = "denied"
    NEWER = "newer"
    LOCKED = "locked"
    CORRUPT = "corrupt"
    UNREADABLE = "unreadable"


_REMEDIES = {
    Problem.MISSING: "planctond makes it once it runs; is this its state directory?",
    Problem.DENIED: "run this as the user of that planctond or as root",
    Problem.NEWER: "use the planctonctl that came with that planctond",
    Problem.LOCKED: "try again; if that doesn't help, some other program holds it",
    Problem.CORRUPT: "planctond, once it starts again, sets it aside and begins another",
    Problem.UNREADABLE: "see to its file system",
}
_PROBLEM_OF = {
    sqlite3.SQLITE_PERM: Problem.DENIED,
    sqlite3.SQLITE_AUTH: Problem.DENIED,
    sqlite3.SQLITE_BUSY: Problem.LOCKED,
    sqlite3.SQLITE_LOCKED: Problem.LOCKED,
    sqlite3.SQLITE_PROTOCOL: Problem.LOCKED,
    sqlite3.SQLITE_CORRUPT: Problem.CORRUPT,
    sqlite3.SQLITE_NOTADB: Problem.CORRUPT,
    sqlite3.SQLITE_TOOBIG: Problem.CORRUPT,
    sqlite3.SQLITE_ERROR: Problem.CORRUPT,
}
"""By SQLite's primary result code; ``SQLITE_ERROR`` is what it says where tables or columns are others than ours."""


class HistoryError(Exception):
    """The store can't be read; the text says which, why, and what helps."""

    def __init__(self, path: Path, problem: Problem, why: str) -> None:
        self.problem = problem
        super().__init__(f"{path}: {why}; {_REMEDIES[problem]}")


class SeriesFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the store has of one series."""

    points: int
    oldest_unix: float
    newest_unix: float


class History:
    """One store, from the beginning of its context to the end. Each method may raise ``HistoryError``."""

    def __init__(self, path: Path) -> None:
        """Read the store at ``path`` once the context begins."""
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self.unread = 0
        """Rows that weren't understood so far."""

    def __enter__(self) -> Self:
        self._check_file()
        try:
            self._connection = self._connect()
            self._check_schema()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._close()

    def facts(self) -> dict[str, SeriesFacts]:
        """Return what there is of each series, by name."""
        rows = self._rows("SELECT series, COUNT(*), MIN(time_ns), MAX(time_ns) FROM points GROUP BY series")
        found = {}
        for name, count, oldest, newest in rows:
            if isinstance(name, bytes) and isinstance(oldest, int) and isinstance(newest, int):
                facts = SeriesFacts(points=count, oldest_unix=oldest / 1e9, newest_unix=newest / 1e9)
                found[name.decode(errors="replace")] = facts
            else:
                self.unread += count
        return found

    def points(self, series: str, since_unix: float, until_unix: float) -> Iterator[Point]:
        """Yield the points of a series from ``since_unix`` on and before ``until_unix``, oldest first.

        A point that isn't understood is counted in ``unread``.
        """
        last, end = (_ns(since_unix), -1), _ns(until_unix)
        while rows := self._rows(POINTS_QUERY, series, *last, end, _ROWS):
            for time_ns, _, tags, fields in rows:
                point = point_of(series, time_ns, tags, fields)
                if point is not None:
                    yield point
                else:
                    self.unread += 1
            last = rows[-1][:2]

    def outputs(self) -> tuple[Output, ...]:
        """Return what there is of each pilot's last lines, without the lines, in the order of their ends."""
        query = "SELECT ended_ns, container_id, pilot, length(CAST(output AS BLOB)), '' FROM outputs ORDER BY ended_ns"
        found = tuple(output_of(*row) for row in self._rows(query))
        self.unread += found.count(None)
        return tuple(output for output in found if output is not None)

    def output(self, container_id: str) -> Output | None:
        """Return the last lines of the pilot whose container had this id; None where none are kept."""
        query = "SELECT ended_ns, container_id, pilot, length(CAST(output AS BLOB)), output FROM outputs"
        rows = self._rows(f"{query} WHERE container_id = ?", container_id)
        return output_of(*rows[0]) if rows else None

    def _check_file(self) -> None:
        """Look first, for SQLite follows links and waits for pipes."""
        try:
            mode = self._path.lstat().st_mode
        except FileNotFoundError:
            raise HistoryError(self._path, Problem.MISSING, "there is no history") from None
        except PermissionError:
            raise HistoryError(self._path, Problem.DENIED, "permission denied") from None
        except OSError as error:
            raise HistoryError(self._path, Problem.UNREADABLE, error.strerror or str(error)) from None
        if not stat.S_ISREG(mode):
            raise HistoryError(self._path, Problem.UNREADABLE, "it is no file")
        if not os.access(self._path, os.R_OK):
            raise HistoryError(self._path, Problem.DENIED, "permission denied")

    def _check_schema(self) -> None:
        version = self._rows("PRAGMA user_version")[0][0]
        if version == 0:
            raise HistoryError(self._path, Problem.MISSING, "there is nothing in it yet")
        if version != SCHEMA_VERSION:
            why = f"its version is {version}, and {SCHEMA_VERSION} is understood"
            raise HistoryError(self._path, Problem.NEWER, why)
        # A view by the name of a table may be without an end.
        kinds = self._rows("SELECT type FROM sqlite_schema WHERE name IN ('points', 'outputs')")
        if kinds != [(b"table",)] * 2:
            raise HistoryError(self._path, Problem.CORRUPT, "its tables are others than planctond's")

    def _connect(self) -> sqlite3.Connection:
        """Connect as a reader. Beside the store SQLite keeps its log, whose owner and mode it makes the store's."""
        try:
            return self._opened("mode=ro")
        except HistoryError as error:
            # A disk that is full or read-only lets nothing be made beside it. Without a log all is in the file.
            if error.problem is not Problem.UNREADABLE or self._has_log():
                raise
            return self._opened("immutable=1")

    def _has_log(self) -> bool:
        try:
            return self._path.with_name(f"{self._path.name}-wal").stat().st_size > 0
        except FileNotFoundError:
            return False
        except OSError:
            return True

    def _opened(self, how: str) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(
                f"file:{quote(os.fsencode(self._path))}?{how}", uri=True, timeout=_LOCKED_SECONDS, isolation_level=None
            )
            # Whatever isn't UTF-8 is to spoil its own row alone.
            connection.text_factory = bytes
            # The file may be another user's: nothing in its schema is to be run.
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA query_only = ON")
            connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            raise self._problem(error) from None
        return connection

    def _rows(self, query: str, *values: Any) -> list[Any]:  # noqa: ANN401 - whatever SQLite takes
        assert self._connection is not None  # noqa: S101 - only used within the context
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._problem(error) from None

    def _problem(self, error: sqlite3.Error) -> HistoryError:
        code = getattr(error, "sqlite_errorcode", None)
        problem = Problem.UNREADABLE if code is None else _PROBLEM_OF.get(code & 0xFF, Problem.UNREADABLE)
        return HistoryError(self._path, problem, str(error))

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _ns(moment_unix: float) -> int:
    return int(min(max(moment_unix * 1e9, -1.0), 9.2e18))
