"""The pilots' weight on a real kernel, as planctond keeps it: from before the first pilot until after the last."""

from pathlib import Path

import pytest

from plancton.common.messages import Weight
from plancton.common.requests import Reload, Stop
from tests.support.cgroup_files import cpu_group, least_weight
from tests.support.engine import Engine
from tests.support.node import Node, node
from tests.support.waiting import wait_for

pytestmark = pytest.mark.engine

# The kernel's own words, of either version; an older kernel knows no idle.
LEAST = {"cpu.idle=1", "cpu.shares=2", "cpu.weight=1"}
NORMAL = {"cpu.shares=1024", "cpu.weight=100"}
HALF = {"cpu.shares=512", "cpu.weight=50"}


def a_pilot(made: Node) -> int:
    """Return the pid of a pilot's first process."""
    assert made.engine is not None
    client = made.engine.client()
    try:
        return int(client.api.inspect_container(made.containers()[0]["Id"])["State"]["Pid"])
    finally:
        client.close()


def parent_of(made: Node) -> Path:
    """Return the directory of the cgroup in which the pilots' own are."""
    parent = cpu_group(a_pilot(made)).parent
    assert made.instance in parent.name, "the pilots have a parent of their own"
    return parent


def in_force(parent: Path) -> str:
    """Return what the kernel says of a cgroup's weight."""
    for name in ("cpu.idle", "cpu.shares", "cpu.weight"):
        content = (parent / name).read_text().strip() if (parent / name).exists() else ""
        if content and (name, content) != ("cpu.idle", "0"):
            return f"{name}={content}"
    return "nothing"


def told(made: Node) -> Weight:
    """Return what planctond says of it."""
    launcher = made.status().launcher
    assert launcher is not None
    assert launcher.weight is not None
    return launcher.weight


def change(made: Node, cpu_weight: str, expected: set[str]) -> None:
    """Change the setting while planctond runs, and wait until it says that it's so."""
    made.configure(cpu_weight=cpu_weight)
    assert made.ask(Reload()).ok
    wait_for(lambda: told(made).cpu in expected, 8, f"planctond tells the weight {cpu_weight}")


def test_pilots_have_the_least_weight_from_the_first_on_and_a_change_reaches_those_that_run(engine: Engine) -> None:
    with node(engine, docker_cmd="/bin/sleep 600") as made:
        made.start()
        wait_for(made.containers, 30, "a pilot runs")
        parent = parent_of(made)
        assert in_force(parent) in LEAST
        assert told(made).cpu in LEAST
        wait_for(made.full, 30, "the node is full")
        before = {container["Id"] for container in made.containers()}
        for setting, weights in (("50", HALF), ("default", NORMAL), ("idle", LEAST)):
            change(made, setting, weights)
            assert in_force(parent) in weights, setting
        assert {container["Id"] for container in made.containers()} == before


@pytest.mark.slow
def test_what_somebody_else_writes_is_undone_in_seconds(engine: Engine) -> None:
    with node(engine, docker_cmd="/bin/sleep 600", cpu_weight="50") as made:
        made.start()
        wait_for(made.full, 30, "the node is full")
        parent = parent_of(made)
        assert in_force(parent) in HALF
        least_weight(a_pilot(made))
        assert in_force(parent) in LEAST
        wait_for(lambda: in_force(parent) in HALF, 20, "it is as it was")


def test_a_stop_with_its_pilots_leaves_no_cgroup_behind(engine: Engine) -> None:
    with node(engine) as made:
        made.start()
        wait_for(made.full, 30, "the node is full")
        parent = parent_of(made)
        assert made.ask(Stop(force=True)).ok
        assert made.wait(60) == 0
        assert not parent.exists()
        assert list(Path("/sys/fs/cgroup").glob(f"*/{parent.name}")) == []
