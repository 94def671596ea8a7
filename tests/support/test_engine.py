"""The shared engine of tests, and how commands of a test reach its containers."""

import subprocess
import sys

import pytest

from tests.support.engine import Engine, answers
from tests.support.running import free_port

pytestmark = pytest.mark.engine


def test_containers_run(engine: Engine) -> None:
    client = engine.client()
    output = client.containers.run("busybox", ["echo", "here"], remove=True, network_disabled=True)
    client.close()
    assert output == b"here\n"


GREETER = """
import socket, sys
with socket.create_server(("", int(sys.argv[1]))) as listener:
    print(flush=True)
    peer, _ = listener.accept()
    print("hello", file=peer.makefile("w"))
    peer.close()
"""


def test_containers_reach_a_command_started_with_the_prefix(engine: Engine) -> None:
    port = free_port()
    command = [*engine.network_prefix, sys.executable, "-c", GREETER, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as greeter:
        assert greeter.stdout is not None
        greeter.stdout.readline()
        client = engine.client()
        try:
            output = client.containers.run("busybox", ["nc", engine.gateway(), str(port)], remove=True)
        finally:
            client.close()
            greeter.kill()
    assert output == b"hello\n"


def test_an_address_without_an_engine_does_not_answer() -> None:
    assert not answers("unix:///nowhere/docker.sock")
