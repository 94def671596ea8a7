"""The log of planctond: one file for all its processes, each line whole; a slow disk delays no process's loop."""

import atexit
import contextlib
import logging
import logging.handlers
import queue
import sys
import threading
import time
from pathlib import Path
from typing import Any

_WAITING_LINES = 10_000
"""Lines that may wait for the disk; more are dropped rather than waited for."""
_FLUSH_SECONDS = 2.0


class _LogFile(logging.handlers.WatchedFileHandler):
    """The log's file; a line that can't be written is dropped, and the next one is tried again."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)


class _Writer(logging.handlers.QueueListener):
    """The thread that writes."""

    def __init__(self, waiting: queue.Queue[Any], *handlers: logging.Handler) -> None:
        super().__init__(waiting, *handlers)
        self._waiting = waiting

    def enqueue_sentinel(self) -> None:
        # The inherited one fails where the queue is full.
        self._waiting.put(None)

    def stop(self) -> None:
        super().stop()
        for handler in self.handlers:
            with contextlib.suppress(OSError):
                handler.close()


def set_up(process: str, log_file: Path | None, *, to_stderr: bool) -> None:
    """Send this process's log to ``log_file`` and, if asked, to standard error, from a thread of its own.

    Call it once in each process, after it was forked.
    """
    formatter = logging.Formatter(f"%(asctime)sZ {process}[%(process)d] %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handlers: list[logging.Handler] = []
    if log_file is not None:
        # Each line is one write to a file opened for appending, so that the processes' lines don't mix.
        handlers.append(_LogFile(log_file, encoding="utf-8", delay=True))
    if to_stderr:
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.raiseExceptions = False
    # It would wait for the writing thread, which a stuck disk may hold for ever; ``flush`` waits for so long only.
    atexit.unregister(logging.shutdown)
    waiting: queue.Queue[Any] = queue.Queue(_WAITING_LINES)
    root = logging.getLogger()
    root.handlers = [logging.handlers.QueueHandler(waiting)]
    root.setLevel(logging.INFO)
    listener = _Writer(waiting, *handlers)
    listener.start()
    _Ending.listener = listener


class _Ending:
    listener: logging.handlers.QueueListener | None = None


def flush() -> None:
    """Write what waits, for a few seconds at most; for a process about to end without its interpreter's clean-up."""
    if _Ending.listener is not None:
        # A disk that takes nothing must not keep the process from ending.
        stop = threading.Thread(target=_Ending.listener.stop, daemon=True)
        stop.start()
        stop.join(_FLUSH_SECONDS)
        _Ending.listener = None


def set_level(name: str) -> None:
    """Log from this level on: debug, info, warning or error."""
    logging.getLogger().setLevel(name.upper())
    # The libraries' own chatter is of no use to an operator, whatever the level.
    for library in ("urllib3", "docker", "requests", "influxdb_client", "Rx"):
        logging.getLogger(library).setLevel(logging.WARNING)
