"""What a drill found, from the reports of its busy processes: pure."""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Literal

import msgspec

WINDOW_SECONDS = 0.5
"""A speed counts as reached if it was the mean over so long."""
ENOUGH = 0.95
"""So much of the speed alone is as good as all of it."""
QUIET = 0.9
"""A load that had less than this share of the CPUs that it wants wasn't alone."""
_STEP_SECONDS = 0.1

What = Literal["units", "cpu_seconds"]


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One busy process's report: what it had done and used by then."""

    process: int
    moment: float
    """Monotonic."""
    units: int
    cpu_seconds: float


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What a load did from ``begun`` (monotonic) for ``seconds``."""

    begun: float
    seconds: float
    samples: tuple[Sample, ...]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How an owner fared. A share is 0.02 for 2 %; None means that it couldn't be told."""

    first_cpu_seconds: float | None
    """When the load first had one CPU's worth of speed; None: never."""
    all_cpus_seconds: float | None
    """When it first had as much as alone; None: never."""
    cpus: float
    """How many CPUs it had on average."""
    alone_cpus: float | None = None
    """The same without pilots; where it's less than it wants, others are busy too, and the figures say little."""
    slowdown: float | None = None
    """How much longer the same work took than alone, over the whole run."""
    slowdown_first_second: float | None = None
    slowdown_per_cpu_second: float | None = None
    """The part of it that isn't for want of CPUs, but because others share caches and cores."""


def verdict(run: Run, alone: Run | None, cpus: int) -> Verdict:
    """Return how a load that wants ``cpus`` fared in ``run``, against the same load ``alone``.

    Without that, speed is how many CPUs it had.
    """
    what: What = "units" if alone is not None else "cpu_seconds"
    wanted = float(cpus) if alone is None else _mean(alone, what)
    speed = _Speed(run, what)
    got = _mean(run, "cpu_seconds")
    first = _reached(speed, run.seconds, wanted / cpus)
    whole = _reached(speed, run.seconds, wanted)
    if alone is None:
        return Verdict(first_cpu_seconds=first, all_cpus_seconds=whole, cpus=got)
    alone_got = _mean(alone, "cpu_seconds")
    first_second = min(1.0, run.seconds, alone.seconds)
    return Verdict(
        first_cpu_seconds=first,
        all_cpus_seconds=whole,
        cpus=got,
        alone_cpus=alone_got,
        slowdown=_slowdown(wanted, _mean(run, what)),
        # Against its own first second: any load takes a moment to get going.
        slowdown_first_second=_slowdown(_Speed(alone, what)(0.0, first_second), speed(0.0, first_second)),
        slowdown_per_cpu_second=_slowdown(_ratio(wanted, alone_got), _ratio(_mean(run, what), got)),
    )


class _Speed:
    """How fast the load was between two moments of a run, in seconds from its begin."""

    def __init__(self, run: Run, what: What) -> None:
        self._begun = run.begun
        self._lines = [_Line(samples, what) for samples in _by_process(run.samples)]

    def __call__(self, begin: float, end: float) -> float:
        done = sum(line.at(self._begun + end) - line.at(self._begun + begin) for line in self._lines)
        return _ratio(done, end - begin)


class _Line:
    """What one process had done, moment by moment: straight from one report to the next."""

    def __init__(self, samples: list[Sample], what: What) -> None:
        self._moments = [sample.moment for sample in samples]
        self._totals = [float(getattr(sample, what)) for sample in samples]

    def at(self, moment: float) -> float:
        after = bisect_left(self._moments, moment)
        if after == 0:
            return self._totals[0]
        if after == len(self._moments):
            return self._totals[-1]
        earlier, later = self._moments[after - 1], self._moments[after]
        share = _ratio(moment - earlier, later - earlier)
        return self._totals[after - 1] + share * (self._totals[after] - self._totals[after - 1])


def _by_process(samples: Iterable[Sample]) -> list[list[Sample]]:
    found: dict[int, list[Sample]] = {}
    for sample in samples:
        found.setdefault(sample.process, []).append(sample)
    return [sorted(each, key=lambda sample: sample.moment) for each in found.values()]


def _mean(run: Run, what: What) -> float:
    return _Speed(run, what)(0.0, run.seconds)


def _reached(speed: _Speed, seconds: float, wanted: float) -> float | None:
    window = min(WINDOW_SECONDS, seconds)
    for step in range(int((seconds - window) / _STEP_SECONDS) + 1):
        begin = step * _STEP_SECONDS
        if wanted > 0 and speed(begin, begin + window) >= ENOUGH * wanted:
            return round(begin, 3)
    return None


def _slowdown(alone: float, beside: float) -> float | None:
    return alone / beside - 1.0 if beside > 0 and alone > 0 else None


def _ratio(amount: float, per: float) -> float:
    return amount / per if per > 0 else 0.0
