"""However a server trickles, stalls or never ends: a write is over at its deadline, and the next one can succeed."""

import base64
import gzip
import itertools
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from plancton.common.influxdb_setting import InfluxDB
from plancton.workers.metrics.delivery.outbox import Accepted, Answer, Away
from plancton.workers.metrics.influxdb.deadline import MOST_ANSWER_BYTES, Deadline
from plancton.workers.metrics.influxdb.server import Server, open_server
from tests.support.certificates import certificates
from tests.support.waiting import wait_for
from tests.workers.metrics.raw_server import RawServer, raw_server

pytestmark = pytest.mark.slow

TIMEOUT = 0.1
"""A write takes twice that at most: to connect, and to be answered."""
PATIENCE = 5.0
"""What a slow machine adds; a trickle lasts for ever."""
NO_ANSWER = Away(why="no answer within 0.1 s")
Talk = Callable[[RawServer, socket.socket], None]


@contextmanager
def _server(port: int, scheme: str = "http", place: str = "database", timeout: float = TIMEOUT) -> Iterator[Server]:
    url = f"{scheme}://127.0.0.1:{port}"
    bucket = InfluxDB(url=url, bucket="b", timeout=timeout)
    sink = bucket if place == "bucket" else InfluxDB(url=url, database="d", timeout=timeout)
    with closing(open_server(sink)) as server:
        yield server


def _timed(server: Server, lines: list[str]) -> Answer:
    begin = time.monotonic()
    answer = server.write(lines)
    assert time.monotonic() - begin < 2 * TIMEOUT + PATIENCE
    return answer


def _trickle(*before: bytes, piece: bytes = b"x") -> Talk:
    """Return a talk that hears a request, says something, and then goes on for ever, a little at a time."""

    def talk(server: RawServer, connection: socket.socket) -> None:
        server.request(connection)
        connection.sendall(b"".join(before))
        while not server.over.wait(0.02):
            connection.sendall(piece)

    return talk


