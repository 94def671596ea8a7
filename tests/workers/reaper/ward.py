"""A reaper with an engine, to look at and to give targets to."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plancton.common.decision import Ending, Suspension
from plancton.common.engine import Engine
from plancton.common.messages import (
    ActiveSettings,
    EndingAction,
    EndingOutcome,
    Outcome,
    PoolLook,
    Target,
)
from plancton.common.naming import container_name, instance_id, labels
from plancton.common.pilot_directory import PilotDirectories
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from plancton.workers.probe.pool import from_containers
from plancton.workers.reaper.worker import Reaper
from tests.fakes.engine import FakeEngine
from tests.support.contract import LABEL, Stage, done
from tests.support.facts import target
from tests.support.place import KeptPlace, tell
from tests.support.waiting import wait_for

INSTANCE = "00000000"
PILOTS = 8
SAYS_ITS_QUOTA = "cd /sys/fs/cgroup; read quota rest 2>/dev/null < cpu.max || read quota < cpu/cpu.cfs_quota_us"
TRAP = ("/bin/sh", "-c", f"trap '{SAYS_ITS_QUOTA}; echo $quota; exit 5' TERM; echo up; while :; do sleep 0.05; done")
"""It heeds SIGTERM, and says its CPU quota then."""
BURNS = ("/bin/sh", "-c", "while :; do :; done")


class Ward:
    """A reaper, its engine and what it says."""

    def __init__(self, engine: Engine, state: Path, instance: str = INSTANCE, **settings: Any) -> None:  # noqa: ANN401
        self.engine = engine
        self.place = KeptPlace(state / "run")
        self.place.state = state
        self.reaper = Reaper(self.place)
        self._instance = instance
        tell(self.reaper, ActiveSettings(settings=Settings(**settings), generation=1))

    def look(self) -> PoolLook:
        """Show it the pool."""
        containers = done(self.engine.list_containers({"plancton.instance": self._instance}))
        look = PoolLook(pilots=tuple(from_containers(containers, {}).values()), full_look_monotonic=time.monotonic())
        tell(self.reaper, look)
        return look

    def turn_until(self, fact: Callable[[], object], why: str) -> None:
        """Let it turn until something is so."""

        def turned() -> object:
            self.reaper.turn(time.monotonic())
            return fact()

        wait_for(turned, 10.0, why)

    def outcomes(self, count: int) -> list[EndingOutcome]:
        """Let it turn until it has said so much."""
        self.turn_until(lambda: len(self.place.of(EndingOutcome)) >= count, f"{count} outcomes")
        return self.place.of(EndingOutcome)

    def did(self) -> list[EndingAction]:
        """Return what it has done."""
        said = self.place.of(EndingOutcome)
        assert {outcome.outcome for outcome in said} <= {Outcome.DONE}
        return [outcome.action for outcome in said]


class FakeWard(Ward):
    """One whose engine is a fake."""

    engine: FakeEngine

    def asked(self, call: str) -> int:
        """Return how often this was asked of the engine."""
        return [each.name for each in self.engine.calls].count(call)

    def directory(self, slot: int) -> Path:
        """Make the directory of this slot's pilot, and return it."""
        name = container_name(instance_id(str(self.place.rundir)), slot, slot + 1)
        return PilotDirectories(self.place.state).create(name, "0:0", 1.0)


class RealWard(Ward):
    """One whose pilots are real, and none else's."""

    def __init__(self, stage: Stage, state: Path, **settings: Any) -> None:  # noqa: ANN401
        super().__init__(stage.engine, state, stage.labels[LABEL][:8], **settings)
        self.stage = stage

    def start(self, command: tuple[str, ...], slot: int = 0, **host_config: object) -> str:
        """Start a pilot in this slot that may use a fifth of a CPU, and return its id."""
        body = self.stage.body(command, CpuPeriod=100_000, CpuQuota=20_000, **host_config)
        body["Labels"] = {**self.stage.labels, **labels(self.stage.labels[LABEL][:8], slot, slot + 1, "s")}
        container = done(self.engine.create(body, self.stage.name()))
        assert self.engine.start(container) is None
        return container

    def pid(self, container: str) -> int:
        """Return a running pilot's first process."""
        pid = done(self.engine.inspect(container)).pid
        assert pid is not None
        return pid


def suspends(look: PoolLook, *names: str, valid_seconds: float = 15.0, **changes: Any) -> Target:  # noqa: ANN401
    """Return a target that wants these suspended."""
    return target(
        until=time.monotonic() + valid_seconds,
        suspend=tuple(
            Suspension(container_id=each.container_id, name=each.name, reason=Reason.OWNER_CPU, since_monotonic=0.0)
            for each in look.pilots
            if each.name in names
        ),
        **changes,
    )


def ends(look: PoolLook, *, at_once: bool) -> Target:
    """Return a target that wants all of them ended."""
    return target(
        until=time.monotonic() + 15.0,
        end=tuple(
            Ending(container_id=each.container_id, name=each.name, reason=Reason.FORCE_STOP, at_once=at_once)
            for each in look.pilots
        ),
    )


@contextmanager
def owner() -> Iterator[None]:
    """Use all CPUs within the context."""
    burning = [subprocess.Popen(BURNS) for _cpu in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in burning:
            process.kill()
            process.wait()
