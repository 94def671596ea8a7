"""What the kernel says of processes: of those that are there, and not too often."""

import os
import sys
from pathlib import Path

from plancton.workers.metrics.points.usage import Usage
from tests.support.running import running


def test_this_process_is_read() -> None:
    readings = Usage().read([os.getpid()], 100.0)
    assert readings is not None
    mine = readings[os.getpid()]
    assert mine.pss_bytes is not None
    assert 1_000_000 < mine.pss_bytes < 10**11
    assert mine.cpu_seconds > 0.0
    assert mine.started_unix > 1_600_000_000


def test_one_that_is_gone_is_absent(tmp_path: Path) -> None:
    with running([sys.executable, "-c", "input()"], tmp_path / "log") as process:
        pid = process.pid
    readings = Usage().read([pid, os.getpid()], 100.0)
    assert readings is not None
    assert readings.keys() == {os.getpid()}


def test_readings_keep_their_distance() -> None:
    usage = Usage()
    assert usage.read([], 100.0) is None, "there is nobody to read yet"
    assert usage.read([os.getpid()], 100.0) is not None
    assert usage.read([os.getpid()], 109.9) is None
    assert usage.read([os.getpid()], 110.0) is not None
