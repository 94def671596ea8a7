"""What the kernel's text files say about CPU and memory: pure.

Sources: proc(5), and the pages on cgroup v1 and v2 in the kernel's documentation.
"""

import msgspec

from plancton.common.cgroup_mounts import cgroup_mounts

_NANOSECONDS = 1e9
_MICROSECONDS = 1e6


class CpuTimes(msgspec.Struct, frozen=True, kw_only=True):
    """CPU seconds of the whole host since boot.

    Time that a CPU waited for I/O (iowait) counts as idle, for so it was: any process that wants it can have it, and a
    pilot that has it takes nothing from whoever waits for the disk. The kernel says itself that the figure means little
    on several CPUs, and may even fall; that somebody is held up by I/O is told by pressure, not by this.

    Time that a hypervisor gave to other machines (steal) is neither busy nor idle: nobody here had it, and nobody here
    could have had it. It is told by itself, for while it grows this machine has fewer CPUs than it seems.
    """

    ncpus: int
    busy_seconds: float
    """Spent on anything but idling, waiting for I/O and being stolen."""
    stolen_seconds: float
    """Wanted here and given to others by the hypervisor. On some hypervisors it has been seen to fall."""


class MemoryFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The host's memory in bytes."""

    ram_bytes: int
    available_bytes: int
    swap_bytes: int


def parse_stat(text: str, ticks_per_second: float) -> CpuTimes:
    """Read /proc/stat.

    Raises:
        ValueError: if it isn't /proc/stat.

    """
    lines = text.splitlines()
    name, *fields = lines[0].split() if lines else [""]
    if name != "cpu" or len(fields) < 8:  # noqa: PLR2004 - up to and with steal
        msg = f"no cpu line in {text[:80]!r}"
        raise ValueError(msg)
    # user nice system idle iowait irq softirq steal; the guest fields that follow are part of user and nice.
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(field) for field in fields[:8])
    ncpus = sum(line.startswith("cpu") for line in lines) - 1
    return CpuTimes(
        ncpus=max(1, ncpus),
        busy_seconds=(user + nice + system + irq + softirq) / ticks_per_second,
        stolen_seconds=steal / ticks_per_second,
    )


def parse_meminfo(text: str) -> MemoryFigures:
    """Read /proc/meminfo.

    Raises:
        ValueError: if a needed line is missing.

    """
    figures: dict[str, int] = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdigit():
            figures[name] = int(words[0]) * 1024
    try:
        return MemoryFigures(
            ram_bytes=figures["MemTotal"],
            available_bytes=figures["MemAvailable"],
            swap_bytes=figures["SwapTotal"],
        )
    except KeyError as error:
        msg = f"/proc/meminfo has no {error}"
        raise ValueError(msg) from None


def parse_cpuacct(text: str) -> float:
    """Read v1's cpuacct.usage (nanoseconds) into CPU seconds.

    Raises:
        ValueError: if it's no number.

    """
    return int(text) / _NANOSECONDS


def parse_cpu_stat(text: str) -> float:
    """Read v2's cpu.stat (usage_usec) into CPU seconds.

    Raises:
        ValueError: if there is no such line.

    """
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name == "usage_usec":
            return int(value) / _MICROSECONDS
    msg = "cpu.stat has no usage_usec"
    raise ValueError(msg)


def parse_memory_stat(text: str) -> int:
    """Read a cgroup's memory.stat, v1 or v2, into the bytes that can't simply be dropped.

    These are anonymous pages and those of tmpfs and shared memory, its descendants' included. Pages of mapped files can
    be read again from where they came, so v1's mapped_file isn't counted; and what is swapped out isn't memory in use.
    Old kernels don't tell v1's shmem, which then counts as nothing: too little is said rather than too much.

    Raises:
        ValueError: if it's neither.

    """
    figures = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
    # v1's figures without "total_" leave out the descendants.
    names = ("anon", "shmem") if "anon" in figures else ("total_rss", "total_shmem")
    if names[0] not in figures:
        msg = "memory.stat has neither anon nor total_rss"
        raise ValueError(msg)
    return sum(int(figures.get(name, 0)) for name in names)


def parse_populated(text: str) -> bool:
    """Read v2's cgroup.events: whether any process is in the cgroup or below it."""
    return "populated 1" in text.splitlines()


class CgroupMounts(msgspec.Struct, frozen=True, kw_only=True):
    """Where the controllers that tell a pilot's use are mounted; a v1 controller wins, as it's the one in use then."""

    cpuacct: str | None = None
    memory: str | None = None
    blkio: str | None = None
    unified: str | None = None
    """v2; beside v1 controllers it has none, but still tells pressure."""


def parse_mounts(text: str) -> CgroupMounts:
    """Read /proc/mounts."""
    found: dict[str, str] = {}
    for mount in cgroup_mounts(text):
        if mount.unified:
            found.setdefault("unified", mount.directory)
        for controller in mount.controllers & {"cpuacct", "memory", "blkio"}:
            found.setdefault(controller, mount.directory)
    return CgroupMounts(**found)


def used_between(before: float | None, after: float) -> float:
    """Return what a counter grew by. One that fell was made anew, and one that wasn't there started from 0."""
    if before is None or after < before:
        return after
    return after - before
