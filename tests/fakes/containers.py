"""The containers that a fake engine has, and what happens to them. It behaves as tests/test_engine.py proves.

Time stands still until ``advance``: programs end then. A suspended one has no time.
"""

import itertools
import queue
import re
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from plancton.common.engine_events import EventStream
from plancton.common.engine_types import Container, EngineEvent, Failure, FailureKind
from plancton.common.pilot import ENDED_STATES, PilotState

KEPT_EVENTS = 256
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]+")
_HAS_A_PROCESS = frozenset({PilotState.RUNNING, PilotState.PAUSED})


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """What a command does once it's started."""

    seconds: float | None = None
    """How long it runs; None: until it's killed."""
    exit_code: int = 0
    output: str = ""
    exit_code_on_sigterm: int | None = None
    """None: it doesn't heed SIGTERM, as a first process without a handler doesn't."""


class FakeEventStream(EventStream):
    """The events of a fake engine as they come."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        """Bring the events of containers that carry all ``labels``."""
        self._labels = labels
        self._coming: queue.SimpleQueue[EngineEvent | None] = queue.SimpleQueue()

    def put(self, event: EngineEvent) -> None:
        """Bring ``event`` unless it's another's."""
        if self._labels.items() <= event.labels.items():
            self._coming.put(event)

    def __next__(self) -> EngineEvent:
        event = self._coming.get()
        if event is None:
            self._coming.put(None)
            raise StopIteration
        return event

    def close(self) -> None:
        """End the iteration."""
        self._coming.put(None)


class Containers:
    """Containers, the programs in them, and the events of both."""

    def __init__(self, now_unix: float) -> None:
        """Have the busybox image and no container."""
        self.now_unix = now_unix
        self.images: dict[str, str] = {"busybox:latest": "sha256:" + "b" * 64}
        """What the engine has: ids by name with tag."""
        self.programs: dict[tuple[str, ...], Program] = {}
        """What commands do; one that isn't here runs until it's killed, ``/bin/sleep N`` for N seconds."""
        self.bodies: dict[str, dict[str, Any]] = {}
        """What each container that exists was created from, by id."""
        self._containers: dict[str, Container] = {}
        self._ends: dict[str, float] = {}
        """When programs that run will end."""
        self._left: dict[str, float] = {}
        """How many seconds those have left that are suspended."""
        self._events: deque[EngineEvent] = deque(maxlen=KEPT_EVENTS)
        self._streams: list[FakeEventStream] = []
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    def advance(self, seconds: float) -> None:
        """Let time pass; programs whose time has come end, in order."""
        with self._lock:
            until = self.now_unix + seconds
            while due := [(end, key) for key, end in self._ends.items() if end <= until]:
                self.now_unix, container_id = min(due)
                self.finish(container_id, self._program(container_id).exit_code)
            self.now_unix = until

    def finish(self, container: str, exit_code: int = 0, *, oom: bool = False) -> None:
        """Let a running container's program end by itself."""
        with self._lock:
            now = self._containers[self._find(container)]
            assert now.state is PilotState.RUNNING
            if oom:
                self._happen(now, "oom")
            self._end(now, exit_code, oom=oom)

    def _create(self, body: dict[str, Any], name: str) -> str | Failure:
        image_id = self._image(body["Image"])
        if not _NAME.fullmatch(name):
            return failure(FailureKind.REFUSED, f"Invalid container name ({name})")
        if image_id is None:
            return failure(FailureKind.NOT_FOUND, f"No such image: {with_tag(body['Image'])}")
        if any(each.name == name for each in self._containers.values()):
            return failure(FailureKind.CONFLICT, f'The container name "/{name}" is already in use')
        container = Container(
            container_id=f"{next(self._numbers):064x}",
            name=name,
            labels=dict(body.get("Labels") or {}),
            state=PilotState.CREATED,
            created_unix=self.now_unix,
            image_id=image_id,
            oom_killed=False,
            cgroup_parent=(body.get("HostConfig") or {}).get("CgroupParent", ""),
        )
        self._containers[container.container_id] = container
        self.bodies[container.container_id] = body
        self._happen(container, "create")
        return container.container_id

    def _start(self, key: str) -> Failure | None:
        there = self._containers.get(self._find(key))
        if there is None:
            return no_container(key)
        if there.state is PilotState.RUNNING:
            return None
        if there.state is PilotState.PAUSED:
            return failure(FailureKind.CONFLICT, "cannot start a paused container, try unpause instead")
        running = msgspec.structs.replace(
            there,
            state=PilotState.RUNNING,
            started_unix=self.now_unix,
            finished_unix=None,
            exit_code=None,
            pid=next(self._numbers) + 1000,
        )
        self._containers[there.container_id] = running
        self._happen(running, "start")
        program = self._program(there.container_id)
        if program.seconds is not None:
            self._ends[there.container_id] = self.now_unix + program.seconds
        return None

    def _kill(self, key: str, signal: str) -> Failure | None:
        there = self._containers.get(self._find(key))
        if there is None:
            return no_container(key)
        if there.state not in _HAS_A_PROCESS:
            return _not_running(there)
        self._happen(there, "kill")
        if signal == "SIGKILL":
            self._end(there, 137)
            return None
        if there.state is PilotState.PAUSED:
            there = self._go_on(there)
        on_sigterm = self._program(there.container_id).exit_code_on_sigterm
        if signal == "SIGTERM" and on_sigterm is not None:
            self._end(there, on_sigterm)
        return None

    def _end(self, now: Container, exit_code: int, *, oom: bool = False) -> None:
        ended = msgspec.structs.replace(
            now, state=PilotState.EXITED, finished_unix=self.now_unix, exit_code=exit_code, pid=None, oom_killed=oom
        )
        self._containers[now.container_id] = ended
        self._ends.pop(now.container_id, None)
        self._left.pop(now.container_id, None)
        self._happen(ended, "die", exit_code=exit_code)

    def _pause(self, key: str) -> Failure | None:
        there = self._containers.get(self._find(key))
        if there is None:
            return no_container(key)
        if there.state is PilotState.PAUSED:
            return None
        if there.state is not PilotState.RUNNING:
            return _not_running(there)
        paused = msgspec.structs.replace(there, state=PilotState.PAUSED)
        self._containers[there.container_id] = paused
        if there.container_id in self._ends:
            self._left[there.container_id] = self._ends.pop(there.container_id) - self.now_unix
        self._happen(paused, "pause")
        return None

    def _unpause(self, key: str) -> Failure | None:
        there = self._containers.get(self._find(key))
        if there is None:
            return no_container(key)
        if there.state not in _HAS_A_PROCESS:
            return failure(FailureKind.CONFLICT, f"Container {there.container_id} is not paused")
        if there.state is PilotState.PAUSED:
            self._go_on(there)
        return None

    def _go_on(self, paused: Container) -> Container:
        running = msgspec.structs.replace(paused, state=PilotState.RUNNING)
        self._containers[paused.container_id] = running
        if paused.container_id in self._left:
            self._ends[paused.container_id] = self.now_unix + self._left.pop(paused.container_id)
        self._happen(running, "unpause")
        return running

    def _lift_quota(self, key: str) -> Failure | None:
        there = self._containers.get(self._find(key))
        if there is None:
            return no_container(key)
        self._happen(there, "update")
        return None

    def _remove(self, key: str, *, force: bool) -> Failure | None:
        there = self._containers.get(self._find(key))
        if there is None:
            return None
        if there.state in _HAS_A_PROCESS:
            if not force:
                return failure(FailureKind.CONFLICT, f"You cannot remove a {there.state} container")
            self._kill(there.container_id, "SIGKILL")
        gone = self._containers.pop(there.container_id)
        del self.bodies[there.container_id]
        self._happen(gone, "destroy")
        return None

    def _find(self, key: str) -> str:
        by_name = (each.container_id for each in self._containers.values() if each.name == key)
        return next(by_name, key)

    def _image(self, image: str) -> str | None:
        return image if image in self.images.values() else self.images.get(with_tag(image))

    def _program(self, container_id: str) -> Program:
        command = tuple(self.bodies[container_id].get("Cmd") or ())
        match command:
            case ("/bin/sleep", seconds) if command not in self.programs:
                return Program(seconds=float(seconds))
        return self.programs.get(command, Program())

    def _happen(self, container: Container, action: str, exit_code: int | None = None) -> None:
        event = EngineEvent(
            action=action,
            container_id=container.container_id,
            name=container.name,
            labels=container.labels,
            exit_code=exit_code,
            at_nano=int(self.now_unix * 1e9) + next(self._numbers),
        )
        self._events.append(event)
        for stream in self._streams:
            stream.put(event)


def as_listed(container: Container) -> Container:
    """Return what a list shows of a container."""
    return msgspec.structs.replace(
        container,
        created_unix=float(int(container.created_unix)),
        exit_code=container.exit_code if container.state in ENDED_STATES else None,
        **dict.fromkeys(("started_unix", "finished_unix", "pid", "oom_killed", "cgroup_parent")),
    )


def with_tag(image: str) -> str:
    """Return an image's name with the tag that it stands for."""
    return image if "@" in image or ":" in image.rpartition("/")[2] else f"{image}:latest"


def failure(kind: FailureKind, detail: str) -> Failure:
    """Return a failure that took no time."""
    return Failure(kind=kind, detail=detail, seconds=0.0)


def no_container(key: str) -> Failure:
    """Return how the engine fails that has no such container."""
    return failure(FailureKind.NOT_FOUND, f"No such container: {key}")


def _not_running(container: Container) -> Failure:
    return failure(FailureKind.CONFLICT, f"Container {container.container_id} is not running")
