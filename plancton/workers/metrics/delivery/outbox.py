"""How far one sink is, and how it gets on: in order, tried again with growing pauses, past what it never takes. Pure.

The points themselves are in the store. Here are only those of the next batch, which are safe from the store's bounds.
"""

import msgspec

from plancton.common.accounting import SinkState
from plancton.workers.metrics.storage.rounds import Row, SinkRow
from plancton.workers.metrics.storage.tail import moved

BATCH_POINTS = 1000
PAUSE_SECONDS = 1.0
"""Between two batches, so that the ends of many pilots travel together; and the first pause after a failure."""
LONGEST_PAUSE_SECONDS = 60.0
LONGEST_RETRY_AFTER_SECONDS = 3600.0
"""A sink that asks to be left alone for longer isn't obeyed."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The server took all points."""


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """The server will never take so many ``points`` of the batch.

    ``partial``: it took the others. Otherwise it took none, for the sake of at least one that it wants never.
    """

    points: int
    why: str
    partial: bool = True


class TooLarge(msgspec.Struct, frozen=True, kw_only=True):
    """The server took nothing, for the batch is larger than it allows."""

    why: str


class Away(msgspec.Struct, frozen=True, kw_only=True):
    """The server is not to be had, or doesn't want to now; nobody knows what it took. Writing again harms nothing."""

    why: str
    retry_after: float | None = None
    """Seconds that it asks to be left alone for; None where it says nothing."""


Answer = Accepted | Rejected | TooLarge | Away


