"""What the kernel says that a process has used, for all that measure planctond's own."""

import psutil


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU time that it has used so far.

    Raises:
        psutil.Error: if it's gone.

    """
    times = process.cpu_times()
    return float(times.user + times.system)


def pss_bytes(process: psutil.Process) -> int | None:
    """Return its share of memory, what is shared divided among those that share it; None where this user may not know.

    The kernel goes through all of the process's pages for it: some milliseconds.

    Raises:
        psutil.NoSuchProcess: if it's gone.

    """
    try:
        return int(process.memory_full_info().pss)
    except psutil.AccessDenied:
        return None
