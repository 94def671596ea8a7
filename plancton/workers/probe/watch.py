"""The probe's eyes on the engine: the event stream and the full look, each in a thread of its own."""

import queue
import threading
import time
from collections.abc import Callable

import msgspec

from plancton.common.engine import Engine
from plancton.common.engine_events import EventStream
from plancton.common.engine_types import Container, EngineEvent, EngineInfo, Failure, FailureKind
from plancton.common.naming import LABEL_INSTANCE, is_named_as_labelled, is_pilot, parse_labels
from plancton.workers.lanes import Lanes

LOOK_DEADLINE_SECONDS = 5.0
"""A list takes milliseconds; an engine that needs this long is frozen."""
_RECONNECT_SECONDS = 0.5


class FullLook(msgspec.Struct, frozen=True, kw_only=True):
    """All pilots of the instance at one moment, in whatever state."""

    containers: tuple[Container, ...]
    info: EngineInfo


class StreamOpened(msgspec.Struct, frozen=True, kw_only=True):
    """The event stream is open: from now on no event is missed."""

    at_monotonic: float


class StreamEnded(msgspec.Struct, frozen=True, kw_only=True):
    """The event stream ended or couldn't be opened: events may be missed until the next one is open."""

    why: str
    at_monotonic: float


Brought = EngineEvent | StreamOpened | StreamEnded


class EngineWatch:
    """Watches one engine for the containers of one instance until it's closed."""

    def __init__(self, engine: Engine, instance: str, wake: Callable[[], None]) -> None:
        """Start watching; ``wake`` is called when there is something to take."""
        self._engine = engine
        self._labels = {LABEL_INSTANCE: instance}
        self._wake = wake
        self._lanes = Lanes("look", 1, wake)
        self._events: queue.SimpleQueue[Brought] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._info: EngineInfo | None = None
        self._stream: EventStream | None = None
        threading.Thread(target=self._follow, name="events", daemon=True).start()

    def take(self) -> list[Brought]:
        """Return what the event stream brought, oldest first."""
        taken: list[Brought] = []
        while True:
            try:
                taken.append(self._events.get_nowait())
            except queue.Empty:
                return taken

    def look(self, then: Callable[[FullLook | Failure], None]) -> None:
        """List all containers; the loop gets the result in ``collect``."""
        self._lanes.submit(self._look, then)

    def collect(self) -> None:
        """Hand out the looks that are there."""
        self._lanes.collect()

    def close(self) -> None:
        """End both threads, the one that looks once the engine has answered or its deadline has passed."""
        self._closed.set()
        self._lanes.close()
        if self._stream is not None:
            self._stream.close()

    def _look(self) -> FullLook | Failure:
        info = self._info or self._engine.info(deadline=LOOK_DEADLINE_SECONDS)
        if isinstance(info, Failure):
            return info
        containers = self._pilots()
        # Another engine may answer at this address after a failure.
        self._info = None if isinstance(containers, Failure) else info
        return containers if isinstance(containers, Failure) else FullLook(containers=containers, info=info)

    def _pilots(self) -> tuple[Container, ...] | Failure:
        """List the containers that carry the labels of a pilot, and leave out those that merely carry them."""
        listed = self._engine.list_containers(self._labels, deadline=LOOK_DEADLINE_SECONDS)
        if isinstance(listed, Failure):
            return listed
        pilots: list[Container] = []
        for each in listed:
            if parse_labels(each.labels) is None:
                continue
            if not is_named_as_labelled(each.name, each.labels):
                there = self._engine.inspect(each.container_id, deadline=LOOK_DEADLINE_SECONDS)
                if isinstance(there, Failure):
                    if there.kind is FailureKind.NOT_FOUND:
                        continue
                    return there
                if not is_pilot(there.name, there.labels, there.cgroup_parent):
                    continue
            pilots.append(each)
        return tuple(pilots)

    def _follow(self) -> None:
        since: int | None = None
        while not self._closed.is_set():
            stream = self._engine.events(self._labels, since)
            if isinstance(stream, Failure):
                self._put(StreamEnded(why=stream.detail, at_monotonic=time.monotonic()))
            else:
                self._stream = stream
                if self._closed.is_set():
                    # Closed while the stream was being opened: nobody else will close it.
                    stream.close()
                self._put(StreamOpened(at_monotonic=time.monotonic()))
                for event in stream:
                    since = event.at_nano
                    self._put(event)
                self._put(StreamEnded(why="the event stream ended", at_monotonic=time.monotonic()))
            self._closed.wait(_RECONNECT_SECONDS)

    def _put(self, what: Brought) -> None:
        self._events.put(what)
        self._wake()
