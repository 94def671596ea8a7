"""Histories of a few pilots on a fake engine: its events, and what it listed after each of them."""

from collections.abc import Sequence

from hypothesis import strategies as st

from plancton.common.engine_types import Container, EngineEvent
from plancton.common.naming import container_name, labels
from plancton.common.pilot import PilotState
from plancton.workers.probe.pool import Pool, after_event
from tests.fakes.engine import FakeEngine

INSTANCE = "0123abcd"


class Log(FakeEngine):
    """A fake engine, all its events and what it listed after each of them."""

    def __init__(self) -> None:
        super().__init__()
        self.happened: list[EngineEvent] = []
        self.listed: list[tuple[Container, ...]] = [()]

    def _happen(self, container: Container, action: str, exit_code: int | None = None) -> None:
        super()._happen(container, action, exit_code)
        self.happened.append(self._events[-1])

    def do(self, slot: int, what: str) -> None:
        """Let one pilot be created, started, ended or removed; what can't be done just isn't."""
        name = container_name(INSTANCE, slot, 1)
        known = len(self.happened)
        if what == "create":
            self.create({"Image": "busybox", "Labels": labels(INSTANCE, slot, 1, "s")}, name)
        elif what == "start":
            there = self.inspect(name)
            if isinstance(there, Container) and there.state is PilotState.CREATED:
                self.start(name)
        elif what == "end":
            self.kill(name)
        else:
            self.remove(name)
        self.advance(1.0)
        containers = self.list_containers({})
        assert isinstance(containers, tuple)
        self.listed.extend([containers] * (len(self.happened) - known))


HISTORIES = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["create", "start", "start", "end", "remove"])), max_size=30
)


def replay(pool: Pool, events: Sequence[EngineEvent]) -> Pool:
    """Return the pool after these events."""
    for event in events:
        pool = after_event(pool, event)
    return pool


def recorded(history: list[tuple[int, str]]) -> Log:
    """Return what a history of slots and deeds came to."""
    log = Log()
    for slot, what in history:
        log.do(slot, what)
    return log
