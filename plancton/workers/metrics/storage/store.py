"""The store as the worker's loop sees it: points go in, come back for each sink in order, and nothing here ever waits.

The file is in the hands of a thread. A point is in memory until it's on disk, and sinks get it from there as well, so
that a disk that is full or stuck keeps none from them.
"""

import functools
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from plancton.common.accounting import SinkState, StoreState
from plancton.common.history_schema import store_path
from plancton.common.points import Point
from plancton.workers.lanes import Lanes
from plancton.workers.metrics.delivery.outbox import Outbox
from plancton.workers.metrics.delivery.progress import Progress
from plancton.workers.metrics.storage.file import StoreFile
from plancton.workers.metrics.storage.pending import Pending
from plancton.workers.metrics.storage.rounds import Bounds, Done, Found, Output, Read, Refused, Round
from plancton.workers.metrics.storage.tail import Tail

log = logging.getLogger(__name__)

COMMIT_SECONDS = 0.5
"""Between two writes."""
TRIM_SECONDS = 60.0
"""The age is looked at as often, whatever else is to be written."""
LONGEST_PAUSE_SECONDS = 30.0
STUCK_SECONDS = 5.0
"""A disk that takes longer is told of; sinks don't wait longer for a store to be opened."""
_LARGEST_MOMENT = 2**52
"""Microseconds since 1970, up to the year 2112: numbers of points go on from there, however wrong the clock is."""


