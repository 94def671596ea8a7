"""A Docker engine in memory, with a clock of its own, that fails on demand. It behaves as tests/test_engine.py proves.

Time stands still until ``advance``: programs end then. ``fail``, ``lose_answer``, ``frozen`` and ``stop`` are the ways
in which real engines fail. Any number of threads may call it.
"""

import itertools
import queue
import re
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec

from plancton.common.engine import Engine
from plancton.common.engine_events import EventStream
from plancton.common.engine_types import Container, EngineEvent, EngineInfo, Failure, FailureKind
from plancton.common.pilot import ENDED_STATES, PilotState

T = TypeVar("T")

KEPT_EVENTS = 256
INFO = EngineInfo(
    version="20.10.24",
    api_version="1.41",
    name="node",
    cgroup_driver="cgroupfs",
    cgroup_version=1,
    apparmor=False,
    ncpus=8,
    memory_bytes=16 * 2**30,
    root_dir="/var/lib/docker",
    engine_id="FAKE",
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]+")


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """What a command does once it's started."""

    seconds: float | None = None
    """How long it runs; None: until it's killed."""
    exit_code: int = 0
    output: str = ""
    exit_code_on_sigterm: int | None = None
    """None: it doesn't heed SIGTERM, as a first process without a handler doesn't."""


class Call(msgspec.Struct, frozen=True):
    """One call that was made, with its positional arguments."""

    name: str
    arguments: tuple[Any, ...]


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


