"""What the kernel says of planctond's own processes."""

import contextlib
import time
from collections.abc import Iterable

import psutil

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
        times = process.cpu_times()
        started = process.create_time()
    try:
        pss = process.memory_full_info().pss
    except psutil.AccessDenied:
        pss = None
    return Reading(at=time.monotonic(), started_unix=started, cpu_seconds=times.user + times.system, pss_bytes=pss)
