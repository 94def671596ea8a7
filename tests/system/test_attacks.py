"""Attacks on a real planctond, each of which once succeeded: odd files, odd parents, and odd things in the engine."""

import contextlib
import os
import pty
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import docker.errors
import psutil
import pytest

from plancton.common.messages import Mode
from plancton.common.naming import container_name, labels
from plancton.common.reasons import Reason
from plancton.common.requests import Reload, Resume
from tests.support.census import census
from tests.support.engine import Engine
from tests.support.node import Node, node
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

EXIT_UNAVAILABLE, EXIT_CANT_CREATE = 69, 73


@pytest.fixture
def blind() -> Iterator[Node]:
    """Yield a node that has no engine and isn't started yet."""
    with node(None) as made:
        yield made


def inherit(made: Node, careless: Callable[[], object]) -> None:
    """Start planctond as the child of a parent that left it ``careless``'s doing."""
    command = [sys.executable, "-m", "plancton.planctond", *made.options]
    made.process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=careless,  # noqa: PLW1509 - it takes no lock
    )
    wait_for(lambda: made.status().ready, 20, "planctond is ready")


def refusal(made: Node) -> tuple[int, str]:
    """Start a planctond that can't start, and return its exit code and its words."""
    command = [sys.executable, "-m", "plancton.planctond", *made.options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return ended.returncode, ended.stderr


def as_directory(file: Path) -> None:
    file.mkdir()


def as_terminal(file: Path) -> None:
    _ours, theirs = pty.openpty()
    file.symlink_to(os.ttyname(theirs))


def as_pipe(file: Path) -> None:
    os.mkfifo(file)


def as_loop(file: Path) -> None:
    file.symlink_to(file.name)


def as_socket(file: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(file))


@pytest.mark.parametrize("odd", [as_directory, as_terminal, as_pipe, as_loop, as_socket])
def test_whatever_stands_in_the_configurations_place_changes_nothing_and_costs_nothing(
    blind: Node, odd: Callable[[Path], None]
) -> None:
    blind.start()
    process = psutil.Process(blind.tree()[0].pid)
    blind.paths.config_file.unlink()
    odd(blind.paths.config_file)
    assert blind.ask(Reload()).data["ok"] is False
    open_files, journal = process.num_fds(), len(blind.log().splitlines())
    for _ in range(20):
        blind.ask(Reload())
    # The connections of the last who asked may still be open.
    assert process.num_fds() < open_files + 10
    assert len(blind.log().splitlines()) < journal + 20, "the same error is logged again and again"
    assert blind.status().config.errors
    blind.paths.config_file.rmdir() if odd is as_directory else blind.paths.config_file.unlink()


@pytest.mark.parametrize("taken", ["directory", "lock"])
def test_a_planctond_whose_run_directory_is_taken_away_ends(blind: Node, taken: str) -> None:
    blind.start()
    workers = blind.tree()[1:]
    if taken == "lock":
        blind.paths.lock_file.unlink()
    else:
        shutil.rmtree(blind.paths.rundir)
    assert blind.wait(10) == EXIT_UNAVAILABLE
    assert psutil.wait_procs(workers, timeout=5)[1] == []


def test_a_planctond_that_was_robbed_leaves_its_successors_files_alone(blind: Node) -> None:
    blind.start()
    first = blind.process
    assert first is not None
    os.kill(first.pid, signal.SIGSTOP)
    blind.paths.lock_file.unlink()
    blind.start()
    assert blind.process is not None
    os.kill(first.pid, signal.SIGCONT)
    assert first.wait(10) == EXIT_UNAVAILABLE
    assert blind.status().pid == blind.process.pid
    assert blind.paths.pidfile.read_text() == f"{blind.process.pid}\n"


def test_signals_that_a_parent_ignored_or_blocked_are_heard(blind: Node) -> None:
    def deaf() -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

    inherit(blind, deaf)
    former = blind.signal_worker("metrics", signal.SIGKILL)
    wait_for(lambda: blind.works_again("metrics", former), 10, "metrics works again")
    assert blind.process is not None
    blind.process.send_signal(signal.SIGTERM)
    assert blind.wait(10) == 0


def test_a_parents_umask_opens_no_file_to_others(blind: Node) -> None:
    inherit(blind, lambda: os.umask(0))
    for path in (blind.paths.log_file, blind.paths.pidfile, blind.paths.lock_file, blind.paths.control_socket):
        assert stat.S_IMODE(path.stat().st_mode) & 0o022 == 0, path


def test_a_log_that_takes_nothing_keeps_planctond_from_nothing(blind: Node) -> None:
    blind.paths.logdir.mkdir()
    os.mkfifo(blind.paths.log_file)
    blind.start()
    former = blind.signal_worker("metrics", signal.SIGKILL)
    wait_for(lambda: blind.works_again("metrics", former), 10, "metrics works again")
    assert blind.process is not None
    blind.process.send_signal(signal.SIGTERM)
    assert blind.wait(15) == 0
    blind.paths.log_file.unlink()


@pytest.mark.parametrize(("which", "mode"), [("rundir", 0o755), ("rundir", 0o1777), ("logdir", 0o1777)])
def test_a_directory_that_others_use_is_refused_and_left_as_it_is(blind: Node, which: str, mode: int) -> None:
    directory: Path = getattr(blind.paths, which)
    directory.mkdir()
    directory.chmod(mode)
    (directory / "dbus").touch()
    code, words = refusal(blind)
    assert code == EXIT_CANT_CREATE
    assert str(directory) in words
    assert stat.S_IMODE(directory.stat().st_mode) == mode


def test_a_marker_made_with_mkdir_is_one_that_can_be_taken_back(blind: Node) -> None:
    blind.paths.rundir.mkdir(mode=0o700)
    blind.paths.force_stop_marker.mkdir()
    blind.paths.drain_marker.mkdir()
    blind.start()
    assert blind.status().mode is Mode.DRAINING
    assert blind.ask(Resume()).ok
    assert blind.status().mode is Mode.ACTIVE


def test_a_lock_that_is_no_file_is_refused_in_words(blind: Node) -> None:
    blind.paths.rundir.mkdir(mode=0o700)
    blind.paths.lock_file.mkdir()
    code, words = refusal(blind)
    assert code == EXIT_CANT_CREATE
    assert str(blind.paths.lock_file) in words
    assert "Traceback" not in words


@pytest.mark.parametrize("which", ["bus_socket", "control_socket"])
def test_a_directory_in_a_sockets_place_is_refused_in_words(blind: Node, which: str) -> None:
    blind.paths.rundir.mkdir(mode=0o700)
    path: Path = getattr(blind.paths, which)
    path.mkdir()
    code, words = refusal(blind)
    assert code == EXIT_CANT_CREATE
    assert f"{path} can't be made: something else is in its place" in words
    assert "Traceback" not in words
    assert path.is_dir()


@pytest.mark.engine
def test_an_image_loaded_by_hand_is_noticed(engine: Engine) -> None:
    client = docker.APIClient(base_url=engine.url)
    with node(engine, docker_image="plancton-attack:by-hand") as made:
        made.start()
        wait_for(lambda: (hold := made.target().hold) and hold.reason is Reason.NO_IMAGE, 15, "it waits for the image")
        wait_for(lambda: "can't be pulled" in made.log(), 15, "no registry has it")
        client.tag("busybox:latest", "plancton-attack", "by-hand")
        try:
            wait_for(made.full, 10, "the node is full")
        finally:
            client.remove_image("plancton-attack:by-hand", force=True)
            client.close()


@pytest.fixture
def odd_things(engine: Engine) -> Iterator[Callable[[str, dict[str, str]], None]]:
    """Make containers that planctond didn't make; they are removed in the end."""
    client = docker.APIClient(base_url=engine.url)
    made: list[str] = []

    def make(name: str, labels: dict[str, str]) -> None:
        made.append(client.create_container("busybox", ["sleep", "1"], name=name, labels=labels)["Id"])

    yield make
    for container in made:
        with contextlib.suppress(docker.errors.NotFound):
            client.remove_container(container, force=True)
    client.close()


@pytest.mark.engine
def test_names_that_others_took_are_left_alone_and_stop_nothing(
    engine: Engine, odd_things: Callable[[str, dict[str, str]], None]
) -> None:
    with node(engine) as made:
        odd_things(container_name(made.instance, 0, 1), {})
        odd_things(container_name(made.instance, 2, 3), {})
        made.start()
        wait_for(made.full, 30, "the node is full")
        assert len(made.containers(running=False)) == 3


@pytest.mark.engine
def test_a_label_with_the_largest_number_leaves_room_for_the_next(
    engine: Engine, odd_things: Callable[[str, dict[str, str]], None]
) -> None:
    with node(engine, docker_cmd="/bin/sleep 1") as made, census(engine.url, made.instance) as counted:
        odd_things(container_name(made.instance, 7, 10**18 - 1), labels(made.instance, 7, 10**18 - 1, "0" * 12))
        made.start()
        wait_for(lambda: counted.deaths >= 6, 40, "pilots are replaced")
        assert counted.most <= 3
        wait_for(lambda: made.status().counters and made.status().counters.ended_by_themselves >= 3, 20, "and removed")  # type: ignore[union-attr]


@pytest.fixture
def committed(engine: Engine) -> Iterator[Callable[[Node], str]]:
    """Make an image of a pilot, as an owner might for a closer look, and run a container from it: return its id."""
    client = docker.APIClient(base_url=engine.url)
    made: list[str] = []

    def run(on: Node) -> str:
        client.commit(on.containers()[0]["Id"], "plancton-attack", "committed")
        host_config = client.create_host_config(network_mode="none")
        made.append(
            client.create_container("plancton-attack:committed", ["sleep", "300"], host_config=host_config)["Id"]
        )
        client.start(made[0])
        return made[0]

    yield run
    for container in made:
        with contextlib.suppress(docker.errors.NotFound):
            client.remove_container(container, force=True)
    client.remove_image("plancton-attack:committed", force=True)
    client.close()


@pytest.mark.engine
def test_a_container_from_an_image_made_of_a_pilot_is_nobodys_pilot(
    engine: Engine, committed: Callable[[Node], str]
) -> None:
    client = docker.APIClient(base_url=engine.url)
    with contextlib.closing(client), node(engine) as made:
        made.start()
        wait_for(made.full, 30, "the node is full")
        owners = committed(made)
        # Its labels name one of the slots that have to be filled anew.
        former = {each["Id"] for each in made.containers()} - {owners}
        for pilot in former:
            client.kill(pilot)
        wait_for(lambda: len(made.containers()) == 4, 30, "all three are replaced")
        wait_for(lambda: sorted(pilot.slot for pilot in made.live_pilots()) == [0, 1, 2], 20, "they are seen")
        made.configure(max_docks=1)
        assert made.ask(Reload()).ok
        wait_for(lambda: len(made.containers()) == 2, 60, "the surplus is ended")
        assert made.control("force-stop").returncode == 0
        assert [each["Id"] for each in made.containers(running=False)] == [owners]
        assert client.inspect_container(owners)["State"]["Running"]


@pytest.mark.engine
def test_a_pilot_renamed_by_hand_is_still_counted_and_ended(engine: Engine) -> None:
    client = docker.APIClient(base_url=engine.url)
    with contextlib.closing(client), node(engine) as made, census(engine.url, made.instance) as counted:
        made.start()
        wait_for(made.full, 30, "the node is full")
        renamed = made.containers()[0]["Id"]
        client.rename(renamed, f"plancton-attack-{made.instance}")
        wait_for(lambda: "attack" in " ".join(pilot.name for pilot in made.live_pilots()), 20, "its new name is seen")
        since = time.monotonic()
        made.signal_worker("probe", signal.SIGKILL)
        wait_for(lambda: (pool := made.status().pool) and pool.full_look_monotonic > since, 20, "a new probe's look")
        assert renamed in {pilot.container_id for pilot in made.live_pilots()}
        assert counted.most == 3
        assert made.control("force-stop").returncode == 0
        assert made.containers(running=False) == []
