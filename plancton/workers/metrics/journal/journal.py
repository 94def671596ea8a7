"""The journal's way to disk: a bounded queue and a thread, so that a disk that is stuck or full delays nobody."""

import functools
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from plancton.common.journal_entries import Entry, Kind
from plancton.common.journal_lines import line
from plancton.workers.lanes import Lanes
from plancton.workers.metrics.journal.segments import Written, append

log = logging.getLogger(__name__)

MOST_WAITING_BYTES = 4 * 2**20
"""Of lines that wait for the disk; where there are more, the oldest are dropped and counted."""


class Journal:
    """The journal in one directory."""

    def __init__(self, directory: Path, wake: Callable[[], None]) -> None:
        """Write into ``directory``, which is made where it's missing, once its bound is known."""
        self._directory = directory
        self._lane = Lanes("journal", 1, wake)
        self._most_bytes: int | None = None
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._under_way = False
        self._shrink = False
        self._untold = 0
        """Entries dropped since the journal itself last told of such."""
        self._problem = ""
        self.dropped = 0
        """Entries that weren't written, in this life."""

    def follow(self, most_bytes: int) -> None:
        """Keep to so many bytes on disk from now on."""
        self._shrink = self._shrink or self._most_bytes != most_bytes
        self._most_bytes = most_bytes

    def put(self, entries: Iterable[Entry]) -> None:
        """Queue entries."""
        for entry in entries:
            self._waiting.append(line(entry))
            self._waiting_bytes += len(self._waiting[-1])
        while self._waiting_bytes > MOST_WAITING_BYTES:
            self._waiting_bytes -= len(self._waiting.popleft())
            self._drop(1)

    def turn(self) -> None:
        """Write what waits, unless the disk is still at the last of it."""
        self._lane.collect()
        if self._under_way or self._most_bytes is None or not (self._waiting or self._shrink):
            return
        lines = tuple(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        told = self._untold if lines else 0
        if told:
            lines = (self._gap(told), *lines)
        self._under_way, self._shrink = True, False
        self._lane.submit(
            functools.partial(append, self._directory, lines, self._most_bytes),
            functools.partial(self._done, len(lines), told),
        )

    def close(self) -> None:
        """Let the thread end once it has written what it has."""
        self._lane.close()

    def _done(self, lines: int, told: int, written: Written) -> None:
        self._under_way = False
        if told and written.lines:
            self._untold -= told
        # The line that tells of a gap is none of those that could be lost.
        self._drop(lines - max(written.lines, 1 if told else 0))
        if written.problem and not self._problem:
            log.warning("the journal in %s can't be written, entries are dropped: %s", self._directory, written.problem)
        elif self._problem and not written.problem:
            log.info("the journal in %s is written again; %d entries were dropped", self._directory, self.dropped)
        self._problem = written.problem

    def _drop(self, entries: int) -> None:
        self._untold += entries
        self.dropped += entries

    def _gap(self, entries: int) -> bytes:
        why = f": {self._problem}" if self._problem else ""
        return line(Entry(at_unix=time.time(), kind=Kind.LOST, detail=f"entries that weren't written: {entries}{why}"))
