"""A node's ordinary life on the real engine: filled, refilled, drained, stopped."""

import signal
from collections.abc import Iterator

import pytest

from plancton.common.messages import Mode
from plancton.common.requests import Drain, Reload, Resume, Stop
from tests.support.census import census
from tests.support.engine import Engine
from tests.support.node import Node, node
from tests.support.waiting import wait_for

pytestmark = pytest.mark.engine


@pytest.fixture
def filled(engine: Engine) -> Iterator[Node]:
    """Yield a node full of pilots that outlive the test."""
    with node(engine) as made:
        made.start()
        wait_for(made.full, 30, "the node is full")
        yield made


def test_the_node_fills_up_and_each_pilot_that_ends_is_replaced(engine: Engine) -> None:
    with node(engine, docker_cmd="/bin/sleep 2") as made, census(engine.url, made.instance) as counted:
        made.start()
        wait_for(lambda: counted.starts >= 12, 60, "pilots are replaced")
        assert counted.most == 3
        wait_for(lambda: len(made.containers(running=False)) < 12, 30, "the ended are removed")


def test_sigterm_leaves_the_pilots_and_the_next_planctond_adopts_them(filled: Node, engine: Engine) -> None:
    before = {container["Id"] for container in filled.containers()}
    with census(engine.url, filled.instance) as counted:
        filled.tree()[0].send_signal(signal.SIGTERM)
        assert filled.wait() == 0
        assert not filled.paths.pidfile.exists()
        filled.start()
        wait_for(lambda: len(filled.live_pilots()) == 3, 20, "the pilots are seen")
        assert {container["Id"] for container in filled.containers()} == before
        assert counted.starts == 0


def test_force_stop_kills_the_pilots_and_then_stops(filled: Node) -> None:
    assert filled.ask(Stop(force=True)).ok
    assert filled.wait(60) == 0
    assert filled.containers(running=False) == []
    assert not filled.paths.force_stop_marker.exists()


def test_defect_10_drain_then_drain_stop_stops_and_the_next_start_is_not_drained(engine: Engine) -> None:
    with node(engine, docker_cmd="/bin/sleep 4") as made:
        made.start()
        wait_for(made.full, 30, "the node is full")
        assert made.ask(Drain()).ok
        assert made.ask(Drain(stop=True)).ok
        assert made.wait(60) == 0
        assert made.containers() == []
        made.start()
        assert made.status().mode is Mode.ACTIVE
        wait_for(made.full, 30, "it launches again")


def test_defect_10_resume_leaves_no_marker(filled: Node) -> None:
    markers = (filled.paths.drain_marker, filled.paths.stop_marker)
    assert filled.ask(Drain()).ok
    assert filled.ask(Drain(stop=True)).ok
    assert [marker.exists() for marker in markers] == [True, True]
    assert filled.ask(Resume()).ok
    assert [marker.exists() for marker in markers] == [False, False]
    filled.end()
    filled.start()
    assert filled.status().mode is Mode.ACTIVE
    wait_for(filled.full, 30, "it launches again")


def test_a_drain_marker_made_by_hand_stops_launches_and_outlives_a_restart(engine: Engine) -> None:
    with node(engine, docker_cmd="/bin/sleep 2") as made:
        made.start()
        wait_for(made.full, 30, "the node is full")
        made.paths.drain_marker.touch()
        wait_for(lambda: made.containers() == [], 30, "the last pilot has ended")
        made.end()
        with census(engine.url, made.instance) as counted:
            made.start()
            wait_for(lambda: made.status().target is not None, 10, "it has decided")
            assert made.status().mode is Mode.DRAINING
            assert made.ask(Resume()).ok
            wait_for(made.full, 30, "it launches again")
            assert not made.paths.drain_marker.exists()
            assert counted.most == 3


def test_a_changed_limit_and_spec_apply_to_new_pilots(filled: Node) -> None:
    before = {container["Id"] for container in filled.containers()}
    filled.configure(max_docks=5, docker_cmd="/bin/sleep 61")
    answer = filled.ask(Reload())
    assert answer.ok
    assert answer.data["errors"] == []
    wait_for(filled.full, 30, "the node is full again")
    containers = filled.containers()
    assert before < {container["Id"] for container in containers}
    assert sorted(container["Command"] for container in containers) == ["/bin/sleep 60"] * 3 + ["/bin/sleep 61"] * 2


def test_a_bad_configuration_changes_nothing_and_is_reported(filled: Node) -> None:
    filled.configure(max_docks="__import__('os').getpid()")
    filled.tree()[0].send_signal(signal.SIGHUP)
    errors = wait_for(lambda: filled.status().config.errors, 10, "the errors are told")
    assert any("max_docks" in error for error in errors)
    assert len(filled.containers()) == 3


def test_pilots_past_their_time_to_live_are_ended_and_replaced(engine: Engine) -> None:
    with node(engine, max_ttl=3, max_docks=2) as made, census(engine.url, made.instance) as counted:
        made.start()
        wait_for(lambda: counted.deaths >= 2, 60, "both have expired")
        wait_for(lambda: counted.starts >= 4, 30, "they are replaced")
        assert counted.most == 2


def test_nobody_elses_container_is_touched(engine: Engine) -> None:
    client = engine.client()
    other = client.containers.run(
        "busybox",
        "/bin/sleep 300",
        name="plancton-worker-0badcafe-0-1",
        labels={"plancton.instance": "0badcafe", "plancton.slot": "0", "plancton.incarnation": "1"},
        network_mode="none",
        detach=True,
    )
    try:
        with node(engine) as made:
            made.start()
            wait_for(made.full, 30, "the node is full")
            assert made.ask(Stop(force=True)).ok
            assert made.wait(60) == 0
        other.reload()
        assert other.status == "running"
    finally:
        other.remove(force=True)
        client.close()
