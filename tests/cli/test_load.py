"""The load of a drill: processes that begin together, tell what they did, and are never left behind."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from plancton.cli import load
from plancton.cli.contact import Trouble
from plancton.cli.load import Load
from tests.support.running import REPOSITORY
from tests.support.waiting import wait_for

STARTER = """
from plancton.cli.load import Load
with Load(2, 60.0) as made:
    made.go()
    print("went", flush=True)
    made.wait(60.0)
"""


def burners() -> list[psutil.Process]:
    """Return this process's busy processes."""
    # A child of another test's may have ended without having been waited for: it has no command line any more.
    alive = [each for each in psutil.Process().children() if each.status() != psutil.STATUS_ZOMBIE]
    return [each for each in alive if "plancton.cli.burner" in " ".join(each.cmdline())]


def test_they_begin_together_and_all_tell_what_they_did() -> None:
    with Load(3, 0.3) as made:
        assert len(burners()) == 3
        assert made.samples == []
        made.go()
        begun = time.monotonic()
        while not made.done:
            made.wait(0.1)
    assert burners() == []
    assert made.begun is not None
    assert begun - 0.5 < made.begun <= begun
    assert {sample.process for sample in made.samples} == {0, 1, 2}
    for process in range(3):
        last = [sample for sample in made.samples if sample.process == process][-1]
        assert last.moment >= made.begun + 0.3
        assert last.units > 0


def test_a_wait_ends_in_time_though_nobody_is_done() -> None:
    with Load(1, 60.0) as made:
        made.go()
        begun = time.monotonic()
        made.wait(0.2)
        assert 0.2 <= time.monotonic() - begun < 5.0
        assert not made.done
    assert burners() == []


def test_whatever_breaks_the_drill_off_leaves_no_process_behind() -> None:
    def broken_off() -> None:
        with Load(2, 60.0) as made:
            made.go()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert burners() == []


def test_processes_that_never_get_ready_are_told_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "READY", b"never\n")
    monkeypatch.setattr(load, "READY_SECONDS", 0.3)
    monkeypatch.setattr(Load, "_read", lambda *_: None)
    with pytest.raises(Trouble, match="only 0 of 2 busy processes could be started"), Load(2, 1.0):
        pass
    assert burners() == []


def test_processes_that_end_at_once_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "environment", lambda: {**os.environ, "PYTHONHOME": "/nowhere"})
    with pytest.raises(Trouble, match="only 0 of 1 busy processes could be started"), Load(1, 1.0):
        pass


def test_a_process_that_can_not_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(Trouble, match="can't be started: No such file or directory"), Load(1, 1.0):
        pass


def test_one_that_died_does_not_hold_up_the_others() -> None:
    with Load(2, 0.3) as made:
        burners()[0].kill()
        made.go()
        while not made.done:
            made.wait(0.1)
    assert {sample.process for sample in made.samples} < {0, 1}


def test_one_that_gets_no_cpu_at_all_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "LATE_SECONDS", 0.2)
    with Load(1, 0.1) as made:
        burners()[0].suspend()
        made.go()
        wait_for(lambda: made.done, 10, "it is given up")
        assert made.samples == []
    assert burners() == []


def test_a_starter_that_is_killed_takes_its_load_along() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, cwd=REPOSITORY) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"went\n"
        children = psutil.Process(starter.pid).children()
        assert len(children) == 2
        starter.send_signal(signal.SIGKILL)
    wait_for(lambda: not any(map(runs, children)), 10, "the load is over")


def runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
