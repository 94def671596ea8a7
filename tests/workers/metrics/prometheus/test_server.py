"""The server behind /metrics: nobody who is slow, silent, many or mad holds up whoever asks in earnest."""

import contextlib
import gzip
import logging
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from plancton.workers.metrics.prometheus import server as prometheus_server
from plancton.workers.metrics.prometheus.server import CONNECTION_SECONDS, MOST_CONNECTIONS, REQUEST_BYTES, Server
from tests.support.running import free_port
from tests.support.waiting import wait_for
from tests.workers.metrics.scraping import SNAPSHOT, exporter, get, listening, read, say, slowest, threads

PATIENCE = 5.0
"""A scrape takes milliseconds; this is for a busy machine, and half of what Prometheus itself waits."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Yield the port of an exporter that answers."""
    with listening() as served:
        yield served


@contextlib.contextmanager
def crowd(port: int, size: int, said: bytes) -> Iterator[list[socket.socket]]:
    """So many peers that have said so much, and go on waiting."""
    with contextlib.ExitStack() as stack:
        peers = []
        for _ in range(size):
            peer = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            with contextlib.suppress(OSError):  # One that was cut off already.
                peer.sendall(said)
            peers.append(peer)
        yield peers


def test_metrics_are_at_one_place(port: int) -> None:
    assert get(port)[0] == 200
    assert get(port, "/metrics?x=1")[0] == 200
    for other in ("/", "/metrics/", "/../metrics", "/favicon.ico"):
        assert get(port, other)[0] == 404
        assert b"plancton_" not in say(port, f"GET {other} HTTP/1.1\r\n\r\n".encode())


def test_prometheus_may_ask_for_some_metrics_for_other_forms_and_compressed(port: int) -> None:
    some = read(get(port, "/metrics?name[]=plancton_fizzles_total")[1])
    assert some == {("plancton_fizzles_total",): 3}
    assert get(port, Accept="application/openmetrics-text; version=1.0.0")[1].endswith("# EOF\n")
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert "plancton_fizzles_total 3.0" in gzip.decompress(answer.read()).decode()


