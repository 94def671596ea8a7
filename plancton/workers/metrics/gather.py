"""What the metrics process makes of all that it hears: the counters, and the points of every series."""

import os
import socket
import time
from collections import deque
from collections.abc import Iterable

import msgspec

from plancton.common.accounting import SinkState, StoreState
from plancton.common.codec import Envelope
from plancton.common.freshness import POOL_BOUND_SECONDS
from plancton.common.messages import (
    Counters,
    EndingOutcome,
    EngineCalls,
    HostLook,
    Intent,
    LaunchOutcome,
    Mode,
    PoolLook,
    PoolUnknown,
    Processes,
    Target,
)
from plancton.common.points import Point
from plancton.workers.metrics.counters import Memory, count, recall, resume
from plancton.workers.metrics.points import handback, host_points, ledger, lives, presence, process_points, series
from plancton.workers.metrics.points.delivery_points import delivery_points
from plancton.workers.metrics.points.engine_points import Calls, called, engine_points
from plancton.workers.metrics.points.exits import exit_of, is_end
from plancton.workers.metrics.points.launch_points import launch_point
from plancton.workers.metrics.points.stamp import Stamp
from plancton.workers.metrics.points.target_points import target_point
from plancton.workers.metrics.points.uptime import Uptime
from plancton.workers.metrics.points.usage import Usage

_STAMPS = 1000
"""How many events are kept apart by their times."""


