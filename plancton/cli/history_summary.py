"""The points of some time, summed up in buckets: pure."""

import bisect
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from plancton.cli.history_figures import Figures, Gap, Summary
from plancton.common.points import Point
from plancton.common.series import Exit

SERIES = ("given", "host", "target", "pilot", "launch", "handback")
"""What is summed up."""
_TICKS = frozenset({"given", "host", "target"})
"""Written together, about the time since they were written before; the others are of one moment."""
_SHORTEST_GAP = 60.0
_MISSED = 2.5
"""A record that comes after so many times its usual time leaves a gap."""
_WATCHED = (
    ("given_core_seconds", "core_seconds"),
    ("free_core_seconds", "free_core_seconds"),
    ("owner_stall_cpu_seconds", "owner_stall_cpu_seconds"),
    ("owner_stall_memory_seconds", "owner_stall_memory_seconds"),
    ("owner_stall_io_seconds", "owner_stall_io_seconds"),
)
"""Fields of ``Figures`` that are of the time watched, and what they are in the series ``given``."""
Fields = dict[str, float | str]


def summarise(points: Iterable[Point], edges: Sequence[float]) -> Summary:
    """Return the sums between each two of ``edges``, moments in rising order, and over all.

    ``points`` of the ``SERIES`` come in the order of their times. What a point tells of the time before it is spread
    over the buckets that this time touches.
    """
    summing = _Summing(edges)
    for time_unix_ns, together in _by_time(points):
        moment = time_unix_ns / 1e9
        tick: dict[str, Fields] = {}
        for point in together:
            if point.series in _TICKS:
                tick[point.series] = point.fields
            else:
                summing.happened(moment, point)
        if tick:
            summing.passed(moment, tick)
    return summing.summary()


def _by_time(points: Iterable[Point]) -> Iterator[tuple[int, list[Point]]]:
    together: list[Point] = []
    for point in points:
        if together and point.time_unix_ns != together[0].time_unix_ns:
            yield together[0].time_unix_ns, together
            together = []
        together.append(point)
    if together:
        yield together[0].time_unix_ns, together


class _Summing:
    """The sums so far."""

    def __init__(self, edges: Sequence[float]) -> None:
        self._edges = edges
        self._buckets = [Figures(since_unix=since, until_unix=until) for since, until in pairwise(edges)]
        self._gaps: list[Gap] = []
        self._recorded_until = edges[0]
        self._last: float | None = None
        """The moment of the last tick."""
        self._since_last = 0.0
        """How long after the one before that was."""
        self._watched = 0.0
        """How long the machine was watched, as the last one told that told it."""

    def happened(self, moment: float, point: Point) -> None:
        """Take in something of one moment."""
        number = bisect.bisect_right(self._edges, moment) - 1
        if not 0 <= number < len(self._buckets):
            return
        figures, fields = self._buckets[number], point.fields
        match point.series:
            case "launch":
                _count(figures.launches, point.tags.get("outcome", ""))
            case "handback":
                seconds = fields.get("seconds")
                if isinstance(seconds, float):
                    figures.handback_seconds.append(seconds)
            case "pilot":
                end, lost = point.tags.get("exit", ""), fields.get("lost_core_seconds", 0.0)
                lost = lost if isinstance(lost, float) else 0.0
                _count(figures.exits, end)
                figures.lost_core_seconds += lost
                if end == Exit.EVICTED:
                    _count(figures.evictions, point.tags.get("reason", ""))
                    figures.evicted_lost_core_seconds += lost

    def passed(self, moment: float, tick: dict[str, Fields]) -> None:
        """Take in what the points of this moment tell of the time before it."""
        watched = tick.get("given", {}).get("interval_seconds")
        watched = watched if isinstance(watched, float) else 0.0
        usual = max(watched, self._watched) or self._since_last
        begun = self._begun(moment, watched, usual)
        self._note_gap(begun, usual)
        self._recorded_until = max(self._recorded_until, moment)
        self._since_last = moment - self._last if self._last is not None else 0.0
        self._last, self._watched = moment, watched or self._watched
        for figures, seconds in self._parts(begun, moment):
            _add_recorded(figures, tick, seconds, seconds / (moment - begun))
        # Looks at the machine may be fewer than points, so that each may tell of more or less than what is recorded.
        begun = moment - watched if watched > 0.0 else begun
        for figures, seconds in self._parts(begun, moment):
            _add_watched(figures, tick, seconds, seconds / (moment - begun))

    def _begun(self, moment: float, watched: float, usual: float) -> float:
        """Return from when on a tick tells what was: from the one before, unless others are missing between."""
        since_last = moment - self._last if self._last is not None else 0.0
        if 0.0 < since_last <= max(_SHORTEST_GAP, _MISSED * usual):
            return moment - since_last
        return moment - watched

    def _note_gap(self, until: float, usual: float) -> None:
        until = min(until, self._edges[-1])
        if until - self._recorded_until > max(_SHORTEST_GAP, _MISSED * usual):
            self._gaps.append(Gap(since_unix=self._recorded_until, until_unix=until))

    def _parts(self, begun: float, ended: float) -> Iterator[tuple[Figures, float]]:
        """Yield the buckets that the time touches, and for how long."""
        number = max(0, bisect.bisect_right(self._edges, begun) - 1)
        while number < len(self._buckets) and self._edges[number] < ended:
            figures = self._buckets[number]
            seconds = min(ended, figures.until_unix) - max(begun, figures.since_unix)
            if seconds > 0.0:
                yield figures, seconds
            number += 1

    def summary(self) -> Summary:
        """Return the sums."""
        self._note_gap(self._edges[-1], self._watched or self._since_last)
        return Summary(
            total=merged(self._buckets, self._edges[0], self._edges[-1]),
            buckets=tuple(self._buckets),
            gaps=tuple(self._gaps),
        )


