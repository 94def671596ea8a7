"""The engine's event stream: an answer that may last for weeks."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Self

from plancton.common.engine_answers import event
from plancton.common.engine_types import EngineEvent


class EventStream:
    """Events of containers as they come. Iterating blocks until there is one.

    It ends when the engine goes away, and after ``close``.
    """

    def __init__(self, answers: Iterator[Any], hang_up: Callable[[], None]) -> None:
        """Read from ``answers``; ``hang_up`` ends the connection under whoever reads."""
        self._answers = answers
        self._hang_up = hang_up

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> EngineEvent:
        try:
            return event(next(self._answers))
        except Exception as error:
            # Whatever broke it, only a new stream and a full look tell what is true now.
            self.close()
            if isinstance(error, StopIteration):
                raise
            raise StopIteration from None

    def close(self) -> None:
        """End the iteration at once, from whatever thread it goes on in. Closing again does nothing."""
        # docker-py looks for the socket within the answer, from which it's gone once the stream has ended.
        with contextlib.suppress(OSError, AttributeError):
            self._hang_up()
