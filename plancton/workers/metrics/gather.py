"""What the metrics process makes of all that it hears: the counters, and the points of every series."""

import os
import socket
import time
from collections import deque

from plancton.common.codec import Envelope
from plancton.common.messages import (
    Counters,
    EndingOutcome,
    HostLook,
    Intent,
    LaunchOutcome,
    Mode,
    PoolLook,
    PoolUnknown,
)
from plancton.common.points import Point
from plancton.workers.metrics import series
from plancton.workers.metrics.counters import Memory, count, recall, resume
from plancton.workers.metrics.uptime import Uptime

_POOL_BOUND_SECONDS = 25.0
"""A look at the engine that is older counts as none."""
_STAMPS = 1000
"""How many ends of pilots are kept apart by their times."""


class Gatherer:
    """Counts, and makes points. It knows nothing of where they go."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self._hostname = socket.gethostname().partition(".")[0]
        self._uptime = Uptime(os.getppid())
        self._memory = Memory()
        self.counters = Counters()
        """Totals without the sinks, the store and the journal, whose own they are."""
        self._mode = Mode.ACTIVE
        self._pool: Envelope | None = None
        self._load = series.Load()
        self._stamps: deque[int] = deque(maxlen=_STAMPS)

    def resume(self, former: Counters) -> None:
        """Go on from the totals of a former life."""
        self.counters = resume(former, self.counters)

    def is_news(self, envelope: Envelope) -> bool:
        """Tell whether an event, or what it tells, wasn't heard before; it's remembered then."""
        memory = recall(self._memory, envelope)
        if memory is None:
            return False
        self._memory = memory
        return True

    def hear(self, envelope: Envelope, fizzle_seconds: float) -> tuple[Point, ...]:
        """Take in a fact or an event that is news; return the points that it makes by itself."""
        match envelope.message:
            case Intent(mode=mode):
                self._mode = mode
            case HostLook() as look:
                self._load = series.add(self._load, look)
            case PoolLook() | PoolUnknown():
                self._pool = envelope
            case LaunchOutcome():
                self.counters = count(self.counters, envelope.message, fizzle_seconds)
            case EndingOutcome() as end:
                self.counters = count(self.counters, envelope.message, fizzle_seconds)
                return _those(series.container(end, self._hostname, self._stamp(envelope)))
        return ()

    @property
    def has_pool(self) -> bool:
        """Whether anything is known about the engine, be it that it can't be asked."""
        return self._pool is not None

    def measure(self, now: float, time_unix_ns: int) -> tuple[Point, ...]:
        """Return the points that are due every ``main_sleep``, about the time since this was asked last."""
        pool = self._pool.message if self._pool and now - self._pool.monotonic <= _POOL_BOUND_SECONDS else None
        known = pool if isinstance(pool, PoolLook) else None
        load, self._load = self._load, series.Load()
        return _those(
            series.daemon(self._uptime.seconds, self._mode, known, self._hostname, time_unix_ns),
            series.measurement(load, self._hostname, time_unix_ns),
        )

    def _stamp(self, envelope: Envelope) -> int:
        """Return when the event was told, in nanoseconds since 1970, and never the same twice.

        Two ends of the same tags and time would be one point to InfluxDB.
        """
        stamp = said_unix_ns(envelope)
        while stamp in self._stamps:
            stamp += 1
        self._stamps.append(stamp)
        return stamp


def said_unix_ns(envelope: Envelope) -> int:
    """Return when a message was said, in nanoseconds since 1970."""
    return max(0, time.time_ns() - int((time.monotonic() - envelope.monotonic) * 1e9))


def _those(*points: Point | None) -> tuple[Point, ...]:
    return tuple(point for point in points if point is not None)