OK = b"HTTP/1.1 200 OK\r\n"
TRICKLES = {
    "the status": _trickle(b"HTTP/1.1 2"),
    "a header": _trickle(OK, b"X-Header: "),
    "headers": _trickle(OK, piece=b"X: y\r\n"),
    "patience": _trickle(piece=b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body of known length": _trickle(OK, b"Content-Length: 1000000\r\n\r\n"),
    "a body of unknown length": _trickle(OK, b"\r\n"),
    "a chunk": _trickle(OK, b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n"),
    "chunks": _trickle(OK, b"Transfer-Encoding: chunked\r\n\r\n", piece=b"1\r\nx\r\n"),
    "an error": _trickle(b"HTTP/1.1 500 No\r\nContent-Length: 1000000\r\n\r\n"),
}


@pytest.mark.parametrize("talk", TRICKLES.values(), ids=TRICKLES)
@pytest.mark.parametrize("place", ["database", "bucket"])
def test_an_answer_that_trickles_is_left_at_the_deadline(talk: Talk, place: str) -> None:
    with raw_server(talk) as raw, _server(raw.port, place=place) as server:
        assert _timed(server, ["m f=1"]) == NO_ANSWER
        assert raw.requests == 1


def test_so_it_is_over_tls(tmp_path: Path) -> None:
    made = certificates(tmp_path / "tls")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(made / "cert.pem", made / "key.pem")
    with raw_server(TRICKLES["a header"], tls) as raw, _server(raw.port, "insecure_https") as server:
        assert _timed(server, ["m f=1"]) == NO_ANSWER


def test_a_handshake_that_trickles_is_left_at_the_deadline() -> None:
    def talk(server: RawServer, connection: socket.socket) -> None:
        connection.recv(65_536)
        # The beginning of a record of a handshake, byte by byte.
        for piece in itertools.chain([b"\x16\x03\x03\x40\x00"], itertools.repeat(b"\x02")):
            connection.sendall(piece)
            if server.over.wait(0.02):
                return

    with raw_server(talk) as raw, _server(raw.port, "insecure_https") as server:
        answer = _timed(server, ["m f=1"])
    assert isinstance(answer, Away)
    assert "within 0.1 s" in answer.why


def test_a_server_that_reads_nothing_is_left_at_the_deadline() -> None:
    def talk(server: RawServer, _: socket.socket) -> None:
        server.over.wait()

    with raw_server(talk) as raw, _server(raw.port) as server:
        assert _timed(server, _much()) == NO_ANSWER


def test_a_server_that_reads_slowly_is_left_at_the_deadline() -> None:
    def talk(server: RawServer, connection: socket.socket) -> None:
        # Each piece is read in time, but not all of them.
        while not server.over.wait(0.01):
            connection.recv(16_384)

    with raw_server(talk) as raw, _server(raw.port) as server:
        assert _timed(server, _much()) == NO_ANSWER


def _much() -> list[str]:
    """Return lines that hardly get smaller, of more bytes than any buffer on the way holds."""
    return [f'm t="{base64.b64encode(os.urandom(15_000_000)).decode()}"']


ENDLESS = {
    "a status": OK[:-2] + b"x" * 70_000,
    "headers": OK + b"".join(b"X-%d: y\r\n" % number for number in range(200)) + b"\r\n",
    "a body": OK + b"\r\n" + b"x" * (2 * MOST_ANSWER_BYTES),
    "patience": b"HTTP/1.1 100 Continue\r\n\r\n" * (MOST_ANSWER_BYTES // 20),
    "chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * (MOST_ANSWER_BYTES // 5),
}


@pytest.mark.parametrize("said", ENDLESS.values(), ids=ENDLESS)
def test_no_more_of_an_answer_is_read_than_is_reasonable(said: bytes) -> None:
    def talk(server: RawServer, connection: socket.socket) -> None:
        server.request(connection)
        connection.sendall(said)

    with raw_server(talk) as raw, _server(raw.port, timeout=30.0) as server:
        answer = server.write(["m f=1"])
    assert isinstance(answer, Away)
    assert answer.why.startswith("an answer that can't be read: ")


def test_a_small_answer_is_not_unpacked_to_a_large_one() -> None:
    packed = gzip.compress(b'{"error":"' + b"x" * 50_000_000 + b'"}')

    def talk(server: RawServer, connection: socket.socket) -> None:
        server.request(connection)
        head = f"HTTP/1.1 400 No\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
        connection.sendall(head.encode() + packed)

    with raw_server(talk) as raw, _server(raw.port, timeout=30.0) as server:
        assert server.write(["m f=1"]) == Away(why="an answer that can't be read: UnicodeDecodeError")


def test_garbage_is_no_answer_and_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    said = iter([b"\x00\xff\x00\xff\r\n\r\n", b"HTTP/1.1 204 OK\r\nPassw0rd\r\n\r\n", b"SMTP ready\r\n"])

    def talk(server: RawServer, connection: socket.socket) -> None:
        server.request(connection)
        connection.sendall(next(said, b""))

    with raw_server(talk) as raw, _server(raw.port, timeout=30.0) as server:
        for _ in range(3):
            answer = server.write(["m f=1"])
            assert isinstance(answer, Away)
            assert answer.why.startswith("an answer that can't be read: ")
    assert "Passw0rd" not in caplog.text


def test_after_a_failure_the_next_write_has_its_own_time() -> None:
    def talk(server: RawServer, connection: socket.socket) -> None:
        server.request(connection)
        if server.requests == 1:
            server.over.wait()
        connection.sendall(b"HTTP/1.1 204 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with raw_server(talk) as raw, _server(raw.port) as server:
        assert server.write(["m f=1"]) == NO_ANSWER
        wait_for(lambda: server.write(["m f=1"]) == Accepted(), 10.0, "a write that is answered")


def test_all_requests_of_a_write_share_its_time() -> None:
    def talk(server: RawServer, connection: socket.socket) -> None:
        # In time for one request, not for all that it takes to make a database and to write again.
        while server.request(connection) and not server.over.wait(0.6 * TIMEOUT):
            body = b'{"error":"database not found"}' if server.requests == 1 else b""
            status = b"404 Not Found" if body else b"204 No Content"
            connection.sendall(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))

    with raw_server(talk) as raw, _server(raw.port) as server:
        assert _timed(server, ["m f=1"]) == NO_ANSWER


def test_a_ping_that_trickles_costs_no_points() -> None:
    def talk(server: RawServer, connection: socket.socket) -> None:
        while request := server.request(connection):
            connection.sendall(b"HTTP/1.1 204 No Content\r\n")
            while request.startswith(b"GET") and not server.over.wait(0.02):
                connection.sendall(b"X: y\r\n")
            connection.sendall(b"Content-Length: 0\r\n\r\n")

    with raw_server(talk) as raw, _server(raw.port, timeout=1.0) as server:
        assert _timed(server, ["m f=1"]) == Accepted()
        assert (server.version, raw.requests) == ("", 2)
        assert server.write(["m f=2"]) == Accepted()
        assert raw.requests == 3, "it isn't asked again"


def test_each_address_of_a_host_gets_its_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def talk(server: RawServer, connection: socket.socket) -> None:
        server.request(connection)
        connection.sendall(b"HTTP/1.1 204 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with raw_server(talk) as raw, _full_listener() as full, _server(raw.port) as server:
        addresses = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)) for port in (full, raw.port)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        wait_for(lambda: server.write(["m f=1"]) == Accepted(), 10.0, "the second address is tried in time")
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses[:1] * 9)
        assert _timed(server, ["m f=1"]) == Away(why="no connection within 0.1 s")


@contextmanager
def _full_listener() -> Iterator[int]:
    """Yield a port at which connections are neither taken nor refused: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)  # noqa: FBT003 - as sockets have it
            each.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for each in waiting:
            each.close()


def test_what_connecting_takes_is_not_missing_for_the_answer() -> None:
    deadline = Deadline(10.0)
    deadline.begin()
    assert 5.0 < deadline.remaining() <= 10.0
    assert deadline.remaining_to_connect() == 10.0
    deadline.connected(8.0)
    assert deadline.remaining() > 10.0
    assert deadline.remaining_to_connect() == 2.0
    deadline.connected(2.0)
    with pytest.raises(TimeoutError):
        deadline.remaining_to_connect()
    deadline.begin()
    assert deadline.remaining() <= 10.0


def test_a_deadline_that_is_over_leaves_no_time() -> None:
    over = Deadline(0.0)
    over.begin()
    with pytest.raises(TimeoutError):
        over.remaining()
