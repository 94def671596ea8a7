"""The life of a simulated pilot, and what is counted of all of them: pure."""

from collections import Counter

from plancton.common.pilot import Pilot
from plancton.common.reasons import Reason


class Life:
    """One pilot's."""

    __slots__ = ("done_at", "ending", "key", "left", "pilot", "started", "work")

    def __init__(self, pilot: Pilot, started: float, work: float) -> None:
        """Begin at ``started`` with so many seconds of ``work``."""
        self.key = (pilot.slot, pilot.incarnation)
        self.pilot = pilot
        """As the probe shows it."""
        self.started = started
        self.work = work
        self.left = work
        """Of its work, when it last began to run or was suspended."""
        self.done_at = 0.0
        """At which of the machine's ``work`` it has done all of its own, while it runs."""
        self.ending: Reason | None = None
        """Why it was asked to end; None where it wasn't."""


class Tally:
    """What happened to the pilots of a node."""

    def __init__(self) -> None:
        """Count from zero."""
        self.launched = 0
        self.completed = 0
        """Pilots that did all of their work."""
        self.asked_to_end: Counter[Reason] = Counter()
        self.endings: list[tuple[float, Reason]] = []
        """When each was asked to end, in order."""
        self.suspended = 0
        self.lost_core_seconds = 0.0
        """Of pilots that were ended before their work was done."""
