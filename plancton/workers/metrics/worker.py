"""The metrics process: counts what the others did, keeps journal and store, and sends the series to each InfluxDB."""

import time
from typing import TYPE_CHECKING

import msgspec

from plancton.common.codec import Envelope
from plancton.common.journal import directory_below
from plancton.common.messages import (
    ActiveSettings,
    Counters,
    EndingAction,
    EndingOutcome,
    LauncherState,
    LaunchOutcome,
    PoolLook,
    PoolUnknown,
    Target,
)
from plancton.common.points import Point
from plancton.common.settings import Settings
from plancton.workers.base import Place
from plancton.workers.metrics.gather import Gatherer, said_unix_ns
from plancton.workers.metrics.journal import chronicle
from plancton.workers.metrics.journal.journal import Journal
from plancton.workers.metrics.prometheus.exposure import Exposure
from plancton.workers.metrics.storage.rounds import Bounds, Output
from plancton.workers.metrics.storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plancton.workers.metrics.delivery.sink import Sinks

_SAY_SECONDS = 0.5
"""Between two messages with counters."""
_REPEAT_SECONDS = 60.0
"""A message that the bus didn't take isn't missed for longer than this."""


class Metrics:
    """The worker around counters and points, and the ways that they take."""

    def __init__(self, place: Place) -> None:
        """Say counters at ``place``."""
        self._place = place
        self.ready = True
        self._gatherer = Gatherer()
        self._journal = Journal(directory_below(place.state), place.wake)
        self._known = chronicle.Known()
        self._born = time.monotonic()
        self._fizzle_seconds = Settings().fizzle_seconds
        self._continues: bool | None = None
        """Whether there was a life before this one; None until that's known."""
        self._unheard: list[Counters] = []
        """What was said until then."""
        self._said: Counters | None = None
        self._next_say = time.monotonic() + _SAY_SECONDS
        self._exposure = Exposure()
        self._store = Store(place.state, place.wake)
        self._sinks: Sinks | None = None
        """None until the settings name an InfluxDB."""
        self._main_sleep: float | None = None
        self._measured = False
        self._next_points = 0.0

    def hear(self, envelope: Envelope) -> None:
        """Take in a fact, or an event that is news."""
        match envelope.message:
            case ActiveSettings(settings=settings):
                self._follow(settings)
                return
            case Counters() as heard:
                self._recover(heard, envelope.monotonic)
                return
            case LaunchOutcome() | EndingOutcome():
                if not self._gatherer.is_news(envelope):
                    return
                self._tell(envelope)
                self._keep(envelope)
            case PoolLook() | PoolUnknown() | Target() | LauncherState():
                self._tell(envelope)
        self._exposure.hear(envelope)
        self._put(self._gatherer.hear(envelope, self._fizzle_seconds))

    def turn(self, now: float) -> float:
        """Make the points that are due, send and write what can be, and say the counters if they changed."""
        self._journal.turn()
        self._store.collect()
        moments = []
        if self._main_sleep is not None:
            # The first points needn't wait once there is something to tell.
            if now >= self._next_points or (self._gatherer.has_pool and not self._measured):
                self._next_points = now + self._main_sleep
                self._measured = True
                self._measure(now)
            moments.append(self._next_points)
        # The store after the sinks, for it writes down how far they are, and reads what they want.
        later = (self._sinks.turn(now) if self._sinks is not None else None, self._store.turn(now))
        moments += [moment for moment in later if moment is not None]
        # Last, so that it tells what they just did.
        return min([*moments, self._say(now)])

    def finish(self, until: float) -> None:
        """Put on disk what isn't there yet, the points about the time since the last ones included."""
        if self._main_sleep is not None:
            self._measure(time.monotonic())
        self._journal.turn()
        self._store.finish(until)

    def _measure(self, now: float) -> None:
        totals = self._totals()
        self._put(self._gatherer.measure(now, time.time_ns(), totals.sinks, totals.store))

    def _follow(self, settings: Settings) -> None:
        if self._main_sleep != settings.main_sleep:
            self._main_sleep = settings.main_sleep
            self._next_points = time.monotonic() + settings.main_sleep
        self._fizzle_seconds = settings.fizzle_seconds
        self._journal.follow(settings.journal_size)
        self._exposure.follow(settings.prometheus_address)
        self._store.follow(Bounds(size_bytes=settings.history_size, age_seconds=settings.history_age))
        if settings.influxdb_url and self._sinks is None:
            # influxdb-client takes 17 MiB; no other process needs it, nor does a node without an InfluxDB.
            from plancton.workers.metrics.delivery.sink import Sinks  # noqa: PLC0415

            self._sinks = Sinks(self._place.wake, self._store)
        if self._sinks is not None:
            self._sinks.follow(settings.influxdb_url)

    def _put(self, points: "Sequence[Point]") -> None:
        self._exposure.put(points)
        self._store.put(points)

    def _keep(self, envelope: Envelope) -> None:
        """Keep what an ended pilot said last, also if its removal failed: it may be gone at the next try."""
        match envelope.message:
            case EndingOutcome(action=EndingAction.REMOVED, output=output) as end if output:
                ended_ns = said_unix_ns(envelope)
                self._store.keep(Output(container_id=end.container_id, pilot=end.name, ended_ns=ended_ns, text=output))

    def _recover(self, heard: Counters, said_at: float) -> None:
        """Go on from what a former life said last, which comes before any echo of what this one said."""
        if self._continues is not None:
            return
        self._continues = heard not in self._unheard
        if self._continues:
            self._gatherer.resume(heard, said_at)
            self._store.resume(heard.store, heard.sinks)
        self._unheard.clear()

    def _tell(self, envelope: Envelope) -> None:
        """Note in the journal what is news. Wishes and states from before this life the one before it noted."""
        message = envelope.message
        event = isinstance(message, LaunchOutcome | EndingOutcome)
        if event or envelope.monotonic >= self._born or not self._continues:
            at_unix = said_unix_ns(envelope) / 1e9
            self._journal.put(chronicle.tell(message, self._known, at_unix, self._fizzle_seconds))
        self._known = chronicle.know(self._known, message)

    def _say(self, now: float) -> float:
        """Say the counters if they changed, not too often, or if it's time to repeat them; return when to try again."""
        counters = self._totals()
        self._exposure.publish(counters)
        due = self._next_say + (_REPEAT_SECONDS if counters == self._said else 0.0)
        if now < due:
            return due
        self._next_say = now + _SAY_SECONDS
        self._said = counters
        if self._continues is None:
            self._unheard.append(counters)
        self._place.say(counters)
        return self._next_say + _REPEAT_SECONDS

    def _totals(self) -> Counters:
        counters = self._gatherer.counters
        return msgspec.structs.replace(
            counters,
            sinks=self._sinks.states if self._sinks is not None else (),
            journal_dropped=counters.journal_dropped + self._journal.dropped,
            store=self._store.state,
        )