class Store:
    """The store in one state directory. Moments are monotonic seconds."""

    def __init__(self, state: Path, wake: Callable[[], None], tail: Tail | None = None) -> None:
        """Prepare for the store, which is opened, or made, once its bounds are known."""
        self._path = store_path(state)
        self._file = StoreFile(self._path)
        self._lane = Lanes("store", 1, wake)
        self._tail = Tail() if tail is None else tail
        self._pending = Pending()
        self._bounds: Bounds | None = None
        self._progress = Progress(self._tail)
        self._known = False
        """Whether a store was ever open, so that the numbers of the points are for good."""
        self._settled = False
        """Whether sinks may have points."""
        self._open = False
        self._committed = 0
        """The last point that is on disk."""
        self._reads: dict[str, Outbox] = {}
        self._round: Round | None = None
        self._round_since = 0.0
        self._asked_through = 0
        """The last point that there was then."""
        self._write_at = 0.0
        self._read_at = 0.0
        self._trim_at = 0.0
        self._failures = 0
        self._state = StoreState(points=0, size_bytes=0)

    @property
    def state(self) -> StoreState | None:
        """How it is doing; None until something is known about it."""
        return msgspec.structs.replace(self._state, waiting_points=len(self._tail)) if self._settled else None

    def resume(self, store: StoreState | None, sinks: Iterable[SinkState]) -> None:
        """Go on from what a former life of the worker said, as far as the store on disk doesn't tell more."""
        if store is not None:
            self._state = msgspec.structs.replace(
                self._state,
                dropped_points=self._state.dropped_points + store.dropped_points,
                set_aside=self._state.set_aside or store.set_aside,
            )
        self._progress.resume(sinks)

    def follow(self, bounds: Bounds) -> None:
        """Keep to these bounds from now on."""
        if bounds != self._bounds:
            self._bounds = bounds
            self._trim_at = 0.0

    def put(self, points: Iterable[Point]) -> None:
        """Take in points."""
        before = self._tail.last_id
        dropped = self._tail.put(points)
        self._progress.put(self._tail.last_id - before, dropped)
        if dropped:
            self._count(dropped_points=self._state.dropped_points + len(dropped))

    def keep(self, output: Output) -> None:
        """Take in the end of a pilot's output."""
        self._pending.keep(output)

    def refuse(self, refused: Refused) -> None:
        """Set a point aside that a sink will never take."""
        self._pending.refuse(refused)

    def outbox(self, name: str) -> Outbox:
        """Return the progress of a sink: a new one begins with the next point, a former one goes on where it was."""
        return self._progress.outbox(name)

    def fetch(self, name: str, now: float) -> None:
        """Give a sink its next points if it wants any: now, or in a later ``collect`` if they are only on disk."""
        outbox = self._progress.outbox(name)
        if not self._settled or name in self._reads or not outbox.wants(now):
            return
        if outbox.cursor < self._committed:
            self._reads[name] = outbox
            return
        outbox.correct(self._tail.count_after(outbox.cursor))
        outbox.fill(self._tail.after(outbox.cursor, outbox.limit))

    def collect(self) -> None:
        """Take in what the disk has done."""
        self._lane.collect()

    def turn(self, now: float) -> float | None:
        """Have the disk do what is due; return when something will be, None while only the disk can tell."""
        if self._round is not None:
            return self._watch(now)
        if self._bounds is None:
            return None
        work = self._has_work(now)
        write = work and now >= self._write_at
        read = self._open and bool(self._reads) and now >= self._read_at
        if write or read:
            self._ask(now, self._bounds, write=write, read=read)
            return now + STUCK_SECONDS
        moments = [self._write_at if work else self._trim_at]
        if self._open and self._reads:
            moments.append(self._read_at)
        return min(moments)

    def finish(self, until: float) -> None:
        """Write what waits, at most until then: the process is about to end."""
        if self._bounds is None:
            return
        while (now := time.monotonic()) < until and (self._round is not None or self._has_work(now)):
            self._write_at = self._write_at if self._failures else now
            self.turn(now)
            self._lane.wait(until - time.monotonic())

    def close(self) -> None:
        """Let the thread end once it has done what it was asked for, and let go of the file."""
        self._lane.submit(self._file.close, lambda _: None)
        self._lane.close()

    def _has_work(self, now: float) -> bool:
        return bool(not self._open or self._tail or self._pending or now >= self._trim_at or self._progress.changed())

    def _ask(self, now: float, bounds: Bounds, *, write: bool, read: bool) -> None:
        reads = self._reads if read else {}
        # A round that opens the file does nothing else: the points' numbers aren't known before.
        put = write and self._open
        refused, outputs = self._pending.take(bounds.round_bytes) if put else ((), ())
        self._round = Round(
            write=write,
            now_ns=time.time_ns(),
            bounds=bounds,
            rows=self._tail.take(bounds.round_bytes) if put else (),
            sinks=self._progress.changed() if put else (),
            positions={name: outbox.position for name, outbox in self._progress},
            refused=refused,
            outputs=outputs,
            reads=tuple(Read(sink=name, after=each.cursor, most=each.limit) for name, each in reads.items()),
        )
        self._round_since = now
        self._asked_through = self._tail.last_id
        self._lane.submit(functools.partial(self._file.run, self._round), functools.partial(self._done, self._round))

    def _watch(self, now: float) -> float | None:
        stuck_at = self._round_since + STUCK_SECONDS
        if now < stuck_at:
            return stuck_at
        self._settled = True
        self._tell("the disk doesn't answer")
        return None

    def _done(self, asked: Round, done: Done) -> None:
        now = time.monotonic()
        self._round = None
        self._count(points=done.points, size_bytes=done.size_bytes, oldest_unix=_seconds(done.oldest_ns))
        self._pending.answered(written=done.written)
        self._hand_out(asked, done)
        self._committed = max(self._committed, self._tail.answered(written=done.written))
        if done.written:
            self._progress.written(asked.sinks)
        self._progress.trimmed(done.trimmed, done.trimmed_through)
        if done.lost:
            self._lost(done)
        if done.found is not None:
            self._found(done.found)
        self._settled = True
        self._plan(now, asked, done)

    def _plan(self, now: float, asked: Round, done: Done) -> None:
        """Decide when to go on."""
        if done.problem:
            self._tell(done.problem)
            self._failures += 1
            pause = min(COMMIT_SECONDS * 2.0 ** min(self._failures, 10), LONGEST_PAUSE_SECONDS)
            self._read_at = now + pause if asked.reads and done.read is None else now
            self._write_at = now + pause
        elif done.written:
            self._tell("")
            self._failures = 0
            # What didn't fit in has waited long enough.
            left = self._tail.after(0, 1)
            in_haste = done.more or bool(left and left[0].id <= self._asked_through)
            self._write_at = now if in_haste else now + COMMIT_SECONDS
            self._trim_at = now if done.more else now + TRIM_SECONDS

    def _hand_out(self, asked: Round, done: Done) -> None:
        for wish in asked.reads:
            if done.read is None or wish.sink not in self._reads:
                continue
            outbox, rows = self._reads.pop(wish.sink), done.read[wish.sink]
            if rows:
                outbox.fill(rows)
            else:
                # There is nothing up to what was in memory then.
                outbox.skip(self._committed)

    def _found(self, found: Found) -> None:
        self._open = True
        if self._known:
            return
        self._known = True
        # So that no number is used again, whatever was lost with a former file.
        base = max(found.last_id, min(time.time_ns() // 1000, _LARGEST_MOMENT))
        self._tail.shift(base)
        self._committed = base
        self._progress.found(found, base)

    def _lost(self, done: Done) -> None:
        """Go on without the file, and with another one later."""
        self._progress.gone()
        self._reads = {}
        self._open, self._committed = False, 0
        if done.set_aside:
            self._count(set_aside=done.set_aside)
            log.error("the store of measurements was damaged and is set aside as %s: %s", done.set_aside, done.problem)

    def _tell(self, problem: str) -> None:
        before = self._state.error
        if problem == before:
            return
        self._count(error=problem, error_unix=time.time() if problem else None)
        if problem and not before:
            log.warning("%s can't be used, measurements wait in memory: %s", self._path, problem)
        elif not problem:
            log.info("%s is written again; %d points never got there", self._path, self._state.dropped_points)

    def _count(self, **changes: object) -> None:
        self._state = msgspec.structs.replace(self._state, **changes)


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / 1e9
