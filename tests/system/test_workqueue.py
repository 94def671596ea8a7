"""A real queue on the real engine: a Work Queue manager gets its tasks done by pilots of the configuration shipped."""

import hashlib
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from plancton.common.naming import LABEL_INSTANCE
from plancton.common.reasons import Reason
from tests.support.census import Census, census
from tests.support.engine import Engine
from tests.support.node import Node, node
from tests.support.planctonctl import paths_below, planctonctl_for
from tests.support.running import REPOSITORY, program, remedy, running
from tests.support.waiting import wait_for

SHIPPED = REPOSITORY / "etc/pilots/workqueue"
IMAGE = "plancton-workqueue-tested"
"""Not the documented name: an engine that was there before may hold one that is in use."""
TASKS = 40
PILOTS = 3
PATIENCE_SECONDS = 4
"""How long a pilot of the test looks for work; the shipped ones have more."""

GATE = "{after}: {before}\n\tLOCAL until test -e {sign}; do sleep 0.1; done; touch {after}\n\n"
"""Runs beside the manager, which meanwhile has no work for pilots, until the test gives the sign."""
TASK = "out.{0}: in.{0} begun\n\tsha256sum < in.{0} > out.{0}; hostname >> out.{0}; sleep 0.2\n\n"


def build(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the shipped build script and return how it ended and what it printed."""
    command = [str(SHIPPED / "build"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture(scope="module")
def image(engine: Engine) -> Iterator[str]:
    """Yield the name of the pilots' image, built by the script that is shipped."""
    built = build(engine.environment, IMAGE)
    assert built.returncode == 0, remedy("pilot image", built.stderr)
    yield IMAGE
    client = engine.client()
    client.images.remove(IMAGE, force=True)
    client.close()


def shipped_config() -> dict[str, Any]:
    """Return the shipped configuration as its keys."""
    config = yaml.safe_load((SHIPPED / "config.yaml").read_text(encoding="utf-8"))
    assert isinstance(config, dict)
    return config


def for_the_test(image: str, host: str, port: str) -> dict[str, Any]:
    """Return the shipped configuration with its documented changes, and small enough for a busy machine."""
    config = shipped_config()
    config["docker_cmd"] = [*config["docker_cmd"][:-2], f"--timeout={PATIENCE_SECONDS}", host, port]
    config |= {"docker_image": image, "docker_network": "bridge", "max_docks": PILOTS}
    # Any machine has room for as little, however busy it is, and no pilot is ended for its owner.
    return config | {"cpus_per_dock": 0.05, "max_dock_mem": 100_000_000, "grace_kill": 600}


def write_workflow(directory: Path) -> None:
    """Write the tasks' inputs and a workflow of them, with a gate before and after."""
    for number in range(TASKS):
        (directory / f"in.{number}").write_text(f"input of task {number}\n")
    tasks = "".join(TASK.format(number) for number in range(TASKS))
    outputs = " ".join(f"out.{number}" for number in range(TASKS))
    first = GATE.format(after="begun", before="", sign="begin")
    last = GATE.format(after="done", before=outputs, sign="finish")
    (directory / "Makeflow").write_text(first + tasks + last)


@contextmanager
def manager(engine: Engine, directory: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run a Work Queue manager on the workflow in the directory, where pilots reach it; yield it and its port."""
    makeflow = program("makeflow", "coop-computing-tools")
    # Debian's is linked with Open MPI, which would look for parts that aren't installed.
    inside = ["env", f"--chdir={directory}", "OMPI_MCA_ess_singleton_isolated=1"]
    command = [*engine.network_prefix, *inside, makeflow, "-T", "wq", "-Z", "port", "Makeflow"]
    with running(command, directory / "manager.log") as process:
        port = directory / "port"
        written = wait_for(lambda: port.exists() and port.read_text().strip(), 30, "the manager listens")
        assert isinstance(written, str)
        yield process, written


def exit_codes(engine: Engine, made: Node) -> set[str]:
    """Return the exit codes of the pilots that have ended, as the engine tells them."""
    client = engine.client()
    try:
        filters = {"label": f"{LABEL_INSTANCE}={made.instance}", "event": "die"}
        events = client.events(since=0, until=int(time.time()) + 1, filters=filters, decode=True)
        return {event["Actor"]["Attributes"]["exitCode"] for event in events}
    finally:
        client.close()


def who_did(directory: Path) -> set[str]:
    """Check each task's result, and return the names of the hosts that did them."""
    hosts = set()
    for number in range(TASKS):
        checksum, host = (directory / f"out.{number}").read_text().splitlines()
        content = (directory / f"in.{number}").read_bytes()
        assert checksum.split()[0] == hashlib.sha256(content).hexdigest()
        hosts.add(host)
    return hosts


def wait_for_replacements(counted: Census, why: str) -> None:
    """Wait until as many pilots as the node holds have ended, and as many others have begun."""
    deaths, starts = counted.deaths, counted.starts
    wait_for(lambda: counted.deaths >= deaths + PILOTS, 30, f"{why}: pilots exit")
    wait_for(lambda: counted.starts >= starts + PILOTS, 15, f"{why}: they are replaced")


def test_the_shipped_configuration_is_valid_and_fits_its_image_and_its_own_limits(tmp_path: Path) -> None:
    checked = planctonctl_for(paths_below(tmp_path))("config", "check", str(SHIPPED / "config.yaml"))
    assert checked.exit_code == 0
    assert "warning" not in checked.output
    config = shipped_config()
    (wall_time,) = [word for word in config["docker_cmd"] if word.startswith("--wall-time=")]
    assert int(wall_time.partition("=")[2]) < config["max_ttl"]
    assert f"user={config['user_group']}\n" in (SHIPPED / "build").read_text(encoding="utf-8")


@pytest.mark.engine
@pytest.mark.workqueue
@pytest.mark.slow
def test_pilots_do_a_managers_tasks_and_exit_when_there_are_no_more(engine: Engine, image: str, tmp_path: Path) -> None:
    write_workflow(tmp_path)
    outputs = [tmp_path / f"out.{number}" for number in range(TASKS)]
    with (
        manager(engine, tmp_path) as (makeflow, port),
        node(engine, **for_the_test(image, engine.gateway(), port)) as made,
        census(engine.url, made.instance) as counted,
    ):
        made.start()
        wait_for(made.full, 40, "the node is full")
        (tmp_path / "begin").touch()
        wait_for(lambda: all(output.exists() for output in outputs), 60, "the tasks are done")
        wait_for_replacements(counted, "the manager has no more work")
        (tmp_path / "finish").touch()
        assert makeflow.wait(30) == 0
        wait_for_replacements(counted, "the manager is gone")
        assert exit_codes(engine, made) == {"0"}
        counters = made.status().counters
        assert counters is not None
        assert set(counters.ended_by_reason) == {Reason.ENDED}, "planctond ended some"
        assert counted.most <= PILOTS
    hosts = who_did(tmp_path)
    assert len(hosts) > 1
    assert all(host.startswith("plancton-") for host in hosts)


@pytest.mark.engine
def test_the_build_says_what_to_do_where_no_engine_answers() -> None:
    built = build({**os.environ, "DOCKER_HOST": "unix:///nowhere/docker.sock"})
    assert built.returncode == 1
    assert "set DOCKER_HOST" in built.stderr
