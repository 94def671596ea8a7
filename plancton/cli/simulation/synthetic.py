"""Owners made up: pure, for chance is an argument, so that the same chance gives the same trace."""

import math
from collections.abc import Callable

from plancton.cli.simulation.traces import Trace, trace

Chance = Callable[[], float]
"""Gives random numbers from 0 up to but not including 1."""
DEFAULT_LOADS = {"constant": 12.0, "noise": 30.0}
"""Percent of the CPUs, for those synthetic owners that have a steady load."""
NAMES = ("idle", "constant", "office", "bursty", "noise", "full")

_HOUR, _DAY = 3600.0, 86_400.0
_WORKDAYS = 5
_OFFICE_OPENS, _OFFICE_CLOSES = 9.0 * _HOUR, 17.0 * _HOUR
_BUSY_PERCENT, _QUIET_PERCENT = (30.0, 80.0), (0.0, 3.0)
_BUSY_STEP_SECONDS, _QUIET_STEP_SECONDS = 300.0, 1800.0
_BURST_GAP_SECONDS = 600.0
_SHORTEST_BURST_SECONDS, _LONGEST_BURST_SECONDS = 2.0, _HOUR
_LEAST_BURST_PERCENT = 5.0
_NOISE_STEP_SECONDS = 3.0
_NOISE_PERCENT = 5.0


def synthetic(name: str, ncpus: int, seconds: float, load_percent: float, chance: Chance) -> Trace:
    """Return what the owner ``name``, one of ``NAMES``, asks of ``ncpus`` CPUs from a Monday's first minute on."""
    if name == "office":
        return _office(ncpus, seconds, chance)
    if name == "bursty":
        return _bursty(ncpus, seconds, chance)
    if name == "noise":
        return _noise(ncpus, seconds, load_percent, chance)
    percent = {"idle": 0.0, "constant": load_percent, "full": 100.0}[name]
    return trace([(0.0, ncpus * percent / 100.0)], seconds)


def _office(ncpus: int, seconds: float, chance: Chance) -> Trace:
    """Weekdays from 9 to 17 a load of 30 to 80 % that changes every few minutes; nearly nothing at other times."""
    steps: list[tuple[float, float]] = []
    moment = 0.0
    while moment < seconds:
        of_day = moment % _DAY
        works = moment // _DAY % 7 < _WORKDAYS and _OFFICE_OPENS <= of_day < _OFFICE_CLOSES
        low, high = _BUSY_PERCENT if works else _QUIET_PERCENT
        steps.append((moment, ncpus * (low + (high - low) * chance()) / 100.0))
        borders = (_OFFICE_OPENS, _OFFICE_CLOSES, _DAY)
        change = moment - of_day + next(border for border in borders if border > of_day)
        moment = min(change, moment + _waiting(_BUSY_STEP_SECONDS if works else _QUIET_STEP_SECONDS, chance))
    return trace(steps, seconds)


def _bursty(ncpus: int, seconds: float, chance: Chance) -> Trace:
    """Bursts after random gaps, each from seconds to an hour long and of random height; those that overlap add up."""
    changes: list[tuple[float, float]] = [(0.0, 0.0)]
    start = _waiting(_BURST_GAP_SECONDS, chance)
    while start < seconds:
        # As many of some seconds as of some minutes or of nearly an hour.
        length = _SHORTEST_BURST_SECONDS * (_LONGEST_BURST_SECONDS / _SHORTEST_BURST_SECONDS) ** chance()
        height = ncpus * (_LEAST_BURST_PERCENT + (100.0 - _LEAST_BURST_PERCENT) * chance()) / 100.0
        changes += [(start, height), (start + length, -height)]
        start += _waiting(_BURST_GAP_SECONDS, chance)
    steps: dict[float, float] = {}
    load = 0.0
    for moment, change in sorted(changes):
        load += change
        if moment < seconds:
            steps[moment] = min(float(ncpus), max(0.0, round(load, 9)))
    return trace(list(steps.items()), seconds)


def _noise(ncpus: int, seconds: float, load_percent: float, chance: Chance) -> Trace:
    """Return a load that is steady but for a new deviation of up to 5 % of the CPUs every 3 seconds."""
    steps: list[tuple[float, float]] = []
    for number in range(math.ceil(seconds / _NOISE_STEP_SECONDS)):
        percent = load_percent + _NOISE_PERCENT * (2.0 * chance() - 1.0)
        steps.append((number * _NOISE_STEP_SECONDS, ncpus * min(100.0, max(0.0, percent)) / 100.0))
    return trace(steps, seconds)


def _waiting(mean_seconds: float, chance: Chance) -> float:
    """Return how long to wait for what happens once in ``mean_seconds``."""
    return -mean_seconds * math.log(1.0 - chance()) + 1e-3
