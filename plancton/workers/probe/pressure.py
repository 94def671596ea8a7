"""How long processes were stalled for want of CPU, memory or I/O, and how much of that was the owner's: pure.

Source: accounting/psi in the kernel's documentation. The kernel counts the time in which *some* process was stalled, of
the whole host and of each v2 cgroup. The counters are exact at each reading, where the averages beside them lag.
"""

from collections.abc import Mapping

import msgspec

from plancton.workers.probe.kernel import used_between

_MICROSECONDS = 1e6


class Stalled(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds in which some process was stalled: since boot, or within an interval. None where nobody can tell."""

    cpu: float | None = None
    memory: float | None = None
    io: float | None = None


NEVER = Stalled(cpu=0.0, memory=0.0, io=0.0)


class Pressure(msgspec.Struct, frozen=True, kw_only=True):
    """Who was stalled: since boot, or within an interval."""

    host: Stalled
    pilots: Stalled = Stalled()
    """In the pilots' own cgroup, ended ones included."""
    others: Mapping[str, Stalled] = {}
    """In each other cgroup at the top of v2's hierarchy: the owner's sessions, services, containers."""


class OwnersStalls(msgspec.Struct, frozen=True, kw_only=True):
    """The shares of an interval, 0 to 1, in which some process of the owner's was stalled."""

    cpu: float | None
    memory: float | None
    io: float | None
    detail: str
    """Why one is None, or how it was estimated; empty where the kernel tells them all."""


def parse_pressure(text: str) -> float:
    """Read a pressure file into the seconds in which some process was stalled.

    Raises:
        ValueError: if it doesn't tell.

    """
    for line in text.splitlines():
        name, *words = line.split()
        if name == "some":
            for word in words:
                key, _, value = word.partition("=")
                if key == "total":
                    return int(value) / _MICROSECONDS
    msg = f"no total of some in {text[:80]!r}"
    raise ValueError(msg)


def pressure_between(before: Pressure, after: Pressure) -> Pressure:
    """Return how long it was within the interval between two readings of the counters; unknown if either is."""
    return Pressure(
        host=_between(before.host, after.host),
        pilots=_between(before.pilots, after.pilots),
        others={
            name: _between(before.others[name], other) for name, other in after.others.items() if name in before.others
        },
    )


def owners_stalls(
    pressure: Pressure, seconds: float, *, pilots_ran: bool, pilots_io_share: float | None
) -> OwnersStalls:
    """Return the owner's shares of an interval of ``seconds``.

    Where the pilots' cgroup tells their stalls, two lower bounds of the owner's are known, and the greater one is said:

    - The host's less the pilots': some process is stalled while one of the owner's or one of theirs is, which lasts no
      longer than both taken together. (Of several CPUs the kernel takes a mean, weighted by how long each wasn't idle,
      so for CPU this bound is only nearly exact.) It says little where pilots are always stalled themselves, as they
      are at the least weight on a busy machine.
    - The greatest of any other cgroup, for all of them are the owner's. It says nothing of processes in none.

    While no pilot runs, all of the host's is the owner's. While some run whose own can't be told: of CPU nothing is
    known, for pilots of the least weight wait for CPUs nearly always; of I/O, pilots are taken to be stalled as much as
    they use the disks; of memory, the host's is said, and whoever uses it must see whether memory is short at all.
    """
    host, pilots, others = pressure.host, pressure.pilots, pressure.others.values()
    if host == Stalled():
        detail = "the kernel tells no stalls: it has no /proc/pressure, or doesn't support it"
        return OwnersStalls(cpu=None, memory=None, io=None, detail=detail)
    cpu = _owners(host.cpu, pilots.cpu, [other.cpu for other in others], pilots_ran=pilots_ran)
    memory = _owners(host.memory, pilots.memory, [other.memory for other in others], pilots_ran=pilots_ran)
    io = _owners(host.io, pilots.io, [other.io for other in others], pilots_ran=pilots_ran)
    details = [f"the kernel tells no {name} stalls" for name in Stalled.__struct_fields__ if not _known(host, name)]
    if cpu is None and host.cpu is not None:
        details.append("CPU: the pilots' own stalls can't be told apart")
    if memory is None and host.memory is not None:
        memory = host.memory
        details.append("memory: the pilots' own stalls included")
    if io is None and host.io is not None:
        if pilots_io_share is None:
            details.append("I/O: neither the pilots' own stalls nor their use of disks can be told apart")
        else:
            io = host.io * (1.0 - pilots_io_share)
            details.append("I/O: estimated by the pilots' use of disks")
    return OwnersStalls(
        cpu=_share(cpu, seconds), memory=_share(memory, seconds), io=_share(io, seconds), detail="; ".join(details)
    )


def _known(stalled: Stalled, name: str) -> bool:
    return getattr(stalled, name) is not None


def _between(before: Stalled, after: Stalled) -> Stalled:
    return Stalled(
        cpu=_grown(before.cpu, after.cpu),
        memory=_grown(before.memory, after.memory),
        io=_grown(before.io, after.io),
    )


def _grown(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else used_between(before, after)


def _owners(host: float | None, pilots: float | None, others: list[float | None], *, pilots_ran: bool) -> float | None:
    """Return the owner's part of the host's, None where it can't be told."""
    if host is None:
        return None
    if pilots is not None:
        return min(host, max(0.0, host - pilots, *(other for other in others if other is not None)))
    return None if pilots_ran else host


def _share(stalled: float | None, seconds: float) -> float | None:
    # Host and interval are read a moment apart.
    return None if stalled is None else min(1.0, stalled / seconds)
