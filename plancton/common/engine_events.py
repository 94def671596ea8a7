"""The engine's event stream: a reply that may last for weeks."""

import threading
from collections.abc import Callable
from typing import Self

from plancton.common.engine_answers import decode_event
from plancton.common.engine_types import EngineEvent
from plancton.common.engine_wire import ERRORS, Reply

_HANG_UP_SECONDS = 1.0


class EventStream:
    """Events of containers as they come. Iterating blocks until there is one.

    It ends when the engine goes away, and after ``close``.
    """

    def __init__(self, reply: Reply, give_up: Callable[[], None]) -> None:
        """Read from ``reply``; ``give_up`` is called once, or more often, when nothing more will be read."""
        self._reply = reply
        self._give_up = give_up
        self._lines = reply.lines()
        self._reading = threading.Lock()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> EngineEvent:
        with self._reading:
            try:
                return decode_event(next(self._lines))
            except ERRORS:
                # Whatever broke it, only a new stream and a full look tell what is true now.
                self._release()
                raise StopIteration from None
            except StopIteration:
                self._release()
                raise

    def close(self) -> None:
        """End the iteration at once, from whatever thread it goes on in. Closing again does nothing."""
        self._reply.hang_up()
        # A reader that can't be hung up on sees the end by itself, at its next event.
        if self._reading.acquire(timeout=_HANG_UP_SECONDS):
            self._release()
            self._reading.release()

    def _release(self) -> None:
        self._lines.close()
        self._reply.close()
        self._give_up()
