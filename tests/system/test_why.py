"""Reasons as an operator hears them, of a real planctond with a real engine: of the decision, and of pilots' lives."""

import signal
import stat

import msgspec
import pytest

from plancton.common.engine import Engine as Api
from plancton.common.journal import Unread, directory_below, read
from plancton.common.journal_entries import Entry, Kind
from plancton.common.messages import Counters
from plancton.common.reasons import Reason
from plancton.common.requests import Stop
from tests.support.engine import Engine
from tests.support.node import Node, node
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def entries(made: Node, kind: Kind | None = None) -> list[Entry]:
    """Return what the node's journal tells."""
    return [each for each in whole(made) if kind is None or each.kind == kind]


def whole(made: Node) -> list[Entry]:
    """Return what the node's journal tells, all of which can be read."""
    found = list(read(directory_below(made.paths.state)))
    assert [each for each in found if isinstance(each, Unread)] == []
    return [each for each in found if isinstance(each, Entry)]


def why(made: Node, *arguments: str) -> str:
    """Return what planctonctl why says."""
    told = made.control("why", *arguments)
    assert (told.returncode, told.stderr) == (0, "")
    return told.stdout


def says(made: Node, verb: str, words: str) -> str:
    """Return what planctonctl says once ``words`` are in it."""

    def look() -> str:
        told = made.control(verb).stdout
        return told if words in told else ""

    return wait_for(look, 60, f"{verb} says {words!r}")


def test_a_pilot_that_fizzles_is_explained_with_its_output_and_the_hold_that_follows(engine: Engine) -> None:
    command = ["/bin/sh", "-c", "echo trying; echo no such queue >&2; exit 7"]
    with node(engine, docker_cmd=command, max_docks=2, fizzle_seconds=5, fizzles_allowed=2) as made:
        made.start()
        fizzled = wait_for(lambda: entries(made, Kind.FIZZLED), 60, "a pilot's fizzle is in the journal")[0]
        told = why(made, f"{fizzled.slot}-{fizzled.incarnation}")
        assert told.startswith(f"{fizzled.pilot}, container {fizzled.container_id[:12]}: it is gone\n")
        for words in ("started in ", "because there was room for one more (room)", " with exit code 7, and is removed"):
            assert words in told
        assert {"    | trying", "    | no such queue"} <= set(told.splitlines())

        held = says(made, "why", "because pilots end too soon after their start (fizzles)")
        for words in ("pilots fizzled in a row", "with exit code 7", "planctonctl clear-fizzles"):
            assert words in held
        assert "planctonctl clear-fizzles ends that at once" in says(made, "status", "held: fizzles: ")
        wait_for(lambda: (made.status().counters or Counters()).fizzled >= 2, 30, "fizzles are counted")
        assert "is removed; its last words: " in made.log()


def test_a_node_that_is_full_says_what_holds_and_keeps_a_journal_for_itself(engine: Engine) -> None:
    with node(engine) as made:
        made.start()
        wait_for(made.full, 30, "the node is full")

        def held() -> bool:
            hold = made.target().hold
            return hold is not None and hold.reason is Reason.MAX_DOCKS

        wait_for(held, 20, "max_docks holds")
        told = why(made)
        assert told.startswith("3 pilots running, 3 wanted.\nNo further pilot is started, because there are as many")
        assert "max_docks   3: 3 pilots here" in told
        inputs = msgspec.json.decode(why(made, "--json"))
        assert inputs["target"]["hold"]["reason"] == "max-docks"
        assert inputs["target"]["figures"]["by_max_docks"] == 3
        assert inputs["settings"]["max_docks"] == "3"
        for path in directory_below(made.paths.state).iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [each.kind for each in entries(made)].count("launched") == 3


def test_a_life_that_was_ended_is_told_after_planctond_is_gone(engine: Engine) -> None:
    with node(engine, max_docks=1) as made:
        made.start()
        pilot = wait_for(made.live_pilots, 30, "a pilot runs")[0]
        wait_for(lambda: entries(made, Kind.LAUNCHED), 20, "its start is in the journal")
        assert "running for " in why(made, pilot.container_id[:12]).splitlines()[0]
        assert made.ask(Stop(force=True)).ok
        assert made.wait(60) == 0
        told = why(made, pilot.name)
        assert "because planctond was told to end all pilots (force-stop)" in told
        assert told.splitlines()[0].endswith(": it is gone")
        assert made.control("why").returncode == 3
        unknown = made.control("why", "nobody")
        assert (unknown.returncode, pilot.name in unknown.stderr) == (1, True)


def test_a_killed_metrics_worker_goes_on_with_its_journal_and_repeats_nothing(engine: Engine) -> None:
    with node(engine) as made:
        made.start()
        wait_for(made.full, 30, "the node is full")
        wait_for(lambda: len(entries(made, Kind.LAUNCHED)) == 3, 20, "all starts are in the journal")
        wait_for(lambda: [each.reason for each in entries(made, Kind.HELD)][-1:] == ["max-docks"], 20, "and the hold")
        before = whole(made)
        former = made.signal_worker("metrics", signal.SIGKILL)
        wait_for(lambda: made.works_again("metrics", former), 30, "the worker is back")
        victim = made.live_pilots()[0]
        assert Api(engine.url).kill(victim.container_id, "SIGKILL", deadline=10) is None
        ends = {Kind.REMOVED, Kind.FIZZLED}
        wait_for(lambda: [each.pilot for each in whole(made) if each.kind in ends] == [victim.name], 30, "its end")
        wait_for(lambda: len(entries(made, Kind.LAUNCHED)) == 4, 30, "its replacement's start")
        after = whole(made)
        assert after[: len(before)] == before
        new = after[len(before) :]
        # Nothing but what came of that one's end.
        assert {each.kind for each in new} <= {Kind.LAUNCHED, Kind.RELEASED, Kind.HELD, *ends}
        assert new[0].kind in {Kind.LAUNCHED, Kind.RELEASED}
        assert [each.reason for each in new if each.kind == Kind.LAUNCHED] == ["replacement"]
