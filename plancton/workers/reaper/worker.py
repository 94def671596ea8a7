"""The reaper process: suspends and ends pilots that must give way, and removes containers that have ended."""

import functools
import time

from plancton.common.codec import Envelope
from plancton.common.engine import Engine
from plancton.common.messages import (
    ActiveSettings,
    EndingAction,
    EndingOutcome,
    Outcome,
    PoolLook,
    PoolUnknown,
    Target,
)
from plancton.common.settings import Settings
from plancton.workers.base import Place
from plancton.workers.engine_report import EngineReport
from plancton.workers.lanes import Lanes
from plancton.workers.reaper import cleanup
from plancton.workers.reaper.cleanup import Act
from plancton.workers.reaper.deadlines import Scene
from plancton.workers.reaper.directories import Directories
from plancton.workers.reaper.end import Killed, carry_out, kill
from plancton.workers.reaper.leeway import Leeway

_QUICK, _KILL, _REMOVE = "signal", "kill", "remove"
_LANES = {_QUICK: 4, _KILL: 4, _REMOVE: 2}
"""How many threads each kind of act has: what takes the engine milliseconds never waits for what may take it long."""
_KIND = {
    Act.SUSPEND: _QUICK,
    Act.TERMINATE: _QUICK,
    Act.RESUME: _QUICK,
    Act.KILL: _KILL,
    Act.REMOVE_FORCED: _KILL,
    Act.REMOVE: _REMOVE,
}


class Reaper:
    """The worker around the pure clean-up."""

    def __init__(self, place: Place) -> None:
        """Say outcomes at ``place``."""
        self._place = place
        self.ready = True
        self._lanes = {kind: Lanes(kind, count, place.wake) for kind, count in _LANES.items()}
        self._directories = Directories(place)
        self._leeway = Leeway(self._directories.instance)
        self._report = EngineReport(place)
        self._settings: Settings | None = None
        self._engine: Engine | None = None
        self._target: Target | None = None
        self._pool: PoolLook | None = None
        self._memories: dict[str, cleanup.Memory] = {}
        self._busy: dict[str, str] = {}
        """The containers that something is being done to, and by which kind of thread."""

    def hear(self, envelope: Envelope) -> None:
        """Take in the settings, the wish and the pool."""
        match envelope.message:
            case ActiveSettings(settings=settings):
                if self._settings is None or self._settings.docker_url != settings.docker_url:
                    self._engine = Engine(settings.docker_url)
                self._settings = settings
            case Target() as target:
                self._target = target
            case PoolLook() as pool:
                now = time.monotonic()
                self._pool = pool
                self._memories = cleanup.seen(self._memories, pool.pilots, now, time.time())
                self._directories.sweep(pool, self._target, now)
            case PoolUnknown():
                self._pool = None

    def turn(self, now: float) -> float:
        """Carry out the orders that are due."""
        for lanes in self._lanes.values():
            lanes.collect()
        self._directories.collect()
        engine = self._engine
        if engine is None:
            return now + 1.0
        self._report.turn(engine, now)
        valid = self._target is not None and now < self._target.valid_until_monotonic
        facts = cleanup.Facts(settings=self._settings, target=self._target if valid else None, pool=self._pool)
        orders = cleanup.due(facts, self._memories, frozenset(self._busy), now, time.time())
        for order in self._told(facts, orders, now):
            kind = _KIND[order.act]
            if sum(each == kind for each in self._busy.values()) < _LANES[kind]:
                self._begin(engine, order, kind)
        return cleanup.next_moment(facts, self._memories, now)

    def _begin(self, engine: Engine, order: cleanup.Order, kind: str) -> None:
        self._busy[order.pilot.container_id] = kind
        if order.act is Act.REMOVE_FORCED:
            first = functools.partial(kill, engine, self._leeway, order)
            self._lanes[kind].submit(first, functools.partial(self._killed, engine, order))
        else:
            call = functools.partial(carry_out, engine, self._leeway, order)
            self._lanes[kind].submit(call, functools.partial(self._done, order))

    def _killed(self, engine: Engine, order: cleanup.Order, killed: Killed) -> None:
        """Do the rest of a removal at once where no other kill waits for it."""
        self._busy[order.pilot.container_id] = _REMOVE
        call = functools.partial(carry_out, engine, self._leeway, order, killed)
        self._lanes[_REMOVE].submit(call, functools.partial(self._done, order))

    def _told(self, facts: cleanup.Facts, orders: tuple[cleanup.Order, ...], now: float) -> list[cleanup.Order]:
        """Return the orders but those for SIGTERM to pilots that aren't told yet when they'll be killed."""
        scene = Scene(
            facts=facts,
            last=self._target,
            memories=self._memories,
            busy=self._busy.keys(),
            instance=self._directories.instance,
            now=now,
            now_unix=time.time(),
        )
        waiting = self._directories.tell(scene, orders)
        return [order for order in orders if order.pilot.container_id not in waiting]

    def _done(self, order: cleanup.Order, outcome: EndingOutcome | None) -> None:
        container_id = order.pilot.container_id
        del self._busy[container_id]
        memory = self._memories.get(container_id, cleanup.Memory())
        failed = outcome is not None and outcome.outcome is Outcome.FAILED
        self._memories[container_id] = cleanup.after(order, memory, time.monotonic(), failed=failed)
        if outcome is None or (outcome.action is EndingAction.REMOVED and outcome.outcome is Outcome.DONE):
            self._directories.remove(order.pilot)
        if outcome is not None:
            self._place.say(outcome)
