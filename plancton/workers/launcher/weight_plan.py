"""Which of the kernel's files give the pilots' cgroup its weight, what goes into them, and what they say then: pure.

Sources: the kernel's documentation of its control groups, versions 1 and 2, and systemd.resource-control(5).
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from plancton.common.cgroup_mounts import cgroup_mounts
from plancton.common.naming import cgroup_path

Controller = Literal["cpu", "io"]

IDLE = "idle"
DEFAULT = "default"
NORMAL = "100"
"""What a process group has that nobody gave a weight, on the scale of the settings."""
FILES: dict[Controller, tuple[str, ...]] = {
    "cpu": ("cpu.idle", "cpu.shares", "cpu.weight"),
    "io": ("blkio.bfq.weight", "blkio.weight", "io.bfq.weight", "io.weight"),
}
"""What may hold a weight, in the order of writing: the kernel takes no shares while the group is idle."""
_LEAST_SHARES, _SHARES_OF_NORMAL = 2, 1024
_IO_RANGES = {
    "blkio.bfq.weight": (1, 1000, 100),
    "blkio.weight": (10, 1000, 500),
    "io.bfq.weight": (1, 1000, 100),
    "io.weight": (1, 10_000, 100),
}
"""The least, the most, and what is normal. ``blkio.weight`` is that of the CFQ scheduler, up to Linux 4.20."""


class Hierarchy(msgspec.Struct, frozen=True, kw_only=True):
    """Where a controller's files are."""

    mount: str
    unified: bool


def hierarchies(mounts: str) -> dict[Controller, Hierarchy]:
    """Read /proc/mounts; a v1 controller wins, as it's the one in use then."""
    found: dict[Controller, Hierarchy] = {}
    names: dict[Controller, str] = {"cpu": "cpu", "io": "blkio"}
    there = cgroup_mounts(mounts)
    for controller, name in names.items():
        first = [mount for mount in there if name in mount.controllers] or [mount for mount in there if mount.unified]
        if first:
            found[controller] = Hierarchy(mount=first[0].directory, unified=first[0].unified)
    return found


def groups(instance: str, driver: str) -> tuple[str, ...]:
    """Return the cgroups to be weighted, as paths below a mount, the outermost first.

    Weights compare neighbours. Under systemd the pilots' slice is in one that all instances share, and only that one
    is the neighbour of the owner's.
    """
    path = cgroup_path(instance, driver)
    outer, _, inner = path.partition("/")
    return (outer, path) if inner else (path,)


def to_enable(available: str, enabled: str, controller: Controller) -> str:
    """Return what to write to ``cgroup.subtree_control`` so that the groups below have this controller; or nothing.

    Args:
        available: What ``cgroup.controllers`` says.
        enabled: What ``cgroup.subtree_control`` says.
        controller: Which one is needed.

    """
    missing = controller in available.split() and controller not in enabled.split()
    return f"+{controller}" if missing else ""


def writes(controller: Controller, weight: str, there: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the files to write to, in order, each with its new content; nothing where all is as it should be.

    Args:
        controller: Of which resource.
        weight: ``idle`` or a number.
        there: The files of ``FILES`` that the group has, and what they say.

    """
    wanted = _cpu(weight, there) if controller == "cpu" else _io(weight)
    return tuple(
        (file, wanted[file])
        for file in FILES[controller]
        if file in there and file in wanted and _value(there[file]) != wanted[file]
    )


def in_force(controller: Controller, there: Mapping[str, str]) -> str:
    """Return what the group's files say; nothing where there are none."""
    told = [f"{file}={_value(there[file])}" for file in FILES[controller] if file in there]
    idle = [text for text in told if text == "cpu.idle=1"]
    return ", ".join(idle or [text for text in told if not text.startswith("cpu.idle")])


def properties(wanted: Mapping[Controller, str], *, knows_idle: bool = True) -> tuple[str, ...]:
    """Return the properties that give a systemd slice these weights.

    systemd knows no idle CPU weight before version 252, and no idle I/O weight at all.
    """
    found = []
    if "cpu" in wanted:
        least = IDLE if knows_idle else "1"
        found.append(f"CPUWeight={least if wanted['cpu'] == IDLE else wanted['cpu']}")
    if "io" in wanted:
        found.append(f"IOWeight={'1' if wanted['io'] == IDLE else wanted['io']}")
    return tuple(found)


def _cpu(weight: str, there: Mapping[str, str]) -> dict[str, str]:
    if weight != IDLE:
        shares = int(weight) * _SHARES_OF_NORMAL // int(NORMAL)
        return {"cpu.idle": "0", "cpu.shares": str(shares), "cpu.weight": weight}
    if "cpu.idle" in there:
        return {"cpu.idle": "1"}
    return {"cpu.shares": str(_LEAST_SHARES), "cpu.weight": "1"}


def _io(weight: str) -> dict[str, str]:
    wanted = {}
    for file, (least, most, normal) in _IO_RANGES.items():
        scaled = least if weight == IDLE else int(weight) * normal // int(NORMAL)
        wanted[file] = str(min(max(scaled, least), most))
    return wanted


def _value(content: str) -> str:
    """Return the group's own weight: some files name devices in further lines, and then call it the default."""
    return content.strip().partition("\n")[0].removeprefix("default ").strip()
