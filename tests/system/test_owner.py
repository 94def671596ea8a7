"""A real owner on a real engine: whoever wants the machine gets it, rung by rung, and the pilots come back."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from plancton.common.messages import Counters
from plancton.common.reasons import Reason
from plancton.common.requests import ClearFizzles, Drain, Reload, Snooze
from tests.support.census import census
from tests.support.engine import Engine
from tests.support.node import Node, node
from tests.support.running import running
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.engine, pytest.mark.slow]

OBEDIENT = ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.2; done"]
HURRIED = {
    "grace_kill": 4,
    "grace_spawn": 1,
    "stop_grace": 5,
    "docker_cmd": OBEDIENT,
    # So large that not one fits beside an owner who uses every CPU.
    "cpus_per_dock": round(0.2 * (psutil.cpu_count() or 1), 2),
}


@contextmanager
def owner(directory: Path, cpus: int) -> Iterator[None]:
    """Use so many CPUs, as any program of the owner's would."""
    with ExitStack() as stack:
        for number in range(cpus):
            stack.enter_context(running([sys.executable, "-c", "while True: pass"], directory / f"owner-{number}"))
        yield


def every_cpu() -> int:
    return psutil.cpu_count() or 1


def states(made: Node) -> list[str]:
    return sorted(str(container["State"]) for container in made.containers())


def ended_for(made: Node) -> set[str]:
    counters = made.status().counters
    assert isinstance(counters, Counters)
    return set(counters.ended_by_reason)


def test_an_owner_who_wants_all_has_all_after_grace_kill_and_the_pilots_come_back(
    engine: Engine, tmp_path: Path
) -> None:
    with node(engine, **HURRIED) as made:
        made.start()
        wait_for(made.full, 60, "the node is full")
        with owner(tmp_path, every_cpu()):
            wait_for(lambda: made.containers() == [], 40, "every pilot has ended")
            wait_for(lambda: Reason.OWNER_CPU in ended_for(made), 20, "they're told to be the owner's doing")
        wait_for(made.full, 60, "they are back")


def test_an_owner_who_wants_all_has_all_at_once_where_pilots_are_suspended_and_none_is_lost(
    engine: Engine, tmp_path: Path
) -> None:
    with node(engine, **HURRIED, suspend=True, grace_suspend=2) as made, census(engine.url, made.instance) as counted:
        made.start()
        wait_for(made.full, 60, "the node is full")
        before = {container["Id"] for container in made.containers()}
        with owner(tmp_path, every_cpu()):
            wait_for(lambda: states(made) == ["paused"] * 3, 30, "every pilot is suspended")
        wait_for(lambda: states(made) == ["running"] * 3, 60, "they go on")
        assert ({container["Id"] for container in made.containers()}, counted.deaths) == (before, 0)


def test_a_pilot_that_was_suspended_for_too_long_gets_its_time_to_finish(engine: Engine, tmp_path: Path) -> None:
    settings = {**HURRIED, "suspend": True, "grace_suspend": 1, "suspend_longest": 3, "stop_grace": 30}
    with node(engine, **settings) as made:
        made.start()
        wait_for(made.full, 60, "the node is full")
        with owner(tmp_path, every_cpu()):
            wait_for(lambda: made.containers() == [], 60, "every pilot has ended")
            wait_for(lambda: Reason.SUSPENDED_TOO_LONG in ended_for(made), 20, "why is told")
        assert "killed plancton" not in made.log(), "they heeded SIGTERM"


def test_a_pilot_that_is_safe_to_stop_goes_before_a_younger_one(engine: Engine, tmp_path: Path) -> None:
    says = 'case "$(hostname)" in *-0-1) echo safe > "$PLANCTON_DIRECTORY/out/state";; esac; '
    command = [*OBEDIENT[:2], says + OBEDIENT[2]]
    share = every_cpu() * 0.4
    settings = {**HURRIED, "docker_cmd": command, "cpus_per_dock": share, "max_docks": 2, "grace_spawn": 600}
    with node(engine, **settings) as made:
        made.start()
        wait_for(made.full, 60, "the node is full")
        wait_for(lambda: any(pilot.safe_to_stop for pilot in made.live_pilots()), 20, "its word is heard")
        with owner(tmp_path, max(1, every_cpu() // 2)):
            wait_for(lambda: len(made.containers()) < 2, 60, "one has to go")
            left = [pilot.slot for pilot in made.live_pilots()]
        assert left == [1]


def test_pilots_are_told_a_drains_deadline_and_have_ended_after_it(engine: Engine) -> None:
    with node(engine, **HURRIED) as made:
        made.start()
        wait_for(made.full, 60, "the node is full")
        names = [str(container["Names"][0]).removeprefix("/") for container in made.containers()]
        deadline = time.time() + 8.0
        assert made.ask(Drain(reason="a new kernel", deadline_unix=deadline)).ok
        files = [made.paths.state / "pilots" / name / "deadline" for name in names]
        wait_for(
            lambda: all(abs(int(file.read_text()) - deadline) <= 2 for file in files if file.exists()),
            6,
            "each is told",
        )
        wait_for(lambda: made.containers() == [], 40, "every pilot has ended")
        assert time.time() >= deadline
        wait_for(lambda: Reason.DRAIN_DEADLINE in ended_for(made), 20, "why is told")


def test_an_owner_who_snoozes_has_the_machine_until_then(engine: Engine) -> None:
    with node(engine, **HURRIED) as made:
        made.start()
        wait_for(made.full, 60, "the node is full")
        assert made.ask(Snooze(until_unix=time.time() + 3600.0)).ok
        wait_for(lambda: made.containers() == [], 30, "every pilot has ended")
        hold = made.target().hold
        assert hold is not None
        assert hold.reason is Reason.SNOOZED
        assert made.ask(Snooze()).ok
        wait_for(made.full, 30, "they are back")


def test_pilots_run_in_their_windows_alone(engine: Engine) -> None:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    another = days[(time.localtime().tm_wday + 3) % 7]
    with node(engine, **HURRIED) as made:
        made.start()
        wait_for(made.full, 60, "the node is full")
        made.configure(windows=[another])
        assert made.ask(Reload()).ok
        wait_for(lambda: made.containers() == [], 30, "the window closed")
        made.configure(windows=[another, "daily"])
        assert made.ask(Reload()).ok
        wait_for(made.full, 30, "it's open again")


def test_pilots_that_fail_at_once_are_started_more_and_more_seldom_until_somebody_mends_it(engine: Engine) -> None:
    failing = {"docker_cmd": ["/bin/sh", "-c", "echo no such queue; exit 3"], "fizzle_seconds": 2}
    with node(engine, **failing) as made, census(engine.url, made.instance) as counted:
        made.start()
        wait_for(lambda: (b := made.target().breaker) is not None and b.fizzles >= 6, 60, "several trials fizzled")
        assert counted.starts <= 3 + 2 * 3 + 6, "a burst before it is noticed, then one at a time"
        assert counted.most <= 3
        wait_for(lambda: "no such queue" in made.log(), 20, "their last words are kept")
        assert made.ask(ClearFizzles()).ok
        wait_for(lambda: counted.starts > 6, 20, "they are tried again")
        made.configure(docker_cmd="/bin/sleep 60")
        assert made.ask(Reload()).ok
        wait_for(made.full, 30, "another command is another matter")
        wait_for(lambda: made.target().breaker is None, 20, "all is forgotten")
