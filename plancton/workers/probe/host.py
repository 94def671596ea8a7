"""The probe's eyes on the host: /proc and the pilots' cgroups."""

import os
from pathlib import Path

import msgspec

from plancton.common.messages import HostLook
from plancton.workers.probe.accounts import Accounts, PilotUse, figure, stalled_at
from plancton.workers.probe.churn import Churn
from plancton.workers.probe.disks import parse_diskstats
from plancton.workers.probe.kernel import CgroupMounts, parse_meminfo, parse_mounts, parse_stat, used_between
from plancton.workers.probe.pressure import NEVER, Pressure, Stalled
from plancton.workers.probe.sample import Sample, host_look, without_pilots


class Pilots(msgspec.Struct, frozen=True, kw_only=True):
    """What the host's look must know of the pool: ids of containers, and what happened since the look before."""

    running: tuple[str, ...] = ()
    suspended: tuple[str, ...] = ()
    churn: Churn = Churn()


class Host:
    """Samples the host; each look covers the time since the one before."""

    def __init__(self, instance: str, proc: Path = Path("/proc")) -> None:
        """Sample the host below ``proc`` and the cgroups of ``instance``."""
        self._instance = instance
        self._proc = proc
        self._ticks = float(os.sysconf("SC_CLK_TCK"))
        self._mounts = CgroupMounts()
        self._driver: str | None = None
        self._last: Sample | None = None
        self._pilot_seconds: dict[str, float] = {}
        """As read at the last look."""
        self._totals: dict[str, PilotUse] = {}

    def look(self, now: float, driver: str, pilots: Pilots) -> tuple[HostLook | None, dict[str, PilotUse]]:
        """Return the host's look and each live pilot's use, given the engine's cgroup driver.

        The first call returns no look, for there is nothing to compare with.
        """
        last = self._last
        if driver != self._driver:
            # The accounts are kept elsewhere: nothing to compare with.
            self._driver, self._pilot_seconds, self._totals = driver, {}, {}
            last = without_pilots(last) if last is not None else None
        if last is None or last.pilots_seconds is None:
            # Some hosts mount their cgroups late. A mount point's name may be any bytes.
            text = (self._proc / "mounts").read_text(encoding="utf-8", errors="surrogateescape")
            self._mounts = parse_mounts(text)
        accounts = Accounts(self._instance, driver, self._mounts)
        sample = self._sample(now, accounts, pilots)
        interval = now - last.at if last is not None else 0.0
        uses = self._uses(accounts, pilots.running + pilots.suspended, interval)
        look = host_look(last, sample, pilots.churn) if last is not None and interval > 0.0 else None
        self._last = sample
        return look, uses

    def _sample(self, now: float, accounts: Accounts, pilots: Pilots) -> Sample:
        runs = bool(pilots.running)
        pilots_seconds, pilots_stalled = accounts.all_cpu_seconds(), accounts.stalled(runs=runs)
        if not runs and not pilots.suspended:
            # No cgroup of ours: nothing has run yet. If something does run, its use is elsewhere and unknown.
            pilots_seconds = 0.0 if pilots_seconds is None else pilots_seconds
            if pilots_stalled == Stalled() and pilots.churn == Churn():
                pilots_stalled = NEVER
        return Sample(
            at=now,
            cpu=parse_stat((self._proc / "stat").read_text(encoding="ascii"), self._ticks),
            memory=parse_meminfo((self._proc / "meminfo").read_text(encoding="ascii")),
            runs=runs,
            pilots_seconds=pilots_seconds,
            pressure=Pressure(
                host=stalled_at(f"{self._proc}/pressure", "{}"),
                pilots=pilots_stalled,
                others=accounts.others_stalled() if runs else {},
            ),
            disks=figure(f"{self._proc}/diskstats", parse_diskstats),
            pilots_moves=accounts.moves(pilots.running),
        )

    def _uses(self, accounts: Accounts, live: tuple[str, ...], interval: float) -> dict[str, PilotUse]:
        uses: dict[str, PilotUse] = {}
        seconds_now: dict[str, float] = {}
        for container_id in live:
            seconds = accounts.cpu_seconds(container_id)
            cores = None
            if seconds is not None:
                seconds_now[container_id] = seconds
                if interval > 0.0 and container_id in self._pilot_seconds:
                    cores = used_between(self._pilot_seconds[container_id], seconds) / interval
            memory, peak = accounts.memory_bytes(container_id), accounts.memory_peak_bytes(container_id)
            before = self._totals.get(container_id, PilotUse())
            uses[container_id] = PilotUse(
                cpu_cores=cores,
                memory_bytes=memory,
                anonymous_bytes=accounts.anonymous_bytes(container_id),
                # One that is just ending has no cgroup any more.
                cpu_seconds=before.cpu_seconds if seconds is None else seconds,
                memory_peak_bytes=_highest(memory, peak, before.memory_peak_bytes),
            )
        self._pilot_seconds = seconds_now
        self._totals = {container_id: use.totals for container_id, use in uses.items()}
        return uses


def _highest(*figures: int | None) -> int | None:
    return max((figure for figure in figures if figure is not None), default=None)
