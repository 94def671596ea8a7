"""A real planctond writes to several real servers by all forms of the setting, and no login shows up anywhere."""

import base64
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from plancton.common.accounting import SinkState
from tests.support.certificates import certificates
from tests.support.influx import Influx, influxd
from tests.support.node import Node, node
from tests.support.running import free_port
from tests.support.victoria import Victoria, victoria
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.influxdb, pytest.mark.slow]

TOKEN = "t0ken-of-nobody-else=="
WORDS = ("first-w0rd", "second-w0rd")
"""The passwords that the user ``writer`` has in turn."""
WRONG = "wr0ng-w0rd"


def sink(made: Node, text: str) -> SinkState:
    """Return the state of the only sink whose name holds the text."""
    counters = made.status().counters
    assert counters is not None
    (state,) = [state for state in counters.sinks if text in state.name]
    return state


def change_password(server: Influx, word: str) -> None:
    server.query(f"SET PASSWORD FOR writer = '{word}'")


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Influx]:
    """Yield an InfluxDB that speaks TLS and lets the user ``writer`` in, with the first of the passwords."""
    with influxd(tmp_path / "influxd", login=True, certificates=certificates(tmp_path / "tls")) as server:
        server.query(f"CREATE USER writer WITH PASSWORD '{WORDS[0]}' WITH ALL PRIVILEGES")
        yield server


@pytest.fixture
def buckets(tmp_path: Path) -> Iterator[Victoria]:
    """Yield a server with the write API of InfluxDB 2."""
    with victoria(tmp_path / "victoria") as server:
        yield server


def everything_told(made: Node) -> dict[str, bytes]:
    """Return all that anybody could read of planctond, by where: files, processes, and what planctonctl says."""
    told: dict[str, bytes] = {}
    paths = made.paths
    for place in (paths.rundir, paths.logdir, paths.statedir):
        told |= {str(file): file.read_bytes() for file in place.rglob("*") if file.is_file()}
    for process in made.tree():
        for name in ("cmdline", "environ", "comm"):
            with contextlib.suppress(OSError):
                told[f"{process.pid}/{name}"] = Path(f"/proc/{process.pid}/{name}").read_bytes()
    for verb in (
        ["status"],
        ["status", "--json"],
        ["config", "show"],
        ["config", "show", "--json"],
        ["config", "show", "--yaml"],
    ):
        result = made.control(*verb)
        assert result.returncode == 0, result.stderr
        told[" ".join(verb)] = f"{result.stdout}{result.stderr}".encode()
    return told


def test_every_form_is_written_to_and_nothing_shows_a_login(tmp_path: Path, secure: Influx, buckets: Victoria) -> None:
    password_file, token_file = tmp_path / "password", tmp_path / "token"
    password_file.write_text(f"{WORDS[0]}\n")
    token_file.write_text(f"{TOKEN}\n")
    refused = f"https://writer:{WRONG}@127.0.0.1:{secure.port}#refused"
    login = {"user": "writer", "password_file": str(password_file), "ca_file": str(secure.ca_file)}
    sinks = [
        {"url": secure.url, "database": "nodes", "timeout": "5s", **login},
        {"url": buckets.url, "bucket": "nodes", "org": "cluster", "token_file": str(token_file)},
        {"url": buckets.url, "bucket": "others", "token": TOKEN},
        refused.replace("https://", "insecure_https://"),
        f"http://writer:{WRONG}@127.0.0.1:{free_port()}#nobody",
    ]
    with node(None, influxdb_url=sinks) as made:
        made.start()
        for name in ("#nodes", "org=cluster", "bucket=others"):
            wait_for(lambda name=name: sink(made, name).written_points > 0, 30.0, f"{name} is written to")  # type: ignore[misc]
        wait_for(lambda: sink(made, "#refused").error == "401: authorization failed", 30.0, "a wrong login is told")
        wait_for(lambda: sink(made, "#nobody").error == "Connection refused", 30.0, "that nobody is there is told")
        assert sink(made, "#nodes").server.startswith("InfluxDB 1.")
        assert sink(made, "bucket=others").server == ""
        assert secure.query("SELECT * FROM daemon", "nodes")
        assert buckets.points("daemon_uptime")

        change_password(secure, WORDS[1])
        wait_for(lambda: sink(made, "#nodes").error == "401: authorization failed", 30.0, "the old one is refused")
        password_file.write_text(f"{WORDS[1]}\n")
        wait_for(
            lambda: sink(made, "#nodes").error == "", 30.0, "the new one is taken from its file, without a restart"
        )
        written = sink(made, "#nodes").written_points
        wait_for(lambda: sink(made, "#nodes").written_points > written, 30.0, "what waited is written")

        told = everything_told(made)
    assert len(told) > 20
    secrets = [TOKEN, WRONG, *WORDS]
    secrets += [base64.b64encode(f"writer:{word}".encode()).decode() for word in (WRONG, *WORDS)]
    shown = {(where, secret) for where, text in told.items() for secret in secrets if os.fsencode(secret) in text}
    assert shown == set()
