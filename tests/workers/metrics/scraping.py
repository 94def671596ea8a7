"""What tests ask the exporter for, and how: over HTTP, as Prometheus does, or byte by byte, as nobody should."""

import http.client
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client.parser import text_string_to_metric_families

from plancton.common.messages import Counters
from plancton.workers.metrics.prometheus.exposed_facts import Facts
from plancton.workers.metrics.prometheus.exposition import Snapshot
from plancton.workers.metrics.prometheus.listener import Exporter
from tests.support.running import free_port
from tests.support.waiting import wait_for

SNAPSHOT = Snapshot(version="1.2.3", hostname="node", facts=Facts(), counters=Counters(fizzled=3))


def get(port: int, path: str = "/metrics", host: str = "127.0.0.1", **headers: str) -> tuple[int, str]:
    """Return status and body of an answer; a connection that is refused or cut is a failed assertion."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"http://{host}:{port}{path}", headers=named)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except (OSError, http.client.HTTPException) as error:
        raise AssertionError(str(error)) from error


def read(text: str) -> dict[tuple[str, ...], float]:
    """Return the samples by name and the values of their labels, in the labels' order."""
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def say(port: int, data: bytes) -> bytes:
    """Send bytes and return all that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while more := connection.recv(65536):
                answer += more
        except OSError:
            # It hung up on what it didn't want to read.
            return b""
        return answer


def threads() -> int:
    """Return how many threads serve somebody now."""
    return sum("process_request_thread" in each.name for each in threading.enumerate())


@contextmanager
def exporter(address: str = "", snapshot: Snapshot | None = SNAPSHOT) -> Iterator[Exporter]:
    """Run an exporter while the context lasts; nothing of it is left."""
    made = Exporter()
    made.published.snapshot = snapshot
    made.follow(address)
    try:
        yield made
    finally:
        made.close()
        wait_for(lambda: threads() == 0, 20, "nobody is served any more")


@contextmanager
def listening() -> Iterator[int]:
    """Run an exporter, and yield its port once it answers."""
    port = free_port()
    with exporter(f"127.0.0.1:{port}"):
        wait_for(lambda: get(port)[0] == 200, 20, "it answers")
        yield port


def slowest(port: int, times: int = 20) -> float:
    """Return how long the slowest of a few scrapes took, in seconds."""
    took = []
    for _ in range(times):
        began = time.monotonic()
        assert get(port)[0] == 200
        took.append(time.monotonic() - began)
    return max(took)
