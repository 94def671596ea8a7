"""A store and its sinks, turned on request, for tests of what becomes of points."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from plancton.common.accounting import SinkState, StoreState
from plancton.common.history_schema import store_path
from plancton.common.influxdb_setting import InfluxDB
from plancton.common.points import Point
from plancton.workers.metrics.delivery.sink import Sinks
from plancton.workers.metrics.storage.rounds import Bounds
from plancton.workers.metrics.storage.store import Store
from plancton.workers.metrics.storage.tail import Tail
from tests.support.waiting import wait_for

BOUNDS = Bounds(size_bytes=64 * 2**20, age_seconds=1e12)


def point(number: int, series: str = "m") -> Point:
    """Return a point that tells its number, by its value and its time."""
    return Point(series=series, tags={}, fields={"value": float(number)}, time_unix_ns=number + 1)


class Delivery:
    """What the worker has of them; ``state`` is the directory that outlives it."""

    def __init__(self, state: Path, bounds: Bounds = BOUNDS, tail: Tail | None = None) -> None:
        """Begin another life."""
        self.path = store_path(state)
        self.store = Store(state, lambda: None, tail)
        self.store.follow(bounds)
        self.sinks = Sinks(lambda: None, self.store)

    def follow(self, *items: str | InfluxDB) -> None:
        """Have these sinks."""
        self.sinks.follow(items)

    def put(self, first: int, beyond: int) -> None:
        """Put the points of these numbers."""
        self.store.put([point(number) for number in range(first, beyond)])

    def turn(self) -> float | None:
        """Turn once, as the worker does."""
        now = time.monotonic()
        self.store.collect()
        moments = [moment for moment in (self.sinks.turn(now), self.store.turn(now)) if moment is not None]
        return min(moments, default=None)

    def until(self, fact: Callable[[SinkState], bool], deadline: float, why: str, number: int = 0) -> SinkState:
        """Turn until the sink's state is so, and return it."""

        def look() -> SinkState | None:
            self.turn()
            state = self.sinks.states[number]
            return state if fact(state) else None

        state = wait_for(look, deadline, why)
        assert state
        return state

    def stored(self, fact: Callable[[StoreState], bool], why: str, deadline: float = 20.0) -> StoreState:
        """Turn until the store's state is so, and return it."""

        def look() -> StoreState | None:
            self.turn()
            state = self.store.state
            return state if state is not None and fact(state) else None

        state = wait_for(look, deadline, why)
        assert state
        return state

    def settled(self) -> StoreState:
        """Turn until all is on disk, and return the store's state."""
        return self.stored(lambda state: not (state.waiting_points or state.error), "all is on disk")

    def close(self) -> None:
        """End it in peace."""
        self.sinks.follow([])
        self.store.close()


@contextmanager
def delivery(state: Path, bounds: Bounds = BOUNDS, tail: Tail | None = None) -> Iterator[Delivery]:
    """Give one that is closed at the end."""
    made = Delivery(state, bounds, tail)
    try:
        yield made
    finally:
        made.close()
