"""What a worker tells the others of its calls on the engine."""

from plancton.common.engine import Engine
from plancton.common.messages import EngineCalls
from plancton.workers.base import Place

_SAY_SECONDS = 10.0


class EngineReport:
    """Says now and then how a worker's calls on its engine went; nothing while there are none."""

    def __init__(self, place: Place) -> None:
        """Say so at ``place``."""
        self._place = place
        self._next = 0.0

    def turn(self, engine: Engine, now: float) -> None:
        """Say how the calls went that came back since this was last said, if it's time to."""
        if now < self._next:
            return
        calls = engine.times.take()
        if calls:
            self._next = now + _SAY_SECONDS
            self._place.say(EngineCalls(calls=calls))
