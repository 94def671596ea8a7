"""The age of a process by the kernel's own record."""

import os
import subprocess

import pytest

from plancton.workers.metrics.points.uptime import Uptime


def test_a_process_just_started_is_younger_than_this_one() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        try:
            young, own = Uptime(child.pid).seconds, Uptime(os.getpid()).seconds
        finally:
            child.kill()
    assert 0.0 <= young < 5.0
    assert young < own


def test_a_process_that_is_not_there_has_no_age() -> None:
    with subprocess.Popen(["true"]) as child:
        child.wait()
        with pytest.raises(OSError, match=str(child.pid)):
            Uptime(child.pid)
