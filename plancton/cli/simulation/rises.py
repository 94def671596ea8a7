"""How soon the owner's demand was met, each time it rose above what pilots left: pure.

A *rise* is a level of CPUs that the owner has asked for ever since some moment while pilots were in its way. It is met
once the pilots leave that much. Where the owner asks for less before that, what is left of the rise goes on at the
lower level, or has gone by itself.
"""

from collections import deque

_ROUNDING = 1e-6


class Rises:
    """The rises so far."""

    def __init__(self, ncpus: int, tolerance_cpus: float) -> None:
        """Watch a machine of ``ncpus`` on which pilots are in nobody's way with up to ``tolerance_cpus`` too many."""
        self._most = ncpus + tolerance_cpus + _ROUNDING
        self._open: deque[tuple[float, float]] = deque()
        """Since when, and which level; both rise."""
        self.met_after: list[float] = []
        """Seconds, one for each rise that was met."""
        self.gone = 0
        """Rises that went by themselves."""

    def see(self, now: float, owner_cpus: float, pilots_cpus: float) -> None:
        """Take in what the owner and the pilots ask for from ``now`` on; one of the two may have changed."""
        waiting = self._open
        left = self._most - pilots_cpus
        while waiting and waiting[0][1] <= left:
            self.met_after.append(now - waiting.popleft()[0])
        if not waiting and owner_cpus <= left:
            return
        since = now
        lowered = False
        while waiting and waiting[-1][1] > owner_cpus:
            since, lowered = waiting.pop()[0], True
        if owner_cpus > left and (not waiting or waiting[-1][1] < owner_cpus):
            waiting.append((since, owner_cpus))
        elif lowered and owner_cpus <= left:
            self.gone += 1

    def longest_open(self, now: float) -> float:
        """Return for how long the oldest rise that isn't met yet has lasted; 0 where there is none."""
        return now - self._open[0][0] if self._open else 0.0
