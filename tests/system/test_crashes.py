"""Crashes on the real engine: whatever dies or hangs, never too many pilots, none orphaned, all replaced afterwards."""

import signal
from collections.abc import Iterator

import psutil
import pytest

from plancton.common.reasons import Reason
from plancton.supervisor.machine import WORKERS
from tests.support.black_hole import BlackHole
from tests.support.census import census
from tests.support.engine import Engine, start_dockerd
from tests.support.node import Node, node
from tests.support.waiting import wait_for

pytestmark = pytest.mark.engine


@pytest.fixture
def busy(engine: Engine) -> Iterator[Node]:
    """Yield a full node whose pilots live for three seconds."""
    with node(engine, docker_cmd="/bin/sleep 3") as made:
        made.start()
        wait_for(made.full, 30, "the node is full")
        yield made


def assert_unharmed(made: Node) -> None:
    """Check that no worker had to be started again, and that nothing unforeseen was raised anywhere."""
    assert [process.name for process in made.status().processes if process.restarts] == []
    assert "Traceback" not in made.log()


@pytest.mark.parametrize("worker", WORKERS)
def test_a_killed_worker_is_back_and_pilots_go_on_being_replaced(busy: Node, engine: Engine, worker: str) -> None:
    with census(engine.url, busy.instance) as counted:
        former = busy.signal_worker(worker, signal.SIGKILL)
        wait_for(lambda: busy.works_again(worker, former), 5, f"{worker} works again")
        wait_for(lambda: counted.starts >= 6, 40, "pilots are replaced")
        assert counted.most <= 3


@pytest.mark.parametrize("worker", WORKERS)
def test_a_hanging_worker_is_killed_and_is_back(busy: Node, engine: Engine, worker: str) -> None:
    with census(engine.url, busy.instance) as counted:
        former = busy.signal_worker(worker, signal.SIGSTOP)
        wait_for(lambda: busy.works_again(worker, former), 20, f"{worker} works again")
        assert not psutil.pid_exists(former)
        begun = counted.starts
        wait_for(lambda: counted.starts >= begun + 6, 40, "pilots are replaced")
        assert counted.most <= 3


def test_every_worker_killed_at_once(busy: Node, engine: Engine) -> None:
    with census(engine.url, busy.instance) as counted:
        former = {worker: busy.signal_worker(worker, signal.SIGKILL) for worker in WORKERS}
        for worker, pid in former.items():
            wait_for(lambda worker=worker, pid=pid: busy.works_again(worker, pid), 10, f"{worker} works again")  # type: ignore[misc]
        wait_for(lambda: counted.starts >= 6, 40, "pilots are replaced")
        assert counted.most <= 3


def test_a_killed_template_is_replaced_and_workers_can_be_born_again(busy: Node) -> None:
    template = next(process for process in busy.tree() if "template" in " ".join(process.cmdline()))
    template.kill()
    wait_for(lambda: not template.is_running(), 5, "the template is gone")
    former = busy.signal_worker("metrics", signal.SIGKILL)
    wait_for(lambda: busy.works_again("metrics", former), 15, "metrics works again")


@pytest.mark.parametrize("stopped", [None, *WORKERS])
def test_a_killed_supervisor_takes_its_workers_along_and_leaves_the_pilots(engine: Engine, stopped: str | None) -> None:
    with node(engine) as made, census(engine.url, made.instance) as counted:
        made.start()
        wait_for(made.full, 30, "the node is full")
        before = {container["Id"] for container in made.containers()}
        if stopped is not None:
            made.signal_worker(stopped, signal.SIGSTOP)
        tree = made.tree()
        tree[0].kill()
        assert made.wait() == -signal.SIGKILL
        _gone, alive = psutil.wait_procs(tree[1:], timeout=5)
        assert alive == []
        assert {container["Id"] for container in made.containers()} == before
        made.start()
        wait_for(lambda: len(made.live_pilots()) == 3, 20, "the pilots are adopted")
        assert {container["Id"] for container in made.containers()} == before
        assert counted.starts == 3


def test_defect_9_a_frozen_engine_holds_launches_and_delays_no_decision(own_engine: Engine) -> None:
    with node(own_engine, docker_cmd="/bin/sleep 3") as made:
        made.start()
        wait_for(made.full, 30, "the node is full")
        dockerd = psutil.Process(own_engine.pid)
        dockerd.suspend()
        try:
            wait_for(lambda: made.status().pool_unknown is not None, 20, "the pool is unknown")
            target = made.target()
            assert target.hold is not None
            assert target.hold.reason is Reason.ENGINE_UNKNOWN
            assert target.launch == ()
            generation = target.generation
            wait_for(lambda: made.target().generation > generation, 10, "decisions go on")
        finally:
            dockerd.resume()
        with census(own_engine.url, made.instance) as counted:
            wait_for(lambda: counted.starts >= 6, 60, "pilots are replaced")
            assert counted.most <= 3
        assert_unharmed(made)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_defect_9_an_engine_that_restarts_is_filled_again(own_engine: Engine, number: signal.Signals) -> None:
    with node(own_engine) as made:
        made.start()
        wait_for(made.full, 30, "the node is full")
        dockerd = psutil.Process(own_engine.pid)
        dockerd.send_signal(number)
        psutil.wait_procs([dockerd], timeout=30)
        wait_for(lambda: made.status().pool_unknown is not None, 20, "the pool is unknown")
        assert own_engine.directory is not None
        start_dockerd(own_engine.directory)
        with census(own_engine.url, made.instance) as counted:
            wait_for(made.full, 60, "the node is full again")
            wait_for(lambda: len(made.live_pilots()) == 3, 20, "planctond sees them")
            assert counted.most <= 3
        assert_unharmed(made)


def test_defect_9_without_an_engine_planctond_runs_and_says_why_nothing_is_launched() -> None:
    with node(None) as made:
        made.start()
        status = made.status()
        assert status.pool_unknown is not None
        target = made.target()
        assert target.hold is not None
        assert target.hold.reason is Reason.ENGINE_UNKNOWN
        told = made.control("status").stdout
        assert "held: engine-unknown: " in told
        assert f"can't be asked at {made.settings['docker_url']}" in told
        assert_unharmed(made)


def test_defect_9_an_influxdb_that_never_answers_delays_no_pilot(engine: Engine, black_hole: BlackHole) -> None:
    with (
        node(engine, docker_cmd="/bin/sleep 3", influxdb_url=f"{black_hole.url}#plancton") as made,
        census(engine.url, made.instance) as counted,
    ):
        made.start()
        wait_for(made.full, 10, "the node is full")
        wait_for(lambda: black_hole.accepted, 20, "a writer hangs")
        begun, generation = counted.starts, made.target().generation
        # About 11 s where nothing waits. The old system stood still for 5 s at each write, several in a loop.
        wait_for(lambda: counted.starts >= begun + 9, 25, "pilots are replaced")
        assert counted.most <= 3
        assert made.target().generation > generation + 9, "decisions go on"
        counters = made.status().counters
        assert counters is not None
        assert [(sink.written_points, sink.waiting_points > 0) for sink in counters.sinks] == [(0, True)]
        assert_unharmed(made)


def test_a_second_planctond_on_the_same_run_directory_refuses_to_start(busy: Node) -> None:
    again = Node.__new__(Node)
    again.__dict__.update(busy.__dict__)
    again.start(ready=False)
    assert again.wait() == 69
    assert busy.status().ready
