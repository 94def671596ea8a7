"""The bench's own ear at the engine: one event stream, kept in a list, that others wait on."""

import threading
import time
from collections.abc import Callable
from typing import Any, Self

from docker import APIClient

from bench.spans import Event

ACTIONS = frozenset({"start", "die", "destroy", "pause"})


SILENCE_SECONDS = 3600
"""The stream may be silent as long as pilots sleep; the client's default of 60 would end it."""


class EventsLostError(Exception):
    """The event stream ended by itself: what it didn't tell can't be measured."""


class Recorder:
    """Hears the containers that carry ``label`` (``key`` or ``key=value``), from entering the context to leaving it."""

    def __init__(self, url: str, label: str) -> None:
        self._client = APIClient(base_url=url, version="auto", timeout=SILENCE_SECONDS)
        self._label = label
        self._events: list[Event] = []
        self._changed = threading.Condition()
        self._ended = False
        self._stream: Any = None

    def __enter__(self) -> Self:
        # The engine answers before it has subscribed us; looking back a second closes that gap, for labels are new.
        filters = {"type": "container", "label": self._label}
        self._stream = self._client.events(since=int(time.time()) - 1, filters=filters, decode=True)
        threading.Thread(target=self._hear, name="engine events", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._client.close()

    def _hear(self) -> None:
        try:
            for told in self._stream:
                if told.get("Action") in ACTIONS:
                    event = Event(moment=told["timeNano"] / 1e9, container=told["id"], action=told["Action"])
                    with self._changed:
                        self._events.append(event)
                        self._changed.notify_all()
        except (OSError, ValueError, AttributeError):
            # What the SDK's generator raises when its socket is closed under it, which is how we leave.
            pass
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def events(self) -> list[Event]:
        """All that was heard, in the order of the engine's stamps."""
        with self._changed:
            return sorted(self._events, key=lambda event: event.moment)

    def wait(self, until: Callable[[list[Event]], bool], timeout: float) -> bool:
        """Wait until the events heard satisfy ``until``; False when ``timeout`` seconds went by before."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not until(self._events):
                if self._ended:
                    raise EventsLostError("the engine's event stream ended")  # noqa: EM101, TRY003
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
            return True
