"""The live view in a real terminal, of a real planctond: keys, sizes, absences, and a terminal that is left clean."""

import os
import re
import signal
import sys
from collections.abc import Iterator

import psutil
import pytest

from plancton.common.messages import Mode
from tests.support.engine import Engine
from tests.support.node import Node, node
from tests.support.tmux import PROMPT, Screen, screen
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

KEYS = "d drain  r resume  s snooze  o snooze off  p/c/m sort  w why  ? help  q quit"


@pytest.fixture
def made() -> Iterator[Node]:
    """Yield a node that runs, without an engine."""
    with node(None) as without_engine:
        without_engine.start()
        yield without_engine


def start(shown: Screen, made: Node, *arguments: str) -> None:
    """Start the live view at the prompt."""
    shown.enter(f"{sys.executable} -m plancton.cli.main {' '.join((*made.options, 'top', *arguments))}")


def pid_of_top(made: Node) -> int:
    """Return the pid of the live view that looks at this node."""
    found = [
        each.pid
        for each in psutil.process_iter(["cmdline"])
        if made.options[0] in (each.info["cmdline"] or ()) and "top" in each.info["cmdline"]
    ]
    assert len(found) == 1, found
    return int(found[0])


def is_stopped(made: Node) -> bool:
    """Tell whether the live view is stopped, as Ctrl-Z does it."""
    return bool(psutil.Process(pid_of_top(made)).status() == psutil.STATUS_STOPPED)


@pytest.mark.engine
def test_keys_drain_resume_and_snooze_and_graphs_move(engine: Engine) -> None:
    with node(engine, max_docks=2, docker_cmd="/bin/sleep 600", grace_kill=3600) as made, screen() as shown:
        made.start()
        start(shown, made)
        name = f"plancton-worker-{made.instance}-0-"
        shown.wait_for("2 running, 2 wanted", name, KEYS, "LAST EVENTS", seconds=90)
        wait_for(lambda: columns(shown, "owner's") > 2 and columns(shown, "pilots'") > 2, 60, "the graphs move")
        shown.press("d")
        shown.wait_for("Drain: launch no more pilots")
        assert made.status().mode is Mode.ACTIVE
        shown.press("y")
        shown.wait_for("drained: no more pilots are launched", "draining", "the operator drained the node (draining)")
        assert made.status().mode is Mode.DRAINING
        shown.press("r")
        shown.wait_for("resumed: pilots are launched", "active")
        assert made.status().mode is Mode.ACTIVE
        shown.press("s")
        shown.wait_for("End all pilots and launch none for: 1h_")
        shown.press("2", "h", "Enter")
        told = ("snoozed until", "0 running, 0 wanted", "the owner wants no pilots for a while (snoozed)")
        shown.wait_for(*told, seconds=90)
        assert made.containers() == []
        until = made.status().snooze_until_unix
        assert until is not None
        assert 7000 < until - made.status().now_unix <= 7201
        shown.press("o")
        shown.wait_for("not snoozed any more")
        assert made.status().snooze_until_unix is None
        shown.press("w")
        shown.wait_for("Why so many pilots run, and no more", "max_docks   2: 2 pilots here")
        shown.press("Escape")
        shown.wait_for(KEYS)
        shown.press("q")
        shown.wait_until_gone("PROCESS")


def columns(shown: Screen, whose: str) -> int:
    """Return how many columns a graph has; a new one comes every few seconds."""
    lines = shown.lines()
    first = next(number for number, line in enumerate(lines) if line.startswith(f"{whose} CPUs"))
    return len(re.findall("[▁-█]", lines[first + 3].split("  memory")[0].split("  launcher")[0]))


def test_a_planctond_that_is_killed_and_started_again(made: Node) -> None:
    with screen() as shown:
        start(shown, made)
        former = made.status().pid
        shown.wait_for(f"pid {former}", "engine-unknown", KEYS)
        os.kill(former, signal.SIGKILL)
        made.wait()
        shown.wait_for("waiting: planctond is not running")
        # Its keys live on.
        shown.press("?")
        shown.wait_for("The keys of planctonctl top")
        shown.press("q")
        made.start()
        shown.wait_for(f"pid {made.status().pid}", "engine-unknown", "supervisor running")
        worker = made.signal_worker("probe", signal.SIGKILL)
        wait_for(lambda: made.works_again("probe", worker), 20, "the probe runs again")
        shown.wait_for("1x", "killed by SIGKILL; restarting")


def test_a_planctond_that_hangs_freezes_no_key(made: Node) -> None:
    with screen() as shown:
        start(shown, made)
        pid = made.status().pid
        shown.wait_for(f"pid {pid}")
        os.kill(pid, signal.SIGSTOP)
        try:
            shown.press("?")
            shown.wait_for("The keys of planctonctl top")
            shown.press("q")
            shown.wait_for("can't be asked", "within 2 s")
            shown.press("r")
            shown.wait_for("asking planctond to resume")
            shown.wait_for("whether that is done isn't known")
        finally:
            os.kill(pid, signal.SIGCONT)
        shown.wait_for("supervisor running")


