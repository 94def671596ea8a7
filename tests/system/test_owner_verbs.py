"""The owner's and the operator's words to a real planctond, as they are typed: snooze, drain, clear-fizzles, drill."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import msgspec
import pytest

from plancton.cli.drill_report import DrillReport
from plancton.common.messages import Mode
from plancton.common.reasons import Reason
from plancton.common.status import StatusReport
from tests.support.engine import Engine
from tests.support.node import Node, node
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

OBEDIENT = ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"]


@pytest.fixture
def blind() -> Iterator[Node]:
    """Yield a node without an engine."""
    with node(None) as made:
        yield made


@pytest.fixture
def filled(engine: Engine) -> Iterator[Node]:
    """Yield a node full of pilots that end when they're told to."""
    with node(engine, docker_cmd=OBEDIENT, stop_grace=100, grace_spawn=0) as made:
        made.start()
        wait_for(made.full, 30, "the node is full")
        yield made


def told(made: Node, *words: str) -> str:
    """Run planctonctl, which must succeed, and return what it printed."""
    done = made.control(*words)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def report(made: Node) -> StatusReport:
    return msgspec.json.decode(told(made, "status", "--json"), type=StatusReport)


def test_a_snooze_outlives_every_end_of_planctond_and_a_drain_beside_it(blind: Node) -> None:
    assert "its next start ends pilots" in told(blind, "snooze", "1h")
    blind.start()
    until = report(blind).snooze_until_unix
    assert until is not None
    assert 3500 < until - report(blind).now_unix <= 3600
    told(blind, "drain", "--reason", "disk swap")
    told(blind, "stop")
    assert blind.wait() == 0
    blind.start()
    assert (report(blind).snooze_until_unix, report(blind).mode) == (until, Mode.DRAINING)
    blind.tree()[0].send_signal(signal.SIGKILL)
    blind.wait()
    blind.start()
    assert (report(blind).snooze_until_unix, report(blind).drain_reason) == (until, "disk swap")
    assert told(blind, "snooze", "off") == "not snoozed\n"
    assert (report(blind).snooze_until_unix, report(blind).mode) == (None, Mode.DRAINING)
    told(blind, "snooze", "30m")
    told(blind, "resume")
    assert (report(blind).snooze_until_unix, report(blind).mode) == (None, Mode.ACTIVE)


def test_a_snooze_ends_by_itself(blind: Node) -> None:
    blind.start()
    told(blind, "snooze", "2s")
    assert report(blind).snooze_until_unix is not None
    wait_for(lambda: report(blind).snooze_until_unix is None, 10, "it is over")
    assert not blind.paths.snooze_marker.exists()
    assert "no longer snoozed" in blind.log()


def test_force_start_forgets_a_snooze(blind: Node) -> None:
    told(blind, "snooze", "1h")
    blind.start()
    told(blind, "force-start")
    assert report(blind).snooze_until_unix is None


@pytest.mark.engine
def test_a_snooze_takes_the_machine_back_and_its_end_gives_it_away_again(filled: Node) -> None:
    words = told(filled, "snooze", "1h")
    assert "3 pilots are told to end, with 1 min 40 s to finish; none is launched until then" in words
    # Sooner than a pilot that must be killed would be gone.
    wait_for(lambda: filled.containers() == [], 60, "the pilots have ended")
    told(filled, "stop")
    assert filled.wait() == 0
    filled.start()
    held = filled.target().hold
    assert held is not None
    assert held.reason is Reason.SNOOZED
    assert filled.containers() == []
    told(filled, "snooze", "off")
    wait_for(filled.full, 30, "pilots are back")


@pytest.mark.engine
def test_a_drain_with_a_deadline_is_waited_for_and_resumed(filled: Node) -> None:
    words = told(filled, "drain", "--reason", "new kernel", "--deadline", "2s", "--wait")
    assert words.splitlines()[-1] == "drained: no pilot is left"
    assert filled.containers() == []
    assert report(filled).drain_reason == "new kernel"
    assert "mode is now draining: new kernel; pilots may run until " in filled.log()
    told(filled, "resume")
    wait_for(filled.full, 30, "pilots are back")


@pytest.mark.engine
def test_a_drain_stop_with_a_deadline_returns_when_planctond_is_gone(filled: Node) -> None:
    words = told(filled, "drain-stop", "--deadline", "1s", "--wait")
    assert words.splitlines()[-1] == "planctond stopped; no pilot is left"
    assert filled.wait() == 0
    assert filled.containers() == []
    assert not filled.paths.stop_marker.exists()


@pytest.mark.engine
def test_waiting_for_a_drain_ends_with_its_timeout_or_with_a_resume(filled: Node) -> None:
    late = filled.control("drain", "--wait", "--timeout", "1s")
    assert (late.returncode, "3 pilots left" in late.stderr.splitlines()[-1]) == (1, True)
    assert report(filled).mode is Mode.DRAINING
    command = [sys.executable, "-m", "plancton.cli.main", *filled.options, "drain", "--wait"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as waiting:
        assert waiting.stderr is not None
        assert "3 pilots left, until " in waiting.stderr.readline()
        told(filled, "resume")
        assert waiting.wait(20) == 1
        assert "somebody ended the drain" in waiting.stderr.read()
    assert len(filled.containers()) == 3


@pytest.mark.engine
def test_cleared_fizzles_have_pilots_launched_again_at_once(engine: Engine) -> None:
    with node(engine, docker_cmd="/bin/false", fizzle_seconds=5, max_docks=1) as made:
        made.start()

        def fizzled() -> int:
            breaker = made.target().breaker
            return breaker.fizzles if breaker else 0

        assert "nothing was held" in told(made, "clear-fizzles")
        wait_for(lambda: fizzled() >= 5, 60, "pilots fizzled again and again")
        words = told(made, "clear-fizzles")
        assert words.startswith("forgotten: ")
        assert "pilots fizzled in a row; the last: plancton-worker-" in words
        assert "launches go on; they were" in words
        # Counted from the first again.
        wait_for(lambda: 0 < fizzled() < 5, 10, "others are tried")


@pytest.mark.engine
def test_a_drill_on_a_real_node_suspends_for_its_reference_alone_and_ends_no_pilot(engine: Engine) -> None:
    busy = ["/bin/sh", "-c", "while :; do :; done"]
    settings = {"max_docks": 1, "cpus_per_dock": 0.5, "start_overlap": 1, "end_overlap": 1, "stall_cpu": 0}
    with node(engine, docker_cmd=busy, grace_grow=0, **settings) as made:
        made.start()
        wait_for(made.full, 60, "the pilot runs")
        before = {container["Id"] for container in made.containers()}
        found = msgspec.json.decode(told(made, "drill", "--json", "--cpus", "1", "--seconds", "4"), type=DrillReport)
        assert (found.processes, found.seconds, found.alone_seconds) == (1, 4.0, 2.0)
        assert found.verdict.slowdown is not None
        assert found.verdict.cpus > 0
        assert [(count.running, count.suspended) for count in found.pilots] == [(1, 0)]
        assert not any("suspended" in note or "pilots ran" in note for note in found.notes), found.notes
        wait_for(lambda: made.status().counters, 10, "it is counted")
        counters = made.status().counters
        assert counters is not None
        assert (counters.suspended, counters.resumed) == (1, 1)
        assert {container["Id"] for container in made.containers()} == before
        assert made.status().drill_until_unix is None
