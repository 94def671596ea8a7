"""What the kernel's text files say about CPU and memory: pure.

Sources: proc(5), and the pages on cgroup v1 and v2 in the kernel's documentation.
"""

import msgspec

_NANOSECONDS = 1e9
_MICROSECONDS = 1e6


class CpuTimes(msgspec.Struct, frozen=True, kw_only=True):
    """CPU seconds of the whole host since boot."""

    ncpus: int
    busy_seconds: float
    """Spent on anything but idling, waiting for I/O and being stolen by a hypervisor."""


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
    user, nice, system, _idle, _iowait, irq, softirq, _steal = (int(field) for field in fields[:8])
    ncpus = sum(line.startswith("cpu") for line in lines) - 1
    return CpuTimes(ncpus=max(1, ncpus), busy_seconds=(user + nice + system + irq + softirq) / ticks_per_second)


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


class CgroupMounts(msgspec.Struct, frozen=True, kw_only=True):
    """Where the controllers that tell a pilot's use are mounted; a v1 controller wins, as it's the one in use then."""

    cpuacct: str | None = None
    memory: str | None = None
    unified: str | None = None


def parse_mounts(text: str) -> CgroupMounts:
    """Read /proc/mounts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        words = line.split(" ")
        if len(words) < 4:  # noqa: PLR2004 - device, directory, type, options
            continue
        directory, kind, options = words[1], words[2], words[3].split(",")
        if kind == "cgroup2":
            found.setdefault("unified", directory)
        elif kind == "cgroup":
            for controller in ("cpuacct", "memory"):
                if controller in options:
                    found.setdefault(controller, directory)
    return CgroupMounts(**found)


def used_between(before: float | None, after: float) -> float:
    """Return what a counter grew by. One that fell was made anew, and one that wasn't there started from 0."""
    if before is None or after < before:
        return after
    return after - before
