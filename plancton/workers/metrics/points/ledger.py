"""What was given to pilots and what it cost the owner, summed up: pure. What nobody watched is in no sum."""

import math

import msgspec

from plancton.common.messages import Counters, HostLook
from plancton.common.points import Point
from plancton.workers.metrics.points.host_points import counts
from plancton.workers.metrics.points.stamp import Stamp, point


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over some time. None is what was known at no moment of it."""

    interval_seconds: float = 0.0
    core_seconds: float | None = None
    free_core_seconds: float | None = None
    owner_stall_cpu_seconds: float | None = None
    owner_stall_memory_seconds: float | None = None
    owner_stall_io_seconds: float | None = None


def given(before: Given, look: HostLook, *, pilots_ran: bool | None) -> Given:
    """Return the sums with another look's interval in them; ``pilots_ran`` is None where nobody can tell.

    What the owner leaves is all that neither they nor a hypervisor's other guests use: what the engine spends on
    pilots is in it, and no less than pilots used. A stall of the owner's counts while pilots ran alone.
    """
    if not counts(look):
        return before
    seconds, owner = look.interval_seconds, look.owner_cpus
    free = None if owner is None else max(0.0, look.pilots_cpus or 0.0, look.ncpus - owner - look.stolen_cpus)
    return Given(
        interval_seconds=before.interval_seconds + seconds,
        core_seconds=_plus(before.core_seconds, look.pilots_cpus, seconds),
        free_core_seconds=_plus(before.free_core_seconds, free, seconds),
        owner_stall_cpu_seconds=_plus(before.owner_stall_cpu_seconds, _cost(look.stall_cpu, pilots_ran), seconds),
        owner_stall_memory_seconds=_plus(
            before.owner_stall_memory_seconds, _cost(look.stall_memory, pilots_ran), seconds
        ),
        owner_stall_io_seconds=_plus(before.owner_stall_io_seconds, _cost(look.stall_io, pilots_ran), seconds),
    )


def given_point(sums: Given, lived_seconds: float | None, stamp: Stamp) -> Point | None:
    """Return the sums as a point, with the time that pilots lived; None where nothing was watched."""
    if not sums.interval_seconds and lived_seconds is None:
        return None
    return point("given", stamp, {**msgspec.structs.asdict(sums), "pilot_seconds": lived_seconds})


def totals(counters: Counters, sums: Given) -> Counters:
    """Return the counters with the sums added to them."""
    return msgspec.structs.replace(
        counters,
        given_core_seconds=counters.given_core_seconds + (sums.core_seconds or 0.0),
        free_core_seconds=counters.free_core_seconds + (sums.free_core_seconds or 0.0),
        owner_stall_cpu_seconds=counters.owner_stall_cpu_seconds + (sums.owner_stall_cpu_seconds or 0.0),
        owner_stall_memory_seconds=counters.owner_stall_memory_seconds + (sums.owner_stall_memory_seconds or 0.0),
        owner_stall_io_seconds=counters.owner_stall_io_seconds + (sums.owner_stall_io_seconds or 0.0),
    )


def _cost(stall: float | None, pilots_ran: bool | None) -> float | None:  # noqa: FBT001 - one of three values
    """Return the share of time in which pilots may have cost the owner; without pilots it is known to be none."""
    if pilots_ran is False or stall == 0.0:
        return 0.0
    return stall if pilots_ran else None


def _plus(total: float | None, value: float | None, seconds: float) -> float | None:
    if value is None or not math.isfinite(value):
        return total
    return (total or 0.0) + value * seconds
