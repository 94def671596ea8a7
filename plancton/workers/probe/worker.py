"""The probe process: looks at the host and at the engine, each on its own clock, and says what it saw."""

import logging
import time

import msgspec

from plancton.common.codec import Envelope
from plancton.common.engine import Engine
from plancton.common.engine_types import EngineEvent, EngineInfo, Failure
from plancton.common.messages import ActiveSettings, Intent, Mode, PoolLook, PoolUnknown
from plancton.common.naming import instance_id
from plancton.common.pilot import PilotState
from plancton.workers.base import Place
from plancton.workers.probe.host import Host, PilotUse
from plancton.workers.probe.pool import Pool, after_event, from_containers
from plancton.workers.probe.watch import EngineWatch, FullLook

log = logging.getLogger(__name__)

_HOST_SECONDS = 2.0
_LOOK_SECONDS = 5.0
_SOON_SECONDS = 1.0
"""Between full looks while the engine is away, or while planctond waits for the last pilots to end."""


class Probe:
    """The worker around the two looks."""

    def __init__(self, place: Place) -> None:
        """Say looks at ``place``."""
        self._place = place
        self._instance = instance_id(str(place.rundir))
        self._host = Host(self._instance)
        self._watch: EngineWatch | None = None
        self._url: str | None = None
        self._pool: Pool = {}
        self._uses: dict[str, PilotUse] = {}
        self._info: EngineInfo | None = None
        self._unknown: PoolUnknown | None = None
        self._looked_at: float | None = None
        """When the last successful full look was asked for."""
        self._looking_since: float | None = None
        self._events_meanwhile: list[EngineEvent] = []
        """Events since the look under way was asked for; its answer may be older than they are."""
        self._next_host = 0.0
        self._next_look = 0.0
        self._stopping = False

    @property
    def ready(self) -> bool:
        """Whether the engine was asked at least once; that it didn't answer is a look as well."""
        return self._looked_at is not None or self._unknown is not None

    def hear(self, envelope: Envelope) -> None:
        """Take in the settings and the operator's wish."""
        match envelope.message:
            case ActiveSettings(settings=settings):
                if self._watch is None or settings.docker_url != self._url:
                    self._open(settings.docker_url)
            case Intent(mode=mode):
                self._stopping = mode in {Mode.DRAIN_STOPPING, Mode.FORCE_STOPPING}
                self._next_look = 0.0

    def turn(self, now: float) -> float:
        """Look where a look is due and say what was seen."""
        if self._watch is not None:
            self._follow(self._watch, now)
        if self.ready and now >= self._next_host:
            # Not before, for the engine tells where the pilots' cgroups are, and which of them run.
            self._look_at_host(now)
        # What is under way wakes the loop when it's there.
        moments = [self._next_host] if self.ready else []
        moments += [self._next_look] if self._watch is not None and self._looking_since is None else []
        return min(moments, default=now + _LOOK_SECONDS)

    def _open(self, url: str | None) -> None:
        if self._watch is not None:
            self._watch.close()
            self._unknown = PoolUnknown(why="another engine is to be used", since_unix=time.time())
            self._place.say(self._unknown)
        self._url = url
        self._pool, self._info = {}, None
        self._looking_since, self._next_look = None, 0.0
        self._watch = EngineWatch(Engine(url), self._instance, self._place.wake)

    def _look_at_host(self, now: float) -> None:
        self._next_host = now + _HOST_SECONDS
        running = tuple(key for key, pilot in self._pool.items() if pilot.state is PilotState.RUNNING)
        driver = self._info.cgroup_driver if self._info else "cgroupfs"
        look, self._uses = self._host.look(now, driver, running)
        if look is None:
            # The first look compares with nothing; don't let the node wait long for the second.
            self._next_host = now + _HOST_SECONDS / 4
        else:
            self._place.say(look)

    def _follow(self, watch: EngineWatch, now: float) -> None:
        changed = False
        for item in watch.take():
            if not isinstance(item, EngineEvent):
                log.info("%s", item.why)
                self._next_look = min(self._next_look, now)
                continue
            if self._looking_since is not None:
                self._events_meanwhile.append(item)
            pool = after_event(self._pool, item)
            changed = changed or pool is not self._pool
            self._pool = pool
        watch.collect()
        if changed and self._unknown is None and self._looked_at is not None:
            self._say_pool()
        if now >= self._next_look and self._looking_since is None:
            self._looking_since = now
            self._events_meanwhile = []
            self._next_look = now + (_SOON_SECONDS if self._stopping else _LOOK_SECONDS)
            watch.look(lambda look: self._looked(watch, look))

    def _looked(self, watch: EngineWatch, look: FullLook | Failure) -> None:
        if watch is not self._watch:
            return
        asked, self._looking_since = self._looking_since, None
        if isinstance(look, Failure):
            since = self._unknown.since_unix if self._unknown else time.time()
            self._unknown = PoolUnknown(why=f"{look.kind}: {look.detail}", since_unix=since)
            self._next_look = time.monotonic() + _SOON_SECONDS
            self._place.say(self._unknown)
            return
        pool = from_containers(look.containers, self._pool)
        for event in self._events_meanwhile:
            pool = after_event(pool, event)
        self._pool, self._info, self._unknown, self._looked_at = pool, look.info, None, asked
        self._say_pool()

    def _say_pool(self) -> None:
        pilots = []
        for container_id, pilot in self._pool.items():
            use = self._uses.get(container_id)
            if use is not None:
                changes = {"cpu_cores": use.cpu_cores, "memory_bytes": use.memory_bytes}
                pilots.append(msgspec.structs.replace(pilot, **changes))
            else:
                pilots.append(pilot)
        self._place.say(
            PoolLook(
                pilots=tuple(sorted(pilots, key=lambda pilot: (pilot.slot, pilot.incarnation))),
                full_look_monotonic=self._looked_at or 0.0,
                engine_version=self._info.version if self._info else "",
                api_version=self._info.api_version if self._info else "",
            ),
        )
