"""How many pilots the owner leaves room for: pure."""

import math

import msgspec

from plancton.common.expression import max_docks
from plancton.common.messages import HostLook
from plancton.common.reasons import Reason
from plancton.common.settings import Settings

_ROUNDING = 1e-6
"""So that three times 0.1 CPUs fit into 0.3."""
_RESERVED_FRACTION = 0.05
"""Of the host's memory, never given to pilots."""
_LARGEST_SHARE = 0.5
"""A pilot's memory limit counts for admission as at most this share of the host's memory: a limit isn't a reservation,
and a host smaller than the default limit would run nothing."""


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """How many pilots may run at once, for each reason that limits them."""

    cpus: float
    """CPUs that the owner leaves to pilots."""
    owner_cpus: float
    by_cpu: int
    by_memory: int
    by_max_docks: int

    @property
    def pilots(self) -> int:
        """The least of all limits."""
        return min(self.by_cpu, self.by_memory, self.by_max_docks)

    @property
    def reason(self) -> Reason:
        """Which limit is the least; the owner's needs are named first."""
        if self.by_cpu <= min(self.by_memory, self.by_max_docks):
            return Reason.OWNER_CPU if self.by_cpu < self.by_max_docks else Reason.MAX_DOCKS
        return Reason.OWNER_MEMORY if self.by_memory < self.by_max_docks else Reason.MAX_DOCKS


def room(host: HostLook, owner_cpus: float, settings: Settings, present: int) -> Room:
    """Return the room on ``host``, where the owner uses ``owner_cpus`` and ``present`` pilots exist already.

    Memory that present pilots use is gone from MemAvailable; each further one must fit with its whole limit.
    """
    cpus = max(0.0, host.ncpus - owner_cpus)
    each = min(settings.max_dock_mem, host.ram_bytes * _LARGEST_SHARE)
    spare = host.available_bytes - host.ram_bytes * _RESERVED_FRACTION
    # Below the reserve pilots must go, as many as it takes at their full size; at least one.
    further = math.floor(spare / each)
    return Room(
        cpus=cpus,
        owner_cpus=owner_cpus,
        by_cpu=math.floor(cpus / settings.cpus_per_dock + _ROUNDING),
        by_memory=max(0, present + further),
        by_max_docks=max_docks(settings, host.ncpus, host.ram_bytes, host.swap_bytes),
    )


def smooth(before: float | None, sample: float, interval_seconds: float, time_constant_seconds: float) -> float:
    """Return the exponentially weighted mean after ``sample``, taken over ``interval_seconds``."""
    if before is None:
        return sample
    weight = 1.0 - math.exp(-interval_seconds / time_constant_seconds)
    return before + (sample - before) * weight
