"""What processes use: of one that runs, of one that is gone, and of one that nobody may look at."""

import os
import subprocess
import sys

import psutil
import pytest

from plancton.cli.top_model import Usage
from plancton.cli.top_usage import Usages
from tests.support.waiting import wait_for


def test_a_process_that_works_and_one_that_sleeps() -> None:
    burns = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        usages = Usages()
        first = usages.look([burns.pid, os.getpid()])
        assert first[burns.pid].cpu_percent is None
        assert (first[os.getpid()].memory_bytes or 0) > 1 << 20
        wait_for(lambda: (usages.look([burns.pid])[burns.pid].cpu_percent or 0.0) > 0.0, 20, "it uses a CPU")
        idle = psutil.Process(burns.pid)
        idle.suspend()
        wait_for(lambda: usages.look([burns.pid])[burns.pid].cpu_percent == 0.0, 20, "it uses none")
    finally:
        burns.kill()
        burns.wait()
    assert usages.look([burns.pid]) == {}


def test_memory_that_this_user_may_not_see_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_process: psutil.Process) -> None:
        raise psutil.AccessDenied(1)

    monkeypatch.setattr(psutil.Process, "memory_full_info", denied)
    assert Usages().look([os.getpid()]) == {os.getpid(): Usage()}


def test_a_process_that_may_not_be_seen_at_all_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_process: psutil.Process) -> None:
        raise psutil.AccessDenied(1)

    monkeypatch.setattr(psutil.Process, "cpu_times", denied)
    assert Usages().look([os.getpid()]) == {}


def test_memory_is_looked_at_now_and_then_only(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    found = psutil.Process().memory_full_info()

    def counted(process: psutil.Process) -> object:
        looks.append(process.pid)
        return found

    monkeypatch.setattr(psutil.Process, "memory_full_info", counted)
    usages = Usages()
    assert {usages.look([os.getpid()])[os.getpid()].memory_bytes for _ in range(5)} == {found.pss}
    assert looks == [os.getpid()]
