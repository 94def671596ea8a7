"""The points that aren't on disk yet, and how a point becomes a row of the store and back. Pure."""

from collections import deque
from collections.abc import Iterable

import msgspec

from plancton.common.points import Point
from plancton.workers.metrics.storage.rounds import Row

MOST_BYTES = 4 * 2**20
"""Hours of a busy node's points."""


class Tail:
    """Points in order, each with its id, from when they come until they are on disk. Bounded: the oldest go."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Keep so much, besides what is being written."""
        self._most_bytes = most_bytes
        self._rows: deque[Row] = deque()
        self._bytes = 0
        self._under_way: tuple[Row, ...] = ()
        self.last_id = 0
        """Of the newest point that ever came."""

    def __len__(self) -> int:
        return len(self._under_way) + len(self._rows)

    def __contains__(self, row: Row) -> bool:
        first = next(iter(self.after(0, 1)), None)
        return first is not None and row.id >= first.id

    def put(self, points: Iterable[Point]) -> tuple[Row, ...]:
        """Add points; return what was dropped to make room, which never is what's being written."""
        for point in points:
            self.last_id += 1
            row = row_of(point, self.last_id)
            self._rows.append(row)
            self._bytes += row.size_bytes
        dropped = []
        while self._bytes > self._most_bytes:
            dropped.append(self._pop())
        return tuple(dropped)

    def after(self, cursor: int, most: int) -> tuple[Row, ...]:
        """Return the oldest points after ``cursor``, at most so many."""
        found: list[Row] = []
        for part in (self._under_way, self._rows):
            if not part or part[-1].id <= cursor:
                continue
            for row in part:
                if len(found) == most:
                    break
                if row.id > cursor:
                    found.append(row)
        return tuple(found)

    def count_after(self, cursor: int) -> int:
        """Return how many points there are after ``cursor``."""
        return len(self.after(cursor, len(self)))

    def take(self, most_bytes: int) -> tuple[Row, ...]:
        """Return the oldest points, to be written now: at least one if there are any, otherwise within ``most_bytes``.

        They stay here until it's known what became of them.
        """
        taken: list[Row] = []
        size = 0
        while self._rows and (not taken or size + self._rows[0].size_bytes <= most_bytes):
            row = self._pop()
            size += row.size_bytes
            taken.append(row)
        self._under_way = tuple(taken)
        return self._under_way

    def answered(self, *, written: bool) -> int:
        """Forget what was being written, or keep it to be written later; return the last id that is on disk, or 0."""
        rows, self._under_way = self._under_way, ()
        if written:
            return rows[-1].id if rows else 0
        self._rows.extendleft(reversed(rows))
        self._bytes += sum(row.size_bytes for row in rows)
        return 0

    def shift(self, by: int) -> None:
        """Move all ids, for it's known only now which ones are free. Nothing is being written."""
        self.last_id += by
        self._rows = deque(moved(row, by) for row in self._rows)

    def _pop(self) -> Row:
        row = self._rows.popleft()
        self._bytes -= row.size_bytes
        return row


def moved(row: Row, by: int) -> Row:
    """Return the row with another id."""
    return msgspec.structs.replace(row, id=row.id + by)


def row_of(point: Point, number: int) -> Row:
    """Return a point as it is stored. Texts that are no Unicode lose what isn't."""
    return Row(
        number,
        # SQLite holds no larger number; such moments, centuries away, are nobody's.
        max(-(2**63), min(point.time_unix_ns, 2**63 - 1)),
        _plain(point.series),
        _json(point.tags),
        _json(point.fields),
    )


def point_of(row: Row) -> Point | None:
    """Return the point that a row holds; None where it can't be read any more, for the disk has damaged it."""
    if not row.series:
        return None
    try:
        return Point(
            series=row.series,
            tags=msgspec.json.decode(row.tags, type=dict[str, str]),
            fields=msgspec.json.decode(row.fields, type=dict[str, float | str]),
            time_unix_ns=row.time_ns,
        )
    except (msgspec.DecodeError, UnicodeError):
        return None


def _json(of: dict[str, str] | dict[str, float | str]) -> str:
    try:
        return msgspec.json.encode(of).decode()
    except UnicodeEncodeError:
        clean = {_plain(key): _plain(value) if isinstance(value, str) else value for key, value in of.items()}
        return msgspec.json.encode(clean).decode()


def _plain(text: str) -> str:
    return text.encode(errors="replace").decode()
