"""tools/engine: a private engine is seen nowhere else, and leaves nothing behind, however it ends."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.engine import TOOLS, Engine, answers, load_busybox, start_dockerd
from tests.support.waiting import wait_for

pytestmark = pytest.mark.engine

SLEEP = ["sleep", str(1_000_000 + os.getpid())]
"""A command line that no other process has."""


def processes_of(directory: Path) -> list[list[str]]:
    """Return the command lines of the engine's processes and of the test's containers."""
    lines = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    return [line for line in lines if line == SLEEP or any(f"{directory}/" in word for word in line)]


@pytest.fixture
def directory() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="plancton-", dir="/tmp"))
    yield path
    subprocess.run([TOOLS / "engine", "stop", path], check=True)


def fill(engine: Engine) -> None:
    """Start a container, and one that is paused."""
    load_busybox(engine)
    client = engine.client()
    client.containers.run("busybox", SLEEP, detach=True)
    client.containers.run("busybox", SLEEP, detach=True).pause()
    client.close()


def test_stop_leaves_nothing_behind(directory: Path) -> None:
    fill(start_dockerd(directory))
    assert processes_of(directory)
    subprocess.run([TOOLS / "engine", "stop", directory], check=True)
    assert processes_of(directory) == []
    assert not directory.exists()
    assert str(directory) not in Path("/proc/self/mounts").read_text()


def test_it_ends_with_its_owner_even_if_it_is_frozen(directory: Path) -> None:
    with subprocess.Popen(SLEEP) as owner:
        try:
            command = [str(TOOLS / "engine"), "start", str(directory), "--for", str(owner.pid)]
            engine = Engine(subprocess.check_output(command, text=True).strip(), directory)
            fill(engine)
            os.kill(engine.pid, signal.SIGSTOP)
        finally:
            owner.kill()
    wait_for(lambda: not directory.exists(), 30.0, "the engine's directory is removed")
    assert processes_of(directory) == []


def test_stop_copes_with_an_engine_whose_daemons_were_killed(directory: Path) -> None:
    engine = start_dockerd(directory)
    fill(engine)
    os.kill(engine.pid, signal.SIGKILL)
    for process in psutil.process_iter(["cmdline"]):
        if process.info["cmdline"] == ["containerd", "--config", f"{directory}/containerd.toml"]:
            process.kill()
    subprocess.run([TOOLS / "engine", "stop", directory], check=True)
    assert processes_of(directory) == []
    assert not directory.exists()


def test_a_dockerd_that_was_killed_can_be_started_again(directory: Path) -> None:
    engine = start_dockerd(directory)
    os.kill(engine.pid, signal.SIGKILL)
    wait_for(lambda: not answers(engine.url), 10.0, "the engine is gone")
    assert start_dockerd(directory).url == engine.url
    assert answers(engine.url)


def test_its_bridge_is_not_seen_outside(own_engine: Engine) -> None:
    inside = subprocess.check_output([*own_engine.network_prefix, "ip", "-br", "link"], text=True)
    assert "docker0" in inside
    namespaces = {Path("/proc", process, "ns/net").readlink() for process in ("self", str(own_engine.pid))}
    assert len(namespaces) == 2


@pytest.mark.parametrize("verb", ["start", "stop"])
def test_a_directory_of_something_else_is_refused(verb: str) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        Path(short, "thesis.tex").touch()
        result = subprocess.run([TOOLS / "engine", verb, short], capture_output=True, text=True, check=False)
        assert result.returncode == 1
        assert short in result.stderr
        assert Path(short, "thesis.tex").exists()
