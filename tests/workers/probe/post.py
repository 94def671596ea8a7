"""A probe on a fake engine, and what it says; and a stand-in for its eyes on the host."""

import time
from pathlib import Path
from typing import TypeVar

import pytest

from plancton.common.messages import ActiveSettings, Message, PoolLook
from plancton.common.naming import container_name, instance_id, labels
from plancton.common.pilot import PilotState
from plancton.common.pilot_directory import PilotDirectories
from plancton.common.settings import Settings
from plancton.workers.probe.accounts import PilotUse
from plancton.workers.probe.host import Pilots
from plancton.workers.probe.worker import Probe
from tests.fakes.engine import FakeEngine
from tests.support.place import KeptPlace, tell
from tests.support.waiting import wait_for

M = TypeVar("M", bound=Message)


def create(engine: FakeEngine, instance: str, slot: int) -> None:
    """Create and start a pilot of the instance."""
    name = container_name(instance, slot, slot + 1)
    engine.create({"Image": "busybox", "Labels": labels(instance, slot, slot + 1, "s")}, name)
    engine.start(name)


class Post:
    """A probe, its engine and what it says."""

    def __init__(self, engine: FakeEngine, rundir: Path) -> None:
        self.engine = engine
        self.place = KeptPlace(rundir)
        self.instance = instance_id(str(self.place.rundir))
        self.probe = Probe(self.place)
        self.settings(None)

    def settings(self, url: str | None) -> None:
        """Tell it where the engine is."""
        tell(self.probe, ActiveSettings(settings=Settings(docker_url=url), generation=1))

    def create(self, slot: int) -> None:
        """Create and start a pilot."""
        create(self.engine, self.instance, slot)

    def follows(self, streams: int = 1) -> None:
        """Wait until the event stream was opened so often."""
        wait_for(lambda: sum(call.name == "events" for call in self.engine.calls) >= streams, 5.0, "the stream is open")

    def looked_at(self, now: float) -> float | None:
        """Let it turn at this moment, and return when it says that the engine listed all containers."""
        self.probe.turn(now)
        looks = self.place.of(PoolLook)[-1:]
        return looks[0].full_look_monotonic if looks else None

    def word(self, slot: int, text: str) -> None:
        """Let a pilot say something of itself."""
        name = container_name(self.instance, slot, slot + 1)
        place = PilotDirectories(self.place.state).create(name, "0:0", 0.0)
        (place / "out" / "state").write_text(text)

    def says(self, kind: type[M], count: int = 1, after: float = 0.0) -> M:
        """Let it turn, so many seconds from now, until it has said this so often."""

        def said() -> bool:
            self.probe.turn(time.monotonic() + after)
            return len(self.place.of(kind)) >= count

        wait_for(said, 5.0, f"{count} of {kind.__name__}")
        return self.place.of(kind)[-1]

    def shows(self, *states: PilotState) -> PoolLook:
        """Let it turn until the pool has these states."""

        def shown() -> bool:
            self.probe.turn(time.monotonic())
            looks = self.place.of(PoolLook)[-1:]
            return bool(looks) and [pilot.state for pilot in looks[0].pilots] == list(states)

        wait_for(shown, 5.0, f"a pool of {states}")
        return self.place.of(PoolLook)[-1]


class SeenPilots:
    """Stands where the host's eyes are, and keeps what they are told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[Pilots] = []
        self.drivers: list[str] = []
        self.use = PilotUse()
        """What each pilot uses."""
        monkeypatch.setattr("plancton.workers.probe.worker.Host", lambda _instance: self)

    def look(self, _now: float, driver: str, pilots: Pilots) -> tuple[None, dict[str, PilotUse]]:
        """Return nothing of the host."""
        self.seen.append(pilots)
        self.drivers.append(driver)
        return None, dict.fromkeys(pilots.running + pilots.suspended, self.use)
