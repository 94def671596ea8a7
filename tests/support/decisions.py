"""Runs of the scheduler's decision, given only the facts that a test is about."""

from typing import Any

import msgspec

from plancton.common.messages import HostLook, Intent, Mode, Target
from plancton.common.policy.facts import Facts, Moment
from plancton.common.policy.memory import Memory
from plancton.common.policy.policy import decide
from plancton.common.settings import Settings
from tests.support.facts import host, image, pool

ACTIVE = Intent(mode=Mode.ACTIVE, since_unix=0.0)
SETTINGS = Settings(max_docks="ncpus")
LOOK_SECONDS = 2.0
UNIX = 5000.0
"""What the wall clock says when the monotonic one says 0."""


def moment(monotonic: float = 1000.0, **changes: Any) -> Moment:  # noqa: ANN401
    """Return a moment."""
    return Moment(monotonic=monotonic, **({"unix": UNIX + monotonic} | changes))


def facts(owner_cpus: float = 0.0, *, at: float = 1000.0, **changes: Any) -> Facts:  # noqa: ANN401
    """Return facts by which everything is well on a host of 8 CPUs, of which the owner uses so many."""
    known: dict[str, Any] = {
        "settings": SETTINGS,
        "intent": ACTIVE,
        "host": host(),
        "host_monotonic": at,
        "pool": pool(),
        "launcher": image(),
    }
    known |= changes
    look = known["host"]
    if isinstance(look, HostLook) and look.pilots_cpus is not None:
        known["host"] = msgspec.structs.replace(look, busy_cpus=look.pilots_cpus + owner_cpus)
    return Facts(**known)


def full(count: int) -> Memory:
    """Return the memory of a node that has had so many pilots for long."""
    return Memory(capacity=count, full_at=1000.0, next_incarnation=count + 1, stream_since=0.0)


class Run:
    """Decisions one after the other, at each look at the host."""

    def __init__(self, memory: Memory | None = None, now: float = 1000.0, luck: float = 0.5) -> None:
        self.memory, self.now, self.luck = memory or Memory(), now, luck
        self.calendar: dict[str, Any] = {}
        """Weekday and time of day, where a test is about them."""

    def decide(self, after: float = 0.0, **changes: Any) -> Target:  # noqa: ANN401
        """Let so many seconds pass by these facts, and return the last target."""
        end = self.now + after
        while self.now + LOOK_SECONDS < end:
            self._step(self.now + LOOK_SECONDS, changes)
        return self._step(end, changes)

    def _step(self, now: float, changes: dict[str, Any]) -> Target:
        self.now = now
        known = facts(at=now, **changes)
        target, self.memory = decide(known, self.memory, moment(now, luck=self.luck, **self.calendar))
        return target