@pytest.mark.parametrize("ends", ["q", "Escape", "C-c", "TERM", "HUP"])
def test_the_shells_screen_and_modes_are_as_before(made: Node, ends: str) -> None:
    with screen() as shown:
        before = shown.modes()
        shown.clear()
        shown.enter("echo a line of before")
        start(shown, made)
        shown.wait_for(KEYS, "engine-unknown")
        assert "a line of before" not in shown.text()
        assert shown.flags() == "1 0"
        if ends in {"TERM", "HUP"}:
            os.kill(pid_of_top(made), signal.Signals[f"SIG{ends}"])
        else:
            shown.press(ends)
        text = shown.wait_for("a line of before")
        assert shown.flags() == "0 1"
        assert "PROCESS" not in text
        assert shown.modes() == before
        shown.enter("echo status $?")
        shown.wait_for("status 0")


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again(made: Node) -> None:
    with screen() as shown:
        before = shown.modes()
        shown.clear()
        start(shown, made)
        for _ in range(2):
            shown.wait_for(KEYS, "engine-unknown")
            shown.press("C-z")
            shown.wait_for("Stopped")
            assert (shown.flags(), shown.modes()) == ("0 1", before)
            shown.clear()
            shown.resize(60, 30)
            shown.enter("fg")
            shown.wait_for("PROCESS", "engine-unknown")
            assert shown.flags() == "1 0"
            shown.press("c")
            shown.wait_for("pilots are sorted by CPU")
            shown.resize(80, 24)
        shown.press("q")
        shown.wait_until_gone("PROCESS")
        assert (shown.flags(), shown.modes()) == ("0 1", before)


def test_in_the_background_it_waits_for_the_terminal(made: Node) -> None:
    with screen() as shown:
        before = shown.modes()
        start(shown, made, "&")
        wait_for(lambda: is_stopped(made), 20, "it waits")
        shown.enter("bg")
        wait_for(lambda: is_stopped(made), 20, "it waits again")
        shown.enter("clear; fg")
        shown.wait_for("PROCESS", "engine-unknown", KEYS)
        shown.press("C-z")
        shown.wait_for("Stopped")
        assert shown.modes() == before
        shown.enter("bg")
        wait_for(lambda: is_stopped(made), 20, "it waits again")
        shown.enter("clear; fg")
        shown.wait_for("PROCESS", "engine-unknown", KEYS)
        shown.press("q")
        shown.wait_until_gone("PROCESS")
        assert (shown.flags(), shown.modes()) == ("0 1", before)


def test_a_stop_that_nobody_could_catch_is_recovered_from(made: Node) -> None:
    with screen() as shown:
        before = shown.modes()
        start(shown, made)
        shown.wait_for(KEYS)
        os.kill(pid_of_top(made), signal.SIGSTOP)
        shown.wait_for("Stopped")
        shown.clear()
        shown.enter("fg")
        shown.wait_for(KEYS, "engine-unknown")
        shown.press("c")
        shown.wait_for("pilots are sorted by CPU")
        shown.press("q")
        shown.wait_until_gone("PROCESS")
        assert shown.modes() == before


@pytest.mark.parametrize(("columns", "lines"), [(40, 10), (20, 5), (200, 60), (10, 2)])
def test_other_sizes(made: Node, columns: int, lines: int) -> None:
    with screen() as shown:
        start(shown, made)
        shown.wait_for(KEYS, "PROCESS")
        shown.resize(columns, lines)
        shown.wait_until_gone(KEYS) if columns < len(KEYS) else shown.wait_for(KEYS)
        wait_for(lambda: shown.lines()[0].startswith("plancton"), 20, "the header is the first line")
        assert len(shown.lines()) <= lines
        shown.resize(80, 24)
        shown.wait_for(KEYS, "PROCESS")
        shown.press("q")
        shown.wait_for(PROMPT.strip())


def test_it_costs_little(made: Node) -> None:
    """Less than a twentieth of a CPU's time, of which a loaded machine's takes more; alone it is one percent."""
    with screen() as shown:
        start(shown, made)
        shown.wait_for(KEYS, "engine-unknown")
        process = psutil.Process(pid_of_top(made))
        begun, used = clock(shown), sum(process.cpu_times()[:2])
        wait_for(lambda: (clock(shown) - begun) % 86_400 >= 10, 60, "ten seconds of looking")
        assert sum(process.cpu_times()[:2]) - used < 0.5


def clock(shown: Screen) -> int:
    """Return the time that the live view shows, in seconds of the day."""
    found = re.search(r"([0-9]{2}):([0-9]{2}):([0-9]{2})$", shown.lines()[0])
    assert found, shown.text()
    hours, minutes, seconds = map(int, found.groups())
    return (hours * 60 + minutes) * 60 + seconds
