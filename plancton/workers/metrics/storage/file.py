"""The store's file, written and read. For the store's thread alone: each call may take as long as the disk takes.

Nothing raises: what goes wrong comes back in ``Done``, and is tried again in a later round.
"""

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from plancton.workers.metrics.storage.bounds import Trim, put_sinks, size_of, transaction
from plancton.workers.metrics.storage.opening import DamagedError, is_damage, open_store, set_aside
from plancton.workers.metrics.storage.rounds import Done, Found, Output, Read, Refused, Round, Row, SinkRow

REFUSED_KEPT = 1000
"""Of each sink."""
_LARGEST_ID = 2**53
"""There are no points enough for larger ones."""
_OUTPUT_BYTES = 600
"""What one of the outputs takes besides its text."""
_OUTPUTS_SHARE = 4
"""That part of the store may be outputs."""


class StoreFile:
    """One file, from the first round on."""

    def __init__(self, path: Path) -> None:
        """Prepare for the file at ``path``; it's opened, or made, by the first round."""
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._points = 0
        self._oldest_ns: int | None = None
        self._output_bytes = 0

    def run(self, asked: Round) -> Done:
        """Do what is asked."""
        try:
            if self._db is None:
                return self._told(self._open())
            if self._identity != _identity(self._path):
                self.close()
                return Done(lost=True, problem="the file isn't there any more")
            return self._told(self._work(self._db, asked))
        except (DamagedError, UnicodeError) as error:
            # What SQLite says of a damaged schema holds pieces of it, which may be no text.
            return self._set_aside(str(error) if isinstance(error, DamagedError) else "its schema is damaged")
        except sqlite3.Error as error:
            return self._set_aside(str(error)) if is_damage(error, self._path) else self._told(Done(problem=str(error)))
        except OSError as error:
            return self._told(Done(problem=error.strerror or str(error)))

    def close(self) -> None:
        """Let go of the file."""
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None
        self._points, self._oldest_ns, self._output_bytes = 0, None, 0

    def _told(self, done: Done) -> Done:
        size = sum(size_of(self._path.with_name(self._path.name + suffix)) for suffix in ("", "-wal", "-shm"))
        return msgspec.structs.replace(done, points=self._points, size_bytes=size, oldest_ns=self._oldest_ns)

    def _set_aside(self, why: str) -> Done:
        self.close()
        try:
            aside = set_aside(self._path)
        except OSError as error:
            problem = f"{why}, and it can't be set aside: {error.strerror or error}"
            return Done(lost=True, problem=problem)
        return Done(lost=True, set_aside=str(aside), problem=why)

    def _open(self) -> Done:
        db = open_store(self._path)
        try:
            found = self._found(db)
        except BaseException:
            db.close()
            raise
        self._db, self._identity = db, _identity(self._path)
        return Done(found=found)

    def _found(self, db: sqlite3.Connection) -> Found:
        (self._points,) = db.execute("SELECT COUNT(*) FROM points").fetchone()
        (first,) = db.execute("SELECT MIN(id) FROM points").fetchone()
        (last,) = db.execute("SELECT MAX(id) FROM points").fetchone()
        (self._output_bytes,) = db.execute(
            f"SELECT COALESCE(SUM(LENGTH(CAST(output AS BLOB)) + {_OUTPUT_BYTES}), 0) FROM outputs"  # noqa: S608
        ).fetchone()
        self._look_at_the_oldest(db)
        sinks = tuple(
            SinkRow(name=name, cursor=cursor, written=written, dropped=dropped, refused=refused)
            for name, cursor, written, dropped, refused in db.execute(
                "SELECT name, cursor, written, dropped, refused FROM sinks"
            )
            if isinstance(name, str) and all(isinstance(each, int) for each in (cursor, written, dropped, refused))
        )
        waiting = {}
        for row in sinks:
            if last is None or row.cursor >= last:
                waiting[row.name] = 0
            elif row.cursor < first:
                waiting[row.name] = self._points
            else:
                query = "SELECT COUNT(*) FROM points INDEXED BY points_of_a_series WHERE id > ?"
                (waiting[row.name],) = db.execute(query, (row.cursor,)).fetchone()
        last_id = max([last or 0, *(row.cursor for row in sinks)])
        if last_id > _LARGEST_ID:
            message = "its points have numbers beyond reason"
            raise DamagedError(message)
        return Found(last_id=last_id, sinks=sinks, waiting=waiting)

    def _work(self, db: sqlite3.Connection, asked: Round) -> Done:
        read = {wish.sink: _rows(db, wish) for wish in asked.reads} if asked.reads else None
        if not asked.write:
            return Done(read=read)
        fetched = {sink: rows[-1].id for sink, rows in (read or {}).items() if rows}
        trim = Trim(db, self._path, asked, asked.positions | fetched)
        written, problem = False, ""
        try:
            trim.run(self._points, _size_of_all(asked))
            if trim.fold():
                self._write(db, asked, sinks=() if trim.through else asked.sinks)
                written = True
            else:
                problem = "some other program reads it for too long"
            self._look_at_the_oldest(db)
        except sqlite3.Error as error:
            if is_damage(error, self._path):
                raise
            problem = str(error)
        self._points -= trim.points
        return Done(
            written=written,
            read=read,
            trimmed=dict(trim.lost),
            trimmed_through=trim.through,
            more=trim.more,
            problem=problem,
        )

    def _write(self, db: sqlite3.Connection, asked: Round, sinks: Iterable[SinkRow]) -> None:
        with transaction(db):
            put_sinks(db, sinks)
            db.executemany(
                "INSERT OR REPLACE INTO points (id, time_ns, series, tags, fields) VALUES (?, ?, ?, ?, ?)",
                [(row.id, row.time_ns, row.series, row.tags, row.fields) for row in asked.rows],
            )
            _put_refused(db, asked.refused)
            output_bytes = self._put_outputs(db, asked.outputs, asked)
        self._points += len(asked.rows)
        self._output_bytes = output_bytes

    def _put_outputs(self, db: sqlite3.Connection, outputs: Iterable[Output], asked: Round) -> int:
        """Put the outputs in, and take the oldest out of them; return what they take then."""
        size = self._output_bytes
        for each in outputs:
            db.execute(
                "INSERT OR REPLACE INTO outputs (container_id, pilot, ended_ns, output) VALUES (?, ?, ?, ?)",
                (each.container_id, each.pilot, each.ended_ns, each.text),
            )
            size += _size_of(each)
        cutoff = asked.bounds.cutoff_ns(asked.now_ns)
        aged = "DELETE FROM outputs WHERE ended_ns < ? RETURNING LENGTH(CAST(output AS BLOB))"
        size -= sum(length + _OUTPUT_BYTES for (length,) in db.execute(aged, (cutoff,)).fetchall())
        while size > asked.bounds.size_bytes // _OUTPUTS_SHARE:
            oldest = (
                "DELETE FROM outputs WHERE container_id IN "
                "(SELECT container_id FROM outputs ORDER BY ended_ns LIMIT 8) RETURNING LENGTH(CAST(output AS BLOB))"
            )
            gone = db.execute(oldest).fetchall()
            size = size - sum(length + _OUTPUT_BYTES for (length,) in gone) if gone else 0
        return max(0, size)

    def _look_at_the_oldest(self, db: sqlite3.Connection) -> None:
        found = db.execute("SELECT time_ns FROM points ORDER BY id LIMIT 1").fetchone()
        self._oldest_ns = found[0] if found and isinstance(found[0], int) else None


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _rows(db: sqlite3.Connection, wish: Read) -> tuple[Row, ...]:
    query = "SELECT id, time_ns, series, tags, fields FROM points WHERE id > ? ORDER BY id LIMIT ?"
    return tuple(_row(*columns) for columns in db.execute(query, (wish.after, wish.most)))


