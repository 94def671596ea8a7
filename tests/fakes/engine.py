"""A Docker engine in memory, with a clock of its own, that fails on demand. It behaves as tests/test_engine.py proves.

``fail``, ``lose_answer``, ``frozen`` and ``stop`` are the ways in which real engines fail. Any number of threads may
call it.
"""

import io
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec

from plancton.common.engine import Engine
from plancton.common.engine_events import EventStream
from plancton.common.engine_types import Container, EngineInfo, Failure, FailureKind
from tests.fakes.containers import Containers, FakeEventStream, as_listed, failure, no_container, with_tag

T = TypeVar("T")

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


class Call(msgspec.Struct, frozen=True):
    """One call that was made, with its positional arguments."""

    name: str
    arguments: tuple[Any, ...]


class FakeEngine(Containers, Engine):
    """An engine with its containers, images and failures in memory."""

    def __init__(self, *, info: EngineInfo = INFO, now_unix: float = 1_700_000_000.0) -> None:
        """Have the busybox image and no container."""
        Containers.__init__(self, now_unix)
        Engine.__init__(self, "unix:///nowhere")
        self.engine_info = info
        self.registry: dict[str, str] = {}
        """What can be pulled: ids by name with tag."""
        self.calls: list[Call] = []
        self._gone = False
        self._failures: defaultdict[str, deque[Failure]] = defaultdict(deque)
        self._lost: Counter[str] = Counter()
        self._gates: dict[str, threading.Event] = {}
        self._late: list[Callable[[], object]] = []

    # What a test does to it.

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
            return tuple(as_listed(each) for each in there if labels.items() <= each.labels.items())

        return self._do("list_containers", (labels,), deadline, look)

    def inspect(self, container_id: str, *, deadline: float = 10.0) -> Container | Failure:
        """Return a container by its id or name."""

        def look() -> Container | Failure:
            there = self._containers.get(self._find(container_id))
            return there or no_container(container_id)

        return self._do("inspect", (container_id,), deadline, look)

    def image_id(self, image: str, *, deadline: float = 10.0) -> str | Failure | None:
        """Return the id of an image that is there."""
        return self._do("image_id", (image,), deadline, lambda: self._image(image))

    def pull(self, image: str, *, deadline: float = 1800.0) -> str | Failure:
        """Fetch an image from ``registry``."""

        def fetch() -> str | Failure:
            name = with_tag(image)
            if name not in self.registry:
                return failure(FailureKind.BROKEN, f"no registry has {name}")
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

    def pause(self, container_id: str, *, deadline: float = 30.0) -> Failure | None:
        """Suspend a container."""
        return self._do("pause", (container_id,), deadline, lambda: self._pause(container_id))

    def unpause(self, container_id: str, *, deadline: float = 30.0) -> Failure | None:
        """Let a suspended container go on."""
        return self._do("unpause", (container_id,), deadline, lambda: self._unpause(container_id))

    def lift_quota(self, container_id: str, *, deadline: float = 30.0) -> Failure | None:
        """Take a container's quota away, which holds back no program here."""
        return self._do("lift_quota", (container_id,), deadline, lambda: self._lift_quota(container_id))

    def remove(self, container_id: str, *, force: bool = False, deadline: float = 60.0) -> Failure | None:
        """Remove a container."""
        return self._do("remove", (container_id,), deadline, lambda: self._remove(container_id, force=force))

    def logs_tail(self, container_id: str, lines: int, max_bytes: int, *, deadline: float = 10.0) -> str | Failure:
        """Return the end of the output."""

        def look() -> str | Failure:
            there = self._containers.get(self._find(container_id))
            if there is None:
                return no_container(container_id)
            if there.started_unix is None:
                return ""
            output = self._program(there.container_id).output
            return "".join(list(io.StringIO(output))[-lines:])[-max_bytes:]

        return self._do("logs_tail", (container_id, lines, max_bytes), deadline, look)

    def follow_logs(self, container_id: str, lines: int, *, deadline: float = 10.0) -> Iterator[bytes] | Failure:
        """Return the end of the output; programs here write all that they ever do at once."""

        def look() -> Iterator[bytes] | Failure:
            there = self._containers.get(self._find(container_id))
            if there is None:
                return no_container(container_id)
            output = "" if there.started_unix is None else self._program(there.container_id).output
            return iter([line.encode() for line in list(io.StringIO(output))[-lines:]])

        return self._do("follow_logs", (container_id, lines), deadline, look)

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
        began = time.monotonic()
        self.calls.append(Call(call, arguments))
        result = self._come_of(call, deadline, effect)
        self.times.note(call, time.monotonic() - began, result)
        return result

    def _come_of(self, call: str, deadline: float, effect: Callable[[], T]) -> T | Failure:
        timed_out = Failure(kind=FailureKind.TIMED_OUT, detail="no answer", seconds=deadline)
        gate = self._gates.get(call) or self._gates.get("")
        if gate is not None and not gate.wait(deadline):
            self._late.append(effect)
            return timed_out
        with self._lock:
            if self._gone:
                return failure(FailureKind.UNREACHABLE, "Connection refused")
            if self._failures[call]:
                return self._failures[call].popleft()
            result = effect()
            if self._lost[call] > 0:
                self._lost[call] -= 1
                return timed_out
            return result
