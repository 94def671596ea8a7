"""How long the engine's calls take, kept until somebody takes it."""

import functools
import threading
import time
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

import msgspec

from plancton.common.accounting import CallTimes
from plancton.common.engine_types import Failure, FailureKind

P = ParamSpec("P")
T = TypeVar("T")

_ANSWERS = frozenset({FailureKind.NOT_FOUND, FailureKind.CONFLICT})
"""What an engine says that works: that it doesn't have something, or that something isn't possible now."""


class CallBook:
    """The calls since they were last taken. Any number of threads may note calls at once."""

    def __init__(self) -> None:
        """Know of no call."""
        self._lock = threading.Lock()
        self._times: dict[str, CallTimes] = {}

    def note(self, operation: str, seconds: float, result: object) -> None:
        """Note a call that took so long and came back with ``result``, be it a ``Failure``."""
        failed = isinstance(result, Failure) and result.kind not in _ANSWERS
        with self._lock:
            before = self._times.get(operation)
            if before is None:
                before = CallTimes(operation=operation, calls=0, failures=0, seconds=0.0, longest_seconds=0.0)
            self._times[operation] = msgspec.structs.replace(
                before,
                calls=before.calls + 1,
                failures=before.failures + failed,
                seconds=before.seconds + seconds,
                longest_seconds=max(before.longest_seconds, seconds),
            )

    def take(self) -> tuple[CallTimes, ...]:
        """Return how each operation's calls went that were noted since this was last asked, and forget them."""
        with self._lock:
            taken, self._times = self._times, {}
        return tuple(taken.values())


class Booked(Protocol):
    """What keeps a book of its own calls."""

    @property
    def times(self) -> CallBook:
        """The book."""


B = TypeVar("B", bound=Booked)


def timed(method: Callable[Concatenate[B, P], T]) -> Callable[Concatenate[B, P], T]:
    """Return the method as an operation of its name, each call of which is noted."""
    operation = method.__name__

    @functools.wraps(method)
    def call(itself: B, /, *args: P.args, **kwargs: P.kwargs) -> T:
        began = time.monotonic()
        result = method(itself, *args, **kwargs)
        itself.times.note(operation, time.monotonic() - began, result)
        return result

    return call
