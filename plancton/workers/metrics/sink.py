"""The sinks: one InfluxDB each, with its own queue and its own thread, so that none waits for another."""

import functools
import logging
import random
import time
from collections.abc import Callable, Iterable

from plancton.common.accounting import SinkState
from plancton.common.points import Point
from plancton.workers.lanes import Lanes
from plancton.workers.metrics.influxdb1 import Address, Server, line, parse
from plancton.workers.metrics.outbox import Answer, Away, Outbox

log = logging.getLogger(__name__)


class Sink:
    """One database, and the points on their way to it."""

    def __init__(self, address: Address, lane: Lanes) -> None:
        """Write to the address in the one thread of ``lane``, which nobody else uses meanwhile."""
        self._address = address
        self._server = Server(address)
        self._lane = lane
        self._outbox = Outbox(address.name)
        self._full = False

    @property
    def state(self) -> SinkState:
        """How it is doing."""
        return self._outbox.state

    def put(self, lines: Iterable[str]) -> None:
        """Queue points."""
        dropped = self.state.dropped_points
        self._outbox.put(lines)
        full = self.state.dropped_points > dropped
        if full and not self._full:
            log.warning("%s: too many points wait, the oldest are dropped", self._address.name)
        self._full = full

    def move(self, address: Address) -> None:
        """Go on with another login for the same database; what waits is kept."""
        if address == self._address:
            return
        self._lane.submit(self._server.close, lambda _: None)
        self._address = address
        self._server = Server(address)
        self._outbox.hurry()

    def turn(self, now: float) -> float | None:
        """Send what is due; return when something will be, None while nothing waits."""
        self._lane.collect()
        batch = self._outbox.take(now)
        if batch:
            self._lane.submit(
                functools.partial(self._server.write, batch), functools.partial(self._answered, self._server)
            )
        return self._outbox.next_moment()

    def close(self) -> None:
        """Give up what waits."""
        waiting = self.state.waiting_points
        if waiting:
            log.warning("%s is no longer in influxdb_url: %d points for it are dropped", self._address.name, waiting)
        self._lane.submit(self._server.close, lambda _: None)
        self._lane.close()

    def _answered(self, server: Server, answer: Answer) -> None:
        before = self.state
        self._outbox.answered(answer, time.monotonic(), time.time(), random.random())  # noqa: S311 - no secret
        if server is not self._server:
            # A former login's failure says nothing about this one.
            self._outbox.hurry()
        after = self.state
        if after.error and after.error != before.error:
            what = "can't be written to, points wait" if isinstance(answer, Away) else "refused points"
            log.warning("%s %s: %s", self._address.name, what, after.error)
        elif before.error and not after.error:
            log.info("%s takes points again", self._address.name)


class Sinks:
    """All sinks of the settings in force."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """Begin with none; ``wake`` makes the loop turn after an answer."""
        self._wake = wake
        self._sinks: dict[str, Sink] = {}

    @property
    def states(self) -> tuple[SinkState, ...]:
        """How each is doing, in the settings' order."""
        return tuple(sink.state for sink in self._sinks.values())

    def follow(self, urls: Iterable[str]) -> None:
        """Write to these from now on. A database that was there before keeps its queue, whatever its login."""
        before, self._sinks = self._sinks, {}
        for address in map(parse, urls):
            sink = before.pop(address.name, None) or self._sinks.get(address.name) or self._new(address)
            sink.move(address)
            self._sinks[address.name] = sink
        for sink in before.values():
            sink.close()

    def put(self, rows: Iterable[Point]) -> None:
        """Queue points for each."""
        lines = [line(row) for row in rows]
        for sink in self._sinks.values():
            sink.put(lines)

    def turn(self, now: float) -> float | None:
        """Send what is due everywhere; return when something will be, None while nothing waits."""
        moments = [sink.turn(now) for sink in self._sinks.values()]
        return min((moment for moment in moments if moment is not None), default=None)

    def _new(self, address: Address) -> Sink:
        return Sink(address, Lanes("influxdb", 1, self._wake))
