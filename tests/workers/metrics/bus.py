"""A bus for one metrics worker, which turns on request, and what others say on it."""

import itertools
import time
from pathlib import Path
from typing import Any

from plancton.common.codec import Envelope
from plancton.common.history_schema import store_path
from plancton.common.messages import (
    ActiveSettings,
    Counters,
    EndingAction,
    EndingOutcome,
    HostLook,
    LaunchOutcome,
    Message,
    Outcome,
    PoolLook,
)
from plancton.common.pilot import Pilot, PilotState
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from plancton.common.topics import TOPIC_OF
from plancton.workers.metrics.worker import Metrics
from tests.support.waiting import wait_for
from tests.workers.metrics.rows import rows_on_disk

POOL = PoolLook(
    pilots=tuple(
        Pilot(
            container_id=str(slot),
            name=f"p{slot}",
            slot=slot,
            incarnation=1,
            spec="",
            state=PilotState.RUNNING,
            created_unix=0.0,
        )
        for slot in range(3)
    ),
    full_look_monotonic=0.0,
)
HOST = HostLook(
    ncpus=4,
    interval_seconds=2.0,
    busy_cpus=1.0,
    pilots_cpus=0.5,
    ram_bytes=1,
    available_bytes=1,
    swap_bytes=0,
)
END = EndingOutcome(
    container_id="1",
    name="p1",
    action=EndingAction.REMOVED,
    outcome=Outcome.DONE,
    reason=Reason.ENDED,
    uptime_seconds=60.5,
)
LAUNCH = LaunchOutcome(slot=1, incarnation=1, name="p1", outcome=Outcome.DONE, reason=Reason.ROOM)


class Bus:
    """A worker's place, and the bus that gives it what others say and the echo of its own words."""

    def __init__(self, rundir: Path, *, echo: bool = True) -> None:
        """Start the worker."""
        self.rundir = rundir
        self.state = rundir / "state"
        self.said: list[Counters] = []
        self._echo = echo
        self._unheard: list[Message] = []
        self._numbers = itertools.count(1)
        self.metrics = Metrics(self)

    def wake(self) -> None:
        """Do nothing: tests turn all the time."""

    def say(self, message: Message) -> None:
        """Note what the worker says."""
        assert isinstance(message, Counters)
        self.said.append(message)
        if self._echo:
            self._unheard.append(message)

    def tell(self, *messages: Message, sequence: int | None = None, age: float = 0.0) -> None:
        """Have the worker hear the messages."""
        for message in messages:
            self.metrics.hear(
                Envelope(
                    topic=TOPIC_OF[type(message)],
                    sender="other",
                    boot="b",
                    sequence=sequence or next(self._numbers),
                    monotonic=time.monotonic() - age,
                    message=message,
                ),
            )

    def turn(self) -> float:
        """Turn once, as the loop does."""
        unheard, self._unheard = self._unheard, []
        self.tell(*unheard)
        return self.metrics.turn(time.monotonic())

    def says(self, **fields: object) -> Counters:
        """Turn until the last counters said have these fields."""

        def look() -> Counters | None:
            self.turn()
            if not self.said:
                return None
            last = self.said[-1]
            return last if all(getattr(last, name) == value for name, value in fields.items()) else None

        said = wait_for(look, 10.0, f"says {fields}")
        assert said is not None
        return said

    def stored(self, query: str, number: int) -> list[Any]:
        """Turn until the store has so many rows for a query, and return them."""

        def look() -> list[Any] | None:
            self.turn()
            there = bool(self.said) and self.said[-1].store is not None
            found = rows_on_disk(store_path(self.state), query) if there else []
            return found if len(found) >= number else None

        found = wait_for(look, 10.0, f"{number} rows of {query}")
        assert found is not None
        return found


def settings(*urls: str, main_sleep: float = 3600.0, **others: Any) -> ActiveSettings:  # noqa: ANN401
    """Return settings in force: these sinks, and few points."""
    return ActiveSettings(settings=Settings(influxdb_url=urls, main_sleep=main_sleep, **others), generation=1)
