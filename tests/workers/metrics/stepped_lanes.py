"""A store whose thread works on request, with a clock that only tests move."""

import shutil
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from plancton.common.history_schema import store_path
from plancton.workers.metrics.storage import store as store_module
from plancton.workers.metrics.storage.rounds import Bounds, Done, Round
from plancton.workers.metrics.storage.store import Store
from plancton.workers.metrics.storage.tail import Tail


class SteppedLanes:
    """What Lanes are, but that ``step`` makes the next call, in the thread of the test."""

    def __init__(self, _name: str = "", _count: int = 1, _wake: Callable[[], None] | None = None) -> None:
        self.waiting: deque[tuple[Callable[[], Any], Callable[[Any], None]]] = deque()
        self._done: deque[Callable[[], None]] = deque()

    def submit(self, call: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Queue a call."""
        self.waiting.append((call, then))

    def collect(self) -> None:
        """Hand out what was done."""
        while self._done:
            self._done.popleft()()

    def step(self) -> bool:
        """Make the next call, if there is one."""
        if not self.waiting:
            return False
        call, then = self.waiting.popleft()
        result = call()
        self._done.append(lambda: then(result))
        return True

    def close(self) -> None:
        """Make what waits."""
        while self.step():
            pass


class SteppedStore:
    """One life of a store in ``state``."""

    def __init__(self, state: Path, patch: pytest.MonkeyPatch, bounds: Bounds, tail_bytes: int) -> None:
        """Begin it at second 0."""
        self.now = 0.0
        self.disk: Callable[[Round, Callable[[Round], Done]], Done] = lambda asked, run: run(asked)
        """Stands between the store and its file."""
        clock = SimpleNamespace(monotonic=lambda: self.now, time=time.time, time_ns=time.time_ns)
        patch.setattr(store_module, "Lanes", SteppedLanes)
        patch.setattr(store_module, "time", clock)
        self.state = state
        self.store = Store(state, lambda: None, Tail(tail_bytes))
        self.lane: SteppedLanes = self.store._lane  # type: ignore[assignment]  # noqa: SLF001
        self.file = self.store._file  # noqa: SLF001
        self.tail = self.store._tail  # noqa: SLF001
        run = self.file.run
        self.file.run = lambda asked: self.disk(asked, run)  # type: ignore[method-assign]
        self.store.follow(bounds)

    def turn(self, seconds: float = 1.0) -> None:
        """Let time pass, and turn once."""
        self.now += seconds
        self.store.collect()
        self.store.turn(self.now)

    def rest(self, turns: int = 60) -> None:
        """Let everything happen that there is to do."""
        for _ in range(turns):
            self.turn(40.0)
            while self.lane.step():
                self.store.collect()
        self.store.collect()

    def crash(self, state: Path) -> None:
        """Leave the files to another life as a crash does, in another directory."""
        path = store_path(self.state)
        state.mkdir(parents=True, mode=0o700)
        for each in path.parent.glob(f"{path.name}*"):
            if not each.name.endswith("-shm"):
                shutil.copy(each, state / each.name)
        self.file.close()

    def on_disk(self, query: str) -> list[Any]:
        """Return what there is, as somebody else reads it."""
        with closing(sqlite3.connect(store_path(self.state), isolation_level=None)) as db:
            return db.execute(query).fetchall()