class FakeEngine(Engine):
    """An engine with its containers, images and failures in memory."""

    def __init__(self, *, info: EngineInfo = INFO, now_unix: float = 1_700_000_000.0) -> None:
        """Have the busybox image and no container."""
        super().__init__("unix:///nowhere")
        self.engine_info = info
        self.now_unix = now_unix
        self.images: dict[str, str] = {"busybox:latest": "sha256:" + "b" * 64}
        """What the engine has: ids by name with tag."""
        self.registry: dict[str, str] = {}
        """What can be pulled, likewise."""
        self.programs: dict[tuple[str, ...], Program] = {}
        """What commands do; one that isn't here runs until it's killed, ``/bin/sleep N`` for N seconds."""
        self.calls: list[Call] = []
        self.bodies: dict[str, dict[str, Any]] = {}
        """What each container that exists was created from, by id."""
        self._containers: dict[str, Container] = {}
        self._ends: dict[str, float] = {}
        self._events: deque[EngineEvent] = deque(maxlen=KEPT_EVENTS)
        self._streams: list[FakeEventStream] = []
        self._numbers = itertools.count(1)
        self._gone = False
        self._failures: defaultdict[str, deque[Failure]] = defaultdict(deque)
        self._lost: Counter[str] = Counter()
        self._gates: dict[str, threading.Event] = {}
        self._late: list[Callable[[], object]] = []
        self._lock = threading.RLock()

    # What a test does to it.

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
            ended = msgspec.structs.replace(
                now, state=PilotState.EXITED, finished_unix=self.now_unix, exit_code=exit_code, pid=None, oom_killed=oom
            )
            self._containers[now.container_id] = ended
            self._ends.pop(now.container_id, None)
            self._happen(ended, "die", exit_code=exit_code)

    def fail(self, call: str, kind: FailureKind, detail: str = "as told", times: int = 1) -> None:
        """Fail the next calls of this name without any effect."""
        self._failures[call].extend([Failure(kind=kind, detail=detail, seconds=0.0)] * times)

    def lose_answer(self, call: str, times: int = 1) -> None:
        """Time the next calls of this name out although they have their effect."""
        self._lost[call] += times

    @contextmanager
    def frozen(self, *calls: str) -> Iterator[None]:
        """Answer no call of these names, or none at all; what timed out meanwhile has its effect at the thaw."""
        gate = threading.Event()
        names = calls or ("",)
        self._gates |= dict.fromkeys(names, gate)
        try:
            yield
        finally:
            for name in names:
                del self._gates[name]
            gate.set()
            with self._lock:
                while self._late:
                    self._late.pop(0)()

    def stop(self) -> None:
        """Go away: event streams end, and past events are forgotten."""
        with self._lock:
            self._gone = True
            self._events.clear()
            for stream in self._streams:
                stream.close()
            self._streams.clear()

    def restart(self) -> None:
        """Be back. The containers lived on."""
        self._gone = False

    # What Engine does.

    def info(self, *, deadline: float = 10.0) -> EngineInfo | Failure:
        """Return what it was made with."""
        return self._do("info", (), deadline, lambda: self.engine_info)

    def list_containers(self, labels: Mapping[str, str], *, deadline: float = 10.0) -> tuple[Container, ...] | Failure:
        """Return the containers that carry all ``labels``, the newest first."""

        def look() -> tuple[Container, ...]:
            there = reversed(self._containers.values())
            return tuple(_as_listed(each) for each in there if labels.items() <= each.labels.items())

        return self._do("list_containers", (labels,), deadline, look)

    def inspect(self, container_id: str, *, deadline: float = 10.0) -> Container | Failure:
        """Return a container by its id or name."""

        def look() -> Container | Failure:
            there = self._containers.get(self._find(container_id))
            return there or _no_container(container_id)

        return self._do("inspect", (container_id,), deadline, look)

    def image_id(self, image: str, *, deadline: float = 10.0) -> str | Failure | None:
        """Return the id of an image that is there."""
        return self._do("image_id", (image,), deadline, lambda: self._image(image))

    def pull(self, image: str, *, deadline: float = 1800.0) -> str | Failure:
        """Fetch an image from ``registry``."""

        def fetch() -> str | Failure:
            name = _with_tag(image)
            if name not in self.registry:
                return _failure(FailureKind.BROKEN, f"no registry has {name}")
            self.images[name] = self.registry[name]
            return self.images[name]

        return self._do("pull", (image,), deadline, fetch)

    def create(self, body: Mapping[str, Any], name: str, *, deadline: float = 30.0) -> str | Failure:
        """Create a container."""
        return self._do("create", (body, name), deadline, lambda: self._create(dict(body), name))

    def start(self, container_id: str, *, deadline: float = 60.0) -> Failure | None:
        """Start a container."""
        return self._do("start", (container_id,), deadline, lambda: self._start(container_id))

    def kill(self, container_id: str, signal: str = "SIGKILL", *, deadline: float = 30.0) -> Failure | None:
        """Send a signal."""
        return self._do("kill", (container_id, signal), deadline, lambda: self._kill(container_id, signal))

    def remove(self, container_id: str, *, force: bool = False, deadline: float = 60.0) -> Failure | None:
        """Remove a container."""
        return self._do("remove", (container_id,), deadline, lambda: self._remove(container_id, force=force))

    def logs_tail(self, container_id: str, lines: int, max_bytes: int, *, deadline: float = 10.0) -> str | Failure:
        """Return the end of the output."""

        def look() -> str | Failure:
            there = self._containers.get(self._find(container_id))
            if there is None:
                return _no_container(container_id)
            if there.started_unix is None:
                return ""
            output = self._program(there.container_id).output
            return "".join(output.splitlines(keepends=True)[-lines:])[-max_bytes:]

        return self._do("logs_tail", (container_id, lines, max_bytes), deadline, look)

    def events(
        self, labels: Mapping[str, str], since_nano: int | None = None, *, deadline: float = 10.0
    ) -> EventStream | Failure:
        """Return the events as they come."""

        def follow() -> EventStream:
            stream = FakeEventStream(labels)
            if since_nano is not None:
                for event in self._events:
                    if event.at_nano >= since_nano:
                        stream.put(event)
            self._streams.append(stream)
            return stream

        return self._do("events", (labels, since_nano), deadline, follow)

    # How it does it.

    def _do(self, call: str, arguments: tuple[Any, ...], deadline: float, effect: Callable[[], T]) -> T | Failure:
        self.calls.append(Call(call, arguments))
        timed_out = Failure(kind=FailureKind.TIMED_OUT, detail="no answer", seconds=deadline)
        gate = self._gates.get(call) or self._gates.get("")
        if gate is not None and not gate.wait(deadline):
            self._late.append(effect)
            return timed_out
        with self._lock:
            if self._gone:
                return _failure(FailureKind.UNREACHABLE, "Connection refused")
            if self._failures[call]:
                return self._failures[call].popleft()
            result = effect()
            if self._lost[call] > 0:
                self._lost[call] -= 1
                return timed_out
            return result

    def _create(self, body: dict[str, Any], name: str) -> str | Failure:
        image_id = self._image(body["Image"])
        if not _NAME.fullmatch(name):
            return _failure(FailureKind.REFUSED, f"Invalid container name ({name})")
        if image_id is None:
            return _failure(FailureKind.NOT_FOUND, f"No such image: {_with_tag(body['Image'])}")
        if any(each.name == name for each in self._containers.values()):
            return _failure(FailureKind.CONFLICT, f'The container name "/{name}" is already in use')
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
            return _no_container(key)
        if there.state is PilotState.RUNNING:
            return None
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
            return _no_container(key)
        if there.state is not PilotState.RUNNING:
            return _failure(FailureKind.CONFLICT, f"Container {there.container_id} is not running")
        self._happen(there, "kill")
        on_sigterm = self._program(there.container_id).exit_code_on_sigterm
        if signal == "SIGKILL":
            self.finish(there.container_id, 137)
        elif signal == "SIGTERM" and on_sigterm is not None:
            self.finish(there.container_id, on_sigterm)
        return None

    def _remove(self, key: str, *, force: bool) -> Failure | None:
        there = self._containers.get(self._find(key))
        if there is None:
            return None
        if there.state is PilotState.RUNNING:
            if not force:
                return _failure(FailureKind.CONFLICT, "You cannot remove a running container")
            self._kill(there.container_id, "SIGKILL")
        gone = self._containers.pop(there.container_id)
        del self.bodies[there.container_id]
        self._happen(gone, "destroy")
        return None

    def _find(self, key: str) -> str:
        by_name = (each.container_id for each in self._containers.values() if each.name == key)
        return next(by_name, key)

    def _image(self, image: str) -> str | None:
        return image if image in self.images.values() else self.images.get(_with_tag(image))

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


def _as_listed(container: Container) -> Container:
    return msgspec.structs.replace(
        container,
        created_unix=float(int(container.created_unix)),
        exit_code=container.exit_code if container.state in ENDED_STATES else None,
        **dict.fromkeys(("started_unix", "finished_unix", "pid", "oom_killed", "cgroup_parent")),
    )


def _with_tag(image: str) -> str:
    return image if "@" in image or ":" in image.rpartition("/")[2] else f"{image}:latest"


def _failure(kind: FailureKind, detail: str) -> Failure:
    return Failure(kind=kind, detail=detail, seconds=0.0)


def _no_container(key: str) -> Failure:
    return _failure(FailureKind.NOT_FOUND, f"No such container: {key}")
