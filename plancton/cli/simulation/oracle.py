"""What a policy would have done that knows the future: pure.

The oracle has the same limits and timers as the real policy, and fills the node by the same rules: it launches where
the owner left room for all of ``grace_grow`` (with ``start_overlap``, up to ``max_docks``), replaces ended pilots at
once, grows by ``docks_per_loop`` in each ``main_sleep``, and waits ``grace_spawn`` after an eviction. It sees what the
owner uses as the probe does, in means over two seconds, and its pilots have the same pieces of work in the same order.

What it knows better is when to evict and whom. It evicts only for a demand that lasted ``grace_kill``, at the last
moment, not one pilot more than leaves the owner what it asked for through all that time (but for ``end_overlap``). It
counts on the pilots that will have ended by themselves within ``stop_grace``, which a real one would ask to end in
vain; and it evicts those that would have lived longest, so that those which remain make room by themselves the soonest.
It needs no time for anything. Suspension and memory are beyond it: it takes pilots for never suspended.

No policy that fills the node so and keeps the same promise to the owner can do with noticeably fewer evictions.
"""

import heapq
import math
from collections import deque
from collections.abc import Callable

from plancton.cli.simulation.result import Oracle, Scenario
from plancton.cli.simulation.traces import means
from plancton.common.expression import max_docks
from plancton.common.policy.room import tolerated

LOOK_SECONDS = 2.0
_ROUNDING = 1e-6


class _Extreme:
    """The largest of the last so many values."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._kept: deque[tuple[int, float]] = deque()

    def after(self, number: int, value: float) -> float:
        """Return the largest once the value with this number has come."""
        kept = self._kept
        while kept and kept[-1][1] <= value:
            kept.pop()
        kept.append((number, value))
        if kept[0][0] <= number - self._count:
            kept.popleft()
        return kept[0][1]


def oracle(scenario: Scenario, work_of_next: Callable[[], float]) -> Oracle:
    """Return what the oracle would do in ``scenario``; each pilot gets the next piece of work, in seconds."""
    settings = scenario.settings
    most = max_docks(settings, scenario.ncpus, scenario.ram_bytes, 0)
    overlap = tolerated(settings)
    peak = _Extreme(1 + math.ceil(settings.grace_grow / LOOK_SECONDS))
    lasting = _Extreme(max(1, math.ceil(settings.grace_kill / LOOK_SECONDS)))
    pilots = _Pilots(scenario, work_of_next)
    used = free = 0.0
    owner_means = means(scenario.owner, LOOK_SECONDS, int(scenario.seconds / LOOK_SECONDS), float(scenario.ncpus))
    for number, owner in enumerate(owner_means):
        left = scenario.ncpus - owner
        used += pilots.work(left)
        free += left * LOOK_SECONDS
        room = scenario.ncpus - settings.reserve_cpus
        highest = peak.after(number, owner)
        lowest = -lasting.after(number, -owner)
        if (number + 1) * LOOK_SECONDS >= settings.grace_kill:
            pilots.evict_to(_fitting(room - lowest, settings.cpus_per_dock, overlap), number)
        grow = min(most, _fitting(room - highest, settings.cpus_per_dock, settings.start_overlap))
        keep = min(most, _fitting(room - highest, settings.cpus_per_dock, overlap))
        pilots.fill(grow, keep, number)
    return Oracle(evictions=pilots.evicted, occupancy=used / free if free > 0.0 else 1.0)


def _fitting(cpus: float, cpus_per_dock: float, overlap: float) -> int:
    return max(0, math.floor(cpus / cpus_per_dock + overlap + _ROUNDING))


class _Pilots:
    """The oracle's pilots, each by the moment of shared work at which it will be done."""

    def __init__(self, scenario: Scenario, work_of_next: Callable[[], float]) -> None:
        self._settings = scenario.settings
        self._work_of_next = work_of_next
        self._done_at: list[float] = []
        self._worked = 0.0
        self._rate = 1.0
        self._capacity = 0
        self._full_at = 0
        self._grown: deque[int] = deque()
        self._evicted_at: int | None = None
        self.evicted = 0

    def work(self, cpus: float) -> float:
        """Let them share ``cpus`` until the next look; return the core-seconds used."""
        each = self._settings.cpus_per_dock
        wanted = len(self._done_at) * each
        self._rate = min(1.0, cpus / wanted) if wanted > 0.0 else 1.0
        self._worked += LOOK_SECONDS * self._rate
        while self._done_at and self._done_at[0] <= self._worked:
            heapq.heappop(self._done_at)
        return wanted * self._rate * LOOK_SECONDS

    def evict_to(self, count: int, number: int) -> None:
        """Evict until ``count`` are left once ``stop_grace`` is over."""
        if len(self._done_at) <= count:
            return
        soon = self._worked + self._settings.stop_grace * self._rate
        ending = sum(done_at <= soon for done_at in self._done_at)
        surplus = len(self._done_at) - ending - count
        if surplus > 0:
            self._done_at = sorted(self._done_at)[:-surplus]
            self.evicted += surplus
            self._evicted_at = number
            self._capacity = max(0, self._capacity - surplus)

    def fill(self, grow: int, keep: int, number: int) -> None:
        """Replace up to ``keep`` of those that ended, and grow towards ``grow``."""
        settings, there = self._settings, len(self._done_at)
        period = settings.main_sleep / LOOK_SECONDS
        if there >= self._capacity or number - self._full_at > period:
            self._capacity, self._full_at = there, number
        while self._grown and number - self._grown[0] >= period:
            self._grown.popleft()
        if self._evicted_at is not None and (number - self._evicted_at) * LOOK_SECONDS < settings.grace_spawn:
            return
        replacing = max(0, min(self._capacity, keep) - there)
        growing = min(max(0, grow - there - replacing), max(0, settings.docks_per_loop - len(self._grown)))
        for _ in range(replacing + growing):
            heapq.heappush(self._done_at, self._worked + self._work_of_next())
        self._grown.extend([number] * growing)
        if len(self._done_at) >= self._capacity:
            self._capacity, self._full_at = len(self._done_at), number
