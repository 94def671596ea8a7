"""Signals are recorded in the order in which they came, and wake whoever polls."""

import subprocess
import sys

SCRIPT = """
import os, select, signal
from plancton.supervisor.signals import Signals
signals = Signals()
assert signals.take() == []
for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
    os.kill(os.getpid(), number)
assert select.select([signals.fileno()], [], [], 10.0)[0]
print(*signals.take())
assert signals.take() == []
"""


def test_signals_wait_to_be_taken() -> None:
    # In a process of its own: the signals of this one are pytest's.
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=30)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["1", "15", "2"]
