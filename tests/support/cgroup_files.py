"""What the kernel says of the cgroup that a process is in, of either version."""

from pathlib import Path


def _group(pid: int, controller: str) -> tuple[Path, bool]:
    """Return the directory of a process's cgroup, and whether it's of the first version."""
    top = Path("/sys/fs/cgroup")
    places = {}
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _number, controllers, place = line.split(":", 2)
        places.update(dict.fromkeys(controllers.split(","), place.lstrip("/")))
    if controller in places:
        return top / controller / places[controller], True
    return top / places[""], False


def _file(pid: int, controller: str, name_in_v1: str, name_in_v2: str) -> str:
    group, first = _group(pid, controller)
    return (group / (name_in_v1 if first else name_in_v2)).read_text()


def has_quota(pid: int) -> bool:
    """Tell whether the CPU time of the process's cgroup is limited."""
    return _file(pid, "cpu", "cpu.cfs_quota_us", "cpu.max").split()[0] not in {"-1", "max"}


def is_frozen(pid: int) -> bool:
    """Tell whether nothing in the process's cgroup runs."""
    told = _file(pid, "freezer", "freezer.state", "cgroup.events")
    return told.strip() == "FROZEN" or "frozen 1" in told


def cpu_group(pid: int) -> Path:
    """Return the directory of the cgroup that weighs and limits a process's CPU."""
    return _group(pid, "cpu")[0]


def least_weight(pid: int) -> Path:
    """Give the cgroup around a process's own the least CPU weight, and return the file that says so."""
    parent = cpu_group(pid).parent
    for name, least in (("cpu.idle", "1"), ("cpu.shares", "2"), ("cpu.weight", "1")):
        if (parent / name).exists():
            (parent / name).write_text(least)
            return parent / name
    message = f"{parent} has no weight"
    raise AssertionError(message)
