"""The points that wait for one InfluxDB: bounded, in order, tried again with growing pauses. Pure.

It holds the points of the batch under way too, until the answer tells what became of them.
"""

from collections import deque
from collections.abc import Iterable

import msgspec

from plancton.common.accounting import SinkState

MOST_POINTS = 10_000
"""Hours of an outage with a busy node's points, in about 2 MB."""
BATCH_POINTS = 1000
PAUSE_SECONDS = 1.0
"""Between two batches, so that the ends of many pilots travel together; and the first pause after a failure."""
LONGEST_PAUSE_SECONDS = 60.0


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
    """The queue of one sink. Moments are monotonic seconds but where named otherwise."""

    def __init__(self, name: str, most: int = MOST_POINTS, batch: int = BATCH_POINTS) -> None:
        """Keep at most ``most`` points for the sink ``name``; give out at most ``batch``, which is fewer, at once."""
        self._name = name
        self._most = most
        self._batch = batch
        self._waiting: deque[str] = deque()
        self._under_way: tuple[str, ...] = ()
        self._written = 0
        self._dropped = 0
        self._failures = 0
        self._error = ""
        self._error_unix: float | None = None
        self._not_before = 0.0

    def put(self, lines: Iterable[str]) -> None:
        """Add points; where there is no room, the oldest that aren't under way are dropped and counted."""
        self._waiting.extend(lines)
        while len(self._waiting) + len(self._under_way) > self._most:
            self._waiting.popleft()
            self._dropped += 1

    def take(self, now: float) -> tuple[str, ...]:
        """Return the points to write now, oldest first; none while others are under way or a pause lasts."""
        if self._under_way or now < self._not_before:
            return ()
        number = min(self._batch, len(self._waiting))
        self._under_way = tuple(self._waiting.popleft() for _ in range(number))
        return self._under_way

    def answered(self, answer: Answer, now: float, now_unix: float, chance: float) -> None:
        """Take in what became of the points under way. ``chance``, from 0 to 1, spreads the pauses of many nodes."""
        batch, self._under_way = self._under_way, ()
        pause = PAUSE_SECONDS
        match answer:
            case Accepted():
                self._written += len(batch)
                self._failures, self._error, self._error_unix = 0, "", None
            case Rejected(points=points, why=why):
                lost = min(points, len(batch))
                self._written += len(batch) - lost
                self._dropped += lost
                self._failures, self._error, self._error_unix = 0, why, now_unix
            case Away(why=why):
                self._waiting.extendleft(reversed(batch))
                pause = min(PAUSE_SECONDS * 2.0 ** min(self._failures, 10), LONGEST_PAUSE_SECONDS)
                pause *= 0.5 + 0.5 * chance
                self._failures, self._error, self._error_unix = self._failures + 1, why, now_unix
        # What fills more than a batch has waited long enough.
        self._not_before = now if len(self._waiting) >= self._batch and not self._failures else now + pause

    def hurry(self) -> None:
        """End a pause: something changed that may let the next try succeed."""
        self._not_before = 0.0

    def next_moment(self) -> float | None:
        """Return when to take again; None while there is nothing to take."""
        return self._not_before if self._waiting and not self._under_way else None

    @property
    def state(self) -> SinkState:
        """How the sink is doing. ``error`` is what the last answer complained about."""
        return SinkState(
            name=self._name,
            written_points=self._written,
            waiting_points=len(self._waiting) + len(self._under_way),
            dropped_points=self._dropped,
            error=self._error,
            error_unix=self._error_unix,
        )