def merged(parts: Iterable[Figures], since_unix: float, until_unix: float) -> Figures:
    """Return the sums over all ``parts``, which make up the time between."""
    total = Figures(since_unix=since_unix, until_unix=until_unix)
    for part in parts:
        for name in Figures.__struct_fields__[2:]:
            value, before = getattr(part, name), getattr(total, name)
            if isinstance(value, dict):
                for key, more in value.items():
                    before[key] = before.get(key, 0) + more
            elif value is not None:
                setattr(total, name, value if before is None else before + value)
    return total


def _add_recorded(figures: Figures, tick: dict[str, Fields], seconds: float, share: float) -> None:
    """Add the share of a tick's record that so many seconds of its time are."""
    figures.recorded_seconds += seconds
    lived, target = tick.get("given", {}).get("pilot_seconds"), tick.get("target", {})
    if isinstance(lived, float):
        figures.pilot_seconds = (figures.pilot_seconds or 0.0) + lived * share
    suspended = target.get("suspended")
    if isinstance(suspended, float):
        figures.suspended_pilot_seconds = (figures.suspended_pilot_seconds or 0.0) + suspended * seconds
    if target.get("held") == 1.0:
        reason = str(target.get("reason", ""))
        figures.held_seconds[reason] = figures.held_seconds.get(reason, 0.0) + seconds


def _add_watched(figures: Figures, tick: dict[str, Fields], seconds: float, share: float) -> None:
    """Add the share of what was seen of the machine that so many seconds of the time watched are."""
    given, host = tick.get("given", {}), tick.get("host", {})
    if host or given.get("interval_seconds"):
        figures.watched_seconds += seconds
    for name, field in _WATCHED:
        value = given.get(field)
        if isinstance(value, float):
            setattr(figures, name, (getattr(figures, name) or 0.0) + value * share)
    owner, ncpus = host.get("owner_cpus"), host.get("ncpus")
    if isinstance(owner, float) and isinstance(ncpus, float):
        figures.owner_core_seconds = (figures.owner_core_seconds or 0.0) + owner * seconds
        figures.machine_core_seconds = (figures.machine_core_seconds or 0.0) + ncpus * seconds


def _count(counts: dict[str, int], what: str) -> None:
    counts[what] = counts.get(what, 0) + 1