def test_no_page_of_a_browser_may_read_it(port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Server"] == "planctond"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "BREW"])
def test_other_methods_are_refused(port: int, method: str) -> None:
    answer = say(port, f"{method} /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc".encode())
    assert answer.startswith(b"HTTP/1.0 501"), answer[:80]


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0" * 1000,
        b"GET\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\n\r\n",
        b"GET /metrics HTTP/9.9.9\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text; version=x.y\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nAccept: \xff\xfe\r\nAccept-Encoding: \xff\r\n\r\n",
        b"GET /metrics?name[]=%ff%00&name[]= HTTP/1.1\r\n\r\n",
        b"\r\n\r\n",
        b"",
    ],
)
def test_garbage_gets_an_answer_or_none_and_no_place_in_the_log(
    port: int, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = say(port, garbage)
    assert answer == b"" or answer.startswith((b"HTTP/1.0 ", b"<!DOCTYPE HTML>")), answer[:80]
    assert get(port)[0] == 200
    assert caplog.records == []


@pytest.mark.parametrize(
    "request_line",
    [b"GET http://[ HTTP/1.1", b"GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text; version=x.y"],
)
def test_who_asks_in_an_impossible_way_is_told_so(port: int, request_line: bytes) -> None:
    answer = say(port, request_line + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.0 400 ")
    assert b"plancton_" not in answer


@pytest.mark.parametrize(
    "endless",
    [
        b"GET /" + b"a" * (REQUEST_BYTES * 3) + b" HTTP/1.1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\n" + b"X: y\r\n" * REQUEST_BYTES + b"\r\n",
        b"GET /metrics HTTP/1.1\r\nX: " + b"y" * (REQUEST_BYTES * 3) + b"\r\n\r\n",
    ],
)
def test_a_request_without_end_is_cut_off(port: int, endless: bytes, caplog: pytest.LogCaptureFixture) -> None:
    assert b"plancton_fizzles" not in say(port, endless)
    assert get(port)[0] == 200
    assert caplog.records == []


@pytest.mark.parametrize(("size", "served"), [(REQUEST_BYTES, True), (REQUEST_BYTES + 1, False)])
def test_a_request_may_have_so_many_bytes(port: int, size: int, served: bool) -> None:  # noqa: FBT001 - a table
    request = b"GET /metrics HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (number, b"y" * 200) for number in range(60))
    request += b"X: " + b"y" * (size - len(request) - len(b"X: \r\n\r\n")) + b"\r\n\r\n"
    assert len(request) == size
    assert (b"plancton_fizzles_total 3.0" in say(port, request)) == served


@pytest.mark.parametrize("said", [b"", b"GET /metrics HT", b"GET /metrics HTTP/1.1\r\nX: y\r\n"])
def test_a_crowd_that_waits_takes_nobodys_place_and_few_threads(port: int, said: bytes) -> None:
    with crowd(port, 20 * MOST_CONNECTIONS, said):
        assert slowest(port) < PATIENCE
        wait_for(lambda: threads() <= MOST_CONNECTIONS, 20, "those before them are gone")
    wait_for(lambda: threads() == 0, 20, "they have hung up")


def test_whoever_does_not_read_the_answer_is_in_nobodys_way(port: int) -> None:
    with crowd(port, 5 * MOST_CONNECTIONS, b"GET /metrics HTTP/1.1\r\n\r\n"):
        assert slowest(port) < PATIENCE
    wait_for(lambda: threads() == 0, 20, "they have hung up")


def test_who_takes_too_long_is_cut_off_though_they_say_something_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prometheus_server, "CONNECTION_SECONDS", 0.3)
    with listening() as own, crowd(own, 2, b"GET /metrics HTTP/1.1\r\n") as (silent, slow):

        def hung_up() -> bool:
            slow.sendall(b"X: y\r\n")
            return False

        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            wait_for(hung_up, 20, "the slow one is cut off")
        assert silent.recv(1) == b""


def test_whoever_is_there_when_it_moves_is_hung_up_on_and_holds_up_nothing() -> None:
    first, second = free_port(), free_port()
    with exporter(f"127.0.0.1:{first}") as made:
        wait_for(lambda: get(first)[0] == 200, 20, "it answers")
        with crowd(first, 3, b"GET /metrics HTTP/1.1\r\n") as peers:
            wait_for(lambda: threads() == 3, 20, "they are served")
            made.follow(f"127.0.0.1:{second}")
            wait_for(lambda: get(second)[0] == 200, PATIENCE, "it answers at the other place")
            wait_for(lambda: threads() == 0, PATIENCE, "nobody is served at the former one")
            assert [peer.recv(1) for peer in peers] == [b""] * 3


def test_many_who_ask_at_a_time_are_all_answered(port: int) -> None:
    answers: list[int] = []
    askers = [threading.Thread(target=lambda: answers.append(get(port)[0])) for _ in range(MOST_CONNECTIONS // 2)]
    for each in askers:
        each.start()
    for each in askers:
        each.join()
    assert answers == [200] * len(askers)


def test_who_was_served_is_forgotten() -> None:
    port = free_port()
    server = Server("127.0.0.1", port, CollectorRegistry())
    try:
        assert server.cut_overdue(0.0) is None, "nobody is there"
        with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
            server.accept()
            assert server.cut_overdue(0.0) == pytest.approx(time.monotonic() + CONNECTION_SECONDS, abs=PATIENCE)
            peer.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            wait_for(lambda: server.cut_overdue(0.0) is None, 20, "the answer is given")
    finally:
        server.close()
    wait_for(lambda: threads() == 0, 20, "nobody is served any more")


def test_without_another_thread_whoever_asks_is_hung_up_on_and_the_next_one_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_thread(_: threading.Thread) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    with listening() as own:
        with monkeypatch.context() as short:
            short.setattr(threading.Thread, "start", no_thread)
            for _ in range(MOST_CONNECTIONS + 1):
                with pytest.raises(AssertionError):
                    get(own)
        assert get(own)[0] == 200


def test_a_bug_is_logged_once_and_whoever_asks_after_it_is_served(caplog: pytest.LogCaptureFixture) -> None:
    own = free_port()
    with exporter(f"127.0.0.1:{own}", snapshot=None) as made:
        wait_for(lambda: get(own)[0] == 200, 20, "it answers")
        made.published.snapshot = "nonsense"  # type: ignore[assignment]
        for _ in range(3):
            with pytest.raises(AssertionError):
                get(own)
        made.published.snapshot = SNAPSHOT
        assert get(own)[0] == 200
    (logged,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert logged.exc_info is not None
    assert "AttributeError" in repr(logged.exc_info[0])
