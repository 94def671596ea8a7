"""What the kernel says of planctond's own processes."""

import contextlib
import time
from collections.abc import Iterable

import psutil

from plancton.common.process_use import cpu_seconds, pss_bytes
from plancton.workers.metrics.points.process_points import Reading

_EVERY_SECONDS = 10.0
"""A process's share of memory is found by going through all of its pages: not more often than this."""


class Usage:
    """Reads the processes now and then."""

    def __init__(self) -> None:
        """Read nothing yet."""
        self._next = 0.0

    def read(self, pids: Iterable[int], now: float) -> dict[int, Reading] | None:
        """Return a reading of each process that there is and may be read; None where the last ones are too fresh."""
        wanted = tuple(pids)
        if not wanted or now < self._next:
            return None
        self._next = now + _EVERY_SECONDS
        readings = {}
        for pid in wanted:
            with contextlib.suppress(psutil.Error):
                readings[pid] = _reading(psutil.Process(pid))
        return readings


def _reading(process: psutil.Process) -> Reading:
    with process.oneshot():
        used = cpu_seconds(process)
        started = process.create_time()
    pss = pss_bytes(process)
    return Reading(at=time.monotonic(), started_unix=started, cpu_seconds=used, pss_bytes=pss)