class Outbox:
    """The progress of one sink. Moments are monotonic seconds but where named otherwise."""

    def __init__(self, row: SinkRow, waiting: int = 0, batch: int = BATCH_POINTS) -> None:
        """Go on from ``row``, after which so many points wait; give out at most ``batch`` at once."""
        self.cursor = row.cursor
        """The last point that it took or refused."""
        self.begun = row.cursor
        """The last one that it had before."""
        self._name = row.name
        self._batch = batch
        self._most = batch
        """Batches are no larger than this, for the server says that it takes no larger ones."""
        self._limit = batch
        """Nor than this, while a point is being looked for that the server refuses."""
        self._waiting = waiting
        self._next: list[Row] = []
        """The oldest that wait, fetched to be sent."""
        self._under_way = 0
        """So many of these."""
        self._former = row
        """Its totals are those of former lives."""
        self._written = 0
        self._refused = 0
        self.lost = 0
        """Points dropped in this life."""
        self._failures = 0
        self._error = ""
        self._error_unix: float | None = None
        self._not_before = 0.0

    @property
    def position(self) -> int:
        """The last point that was fetched, or else the cursor."""
        return self._next[-1].id if self._next else self.cursor

    @property
    def limit(self) -> int:
        """How many points are to be fetched at most."""
        return min(self._most, self._limit)

    @property
    def here(self) -> tuple[Row, ...]:
        """The points that were fetched, and that it hasn't got yet."""
        return tuple(self._next)

    @property
    def waiting(self) -> int:
        """How many points it hasn't got yet."""
        return self._waiting

    def put(self, number: int) -> None:
        """Have so many more points wait."""
        self._waiting += number

    def wants(self, now: float) -> bool:
        """Tell whether points are to be fetched."""
        return self._waiting > 0 and not self._next and now >= self._not_before

    def fill(self, rows: tuple[Row, ...]) -> None:
        """Take in the points that were fetched."""
        self._next = list(rows)

    def take(self, now: float) -> tuple[Row, ...]:
        """Return the points to write now, oldest first; none while others are under way or a pause lasts."""
        if self._under_way or now < self._not_before:
            return ()
        self._under_way = min(self.limit, len(self._next))
        return tuple(self._next[: self._under_way])

    def answered(self, answer: Answer, now: float, now_unix: float, chance: float) -> Row | None:
        """Take in what became of the points under way; return one that is refused, to be set aside.

        ``chance``, from 0 to 1, spreads the pauses of many nodes. Of several points of which some are refused fewer
        are tried next, until those that are refused are alone.
        """
        number, self._under_way = self._under_way, 0
        refused = None
        match answer:
            case Accepted():
                self._pass(number)
                self._written += number
                self._limit = min(2 * self._limit, self._batch)
                self._failures, self._error, self._error_unix = 0, "", None
            case Away(why=why, retry_after=retry_after):
                pause = min(PAUSE_SECONDS * 2.0 ** min(self._failures, 10), LONGEST_PAUSE_SECONDS)
                asked_for = min(retry_after or 0.0, LONGEST_RETRY_AFTER_SECONDS)
                self._not_before = now + max(pause * (0.5 + 0.5 * chance), asked_for)
                self._failures, self._error, self._error_unix = self._failures + 1, why, now_unix
                return None
            case _ if number > 1:
                self._failures = 0
                self._limit = number // 2
                if isinstance(answer, TooLarge):
                    self._most = self._limit
            case Rejected(why=why) | TooLarge(why=why):
                refused = self._next[0]
                self._pass(number)
                self._refused += number
                self._failures, self._error, self._error_unix = 0, why, now_unix
        # What fills a batch has waited long enough, and so has what is behind a point that is refused.
        in_haste = self._waiting >= self.limit or self._limit < self._batch
        self._not_before = now if in_haste else now + PAUSE_SECONDS
        return refused

    def hurry(self) -> None:
        """End a pause: something changed that may let the next try succeed."""
        self._not_before = 0.0
        self._most = self._batch

    def rest(self) -> None:
        """Stop until somebody takes points again; nobody will tell what became of those under way."""
        self._under_way = 0

    def lose(self, number: int) -> None:
        """Count so many points as lost that waited and weren't fetched."""
        self._waiting -= number
        self.lost += number

    def correct(self, waiting: int) -> None:
        """Count those as lost that don't wait any more: so many do."""
        self.lose(max(0, self._waiting - waiting))
        self._waiting = waiting

    def skip(self, through: int) -> None:
        """Go on behind ``through``: there is nothing up to there."""
        self.cursor = max(self.cursor, through)

    def at_least(self, written: int, dropped: int, refused: int) -> None:
        """Take over totals of former lives that were told of, where they are larger than those on disk."""
        self._former = SinkRow(
            name=self._name,
            cursor=0,
            written=max(self._former.written, written),
            dropped=max(self._former.dropped, dropped),
            refused=max(self._former.refused, refused),
        )

    def shift(self, by: int) -> None:
        """Move all ids."""
        self.cursor += by
        self.begun += by
        self._next = [moved(row, by) for row in self._next]

    def next_moment(self) -> float | None:
        """Return when there is something to do again; None while there is nothing, or points are under way."""
        return self._not_before if self._waiting and not self._under_way else None

    def row(self, trimmed_through: int = 0) -> SinkRow:
        """Return what is to be on disk. What the bounds took from there while it's here is lost in a crash."""
        endangered = sum(row.id <= trimmed_through for row in self._next)
        return SinkRow(
            name=self._name,
            cursor=max(self.cursor, trimmed_through) if endangered else self.cursor,
            written=self._former.written + self._written,
            dropped=self._former.dropped + self.lost + endangered,
            refused=self._former.refused + self._refused,
        )

    @property
    def state(self) -> SinkState:
        """How the sink is doing. ``error`` is what the last answer complained about."""
        totals = self.row()
        return SinkState(
            name=self._name,
            written_points=totals.written,
            waiting_points=self._waiting,
            dropped_points=totals.dropped,
            error=self._error,
            error_unix=self._error_unix,
            refused_points=totals.refused,
        )

    def _pass(self, number: int) -> None:
        self.cursor = self._next[number - 1].id
        del self._next[:number]
        self._waiting = max(0, self._waiting - number)
