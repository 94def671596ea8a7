"""The machine's use and pressure, as means over the time between two points: pure."""

import math
from collections.abc import Mapping

import msgspec

from plancton.common.messages import HostLook
from plancton.common.points import Point
from plancton.workers.metrics.points.stamp import Stamp, point

_CPUS = ("busy_cpus", "owner_cpus", "pilots_cpus", "engine_cpus", "stolen_cpus")
_STALLS = {"cpu": "stall_cpu", "memory": "stall_memory", "io": "stall_io"}
"""Fields of ``pressure`` and what they are in a look."""


class Mean(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity summed over the time in which it was known."""

    total: float = 0.0
    seconds: float = 0.0


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """What the looks since the last point say."""

    last: HostLook | None = None
    means: Mapping[str, Mean] = {}
    """By the name in ``HostLook``."""


def counts(look: HostLook) -> bool:
    """Tell whether a look covers any time."""
    return math.isfinite(look.interval_seconds) and look.interval_seconds > 0.0


def watched(before: Watched, look: HostLook) -> Watched:
    """Return what is known with another look. A quantity's mean is over the intervals in which it was known."""
    if not counts(look):
        return before
    means = dict(before.means)
    for name in (*_CPUS, *_STALLS.values()):
        value = getattr(look, name)
        if value is not None and math.isfinite(value):
            mean = means.get(name, Mean())
            means[name] = Mean(
                total=mean.total + value * look.interval_seconds, seconds=mean.seconds + look.interval_seconds
            )
    return Watched(last=look, means=means)


def host(seen: Watched, stamp: Stamp) -> Point | None:
    """Return the machine's use; None where nobody looked."""
    last = seen.last
    if last is None:
        return None
    sizes = {name: float(getattr(last, name)) for name in ("ncpus", "ram_bytes", "available_bytes", "swap_bytes")}
    return point("host", stamp, {**{name: _mean(seen, name) for name in _CPUS}, **sizes})


def pressure(seen: Watched, stamp: Stamp) -> Point | None:
    """Return how much the owner's processes were stalled; None where nobody could tell."""
    return point("pressure", stamp, {field: _mean(seen, name) for field, name in _STALLS.items()})


def _mean(seen: Watched, name: str) -> float | None:
    mean = seen.means.get(name)
    return mean.total / mean.seconds if mean is not None else None
