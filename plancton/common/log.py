"""The log of planctond: one file for all its processes, each line whole; a slow disk delays no process's loop."""

import logging
import logging.handlers
import queue
import sys
import time
from pathlib import Path

_WAITING_LINES = 10_000
"""Lines that may wait for the disk; more are dropped rather than waited for."""


def set_up(process: str, log_file: Path | None, *, to_stderr: bool) -> None:
    """Send this process's log to ``log_file`` and, if asked, to standard error, from a thread of its own.

    Call it once in each process, after it was forked.
    """
    formatter = logging.Formatter(f"%(asctime)sZ {process}[%(process)d] %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handlers: list[logging.Handler] = []
    if log_file is not None:
        # Each line is one write to a file opened for appending, so that the processes' lines don't mix.
        handlers.append(logging.handlers.WatchedFileHandler(log_file, encoding="utf-8", delay=True))
    if to_stderr:
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.raiseExceptions = False
    waiting: queue.Queue[object] = queue.Queue(_WAITING_LINES)
    root = logging.getLogger()
    root.handlers = [logging.handlers.QueueHandler(waiting)]
    root.setLevel(logging.INFO)
    listener = logging.handlers.QueueListener(waiting, *handlers)
    listener.start()
    _Ending.listener = listener


class _Ending:
    listener: logging.handlers.QueueListener | None = None


def flush() -> None:
    """Write what waits; for a process about to end without its interpreter's own clean-up."""
    if _Ending.listener is not None:
        _Ending.listener.stop()
        _Ending.listener = None


def set_level(name: str) -> None:
    """Log from this level on: debug, info, warning or error."""
    logging.getLogger().setLevel(name.upper())
    # The libraries' own chatter is of no use to an operator, whatever the level.
    for library in ("urllib3", "docker", "requests", "influxdb_client", "Rx"):
        logging.getLogger(library).setLevel(logging.WARNING)
