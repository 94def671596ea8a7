"""The reaper process: ends pilots that must go and removes containers that have ended."""

import functools
import time

from plancton.common.codec import Envelope
from plancton.common.engine import Engine
from plancton.common.messages import ActiveSettings, EndingOutcome, Outcome, PoolLook, PoolUnknown, Target
from plancton.common.settings import Settings
from plancton.workers.base import Place
from plancton.workers.lanes import Lanes
from plancton.workers.reaper import cleanup
from plancton.workers.reaper.end import carry_out

_LANES = 4


class Reaper:
    """The worker around the pure clean-up."""

    def __init__(self, place: Place) -> None:
        """Say outcomes at ``place``."""
        self._place = place
        self.ready = True
        self._lanes = Lanes("end", _LANES, place.wake)
        self._settings: Settings | None = None
        self._engine: Engine | None = None
        self._target: Target | None = None
        self._pool: PoolLook | None = None
        self._memories: dict[str, cleanup.Memory] = {}
        self._busy: set[str] = set()

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
                self._pool = pool
                self._memories = cleanup.seen(self._memories, pool.pilots, time.monotonic(), time.time())
            case PoolUnknown():
                self._pool = None

    def turn(self, now: float) -> float:
        """Make the calls that are due."""
        self._lanes.collect()
        valid = self._target is not None and now < self._target.valid_until_monotonic
        facts = cleanup.Facts(settings=self._settings, target=self._target if valid else None, pool=self._pool)
        engine = self._engine
        if engine is None:
            return now + 1.0
        for order in cleanup.due(facts, self._memories, frozenset(self._busy), now, time.time()):
            if len(self._busy) >= _LANES:
                break
            self._busy.add(order.pilot.container_id)
            self._lanes.submit(functools.partial(carry_out, engine, order), functools.partial(self._done, order))
        return cleanup.next_moment(facts, self._memories, now)

    def _done(self, order: cleanup.Order, outcome: EndingOutcome | None) -> None:
        container_id = order.pilot.container_id
        self._busy.discard(container_id)
        memory = self._memories.get(container_id, cleanup.Memory())
        failed = outcome is not None and outcome.outcome is Outcome.FAILED
        self._memories[container_id] = cleanup.after(order, memory, time.monotonic(), failed=failed)
        if outcome is not None:
            self._place.say(outcome)