class Gatherer:
    """Counts, and makes points. It knows nothing of where they go."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self._hostname = socket.gethostname().partition(".")[0]
        self._uptime = Uptime(os.getppid())
        self._usage = Usage()
        self._memory = Memory()
        self.counters = Counters()
        """Totals without the sinks, the store and the journal, whose own they are."""
        self._born = time.monotonic()
        self._counted_until: float | None = None
        """Up to when a former life counted; None where there was none."""
        self._mode: Mode | None = None
        self._pool: Envelope | None = None
        self._target: Target | None = None
        self._load = series.Load()
        self._watched = host_points.Watched()
        self._given = ledger.Given()
        self._presence = presence.Presence()
        self._lives = lives.Lives()
        self._claims = handback.Claims()
        self._calls: Calls = {}
        self._roll = process_points.Roll()
        self._stamps: deque[tuple[str, dict[str, str], int]] = deque(maxlen=_STAMPS)

    def resume(self, former: Counters, said_at: float = 0.0) -> None:
        """Go on from the totals of a former life, which it said at ``said_at``, in monotonic seconds."""
        self.counters = resume(former, self.counters)
        self._counted_until = said_at

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
                self._watch(look, envelope.monotonic)
            case PoolLook() | PoolUnknown():
                return self._look(envelope)
            case Target() as target:
                return self._aim(target, envelope)
            case LaunchOutcome() as launch:
                self.counters = count(self.counters, launch, fizzle_seconds)
                return self._events(launch_point(launch, self._stamp(envelope)))
            case EndingOutcome() as ending:
                return self._end(ending, envelope, fizzle_seconds)
            case EngineCalls() as message if self.is_news(envelope):
                self._calls = called(self._calls, envelope.sender, message)
            case Processes() as message:
                self._roll = process_points.listed(self._roll, message)
        return ()

    @property
    def has_pool(self) -> bool:
        """Whether anything is known about the engine, be it that it can't be asked."""
        return self._pool is not None

    def measure(
        self, now: float, time_unix_ns: int, sinks: Iterable[SinkState] = (), store: StoreState | None = None
    ) -> tuple[Point, ...]:
        """Return the points that are due every ``main_sleep``, about the time since this was asked last."""
        stamp = Stamp(hostname=self._hostname, time_unix_ns=time_unix_ns)
        envelope = self._pool if self._pool and now - self._pool.monotonic <= POOL_BOUND_SECONDS else None
        pool = envelope.message if envelope and isinstance(envelope.message, PoolLook) else None
        target = self._target if self._target and now < self._target.valid_until_monotonic else None
        points = (
            series.daemon(self._uptime.seconds, self._mode or Mode.ACTIVE, pool, self._hostname, time_unix_ns),
            series.measurement(self._load, self._hostname, time_unix_ns),
            host_points.host(self._watched, stamp),
            host_points.pressure(self._watched, stamp),
            target_point(target, pool, self._mode, stamp),
            self._sums(now, stamp),
            *engine_points(self._calls, stamp),
            *self._processes(now, stamp),
            *delivery_points(sinks, store, stamp),
        )
        self._load, self._watched, self._calls = series.Load(), host_points.Watched(), {}
        return _those(points)

    def _watch(self, look: HostLook, said_at: float) -> None:
        ran, self._presence = presence.asked(self._presence, said_at)
        alone = ledger.given(ledger.Given(), look, pilots_ran=ran)
        # The bus repeats the last look to a new life. What a former one may have counted isn't counted again.
        if self._counted_until is None or said_at > self._counted_until:
            self.counters = ledger.totals(self.counters, alone)
        if self._counted_until is None or said_at >= self._born:
            self._load = series.add(self._load, look)
            self._watched = host_points.watched(self._watched, look)
            self._given = ledger.given(self._given, look, pilots_ran=ran)

    def _look(self, envelope: Envelope) -> tuple[Point, ...]:
        self._pool = envelope
        pool = envelope.message if isinstance(envelope.message, PoolLook) else None
        # What lived before this life was told by the one before it.
        said_at = max(envelope.monotonic, self._born) if self._counted_until is not None else envelope.monotonic
        self._presence = presence.looked(self._presence, pool, said_at)
        if pool is None:
            return ()
        self._lives = lives.seen(self._lives, pool)
        return self._claim(handback.looked(self._claims, pool, envelope.monotonic), envelope)

    def _aim(self, target: Target, envelope: Envelope) -> tuple[Point, ...]:
        self._target = target
        points = self._claim(handback.aimed(self._claims, target, envelope.monotonic), envelope)
        if self._pool is None or not isinstance(self._pool.message, PoolLook):
            return points
        # It may be newer than the look that the target stands on.
        return points + self._claim(handback.looked(self._claims, self._pool.message, envelope.monotonic), envelope)

    def _end(self, ending: EndingOutcome, envelope: Envelope, fizzle_seconds: float) -> tuple[Point, ...]:
        self.counters = count(self.counters, ending, fizzle_seconds)
        stamp = self._stamp(envelope)
        points = self._claim(handback.done(self._claims, ending, envelope.monotonic), envelope)
        if not is_end(ending):
            return points
        life = lives.known(self._lives, ending.container_id)
        self._lives = lives.told(self._lives, ending.container_id)
        lost = lives.lost_core_seconds(exit_of(ending, fizzle_seconds), life)
        self.counters = msgspec.structs.replace(
            self.counters, lost_core_seconds=self.counters.lost_core_seconds + (lost or 0.0)
        )
        return points + self._events(
            series.container(ending, self._hostname, stamp.time_unix_ns),
            lives.pilot_point(ending, fizzle_seconds, life, stamp),
        )

    def _claim(self, step: handback.Step, envelope: Envelope) -> tuple[Point, ...]:
        self._claims, settled = step
        return self._events(*(handback.handback_point(claim, self._stamp(envelope)) for claim in settled))

    def _sums(self, now: float, stamp: Stamp) -> Point | None:
        there = presence.passed(self._presence, now)
        made = ledger.given_point(self._given, there.lived_seconds, stamp)
        self._given, self._presence = ledger.Given(), msgspec.structs.replace(there, lived_seconds=None)
        return made

    def _processes(self, now: float, stamp: Stamp) -> tuple[Point, ...]:
        readings = self._usage.read(process_points.pids(self._roll), now)
        points, self._roll = process_points.process_points(self._roll, readings, stamp)
        return points

    def _stamp(self, envelope: Envelope) -> Stamp:
        return Stamp(hostname=self._hostname, time_unix_ns=said_unix_ns(envelope))

    def _events(self, *points: Point | None) -> tuple[Point, ...]:
        """Return the points of events, each with a time of its own.

        Two of the same series, tags and time would be one point to InfluxDB.
        """
        return tuple(self._apart(each) for each in _those(points))

    def _apart(self, point: Point) -> Point:
        time_unix_ns = point.time_unix_ns
        while (point.series, point.tags, time_unix_ns) in self._stamps:
            time_unix_ns += 1
        self._stamps.append((point.series, point.tags, time_unix_ns))
        return msgspec.structs.replace(point, time_unix_ns=time_unix_ns)


def said_unix_ns(envelope: Envelope) -> int:
    """Return when a message was said, in nanoseconds since 1970."""
    return max(0, time.time_ns() - int((time.monotonic() - envelope.monotonic) * 1e9))


def _those(points: Iterable[Point | None]) -> tuple[Point, ...]:
    return tuple(point for point in points if point is not None)
