"""The metrics process: counts what the others did, keeps the journal and sends the series to each InfluxDB."""

import os
import socket
import time
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from plancton.common.codec import Envelope
from plancton.common.journal import directory_below
from plancton.common.messages import (
    ActiveSettings,
    Counters,
    EndingOutcome,
    HostLook,
    Intent,
    LauncherState,
    LaunchOutcome,
    Mode,
    PoolLook,
    PoolUnknown,
    SinkState,
    Target,
)
from plancton.common.settings import Settings
from plancton.workers.base import Place
from plancton.workers.metrics import chronicle, series
from plancton.workers.metrics.counters import Memory, count, recall, resume, resume_sink
from plancton.workers.metrics.journal import Journal
from plancton.workers.metrics.series import Row
from plancton.workers.metrics.uptime import Uptime

if TYPE_CHECKING:
    from plancton.workers.metrics.sink import Sinks

_SAY_SECONDS = 0.5
"""Between two messages with counters."""
_POOL_BOUND_SECONDS = 25.0
"""A look at the engine that is older counts as none."""
_REPEAT_SECONDS = 60.0
"""A message that the bus didn't take isn't missed for longer than this."""
_STAMPS = 1000
"""How many ends of pilots are kept apart by their times."""


class Metrics:
    """The worker around the pure counting and the series."""

    def __init__(self, place: Place) -> None:
        """Say counters at ``place``."""
        self._place = place
        self.ready = True
        self._hostname = socket.gethostname().partition(".")[0]
        self._uptime = Uptime(os.getppid())
        self._memory = Memory()
        self._counters = Counters()
        self._journal = Journal(directory_below(place.state), place.wake)
        self._known = chronicle.Known()
        self._born = time.monotonic()
        self._fizzle_seconds = Settings().fizzle_seconds
        self._former_sinks: dict[str, SinkState] | None = None
        """The sinks of the life before this one; None until it's known whether there was one."""
        self._unheard: list[Counters] = []
        """What was said until then."""
        self._continues = False
        """Whether there was a life before this one."""
        self._said: Counters | None = None
        self._next_say = time.monotonic() + _SAY_SECONDS
        self._sinks: Sinks | None = None
        """None until the settings name an InfluxDB."""
        self._main_sleep: float | None = None
        self._measured = False
        self._mode = Mode.ACTIVE
        self._pool: Envelope | None = None
        self._load = series.Load()
        self._next_points = 0.0
        self._stamps: deque[int] = deque(maxlen=_STAMPS)

    def hear(self, envelope: Envelope) -> None:
        """Take in a fact, or count an event."""
        match envelope.message:
            case ActiveSettings(settings=settings):
                if self._main_sleep != settings.main_sleep:
                    self._main_sleep = settings.main_sleep
                    self._next_points = time.monotonic() + settings.main_sleep
                self._fizzle_seconds = settings.fizzle_seconds
                self._journal.follow(settings.journal_size)
                self._follow(settings.influxdb_url)
            case Intent(mode=mode):
                self._mode = mode
            case HostLook() as look:
                self._load = series.add(self._load, look)
            case PoolLook() | PoolUnknown():
                self._pool = envelope
                self._tell(envelope)
            case Target() | LauncherState():
                self._tell(envelope)
            case Counters() as heard:
                self._recover(heard)
            case LaunchOutcome() | EndingOutcome():
                self._count(envelope)

    def turn(self, now: float) -> float:
        """Make the points that are due, send and write what can be, and say the counters if they changed."""
        self._journal.turn()
        moments = []
        if self._main_sleep is not None:
            # The first points needn't wait once there is something to tell.
            if now >= self._next_points or (self._pool is not None and not self._measured):
                self._next_points = now + self._main_sleep
                self._measure(now)
            moments.append(self._next_points)
        next_try = self._sinks.turn(now) if self._sinks is not None else None
        if next_try is not None:
            moments.append(next_try)
        # Last, so that it tells what the sinks just did.
        return min([*moments, self._say(now)])

    def _follow(self, urls: tuple[str, ...]) -> None:
        if urls and self._sinks is None:
            # influxdb-client takes 17 MiB; no other process needs it, nor does a node without an InfluxDB.
            from plancton.workers.metrics.sink import Sinks  # noqa: PLC0415

            self._sinks = Sinks(self._place.wake)
        if self._sinks is not None:
            self._sinks.follow(urls)

    def _put(self, *rows: Row | None) -> None:
        if self._sinks is not None:
            self._sinks.put([row for row in rows if row is not None])

    def _recover(self, heard: Counters) -> None:
        """Go on from what a former life said last, which comes before any echo of what this one said."""
        if self._former_sinks is not None:
            return
        self._former_sinks = {}
        if heard not in self._unheard:
            self._continues = True
            self._former_sinks = {state.name: state for state in heard.sinks}
            self._counters = resume(heard, self._counters)
        self._unheard.clear()

    def _count(self, envelope: Envelope) -> None:
        memory = recall(self._memory, envelope)
        if memory is None:
            return
        self._memory = memory
        self._counters = count(self._counters, envelope.message, self._fizzle_seconds)
        self._tell(envelope)
        if isinstance(envelope.message, EndingOutcome):
            self._put(series.container(envelope.message, self._hostname, self._stamp(envelope)))

    def _tell(self, envelope: Envelope) -> None:
        """Note in the journal what is news. Wishes and states from before this life the one before it noted."""
        message = envelope.message
        event = isinstance(message, LaunchOutcome | EndingOutcome)
        if event or envelope.monotonic >= self._born or not self._continues:
            at_unix = _said_unix_ns(envelope) / 1e9
            self._journal.put(chronicle.tell(message, self._known, at_unix, self._fizzle_seconds))
        self._known = chronicle.know(self._known, message)

    def _stamp(self, envelope: Envelope) -> int:
        """Return when the event was told, in nanoseconds since 1970, and never the same twice.

        Two ends of the same tags and time would be one point to InfluxDB.
        """
        stamp = _said_unix_ns(envelope)
        while stamp in self._stamps:
            stamp += 1
        self._stamps.append(stamp)
        return stamp

    def _measure(self, now: float) -> None:
        time_unix_ns = time.time_ns()
        pool = self._pool.message if self._pool and now - self._pool.monotonic <= _POOL_BOUND_SECONDS else None
        known = pool if isinstance(pool, PoolLook) else None
        self._put(
            series.daemon(self._uptime.seconds, self._mode, known, self._hostname, time_unix_ns),
            series.measurement(self._load, self._hostname, time_unix_ns),
        )
        self._load = series.Load()
        self._measured = True

    def _say(self, now: float) -> float:
        """Say the counters if they changed, not too often, or if it's time to repeat them; return when to try again."""
        counters = self._totals()
        due = self._next_say + (_REPEAT_SECONDS if counters == self._said else 0.0)
        if now < due:
            return due
        self._next_say = now + _SAY_SECONDS
        self._said = counters
        if self._former_sinks is None:
            self._unheard.append(counters)
        self._place.say(counters)
        return self._next_say + _REPEAT_SECONDS

    def _totals(self) -> Counters:
        former = self._former_sinks or {}
        own_states = self._sinks.states if self._sinks is not None else ()
        lost = self._counters.journal_dropped + self._journal.dropped
        states = (resume_sink(former[own.name], own) if own.name in former else own for own in own_states)
        return msgspec.structs.replace(self._counters, sinks=tuple(states), journal_dropped=lost)


def _said_unix_ns(envelope: Envelope) -> int:
    return max(0, time.time_ns() - int((time.monotonic() - envelope.monotonic) * 1e9))
