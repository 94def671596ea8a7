"""What people read of a real planctond's store: while it runs, after it is gone, after it was killed."""

import csv
import json
import signal
import subprocess
import sys

import pytest

from plancton.common.history import History
from plancton.common.history_schema import store_path
from tests.support.engine import Engine
from tests.support.node import Node, node
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.engine, pytest.mark.slow]

TALKS = ["/bin/sh", "-c", "for number in 1 2 3; do echo line $number; done; sleep 2; exit 3"]
GOES_ON = ["/bin/sh", "-c", "trap 'echo told to end; exit 0' TERM; echo here; while true; do sleep 0.2; done"]


def said(made: Node, *arguments: str) -> str:
    """Return what planctonctl prints, which must succeed."""
    ended = made.control(*arguments)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def lives(made: Node) -> list[dict[str, object]]:
    """Return the pilots' lives that are in the store."""
    ended = made.control("history", "--pilots", "--json")
    listed: list[dict[str, object]] = json.loads(ended.stdout or "[]") if ended.returncode == 0 else []
    return listed


def total(made: Node) -> dict[str, object]:
    """Return the sums of the last hour."""
    summed: dict[str, object] = json.loads(said(made, "history", "--since", "1h", "--json"))["total"]
    return summed


def following(made: Node, pilot: str) -> subprocess.Popen[bytes]:
    """Return a planctonctl that follows a pilot, once it has printed what there was."""
    command = [sys.executable, "-m", "plancton.cli.main", *made.options, "logs", pilot, "--follow"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"here\n"
    return process


def test_a_day_s_history_of_a_node_that_gave_something(engine: Engine) -> None:
    with node(engine, docker_cmd=TALKS, max_docks=2) as made:
        made.start()
        wait_for(lambda: len(lives(made)) >= 3, 60, "three pilots' lives are in the store")
        wait_for(lambda: (total(made)["given_core_seconds"] or 0) != 0, 30, "what they used is in the store")
        life = lives(made)[0]
        assert (life["exit"], life["exit_code"], life["reason"]) == ("failed", 3, "ended")
        assert str(life["image"]).startswith("sha256:")
        assert 1.5 < float(str(life["uptime_seconds"])) < 30.0

        logged = made.control("logs", str(life["pilot"]))
        assert (logged.returncode, logged.stdout) == (0, "line 1\nline 2\nline 3\n")
        assert "with exit code 3 (failed, ended); the last 3 lines that it wrote:" in logged.stderr
        assert str(life["pilot"]) in said(made, "logs", "--list")

        sums = total(made)
        exits = sums["exits"]
        assert isinstance(exits, dict)
        assert exits["failed"] >= 3
        free, given = sums["free_core_seconds"], sums["given_core_seconds"]
        assert isinstance(free, float)
        assert isinstance(given, float)
        assert 0.0 < given <= free

        told = said(made, "history", "--since", "10m")
        assert told.startswith("In the last 10 min this machine gave ")
        assert "pilots at a time" in told
        rows = list(csv.DictReader(said(made, "history", "--since", "10m", "--csv").splitlines()))
        assert float(rows[-1]["recorded_seconds"]) > 0.0
        with History(store_path(made.paths.state)) as store:
            for series in store.facts():
                assert list(store.points(series, 0.0, 1e10))
            assert store.unread == 0

        assert made.process is not None
        made.process.send_signal(signal.SIGKILL)
        made.process.wait(10)
        assert len(lives(made)) >= 3
        assert said(made, "logs", str(life["pilot"]), "-n", "1") == "line 3\n"


def test_a_running_pilot_is_read_and_followed_until_it_is_told_to_end(engine: Engine) -> None:
    with node(engine, docker_cmd=GOES_ON, max_docks=1, stop_grace=5) as made:
        made.start()
        pilot = wait_for(made.live_pilots, 30, "a pilot runs")[0]
        wait_for(lambda: made.control("logs", pilot.name).stdout == "here\n", 30, "what it wrote is read")
        assert said(made, "logs", str(pilot.slot)) == "here\n"
        interrupted = following(made, pilot.name)
        interrupted.send_signal(signal.SIGINT)
        assert interrupted.wait(20) == 0
        # Followed until planctond ends it.
        assert made.control("drain", "--deadline", "1s").returncode == 0
        followed = made.control("logs", pilot.container_id[:12], "--follow")
        assert (followed.returncode, followed.stdout) == (0, "here\ntold to end\n")
        assert f"{pilot.name} has ended" in followed.stderr
        wait_for(lambda: made.control("logs", pilot.name).stdout == "here\ntold to end\n", 30, "it is kept")
        life = wait_for(lambda: lives(made), 30, "its life is in the store")[-1]
        assert (life["pilot"], life["exit"], life["exit_code"]) == (pilot.name, "stopped", 0)
        assert "stopped, drain-deadline" in made.control("logs", pilot.name).stderr
