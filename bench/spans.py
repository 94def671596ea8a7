"""The arithmetic of the figures: pure functions of a list of the engine's events, no clock and no engine.

Moments are the engine's own stamps, in seconds since the epoch. A container may start and die several times over
(``--restart=always`` starts the same one again), so a run is a pair of moments, not a container.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event of one container, as the engine told it. ``action`` is the engine's own word."""

    moment: float
    container: str
    action: str


class Gaps(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds from a death to its replacement's start, and the deaths that nothing had replaced yet."""

    seconds: tuple[float, ...]
    open: int


def running(events: Iterable[Event]) -> Iterator[tuple[float, int]]:
    """Yield each moment at which the number of running containers changed, with the number from then on."""
    alive: set[str] = set()
    for event in events:
        before = len(alive)
        if event.action == "start":
            alive.add(event.container)
        elif event.action == "die":
            alive.discard(event.container)
        if len(alive) != before:
            yield event.moment, len(alive)


def full_at(events: Iterable[Event], pilots: int) -> float | None:
    """Return the first moment at which ``pilots`` containers ran; None if that never was."""
    return next((moment for moment, count in running(events) if count >= pilots), None)


def most_at_once(events: Iterable[Event]) -> int:
    """Return the most containers that ran at any moment."""
    return max((count for _, count in running(events)), default=0)


def occupancy(events: Iterable[Event], pilots: int, begin: float, end: float) -> float:
    """Return the share of ``pilots`` places that were running, as a mean over the time from ``begin`` to ``end``.

    1.0 says that every place was taken all the time. Running more than ``pilots`` counts for no more than that, so that
    exceeding the limit can't make up for a gap elsewhere.
    """
    if end <= begin or pilots < 1:
        msg = "occupancy needs at least one place and a window longer than nothing"
        raise ValueError(msg)
    taken, since, count = 0.0, begin, 0
    for moment, now_running in running(events):
        until = min(max(moment, begin), end)
        taken += min(count, pilots) * (until - since)
        since, count = until, now_running
    taken += min(count, pilots) * (end - since)
    return taken / (pilots * (end - begin))


def gaps(events: Iterable[Event], begin: float, end: float) -> Gaps:
    """Match each death from ``begin`` to ``end`` with the first start after it that no earlier death has taken.

    A start that follows no open death is growth and has no gap.
    """
    waiting: deque[float] = deque()
    seconds: list[float] = []
    for event in events:
        if not begin <= event.moment <= end:
            continue
        if event.action == "die":
            waiting.append(event.moment)
        elif event.action == "start" and waiting:
            seconds.append(event.moment - waiting.popleft())
    return Gaps(seconds=tuple(seconds), open=len(waiting))


def percentile(values: Sequence[float], fraction: float) -> float:
    """Return the value below which ``fraction`` of all lie, linear between neighbours; ``fraction`` is from 0 to 1."""
    if not values or not 0 <= fraction <= 1:
        msg = "a percentile needs a value at least, and a fraction from 0 to 1"
        raise ValueError(msg)
    ordered = sorted(values)
    place = fraction * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def middle(values: Sequence[float]) -> float | None:
    """Return the median, or None of nothing."""
    return median(values) if values else None
