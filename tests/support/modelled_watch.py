"""Stands for the probe's eyes on an engine, with what they see in a test's hand."""

from collections.abc import Callable

from plancton.common.engine_types import Failure
from plancton.workers.probe.watch import Brought, FullLook


class Watch:
    """Stands for the probe's eyes on the engine."""

    def __init__(self) -> None:
        """Follow nothing yet."""
        self.came: list[Brought] = []
        self.asked: Callable[[FullLook | Failure], None] | None = None
        self.seen: FullLook | Failure | None = None
        self.arrived = False

    def take(self) -> list[Brought]:
        """Return the events that were let through."""
        taken, self.came = self.came, []
        return taken

    def look(self, then: Callable[[FullLook | Failure], None]) -> None:
        """Begin a look."""
        self.asked, self.seen, self.arrived = then, None, False

    def collect(self) -> None:
        """Hand out the look that arrived."""
        if self.asked is not None and self.seen is not None and self.arrived:
            then, self.asked = self.asked, None
            then(self.seen)

    def close(self) -> None:
        """Stop."""
