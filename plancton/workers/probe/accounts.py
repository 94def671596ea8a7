"""The kernel's accounts of this instance's cgroups, v1 or v2: of all pilots together, and of each."""

import contextlib
import os
from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from plancton.common.naming import cgroup_of, cgroup_path
from plancton.workers.probe.disks import Moves, PilotsMoves, parse_io_stat, parse_service_bytes
from plancton.workers.probe.kernel import (
    CgroupMounts,
    parse_cpu_stat,
    parse_cpuacct,
    parse_memory_stat,
    parse_populated,
)
from plancton.workers.probe.pressure import Stalled, parse_pressure

T = TypeVar("T")


class PilotUse(msgspec.Struct, frozen=True, kw_only=True):
    """What one pilot uses, and has used; None where its cgroup can't be read."""

    cpu_cores: float | None = None
    memory_bytes: int | None = None
    anonymous_bytes: int | None = None
    cpu_seconds: float | None = None
    """In all; the last known where its cgroup can't be read any more."""
    memory_peak_bytes: int | None = None
    """The most at a time; the last known where its cgroup can't be read any more."""

    @property
    def totals(self) -> "PilotUse":
        """Return what stays true once it uses nothing any more."""
        return PilotUse(cpu_seconds=self.cpu_seconds, memory_peak_bytes=self.memory_peak_bytes)


def figure(path: str, parse: Callable[[str], T]) -> T | None:
    """Return what ``parse`` finds in one of the kernel's files; None where there is nothing to be read, or to be found.

    Some files are there and yet can't be read: the kernel was built to tell, and booted not to.
    """
    # An unbuffered file costs half of what a Path's read_text does, and there are up to four files for each pilot.
    with contextlib.suppress(OSError, ValueError), open(path, "rb", buffering=0) as file:  # noqa: PTH123
        return parse(file.read().decode("ascii"))
    return None


def stalled_at(directory: str, form: str) -> Stalled:
    """Read the three pressure files of a directory, whose names ``form`` makes of cpu, memory and io."""
    names = Stalled.__struct_fields__
    return Stalled(**{name: figure(f"{directory}/{form.format(name)}", parse_pressure) for name in names})


class Accounts:
    """The accounts of one instance."""

    def __init__(self, instance: str, driver: str, mounts: CgroupMounts) -> None:
        """Look below ``mounts``, where an engine with the cgroup driver ``driver`` puts the pilots of ``instance``."""
        self._instance = instance
        self._driver = driver
        self._mounts = mounts
        self._parent = cgroup_path(instance, driver)

    def all_cpu_seconds(self) -> float | None:
        """Return the CPU seconds of all pilots, ended ones included; None where none ever ran, or can be seen."""
        return self._cpu_seconds(self._parent)

    def cpu_seconds(self, container_id: str) -> float | None:
        """Return one pilot's CPU seconds; None where they can't be read."""
        return self._cpu_seconds(self._of(container_id))

    def memory_bytes(self, container_id: str) -> int | None:
        """Return one pilot's memory, page cache included as its limit counts it; None where it can't be read."""
        name = "memory.usage_in_bytes" if self._mounts.memory is not None else "memory.current"
        return self._memory(container_id, name, int)

    def memory_peak_bytes(self, container_id: str) -> int | None:
        """Return the most memory that one pilot had at a time, counted likewise; None where the kernel doesn't tell.

        Only v1 and newer kernels (5.19) do.
        """
        name = "memory.max_usage_in_bytes" if self._mounts.memory is not None else "memory.peak"
        return self._memory(container_id, name, int)

    def anonymous_bytes(self, container_id: str) -> int | None:
        """Return what of one pilot's memory can't simply be dropped; None where it can't be read.

        It costs some 0.03 ms, not much more than the other figures of a pilot, so it's read in each look.
        """
        return self._memory(container_id, "memory.stat", parse_memory_stat)

    def stalled(self, *, runs: bool) -> Stalled:
        """Return how long pilots were stalled; unknown where nobody can tell, with whether any ``runs``.

        Only v2 tells. Beside v1 controllers newer engines put their containers into v2's hierarchy as well, older ones
        don't.
        """
        if self._mounts.unified is None:
            return Stalled()
        directory = f"{self._mounts.unified}/{self._parent}"
        if runs and not figure(f"{directory}/cgroup.events", parse_populated):
            # What runs is elsewhere.
            return Stalled()
        return stalled_at(directory, "{}.pressure")

    def others_stalled(self) -> dict[str, Stalled]:
        """Return how long processes were stalled in each other cgroup at the top of v2's hierarchy, where there is one.

        This tells whose stalls they are only where pilots are known to be in their own.
        """
        if self._mounts.unified is None:
            return {}
        try:
            with os.scandir(self._mounts.unified) as entries:
                others = [entry.name for entry in entries if _may_be_owners(entry.name) and entry.is_dir()]
        except OSError:
            return {}
        return {name: stalled_at(f"{self._mounts.unified}/{name}", "{}.pressure") for name in others}

    def moves(self, running: Iterable[str]) -> PilotsMoves | None:
        """Return what pilots moved on disks, given those that run; None where nobody can tell."""
        blkio, unified = self._mounts.blkio, self._mounts.unified
        if blkio is not None:
            by_cgroup = {each: self._v1_moves(f"{blkio}/{self._of(each)}") for each in running}
            found = {each: moves for each, moves in by_cgroup.items() if moves is not None}
            everybodys = self._v1_moves(blkio)
            return None if everybodys is None else PilotsMoves(by_cgroup=found, everybodys=everybodys)
        if unified is not None:
            moves = figure(f"{unified}/{self._parent}/io.stat", parse_io_stat)
            return None if moves is None else PilotsMoves(by_cgroup={self._parent: moves})
        return None

    def _of(self, container_id: str) -> str:
        return cgroup_of(container_id, self._instance, self._driver)

    def _cpu_seconds(self, place: str) -> float | None:
        if self._mounts.cpuacct is not None:
            return figure(f"{self._mounts.cpuacct}/{place}/cpuacct.usage", parse_cpuacct)
        if self._mounts.unified is not None:
            return figure(f"{self._mounts.unified}/{place}/cpu.stat", parse_cpu_stat)
        return None

    def _memory(self, container_id: str, name: str, parse: Callable[[str], int]) -> int | None:
        mount = self._mounts.memory or self._mounts.unified
        return None if mount is None else figure(f"{mount}/{self._of(container_id)}/{name}", parse)

    def _v1_moves(self, directory: str) -> Moves | None:
        for name in ("blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes"):
            moves = figure(f"{directory}/{name}", parse_service_bytes)
            if moves is not None:
                return moves
        return None


def _may_be_owners(name: str) -> bool:
    """Tell a cgroup in which the owner's processes may be from planctond's own, and from systemd's without any."""
    return not name.startswith("plancton") and not name.endswith(".mount")