def _row(number: int, time_ns: Any, series: Any, tags: Any, fields: Any) -> Row:  # noqa: ANN401 - whatever is there
    if isinstance(time_ns, int) and all(isinstance(each, str) for each in (series, tags, fields)):
        return Row(number, time_ns, series, tags, fields)
    return Row(number, 0, "", "", "")


def _put_refused(db: sqlite3.Connection, refused: Iterable[Refused]) -> None:
    for each in refused:
        values = (each.sink, each.id, each.line, each.why)
        db.execute("INSERT OR REPLACE INTO refused (sink, id, line, why) VALUES (?, ?, ?, ?)", values)
    for sink in {each.sink for each in refused}:
        db.execute(
            "DELETE FROM refused WHERE sink = :sink AND id <= "
            "(SELECT id FROM refused WHERE sink = :sink ORDER BY id DESC LIMIT 1 OFFSET :kept)",
            {"sink": sink, "kept": REFUSED_KEPT},
        )


def _size_of(output: Output) -> int:
    return len(output.text.encode(errors="replace")) + _OUTPUT_BYTES


def _size_of_all(asked: Round) -> int:
    refused = sum(len(each.line) + len(each.why) + len(each.sink) for each in asked.refused)
    return sum(row.size_bytes for row in asked.rows) + sum(map(_size_of, asked.outputs)) + refused
