"""Threads that do a worker's blocking calls, so that its loop never waits for one."""

import functools
import os
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Lanes:
    """A few daemon threads; each takes the next call that waits."""

    def __init__(self, name: str, count: int, wake: Callable[[], None]) -> None:
        """Start ``count`` threads called ``name``; ``wake`` makes the loop look for results."""
        self._calls: queue.SimpleQueue[Callable[[], Callable[[], None]] | None] = queue.SimpleQueue()
        self._count = count
        self._done: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._wake = wake
        for number in range(count):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    def submit(self, call: Callable[[], T], then: Callable[[T], None]) -> None:
        """Have a thread make ``call``; the loop gives its result to ``then`` in a later ``collect``.

        ``call`` returns what goes wrong as a value: an exception that escapes it is a bug and ends the worker.
        """

        def work() -> Callable[[], None]:
            return functools.partial(then, call())

        self._calls.put(work)

    def close(self) -> None:
        """Let the threads end once they have made the calls that wait; no result is handed out any more."""
        for _ in range(self._count):
            self._calls.put(None)

    def collect(self) -> None:
        """Give the results that are there to whoever waits for them; called by the loop."""
        while True:
            try:
                done = self._done.get_nowait()
            except queue.Empty:
                return
            done()

    def wait(self, seconds: float) -> None:
        """Give the next result to whoever waits for it, once it's there; called by a loop that ends. Not for longer."""
        try:
            done = self._done.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return
        done()

    def _work(self) -> None:
        while True:
            work = self._calls.get()
            if work is None:
                return
            try:
                done = work()
            except Exception as error:  # noqa: BLE001 - handed to the loop, which dies of it as of its own bugs
                done = functools.partial(_raise, error)
            self._done.put(done)
            self._wake()


def _raise(error: Exception) -> None:
    raise error


def waker(descriptor: int) -> Callable[[], None]:
    """Return what wakes the poll that watches the other end of the pipe ``descriptor``."""

    def wake() -> None:
        try:
            os.write(descriptor, b"\0")
        except BlockingIOError:
            # A full pipe wakes the loop as well.
            return

    return wake
