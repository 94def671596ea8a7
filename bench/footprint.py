"""What a tree of processes costs: CPU with its dead children's, and memory with shared pages counted once."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

import msgspec
import psutil

MIB = 1024 * 1024


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """A tree at one moment. ``cpu_seconds`` is since its start and includes children that ended and were waited for."""

    processes: int
    cpu_seconds: float
    pss_bytes: int


def cost(tree: Iterable[psutil.Process]) -> Cost:
    """Read the whole tree; a process that ends meanwhile is found again in its parent's account of dead children."""
    processes, cpu, pss = 0, 0.0, 0
    for process in tree:
        with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            times = process.cpu_times()
            pss += pss_bytes(Path(f"/proc/{process.pid}/smaps_rollup").read_text())
            cpu += times.user + times.system + times.children_user + times.children_system
            processes += 1
    return Cost(processes=processes, cpu_seconds=cpu, pss_bytes=pss)


def pss_bytes(smaps_rollup: str) -> int:
    """Return the proportional set size in the text of one process's ``smaps_rollup``."""
    for line in smaps_rollup.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    msg = "smaps_rollup has no Pss line"
    raise ValueError(msg)
