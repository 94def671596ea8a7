"""The probe's eyes on the host: /proc and the pilots' cgroups."""

import os
from pathlib import Path

import msgspec

from plancton.common.messages import HostLook
from plancton.common.naming import cgroup_of, cgroup_path
from plancton.workers.probe.kernel import (
    CgroupMounts,
    CpuTimes,
    parse_cpu_stat,
    parse_cpuacct,
    parse_meminfo,
    parse_mounts,
    parse_stat,
    used_between,
)


class PilotUse(msgspec.Struct, frozen=True, kw_only=True):
    """What one pilot uses; None where its cgroup can't be read."""

    cpu_cores: float | None
    memory_bytes: int | None


class Accounts:
    """The CPU and memory accounting of this instance's cgroups, v1 or v2."""

    def __init__(self, instance: str, driver: str, mounts: CgroupMounts) -> None:
        """Look below ``mounts``, where an engine with the cgroup driver ``driver`` puts the pilots of ``instance``."""
        self._instance = instance
        self._driver = driver
        self._mounts = mounts

    def all_cpu_seconds(self) -> float | None:
        """Return the CPU seconds of all pilots, ended ones included; None where none ever ran, or can be seen."""
        return self._cpu_seconds(cgroup_path(self._instance, self._driver))

    def cpu_seconds(self, container_id: str) -> float | None:
        """Return one pilot's CPU seconds; None where they can't be read."""
        return self._cpu_seconds(cgroup_of(container_id, self._instance, self._driver))

    def memory_bytes(self, container_id: str) -> int | None:
        """Return one pilot's memory, page cache included as its limit counts it; None where it can't be read."""
        place = cgroup_of(container_id, self._instance, self._driver)
        if self._mounts.memory is not None:
            text = _read(Path(self._mounts.memory, place, "memory.usage_in_bytes"))
        elif self._mounts.unified is not None:
            text = _read(Path(self._mounts.unified, place, "memory.current"))
        else:
            return None
        return int(text) if text else None

    def _cpu_seconds(self, place: str) -> float | None:
        if self._mounts.cpuacct is not None:
            text = _read(Path(self._mounts.cpuacct, place, "cpuacct.usage"))
            return parse_cpuacct(text) if text else None
        if self._mounts.unified is not None:
            text = _read(Path(self._mounts.unified, place, "cpu.stat"))
            return parse_cpu_stat(text) if text else None
        return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return None


class Host:
    """Samples the host; each look covers the time since the one before."""

    def __init__(self, instance: str, proc: Path = Path("/proc")) -> None:
        """Sample the host below ``proc`` and the cgroups of ``instance``."""
        self._instance = instance
        self._proc = proc
        self._ticks = float(os.sysconf("SC_CLK_TCK"))
        self._mounts = CgroupMounts()
        self._at: float | None = None
        self._cpu: CpuTimes | None = None
        self._driver: str | None = None
        self._pilots_seconds: float | None = None
        """None where the last look couldn't tell."""
        self._pilot_seconds: dict[str, float] = {}

    def look(self, now: float, driver: str, running: tuple[str, ...]) -> tuple[HostLook | None, dict[str, PilotUse]]:
        """Return the host's look and each running pilot's use, given their ids and the engine's cgroup driver.

        The first call returns no look, for there is nothing to compare with.
        """
        if driver != self._driver:
            # The accounts are kept elsewhere: nothing to compare with.
            self._driver, self._pilots_seconds, self._pilot_seconds = driver, None, {}
        if self._pilots_seconds is None:
            # Some hosts mount their cgroups late. A mount point's name may be any bytes.
            text = (self._proc / "mounts").read_text(encoding="utf-8", errors="surrogateescape")
            self._mounts = parse_mounts(text)
        accounts = Accounts(self._instance, driver, self._mounts)
        cpu = parse_stat((self._proc / "stat").read_text(encoding="ascii"), self._ticks)
        memory = parse_meminfo((self._proc / "meminfo").read_text(encoding="ascii"))
        pilots_seconds = accounts.all_cpu_seconds()
        if pilots_seconds is None and not running:
            # No cgroup of ours: nothing has run yet. If something does run, its use is elsewhere and unknown.
            pilots_seconds = 0.0
        interval = now - self._at if self._at is not None else 0.0
        uses = self._uses(accounts, running, interval)
        look = None
        if self._cpu is not None and interval > 0.0:
            look = HostLook(
                ncpus=cpu.ncpus,
                interval_seconds=interval,
                busy_cpus=min(cpu.ncpus, used_between(self._cpu.busy_seconds, cpu.busy_seconds) / interval),
                pilots_cpus=self._pilots_cpus(pilots_seconds, interval),
                ram_bytes=memory.ram_bytes,
                available_bytes=memory.available_bytes,
                swap_bytes=memory.swap_bytes,
            )
        self._at, self._cpu, self._pilots_seconds = now, cpu, pilots_seconds
        return look, uses

    def _pilots_cpus(self, seconds: float | None, interval: float) -> float | None:
        if seconds is None or self._pilots_seconds is None:
            return None
        return used_between(self._pilots_seconds, seconds) / interval

    def _uses(self, accounts: Accounts, running: tuple[str, ...], interval: float) -> dict[str, PilotUse]:
        uses: dict[str, PilotUse] = {}
        seconds_now: dict[str, float] = {}
        for container_id in running:
            seconds = accounts.cpu_seconds(container_id)
            cores = None
            if seconds is not None:
                seconds_now[container_id] = seconds
                if interval > 0.0 and container_id in self._pilot_seconds:
                    cores = used_between(self._pilot_seconds[container_id], seconds) / interval
            uses[container_id] = PilotUse(cpu_cores=cores, memory_bytes=accounts.memory_bytes(container_id))
        self._pilot_seconds = seconds_now
        return uses
