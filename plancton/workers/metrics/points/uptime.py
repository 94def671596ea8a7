"""How long planctond has been running, whatever happened to its workers."""

import os
import time
from pathlib import Path

_START_TIME = 19
"""The place of a process's start, in clock ticks since boot, behind its name in /proc/<pid>/stat (proc(5))."""


class Uptime:
    """The age of one process, by a clock that nobody can set."""

    def __init__(self, pid: int) -> None:
        """Look up when the process started.

        Raises:
            OSError: if there is no such process.

        """
        # The name may hold spaces and parentheses itself.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        self._started = int(fields[_START_TIME]) / os.sysconf("SC_CLK_TCK")

    @property
    def seconds(self) -> float:
        """The age in seconds."""
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - self._started)
