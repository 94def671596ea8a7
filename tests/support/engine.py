"""A real Docker engine for tests: the one at DOCKER_HOST if it answers, else a private one that ends with pytest."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import docker.errors

from tests.support.running import REPOSITORY, remedy

TOOLS = REPOSITORY / "tools"


class Engine:
    """An engine to talk to, and where the network of its containers is."""

    def __init__(self, url: str, directory: Path | None = None) -> None:
        """Remember the engine's address, and its directory where it is a private one."""
        self.url = url
        self.directory = directory

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment with DOCKER_HOST set to the engine, for starting commands with."""
        return {**os.environ, "DOCKER_HOST": self.url}

    @property
    def pid(self) -> int:
        """The process id of a private engine's dockerd, to freeze or kill it."""
        assert self.directory is not None, "a test may only do that to an engine of its own"
        return int((self.directory / "dockerd.pid").read_text())

    @property
    def network_prefix(self) -> tuple[str, ...]:
        """What to put before a command so that the engine's containers can reach it, and it them.

        A private engine's bridge is in a network namespace of its own. Within it, the bridge's gateway address is the
        command's own; ``gateway`` tells it.
        """
        return () if self.directory is None else ("nsenter", f"--target={self.pid}", "--net", "--")

    def client(self, timeout: float = 30.0) -> docker.DockerClient:
        """Return a new client, to be closed by the caller; ``timeout`` is in seconds, for each call."""
        return docker.DockerClient(base_url=self.url, timeout=int(timeout))

    def gateway(self) -> str:
        """Return the address by which containers on the default bridge reach commands started with the prefix."""
        client = self.client()
        try:
            bridge = client.networks.get("bridge").attrs
        finally:
            client.close()
        return str(bridge["IPAM"]["Config"][0].get("Gateway") or "172.17.0.1")


def answers(url: str) -> bool:
    """Tell whether an engine answers there."""
    try:
        client = docker.DockerClient(base_url=url, timeout=5)
    except docker.errors.DockerException:
        return False
    client.close()  # To be made it had to ask for the engine's version.
    return True


def start_dockerd(directory: Path) -> Engine:
    """Start a private engine in the directory, or its dockerd again where only that has died."""
    started = subprocess.run(
        [TOOLS / "engine", "start", directory, "--for", str(os.getpid())],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert started.returncode == 0, remedy(
        "a private Docker engine", "become root, or set DOCKER_HOST to a running one"
    )
    return Engine(started.stdout.strip(), directory)


@contextmanager
def private_engine() -> Iterator[Engine]:
    """Run an engine with the busybox image for as long as the context lasts."""
    directory = Path(tempfile.mkdtemp(prefix="plancton-", dir="/tmp"))  # Short, for the sockets below it.
    try:
        engine = start_dockerd(directory)
        load_busybox(engine)
        yield engine
    finally:
        if directory.exists():
            subprocess.run([TOOLS / "engine", "stop", directory], check=True)
        shutil.rmtree(directory, ignore_errors=True)


def load_busybox(engine: Engine) -> None:
    """Make sure that the engine has the busybox image."""
    made = subprocess.run([sys.executable, TOOLS / "busybox-image"], env=engine.environment, check=False)
    assert made.returncode == 0, remedy("the busybox image", f"load 'busybox:latest' into the engine at {engine.url}")


@contextmanager
def any_engine() -> Iterator[Engine]:
    """Yield the engine at DOCKER_HOST where that is set and answers, and else run a private one."""
    url = os.environ.get("DOCKER_HOST", "")
    if url and answers(url):
        engine = Engine(url)
        load_busybox(engine)
        yield engine
    else:
        with private_engine() as engine:
            yield engine
