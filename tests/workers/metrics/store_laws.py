"""The store's laws, whatever happens in whatever order, and what tests of the store share."""

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from plancton.common.accounting import StoreState
from plancton.common.history_schema import store_path
from plancton.common.points import Point
from plancton.workers.metrics.delivery.outbox import Accepted, Away, Outbox, Rejected
from plancton.workers.metrics.storage.rounds import Bounds, Done, Refused, Round, Row
from tests.workers.metrics.stepped_lanes import SteppedStore

BOUNDS = Bounds(size_bytes=2**20, age_seconds=1e12)
TAIL_BYTES = 150_000
TEXT = "x" * 6000
"""As large that some hundred points fill the store, some dozen the tail, and some a round."""


def points(first: int, beyond: int, text: str = TEXT) -> list[Point]:
    now = time.time_ns()
    return [
        Point(series="m", tags={}, fields={"v": float(each), "text": text}, time_unix_ns=now + each)
        for each in range(first, beyond)
    ]


def value(row: Row) -> int:
    return int(json.loads(row.fields)["v"])


def state_of(stepped: SteppedStore) -> StoreState:
    state = stepped.store.state
    assert state is not None
    return state


def full(asked: Round, run: Callable[[Round], Done]) -> Done:
    """Do what a disk does that takes nothing: what is on it can be read."""
    if not asked.reads:
        return Done(problem="full")
    done = run(msgspec.structs.replace(asked, write=False))
    return msgspec.structs.replace(done, problem=done.problem or "full")


