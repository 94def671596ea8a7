"""Notes taken while a simulation runs, for a picture of it: pure."""

from plancton.cli.simulation.machine import Machine
from plancton.cli.simulation.result import Course, Stretch
from plancton.common.reasons import Reason

_STRETCHES = 2000


class Notes:
    """What is noted of one run."""

    def __init__(self, machine: Machine, seconds: float) -> None:
        """Note what ``machine`` does, in stretches that are a fine part of so many ``seconds``."""
        self._machine = machine
        self._length = seconds / _STRETCHES
        self._stretches: list[Stretch] = []
        self._next = self._length
        self._since = self._owner = self._pilots = 0.0
        self._holds: list[tuple[float, Reason | None]] = []
        self.held_seconds: dict[Reason, float] = {}
        self._held: Reason | None = None
        self._held_since = 0.0

    def look(self, suspended: int) -> None:
        """End a stretch if it's long enough."""
        machine = self._machine
        if machine.now < self._next:
            return
        length = machine.now - self._since
        self._stretches.append(
            Stretch(
                until=machine.now,
                owner_cpus=(machine.owner_seconds - self._owner) / length,
                pilots_cpus=(machine.pilots_seconds - self._pilots) / length,
                running=machine.running,
                suspended=suspended,
            )
        )
        self._since, self._owner, self._pilots = machine.now, machine.owner_seconds, machine.pilots_seconds
        self._next = machine.now + self._length

    def hold(self, reason: Reason | None) -> None:
        """Note what holds launches from now on."""
        if reason is self._held:
            return
        self.end()
        self._held = reason
        self._holds.append((self._machine.now, reason))

    def end(self) -> None:
        """Count the hold that lasts up to now."""
        if self._held is not None:
            lasted = self._machine.now - self._held_since
            self.held_seconds[self._held] = self.held_seconds.get(self._held, 0.0) + lasted
        self._held_since = self._machine.now

    def course(self, evictions: tuple[float, ...]) -> Course:
        """Return all that was noted, and when pilots were evicted."""
        return Course(stretches=tuple(self._stretches), evictions=evictions, holds=tuple(self._holds))
