"""The sinks: one InfluxDB each, with its own progress and its own thread, so that none waits for another."""

import functools
import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from plancton.common.accounting import SinkState
from plancton.common.influxdb_setting import InfluxDB
from plancton.workers.lanes import Lanes
from plancton.workers.metrics.delivery.outbox import Answer, Away, Outbox, Rejected
from plancton.workers.metrics.influxdb.server import Server, line, open_server
from plancton.workers.metrics.storage.rounds import Refused, Row
from plancton.workers.metrics.storage.store import Store
from plancton.workers.metrics.storage.tail import point_of

log = logging.getLogger(__name__)

TELL_SECONDS = 60.0
"""That points are refused is logged as often at most."""


class Sink:
    """One database, and the points on their way to it."""

    def __init__(self, item: str | InfluxDB, server: Server, store: Store, lane: Lanes) -> None:
        """Write to ``server``, which the settings name as ``item``, in the one thread of ``lane``, that it owns."""
        self.name = server.name
        self.item = item
        self._server = server
        self._store = store
        self._lane = lane
        self._calling = False
        self._told_refused = 0
        self._tell_at = 0.0
        self._told_refused = self._outbox.state.refused_points

    @property
    def state(self) -> SinkState:
        """How it is doing."""
        return msgspec.structs.replace(self._outbox.state, server=self._server.version)

    def move(self, item: str | InfluxDB, server: Server) -> None:
        """Go on with another login for the same database; nothing that waits is lost."""
        self._lane.submit(self._server.close, lambda _: None)
        self.item = item
        self._server = server
        self._outbox.hurry()

    def turn(self, now: float) -> float | None:
        """Send what is due; return when something will be, None while that is up to others."""
        self._lane.collect()
        if self._calling:
            return None
        self._store.fetch(self.name, now)
        outbox = self._outbox
        rows = outbox.take(now)
        if rows:
            self._calling = True
            self._lane.submit(
                functools.partial(_deliver, self._server, rows),
                functools.partial(self._answered, self._server, outbox),
            )
            return None
        return None if outbox.wants(now) else outbox.next_moment()

    def close(self) -> None:
        """Stop; what waits goes on waiting in the store."""
        waiting = self.state.waiting_points
        if waiting:
            log.warning("%s is no longer in influxdb_url: %d points wait until it is again", self.name, waiting)
        self._outbox.rest()
        self._lane.submit(self._server.close, lambda _: None)
        self._lane.close()

    @property
    def _outbox(self) -> Outbox:
        return self._store.outbox(self.name)

    def _answered(self, server: Server, outbox: Outbox, came: tuple[Answer, str]) -> None:
        answer, first_line = came
        self._calling = False
        before = outbox.state
        refused = outbox.answered(answer, time.monotonic(), time.time(), random.random())  # noqa: S311 - no secret
        after = outbox.state
        if refused is not None:
            self._store.refuse(Refused(sink=self.name, id=refused.id, line=first_line, why=after.error))
        if server is not self._server:
            # A former login's failure says nothing about this one.
            outbox.hurry()
        if isinstance(answer, Away):
            if after.error != before.error:
                log.warning("%s can't be written to, points wait: %s", self.name, after.error)
        elif before.error and not after.error:
            log.info("%s takes points again", self.name)
        self._tell_of_refused(time.monotonic(), after)

    def _tell_of_refused(self, now: float, state: SinkState) -> None:
        number = state.refused_points - self._told_refused
        if number > 0 and state.error and now >= self._tell_at:
            log.warning("%s refused %d points, which are set aside: %s", self.name, number, state.error)
            self._told_refused = state.refused_points
            self._tell_at = now + TELL_SECONDS


class Sinks:
    """All sinks of the settings in force."""

    def __init__(self, wake: Callable[[], None], store: Store) -> None:
        """Begin with none; ``wake`` makes the loop turn after an answer. Points come from ``store``."""
        self._wake = wake
        self._store = store
        self._sinks: dict[str, Sink] = {}

    @property
    def states(self) -> tuple[SinkState, ...]:
        """How each is doing, in the settings' order."""
        return tuple(sink.state for sink in self._sinks.values())

    def follow(self, items: Iterable[str | InfluxDB]) -> None:
        """Write to these from now on. A database that was there before goes on where it is, whatever its login."""
        before, self._sinks = self._sinks, {}
        by_item = {sink.item: sink for sink in before.values()}
        for item in items:
            known = by_item.get(item)
            if known is not None and known.name not in self._sinks:
                self._sinks[known.name] = known
                continue
            server = open_server(item)
            sink = self._sinks.get(server.name) or before.get(server.name)
            if sink is None:
                sink = Sink(item, server, self._store, Lanes("influxdb", 1, self._wake))
            else:
                sink.move(item, server)
            self._sinks[sink.name] = sink
        for name, sink in before.items():
            if name not in self._sinks:
                sink.close()

    def turn(self, now: float) -> float | None:
        """Send what is due everywhere; return when something will be, None while that is up to others."""
        moments = [sink.turn(now) for sink in self._sinks.values()]
        return min((moment for moment in moments if moment is not None), default=None)


def _deliver(server: Server, rows: Sequence[Row]) -> tuple[Answer, str]:
    """Write rows; return the answer, and the first of them as a line."""
    lines = [_line(row) for row in rows]
    bad = lines.count(None)
    if bad:
        return Rejected(points=bad, why="it can't be read from the store any more", partial=False), str(rows[0])
    good = [each for each in lines if each is not None]
    return server.write(good), good[0]


def _line(row: Row) -> str | None:
    point = point_of(row)
    if point is None:
        return None
    try:
        return line(point)
    except Exception:
        # It's in the store: if the worker ended of it, the next one would, too.
        log.exception("a point of %s can't be told in line protocol", point.series)
        return None
