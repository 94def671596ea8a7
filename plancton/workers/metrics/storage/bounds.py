"""What keeps the store within its bounds on disk: the oldest points go, and what they took is used again or given back.

For the store's thread alone. Whatever raises here is sqlite3.Error.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from plancton.workers.metrics.storage.rounds import Round, SinkRow

_INDEX_BYTES = 32 * 1024
"""What SQLite's index of its log takes."""
_CHUNKS = 8
"""So often in one round are points taken away at most; what is too much then goes in the next one."""
_CHUNK = 1000
_SMALL_CHUNK = 64
_AGED = 1000
"""So many of the oldest points are looked at for their age: no more are misjudged where the clock was wrong."""
_GIVEN_BACK = 64
"""So many pages are given back at a time."""
_MARGIN = 24
"""Pages that may be needed besides those of the points themselves: of indexes, and of other tables."""


class Trim:
    """What one round takes away."""

    def __init__(self, db: sqlite3.Connection, path: Path, asked: Round, positions: Mapping[str, int]) -> None:
        """Keep the store at ``path`` within the bounds; ``positions`` say from where on each sink needs points."""
        self._db = db
        self._path = path
        self._asked = asked
        self._positions = positions
        self._bounds = bounds = asked.bounds
        (self._page_bytes,) = db.execute("PRAGMA page_size").fetchone()
        self._most_pages = (bounds.size_bytes - bounds.log_bytes - _INDEX_BYTES) // self._page_bytes
        db.execute(f"PRAGMA max_page_count = {self._most_pages}").fetchall()
        self.points = 0
        """Points taken away."""
        self.lost: Counter[str] = Counter()
        """For each sink, those of them after its position."""
        self.through = 0
        """The last of them."""
        self.more = False
        """There is more to take away."""

    def run(self, points: int, more_bytes: int) -> None:
        """Take away what is too old, and make room for ``more_bytes``; there are ``points`` in the store."""
        cutoff = self._bounds.cutoff_ns(self._asked.now_ns)
        while self.points < _CHUNKS * _CHUNK and (aged := self._aged(cutoff)):
            self._take_away(aged)
        chunk = min(max(points // 50, _SMALL_CHUNK), _CHUNK)
        need = more_bytes * 3 // 2 // self._page_bytes + _MARGIN
        for _ in range(_CHUNKS):
            if self._used() + need <= self._most_pages or self.points >= points:
                break
            self._take_away(self._oldest(chunk))
        else:
            self.more = True
        self._give_back()

    def fold(self, least_bytes: int | None = None) -> bool:
        """Fold SQLite's log into the file once it's larger than that, or some; tell whether it has room again."""
        least_bytes = self._bounds.log_bytes // 4 if least_bytes is None else least_bytes
        log = self._path.with_name(f"{self._path.name}-wal")
        if size_of(log) > least_bytes:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return size_of(log) <= self._bounds.log_bytes // 2

    def _used(self) -> int:
        return self._pages() - self._free()

    def _pages(self) -> int:
        (number,) = self._db.execute("PRAGMA page_count").fetchone()
        return int(number)

    def _free(self) -> int:
        (number,) = self._db.execute("PRAGMA freelist_count").fetchone()
        return int(number)

    def _aged(self, cutoff_ns: int) -> int:
        query = "SELECT MAX(id) FROM (SELECT id, time_ns FROM points ORDER BY id LIMIT ?) WHERE time_ns < ?"
        (found,) = self._db.execute(query, (_AGED, cutoff_ns)).fetchone()
        return found or 0

    def _oldest(self, number: int) -> int:
        query = "SELECT MAX(id) FROM (SELECT id FROM points ORDER BY id LIMIT ?)"
        (found,) = self._db.execute(query, (number,)).fetchone()
        return found or 0

    def _take_away(self, through: int) -> None:
        lost: Counter[str] = Counter()
        with transaction(self._db):
            if not self.through:
                put_sinks(self._db, self._asked.sinks)
            between = "SELECT COUNT(*) FROM points WHERE id > ? AND id <= ?"
            for name, position in self._positions.items():
                if position < through:
                    (lost[name],) = self._db.execute(between, (position, through)).fetchone()
            # Whoever reads these rows next may be another life of this worker, to which nothing else tells of the loss.
            self._db.execute(
                "UPDATE sinks SET cursor = :through, dropped = dropped + "
                "(SELECT COUNT(*) FROM points WHERE id > sinks.cursor AND id <= :through) WHERE cursor < :through",
                {"through": through},
            )
            gone = self._db.execute("DELETE FROM points WHERE id <= ?", (through,)).rowcount
            self._db.execute("DELETE FROM refused WHERE id <= ?", (through,))
        self.points += gone
        self.lost += lost
        self.through = through
        self.fold()

    def _give_back(self) -> None:
        pages, free = self._pages(), self._free()
        too_large = pages > self._most_pages
        if free and (too_large or free > pages // 4 + _GIVEN_BACK):
            # Not execute: it would give back a single page.
            self._db.executescript(f"PRAGMA incremental_vacuum({_GIVEN_BACK})")
            # The file becomes smaller only then.
            self.fold(0)
            self.more = self.more or too_large


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Do all of it, or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def put_sinks(db: sqlite3.Connection, rows: Iterable[SinkRow]) -> None:
    """Write down how far the sinks are, within a transaction."""
    db.executemany(
        "INSERT OR REPLACE INTO sinks (name, cursor, written, dropped, refused) VALUES (?, ?, ?, ?, ?)",
        [(row.name, row.cursor, row.written, row.dropped, row.refused) for row in rows],
    )


def size_of(path: Path) -> int:
    """Return a file's size; 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
