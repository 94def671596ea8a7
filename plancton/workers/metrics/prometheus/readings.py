"""What the kernel says of planctond's own processes, for whoever asks the exporter."""

import os
from collections.abc import Iterable

import psutil

from plancton.common.process_use import cpu_seconds, pss_bytes
from plancton.common.processes import ProcessStatus
from plancton.workers.metrics.prometheus.exposition import Use

_USE_SECONDS = 1.0
_PSS_SECONDS = 10.0
"""For so long a reading is good enough. A process's share of memory is found by going through all of its pages."""


class Readings:
    """What the kernel says of planctond's own processes."""

    def __init__(self) -> None:
        """Read nothing yet."""
        self._uses: dict[str, Use] = {}
        self._read_at = self._shares_at = float("-inf")

    def read(self, processes: Iterable[ProcessStatus], now: float) -> dict[str, Use]:
        """Return how much each has used; those that are gone, or are somebody else's by now, are left out."""
        if now - self._read_at >= _USE_SECONDS:
            self._read_at = now
            shares = now - self._shares_at >= _PSS_SECONDS
            if shares:
                self._shares_at = now
            uses = ((each.name, self._use(each, shares=shares)) for each in processes)
            self._uses = {name: use for name, use in uses if use is not None}
        return self._uses

    def _use(self, status: ProcessStatus, *, shares: bool) -> Use | None:
        if status.pid is None:
            return None
        supervisor = os.getppid()
        try:
            process = psutil.Process(status.pid)
            if supervisor not in {process.pid, process.ppid()}:
                return None
            started, used = process.create_time(), cpu_seconds(process)
            before = self._uses.get(status.name)
            same = before if before is not None and before.started_unix == started else None
            pss = pss_bytes(process) if shares or same is None else same.pss_bytes
        except psutil.NoSuchProcess:
            return None
        return Use(started_unix=started, cpu_seconds=used, pss_bytes=pss)
