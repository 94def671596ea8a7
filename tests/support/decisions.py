"""Runs of the scheduler's decision, given only the facts that a test is about."""

from typing import Any

from plancton.common.messages import Intent, Mode, Target
from plancton.common.policy.memory import Facts, Memory
from plancton.common.policy.policy import decide
from plancton.common.settings import Settings
from tests.support.facts import host, image, pool

ACTIVE = Intent(mode=Mode.ACTIVE, since_unix=0.0)
SETTINGS = Settings(max_docks="ncpus")


def facts(**changes: Any) -> Facts:  # noqa: ANN401
    """Return facts by which everything is well on an idle host of 8 CPUs."""
    known: dict[str, Any] = {
        "settings": SETTINGS,
        "intent": ACTIVE,
        "host": host(),
        "owner_cpus": 0.0,
        "pool": pool(),
        "launcher": image(),
    }
    return Facts(**(known | changes))


def full(count: int) -> Memory:
    """Return the memory of a node that has had so many pilots for long."""
    return Memory(capacity=count, full_at=1000.0, next_incarnation=count + 1)


class Run:
    """Decisions one after the other."""

    def __init__(self, memory: Memory | None = None, now: float = 1000.0) -> None:
        self.memory, self.now = memory or Memory(), now

    def decide(self, after: float = 0.0, **changes: Any) -> Target:  # noqa: ANN401
        """Decide so many seconds later."""
        self.now += after
        target, self.memory = decide(facts(**changes), self.memory, self.now, 5000.0 + self.now)
        return target
