"""Blocking calls that go on only when told to: what stands for a worker's threads, and for the engine that they ask."""

import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Protocol

from plancton.common.engine_times import CallBook


class Clock(Protocol):
    """Tells the time of a test."""

    @property
    def now(self) -> float:
        """Monotonic seconds."""


class How(StrEnum):
    """What comes of a call on the engine."""

    DONE = "done"
    FAILED = "failed"
    """Without effect."""
    ANSWER_LOST = "answer-lost"
    LATE = "late"
    """Timed out, and its effect comes later."""


class _AbandonedError(BaseException):
    """Ends the thread of a call whose process was killed."""


class Call:
    """A blocking call in a thread of its own, which stands still at each thing that it asks of the engine."""

    def __init__(self, call: Callable[[], object], then: Callable[[Any], None]) -> None:
        """Go on until something is asked of the engine, or nothing more is."""
        self.asks: tuple[str, tuple[Any, ...]] | None = None
        self.keywords: dict[str, Any] = {}
        self.asked_at = 0.0
        self.then = then
        self.result: object = None
        self._call = call
        self._answer: object = None
        self._abandoned = False
        self._stands, self._goes = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._stands.acquire()

    def ask(self, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any], now: float) -> object:
        """Stand still, in the call's own thread, until there is an answer."""
        self.asks, self.keywords, self.asked_at = (name, arguments), keywords, now
        self._stands.release()
        self._goes.acquire()
        if self._abandoned:
            raise _AbandonedError
        return self._answer

    def answer(self, value: object) -> None:
        """Go on with this answer until something else is asked."""
        self._answer, self.asks = value, None
        self._goes.release()
        self._stands.acquire()

    def abandon(self) -> None:
        """End it."""
        if self.asks is not None:
            self._abandoned = True
            self._goes.release()
        self._thread.join()

    def _run(self) -> None:
        _Here.call = self
        try:
            self.result = self._call()
        except _AbandonedError:
            return
        self._stands.release()


class _ThreadsOwn(threading.local):
    call: Call


_Here = _ThreadsOwn()


class Asking:
    """Stands for the engine within a worker: whatever is asked of it waits in its call."""

    def __init__(self, clock: Clock) -> None:
        """Stand for the one engine that there is; ``clock`` tells when it was asked."""
        self._clock = clock
        self.times = CallBook()
        """Without any: nothing here takes time."""

    def __getattr__(self, name: str) -> Callable[..., object]:
        """Return what asks it."""
        return lambda *arguments, **keywords: _Here.call.ask(name, arguments, keywords, self._clock.now)


class Lanes:
    """Stands for a worker's threads."""

    def __init__(self, _name: str, _count: int, _wake: Callable[[], None]) -> None:
        """Have no call yet."""
        self.calls: list[Call] = []

    def submit(self, call: Callable[[], object], then: Callable[[Any], None]) -> None:
        """Begin a call."""
        self.calls.append(Call(call, then))

    def collect(self) -> None:
        """Hand out what the calls that are over brought."""
        over = [call for call in self.calls if call.asks is None]
        self.calls = [call for call in self.calls if call.asks is not None]
        for call in over:
            call.then(call.result)
