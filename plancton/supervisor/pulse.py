"""How a loop turns, by its signs of life: pure."""

RECENT_SECONDS = 10.0


class Pulse:
    """Counts the signs of life of one loop, and remembers how late it was. Moments are monotonic seconds."""

    def __init__(self) -> None:
        """Know of no sign of life."""
        self.beats = 0
        self._untaken = 0.0
        self._since = 0.0
        """When the present span of ``RECENT_SECONDS`` began."""
        self._present = 0.0
        self._last = 0.0
        """The most in the span before."""

    def beaten(self, late_seconds: float, now: float) -> None:
        """Take in a sign of life from a loop that woke so late since the one before, at most."""
        self._pass(now)
        self.beats += 1
        self._untaken = max(self._untaken, late_seconds)
        self._present = max(self._present, late_seconds)

    def recent(self, now: float) -> float:
        """Return the most that the loop was late within the last 10 to 20 seconds."""
        self._pass(now)
        return max(self._present, self._last)

    def take(self) -> float:
        """Return the most that the loop was late since this was last asked, and forget it."""
        taken, self._untaken = self._untaken, 0.0
        return taken

    def _pass(self, now: float) -> None:
        spans = int((now - self._since) // RECENT_SECONDS)
        if spans > 0:
            self._last = self._present if spans == 1 else 0.0
            self._since, self._present = self._since + spans * RECENT_SECONDS, 0.0
