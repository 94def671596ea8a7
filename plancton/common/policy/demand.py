"""What the owner asks for, and for how long already: the looks at the host, folded into histories. Pure."""

import msgspec

from plancton.common.messages import HostLook
from plancton.common.policy.history import History, most, observe
from plancton.common.settings import Settings

_DIP_SECONDS = 6.0
"""A dip in the owner's use no longer than this, or a quarter of the hold time, doesn't end a demand."""
_STOLEN_SECONDS = 600.0
"""A hypervisor takes CPUs only while they're asked for: for so long pilots that gave way aren't started anew to find
out whether it still does."""
_FULL = 0.9
"""Whoever waits for a CPU while less of the machine is busy isn't kept waiting by pilots."""
_LEAST_CPU_SHARE = 0.1
"""Nor are they while pilots use less of the machine than this: then the owner's processes wait for each other."""
_SHORT_RESERVES = 2.0
"""Whoever waits for memory while more is available than so many reserves, waits because of a limit of their own."""
_LEAST_IO_SHARE = 0.1
"""Whoever waits for a disk which pilots use less than this isn't kept waiting by them."""


class Stall(msgspec.Struct, frozen=True, kw_only=True):
    """The owner's stall for want of one thing, as shares of time from 0 to 1."""

    suspend: History = History()
    end: History = History()


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of the host until ``at``, in monotonic seconds."""

    at: float | None = None
    recent: tuple[tuple[float, float], ...] = ()
    """Moments and the owner's CPUs of the last few looks."""
    grow: History = History()
    """The owner's CPUs, stolen ones included, over ``grace_grow``."""
    suspend: History = History()
    """The same without short dips, over ``grace_suspend``."""
    end: History = History()
    """The same without short dips, over ``grace_kill``."""
    stolen: History = History()
    shortage: History = History()
    """Bytes lacking in the owner's memory reserve, over ``grace_mem``."""
    stall_cpu: Stall = Stall()
    stall_memory: Stall = Stall()
    stall_io: Stall = Stall()


def reserve_bytes(host: HostLook, settings: Settings) -> int:
    """Return the memory that stays available to the owner."""
    return int(host.ram_bytes * settings.reserve_mem / 100.0)


def shortage_bytes(host: HostLook, settings: Settings) -> int:
    """Return how much the owner's memory reserve lacks."""
    return max(0, reserve_bytes(host, settings) - host.available_bytes)


def after_look(demand: Demand, host: HostLook, at: float, settings: Settings) -> Demand:
    """Return the demand after a look at ``at``; the same look again changes nothing."""
    if demand.at is not None and at <= demand.at:
        return demand
    owner = host.owner_cpus
    if owner is None:
        # Whatever was asked for, nobody knows whether it still is.
        return Demand(at=at, shortage=_shortage(demand, host, at, settings))
    asked = owner + host.stolen_cpus
    recent = (*((moment, cpus) for moment, cpus in demand.recent if at - moment <= _DIP_SECONDS), (at, asked))
    return Demand(
        at=at,
        recent=recent,
        grow=observe(demand.grow, at, owner, settings.grace_grow),
        suspend=_held(demand.suspend, recent, settings.grace_suspend),
        end=_held(demand.end, recent, settings.grace_kill),
        stolen=observe(demand.stolen, at, host.stolen_cpus, _STOLEN_SECONDS),
        shortage=_shortage(demand, host, at, settings),
        **_stalls(demand, host, at, settings),
    )


def peak_cpus(demand: Demand, now: float, settings: Settings) -> float | None:
    """Return the CPUs that growth must leave to the owner: the most within ``grace_grow``."""
    owner = most(demand.grow, now, settings.grace_grow)
    stolen = most(demand.stolen, now, _STOLEN_SECONDS)
    return None if owner is None or stolen is None else owner + stolen


def measured_anew(demand: Demand) -> Demand:
    """Return the demand without what pilots may have caused: after some gave way it's to be seen whether it lasts."""
    return msgspec.structs.replace(
        demand, shortage=History(), stall_cpu=Stall(), stall_memory=Stall(), stall_io=Stall()
    )


def _held(history: History, recent: tuple[tuple[float, float], ...], seconds: float) -> History:
    at = recent[-1][0]
    dip = min(_DIP_SECONDS, seconds / 4.0)
    return observe(history, at, max(cpus for moment, cpus in recent if at - moment <= dip), seconds)


def _shortage(demand: Demand, host: HostLook, at: float, settings: Settings) -> History:
    return observe(demand.shortage, at, float(shortage_bytes(host, settings)), settings.grace_mem)


def _stalls(demand: Demand, host: HostLook, at: float, settings: Settings) -> dict[str, Stall]:
    """Return the stalls of which pilots may be the cause."""
    full = host.busy_cpus + host.stolen_cpus >= _FULL * host.ncpus
    full = full and (host.pilots_cpus is None or host.pilots_cpus >= _LEAST_CPU_SHARE * host.ncpus)
    short = host.available_bytes < _SHORT_RESERVES * reserve_bytes(host, settings)
    shared = host.pilots_io_share is None or host.pilots_io_share >= _LEAST_IO_SHARE
    return {
        "stall_cpu": _stall(demand.stall_cpu, at, _counted(host.stall_cpu, counts=full), settings, settings.grace_kill),
        "stall_memory": _stall(
            demand.stall_memory, at, _counted(host.stall_memory, counts=short), settings, settings.grace_mem
        ),
        "stall_io": _stall(demand.stall_io, at, _counted(host.stall_io, counts=shared), settings, settings.grace_kill),
    }


def _counted(share: float | None, *, counts: bool) -> float | None:
    return share if counts or share is None else 0.0


def _stall(stall: Stall, at: float, share: float | None, settings: Settings, grace_seconds: float) -> Stall:
    return Stall(
        suspend=observe(stall.suspend, at, share, settings.grace_suspend),
        end=observe(stall.end, at, share, grace_seconds),
    )
