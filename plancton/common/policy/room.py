"""How many pilots the owner leaves room for: pure."""

import math

import msgspec

from plancton.common.decision import Figures
from plancton.common.expression import max_docks
from plancton.common.messages import HostLook
from plancton.common.policy.demand import Demand, peak_cpus, reserve_bytes
from plancton.common.policy.history import throughout
from plancton.common.reasons import Reason
from plancton.common.settings import Settings

_ROUNDING = 1e-6
"""So that three times 0.1 CPUs fit into 0.3."""
_LARGEST_SHARE = 0.5
"""A pilot's memory limit counts for admission as at most this share of the host's memory: a limit isn't a reservation,
and a host smaller than the default limit would run nothing."""


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """How many pilots may run at once, for each reason that limits them."""

    figures: Figures
    cpus: float
    """CPUs that the owner leaves to pilots, by the most that they used of late."""
    may_grow_to: int
    may_keep: int
    by_memory: int
    by_max_docks: int

    @property
    def grow(self) -> int:
        """Up to how many pilots the node may grow."""
        return min(self.may_grow_to, self.by_memory, self.by_max_docks)

    @property
    def keep(self) -> int:
        """Up to how many pilots ended ones may be replaced."""
        return min(self.may_keep, self.by_memory, self.by_max_docks)

    @property
    def reason(self) -> Reason:
        """Which limit of growth is the least; the owner's needs are named first."""
        if self.may_grow_to <= min(self.by_memory, self.by_max_docks):
            return Reason.OWNER_CPU if self.may_grow_to < self.by_max_docks else Reason.MAX_DOCKS
        return Reason.OWNER_MEMORY if self.by_memory < self.by_max_docks else Reason.MAX_DOCKS


def fitting(owner_cpus: float, host: HostLook, settings: Settings, overlap: float) -> int:
    """Return how many pilots fit beside an owner of ``owner_cpus``, of the last of whom ``overlap`` may be lacking."""
    free = host.ncpus - settings.reserve_cpus - owner_cpus
    return max(0, math.floor(free / settings.cpus_per_dock + overlap + _ROUNDING))


def tolerated(settings: Settings) -> float:
    """Return how much of the last pilot's CPUs may be lacking before it's too many: never less than at its start."""
    return max(settings.start_overlap, settings.end_overlap)


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What pilots take already."""

    pilots: int
    """How many there are, or are on their way."""
    unclaimed: float = 0.0
    """The memory that they may still take and that is still in MemAvailable, in whole pilots."""


def room(host: HostLook, demand: Demand, settings: Settings, taken: Taken, now: float) -> Room | None:
    """Return the room on ``host``; None while the owner's use is unknown.

    Each further pilot must fit with its whole memory limit.
    """
    owner, peak = host.owner_cpus, peak_cpus(demand, now, settings)
    if owner is None or peak is None:
        return None
    reserve = reserve_bytes(host, settings)
    further = math.floor((host.available_bytes - reserve) / pilot_bytes(host, settings) - taken.unclaimed + _ROUNDING)
    figures = Figures(
        ncpus=host.ncpus,
        reserve_cpus=settings.reserve_cpus,
        owner_cpus=owner,
        owner_peak_cpus=peak,
        owner_sustained_cpus=throughout(demand.end, now, settings.grace_kill),
        stolen_cpus=host.stolen_cpus,
        pilots_cpus=host.pilots_cpus,
        available_bytes=host.available_bytes,
        reserve_bytes=reserve,
        stall_cpu=host.stall_cpu,
        stall_memory=host.stall_memory,
        stall_io=host.stall_io,
        may_grow_to=fitting(peak, host, settings, settings.start_overlap),
        may_keep=fitting(peak, host, settings, tolerated(settings)),
        by_memory=max(0, taken.pilots + further),
        by_max_docks=max_docks(settings, host.ncpus, host.ram_bytes, host.swap_bytes),
    )
    return Room(
        figures=figures,
        cpus=max(0.0, host.ncpus - settings.reserve_cpus - peak),
        may_grow_to=figures.may_grow_to,
        may_keep=figures.may_keep,
        by_memory=figures.by_memory,
        by_max_docks=figures.by_max_docks,
    )


def pilot_bytes(host: HostLook, settings: Settings) -> float:
    """Return the memory that a pilot counts for."""
    return min(settings.max_dock_mem, host.ram_bytes * _LARGEST_SHARE)
