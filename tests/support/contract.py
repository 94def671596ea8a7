"""One stage for the fake engine and the real one, so that the same test proves the same behaviour of both."""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from plancton.common.engine import Engine
from plancton.common.engine_types import Container, EngineEvent, Failure, FailureKind
from tests.fakes.containers import Program
from tests.fakes.engine import FakeEngine
from tests.support.waiting import wait_for

T = TypeVar("T")

LABEL = "plancton.test"
FOR_EVER = ("/bin/sleep", "1000")
ENDS_WITH_3 = ("/bin/sh", "-c", "for n in 1 2 3 4; do echo line $n; done; exit 3")
HEEDS_SIGTERM = ("/bin/sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done")
PROGRAMS: dict[tuple[str, ...], Program] = {
    ENDS_WITH_3: Program(seconds=0.0, exit_code=3, output="line 1\nline 2\nline 3\nline 4\n"),
    HEEDS_SIGTERM: Program(output="ready\n", exit_code_on_sigterm=5),
}
"""What the real busybox does with these commands."""


def done(result: T | Failure) -> T:
    """Return a call's result, which must not be a failure."""
    assert not isinstance(result, Failure), result
    return result


def kind_of(result: object) -> FailureKind | None:
    """Return how a call failed, None if it didn't."""
    return result.kind if isinstance(result, Failure) else None


class Stage:
    """An engine with room for the containers of one test."""

    def __init__(self, engine: Engine, image: str = "busybox") -> None:
        """Label the test's containers with something unique."""
        self.engine = engine
        self.image = image
        self.labels = {LABEL: uuid.uuid4().hex}

    def name(self) -> str:
        """Return a name that no container has."""
        return f"plancton-test-{uuid.uuid4().hex}"

    def body(self, command: tuple[str, ...] = FOR_EVER, **host_config: object) -> dict[str, Any]:
        """Return the create body of a container that runs ``command`` and needs no network."""
        host = {"NetworkMode": "none", **host_config}
        return {"Image": self.image, "Cmd": list(command), "Labels": self.labels, "HostConfig": host}

    def create(self, command: tuple[str, ...] = FOR_EVER) -> str:
        """Create a container, and return its id."""
        return done(self.engine.create(self.body(command), self.name()))

    def run(self, command: tuple[str, ...] = FOR_EVER) -> str:
        """Create and start a container, and return its id."""
        container = self.create(command)
        assert self.engine.start(container) is None
        return container

    def look(self) -> dict[str, Container]:
        """Return the test's containers by their id."""
        return {each.container_id: each for each in done(self.engine.list_containers(self.labels))}

    def wait_until(self, fact: Callable[[], object], why: str) -> None:
        """Wait for a fact; the fake's time passes meanwhile."""
        if isinstance(self.engine, FakeEngine):
            self.engine.advance(1.0)
        wait_for(fact, 30.0, why)

    @contextmanager
    def events(self, since_nano: int | None = None) -> Iterator[list[EngineEvent]]:
        """Yield a list to which a thread adds the test's events as they come."""
        seen: list[EngineEvent] = []
        stream = done(self.engine.events(self.labels, since_nano))

        def collect() -> None:
            for event in stream:
                seen.append(event)  # noqa: PERF402 - others watch the list grow

        reader = threading.Thread(target=collect)
        reader.start()
        try:
            yield seen
        finally:
            stream.close()
            reader.join(10.0)
            assert not reader.is_alive()

    def wait_for_actions(self, seen: list[EngineEvent], actions: list[str]) -> None:
        """Wait until exactly these things have happened, in this order."""
        self.wait_until(lambda: len(seen) >= len(actions), f"{actions}")
        assert [event.action for event in seen] == actions


@contextmanager
def fake_stage() -> Iterator[Stage]:
    """Yield a stage with a fake engine."""
    engine = FakeEngine()
    engine.programs.update(PROGRAMS)
    yield Stage(engine)


@contextmanager
def real_stage(url: str) -> Iterator[Stage]:
    """Yield a stage with the engine at ``url``, and leave nothing behind on it."""
    engine = Engine(url)
    stage = Stage(engine)
    try:
        yield stage
    finally:
        for container in stage.look():
            assert engine.remove(container, force=True) is None
