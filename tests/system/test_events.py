"""``planctonctl events`` of a real planctond: what is followed is what the journal tells, across its restarts."""

import functools
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from plancton.common.journal import directory_below, read
from plancton.common.journal_entries import Entry, Kind
from plancton.common.reasons import Reason
from tests.support.engine import Engine
from tests.support.node import Node, node
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def journal(made: Node) -> list[dict[str, object]]:
    """Return what the node's journal tells, as JSON does."""
    return [msgspec.to_builtins(each) for each in read(directory_below(made.paths.state)) if isinstance(each, Entry)]


def test_what_is_followed_is_the_journal_across_kills_and_restarts(engine: Engine, tmp_path: Path) -> None:
    output = tmp_path / "followed"

    def followed() -> list[dict[str, object]]:
        # The last line may be half written.
        return [json.loads(line) for line in output.read_text().split("\n")[:-1]]

    with node(engine, max_docks=2, docker_cmd="/bin/sleep 2", grace_kill=3600) as made, output.open("wb") as stream:
        command = [sys.executable, "-m", "plancton.cli.main", *made.options, "events", "--follow", "--json"]
        with subprocess.Popen(command, stdout=stream, stderr=subprocess.PIPE) as follower:
            try:
                for _ in range(3):
                    made.start()
                    told_before = len(followed())
                    wait_for(functools.partial(ends, followed, told_before), 90, "a pilot was started and has ended")
                    assert made.process is not None
                    made.process.send_signal(signal.SIGKILL)
                    made.wait()
                # Its workers may write a little more until they notice.
                wait_for(lambda: len(followed()) == len(journal(made)), 30, "all is told")
                assert followed() == journal(made)
                follower.send_signal(signal.SIGTERM)
                assert follower.wait(10) == 0
                assert follower.stderr is not None
                assert follower.stderr.read() == b""
            finally:
                follower.kill()
        # planctond is down, and its past is told all the same, in plain words.
        told = made.control("events", "--kind", "launched", "-n", "1000")
        launched = [each for each in journal(made) if each["kind"] == Kind.LAUNCHED]
        assert (told.returncode, told.stderr, len(told.stdout.splitlines())) == (0, "", len(launched))
        assert all(": started in " in line and ", because " in line for line in told.stdout.splitlines())
        name = str(launched[0]["pilot"])
        of_one = made.control("events", "--pilot", name, "--since", "1h").stdout.splitlines()
        assert f"{name}: started in " in of_one[0]


def ends(followed: Callable[[], list[dict[str, object]]], before: int) -> bool:
    """Tell whether behind so many events, a pilot's start was told, and an end by itself."""
    kinds = {(each["kind"], each.get("reason")) for each in followed()[before:]}
    return any(kind == Kind.LAUNCHED for kind, _ in kinds) and (Kind.REMOVED, Reason.ENDED) in kinds