class AnyHistory(RuleBasedStateMachine):
    """Points come, sinks have moods, the disk fails, the worker crashes: what's lost is counted, the rest arrives."""

    sinks = ("early", "late", "moody")

    def __init__(self) -> None:
        """Begin with one sink and an empty directory."""
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="plancton-store-"))
        self.patch = pytest.MonkeyPatch()
        self.lives = 0
        self.put = 0
        self.begun: dict[str, int] = {}
        self.got: dict[str, list[int]] = {name: [] for name in self.sinks}
        self.refused: dict[str, set[int]] = {name: set() for name in self.sinks}
        self.unwritten: set[int] = set()
        """What a crash took before it was on disk."""
        self.overflown: set[int] = set()
        """What memory had no room for."""
        self.numbers: dict[int, int] = {}
        self.bounds = BOUNDS
        self.begin()
        self.name("early")

    def begin(self) -> None:
        """Begin a life."""
        self.lives += 1
        self.last: dict[str, int] = {}
        self.boxes: dict[str, Outbox] = {}
        self.stepped = SteppedStore(self.directory / str(self.lives), self.patch, self.bounds, TAIL_BYTES)
        for name in self.begun:
            self.stepped.store.outbox(name)

    @rule(name=st.sampled_from(sinks))
    def name(self, name: str) -> None:
        """Have one sink more."""
        if name not in self.begun:
            self.stepped.rest(3)
            self.stepped.store.outbox(name)
            self.begun[name] = self.put
            self.stepped.rest(3)

    def tail(self) -> set[int]:
        """Return what is in memory."""
        return {value(row) for row in self.stepped.tail.after(0, 10**6)}

    @rule(number=st.integers(1, 40))
    def come(self, number: int) -> None:
        """Have points come."""
        in_memory = self.tail()
        self.stepped.store.put(points(self.put, self.put + number))
        before, self.put = self.put, self.put + number
        self.overflown |= (in_memory | set(range(before, self.put))) - self.tail()

    @rule(seconds=st.floats(0.1, 40.0), work=st.booleans())
    def turn(self, seconds: float, work: bool) -> None:  # noqa: FBT001 - hypothesis chooses
        """Let the loop turn, and maybe the disk work."""
        self.stepped.turn(seconds)
        if work:
            self.stepped.lane.step()

    @rule(name=st.sampled_from(sinks), answer=st.sampled_from(["takes", "takes", "takes", "away", "refuses"]))
    def send(self, name: str, answer: str) -> None:
        """Let a sink take points, or not."""
        if name not in self.begun:
            return
        outbox = self.stepped.store.outbox(name)
        self.stepped.store.fetch(name, self.stepped.now)
        rows = outbox.take(self.stepped.now)
        if not rows:
            return
        for row in rows:
            assert self.numbers.setdefault(row.id, value(row)) == value(row), "a number is used once"
        if self.boxes.get(name) is not outbox:
            # A store that opens late, with points in it, begins again with these.
            self.boxes[name], self.last[name] = outbox, -1
        assert value(rows[0]) > self.last.get(name, -1), "in order"
        assert [value(row) for row in rows] == sorted({value(row) for row in rows})
        if answer == "away":
            outbox.answered(Away(why="away"), self.stepped.now, 0.0, 1.0)
            return
        self.last[name] = value(rows[-1])
        if answer == "takes":
            self.got[name] += [value(row) for row in rows]
            outbox.answered(Accepted(), self.stepped.now, 0.0, 1.0)
            return
        self.last[name] = value(rows[0]) - 1
        refused = outbox.answered(Rejected(points=1, why="no", partial=False), self.stepped.now, 0.0, 1.0)
        if refused is not None:
            self.last[name] = value(refused)
            self.refused[name].add(value(refused))
            self.stepped.store.refuse(Refused(sink=name, id=refused.id, line="m", why="no"))

    @rule(fails=st.booleans())
    def disk(self, fails: bool) -> None:  # noqa: FBT001 - hypothesis chooses
        """Have the disk take nothing, or be well again."""
        self.stepped.disk = full if fails else lambda asked, run: run(asked)

    @rule(told=st.booleans())
    def crash(self, told: bool) -> None:  # noqa: FBT001 - hypothesis chooses
        """End a life at any moment; what isn't on disk is lost. Maybe the next one is told of the totals."""
        on_disk = set()
        if store_path(self.stepped.state).exists():
            on_disk = {value(Row(0, 0, "", "", each)) for (each,) in self.stepped.on_disk("SELECT fields FROM points")}
        outboxes = [self.stepped.store.outbox(name) for name in self.begun]
        fetched = {value(row) for outbox in outboxes for row in outbox.here}
        self.unwritten |= (self.tail() | fetched | (set() if told else self.overflown)) - on_disk
        former, sinks = self.stepped.store.state, [outbox.state for outbox in outboxes]
        self.stepped.crash(self.directory / str(self.lives + 1))
        self.begin()
        if told:
            self.stepped.store.resume(former, sinks)

    @invariant()
    def within_bounds(self) -> None:
        """Check the bound, whatever is under way."""
        path = store_path(self.stepped.state)
        size = sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*"))
        assert size <= self.bounds.size_bytes

    def teardown(self) -> None:
        """Let all be well in the end: everything arrives that wasn't lost, and what was is counted."""
        try:
            self.stepped.disk = lambda asked, run: run(asked)
            self.stepped.rest()
            for name in self.begun:
                for _ in range(400):
                    self.stepped.rest(1)
                    self.send(name, "takes")
                    if not self.stepped.store.outbox(name).waiting:
                        break
            self.stepped.rest()
            self.check()
        finally:
            self.stepped.file.close()
            self.patch.undo()
            shutil.rmtree(self.directory)

    def check(self) -> None:
        """Check that counts and facts agree."""
        stored = self.stepped.on_disk("SELECT id, fields FROM points ORDER BY id")
        assert state_of(self.stepped).points == len(stored)
        for number, fields in stored:
            assert self.numbers.setdefault(number, int(json.loads(fields)["v"])) == int(json.loads(fields)["v"])
        for name, begun in self.begun.items():
            state = self.stepped.store.outbox(name).state
            assert state.waiting_points == 0, name
            due = set(range(begun, self.put)) - self.unwritten
            missing = due - set(self.got[name]) - self.refused[name]
            assert len(missing) <= state.dropped_points, (name, sorted(missing)[:5])
            if self.lives == 1:
                assert len(missing) == state.dropped_points
                assert state.written_points == len(self.got[name])
                assert state.refused_points == len(self.refused[name])
