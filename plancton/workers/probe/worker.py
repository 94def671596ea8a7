"""The probe process: looks at the host and at the engine, each on its own clock, and says what it saw."""

import logging
import time

import msgspec

from plancton.common.codec import Envelope
from plancton.common.engine import Engine
from plancton.common.engine_types import EngineEvent, EngineInfo, Failure
from plancton.common.messages import ActiveSettings, Intent, Mode, PoolLook, PoolUnknown
from plancton.common.naming import container_name, instance_id
from plancton.common.pilot import LIVE_STATES, Pilot, PilotState
from plancton.common.pilot_directory import Word
from plancton.workers.base import Place
from plancton.workers.engine_report import EngineReport
from plancton.workers.probe.accounts import PilotUse
from plancton.workers.probe.churn import Churn, churn_between
from plancton.workers.probe.host import Host, Pilots
from plancton.workers.probe.pool import Pool, after_event, busy_since, from_containers
from plancton.workers.probe.watch import EngineWatch, FullLook, StreamEnded
from plancton.workers.probe.words import Words

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
        self._engine: Engine | None = None
        self._report = EngineReport(place)
        self._watch: EngineWatch | None = None
        self._url: str | None = None
        self._pool: Pool = {}
        self._churn = Churn()
        """Since the last look at the host."""
        self._uses: dict[str, PilotUse] = {}
        """At the last look at the host; of those that have ended since they were seen, what they had used."""
        self._words = Words(place.state, place.wake)
        self._info: EngineInfo | None = None
        self._unknown: PoolUnknown | None = None
        self._looked_at: float | None = None
        """When the last successful full look was asked for."""
        self._stream_since = 0.0
        """Before this moment events may have been missed: when the stream was opened, and once it ended, its end."""
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
        if self._engine is not None:
            self._report.turn(self._engine, now)
        if self._words.collect():
            self._say_pool_if_known()
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
        self._pool, self._info, self._stream_since = {}, None, time.monotonic()
        self._looking_since, self._next_look = None, 0.0
        self._engine = Engine(url)
        self._watch = EngineWatch(self._engine, self._instance, self._place.wake)

    def _look_at_host(self, now: float) -> None:
        self._next_host = now + _HOST_SECONDS
        running, suspended = self._in_state(PilotState.RUNNING), self._in_state(PilotState.PAUSED)
        driver = self._info.cgroup_driver if self._info else "cgroupfs"
        look, uses = self._host.look(
            now, driver, Pilots(running=tuple(running), suspended=tuple(suspended), churn=self._churn)
        )
        others = self._pool.keys() - uses.keys()
        self._uses = {**{key: use.totals for key, use in self._uses.items() if key in others}, **uses}
        self._churn = Churn()
        self._words.read([self._made_as(pilot) for pilot in (*running.values(), *suspended.values())])
        if look is None:
            # The first look compares with nothing; don't let the node wait long for the second.
            self._next_host = now + _HOST_SECONDS / 4
        else:
            self._place.say(look)

    def _follow(self, watch: EngineWatch, now: float) -> None:
        changed = False
        for item in watch.take():
            if isinstance(item, EngineEvent):
                if self._looking_since is not None:
                    self._events_meanwhile.append(item)
                changed = self._change(after_event(self._pool, item)) or changed
                continue
            # Who ended about now may have been ended by what became of the engine, so it's told at once.
            changed, self._stream_since = True, item.at_monotonic
            if isinstance(item, StreamEnded):
                log.info("%s", item.why)
                self._next_look = min(self._next_look, now)
        watch.collect()
        if changed:
            self._say_pool_if_known()
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
        if self._unknown is None and self._looked_at is not None:
            self._change(pool)
        else:
            # What wasn't followed may have happened at any time.
            self._pool = pool
        self._info, self._unknown, self._looked_at = look.info, None, asked
        self._say_pool()

    def _change(self, pool: Pool) -> bool:
        """Have another pool, whose pilots were started and ended just now; return whether it is another."""
        if pool is self._pool:
            return False
        self._churn += churn_between(self._pool, pool)
        self._pool = pool
        return True

    def _in_state(self, state: PilotState) -> dict[str, Pilot]:
        return {key: pilot for key, pilot in self._pool.items() if pilot.state is state}

    def _made_as(self, pilot: Pilot) -> str:
        """Return the name that the pilot was made with, whatever it was renamed to since."""
        return container_name(self._instance, pilot.slot, pilot.incarnation)

    def _say_pool_if_known(self) -> None:
        if self._unknown is None and self._looked_at is not None:
            self._say_pool()

    def _as_seen(self, pilot: Pilot, now_unix: float) -> Pilot:
        """Return the pilot with what it uses, and with what it says of itself."""
        use = self._uses.get(pilot.container_id, PilotUse())
        word = self._words.of(self._made_as(pilot)) if pilot.state in LIVE_STATES else Word()
        said = word.busy_since_unix
        return msgspec.structs.replace(
            pilot,
            cpu_cores=use.cpu_cores,
            cpu_seconds=use.cpu_seconds,
            memory_bytes=use.memory_bytes,
            anonymous_bytes=use.anonymous_bytes,
            memory_peak_bytes=use.memory_peak_bytes,
            busy_since_unix=None if said is None else busy_since(pilot, said, now_unix),
            safe_to_stop=word.safe_to_stop,
        )

    def _say_pool(self) -> None:
        now_unix = time.time()
        pilots = [self._as_seen(pilot, now_unix) for pilot in self._pool.values()]
        self._place.say(
            PoolLook(
                pilots=tuple(sorted(pilots, key=lambda pilot: (pilot.slot, pilot.incarnation))),
                full_look_monotonic=self._looked_at or 0.0,
                engine_version=self._info.version if self._info else "",
                api_version=self._info.api_version if self._info else "",
                stream_since_monotonic=self._stream_since,
            ),
        )
