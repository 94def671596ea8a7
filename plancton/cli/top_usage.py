"""What planctond's processes use, as far as this user may look."""

import time
from collections.abc import Collection

import psutil

from plancton.cli.top_model import Usage
from plancton.common.process_use import cpu_seconds, pss_bytes

_MEMORY_SECONDS = 5.0
"""How often memory is looked at: the kernel walks through all of a process's pages for it."""


class Usages:
    """Looks at processes again and again: their CPU is a difference between two looks."""

    def __init__(self) -> None:
        """Begin with nothing looked at."""
        self._processes: dict[int, _Process] = {}

    def look(self, pids: Collection[int]) -> dict[int, Usage]:
        """Return what each process uses. One that is gone, or another user's, is left out, or some of it is None."""
        now = time.monotonic()
        self._processes = {pid: known for pid, known in self._processes.items() if pid in pids}
        found: dict[int, Usage] = {}
        for pid in pids:
            try:
                if pid not in self._processes:
                    self._processes[pid] = _Process(pid)
                found[pid] = self._processes[pid].look(now)
            except psutil.Error:
                self._processes.pop(pid, None)
        return found


class _Process:
    """One process."""

    def __init__(self, pid: int) -> None:
        """Find the process.

        Raises:
            psutil.Error: if there is none.

        """
        self._process = psutil.Process(pid)
        self._before: tuple[float, float] | None = None
        self._memory: int | None = None
        self._memory_monotonic: float | None = None

    def look(self, now: float) -> Usage:
        """Return what it uses now.

        Raises:
            psutil.Error: if it's gone.

        """
        seconds = cpu_seconds(self._process)
        percent = None
        if self._before is not None and now > self._before[0]:
            percent = max(0.0, 100 * (seconds - self._before[1]) / (now - self._before[0]))
        self._before = (now, seconds)
        if self._memory_monotonic is None or now - self._memory_monotonic >= _MEMORY_SECONDS:
            self._memory_monotonic = now
            self._memory = pss_bytes(self._process)
        return Usage(cpu_percent=percent, memory_bytes=self._memory)
