"""The conversation with a server: its version, its redirects, connections that were given up, and why it is away."""

import logging
import shutil
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plancton.common.influxdb_setting import InfluxDB
from plancton.workers.metrics.delivery.outbox import Accepted, Away, Rejected, TooLarge
from plancton.workers.metrics.influxdb.server import Server, open_server
from tests.support.certificates import certificates
from tests.support.running import free_port
from tests.support.waiting import wait_for
from tests.workers.metrics.raw_server import RawServer, raw_server
from tests.workers.metrics.stub import Stub, stub

pytestmark = pytest.mark.slow

LINES = ["m f=1"]
Sink = Callable[[int], InfluxDB]
NO_CONTENT = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n"


@contextmanager
def opened(sink: InfluxDB) -> Iterator[Server]:
    with closing(open_server(sink)) as server:
        yield server


def database(port: int) -> InfluxDB:
    return InfluxDB(url=f"http://127.0.0.1:{port}", database="d", user="ada", password="Passw0rd", timeout=5.0)


def bucket(port: int) -> InfluxDB:
    return InfluxDB(url=f"http://127.0.0.1:{port}", bucket="b", token="Passw0rd", timeout=5.0)


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        ({"X-Influxdb-Version": "1.6.7", "X-Influxdb-Build": "OSS"}, "InfluxDB 1.6.7"),
        ({"X-Influxdb-Version": "1.6.7~rc0"}, "InfluxDB 1.6.7~rc0"),
        ({"X-Influxdb-Version": "v2.7.1", "X-Influxdb-Build": "OSS"}, "InfluxDB 2.7.1"),
        ({"x-influxdb-version": "3.0.1", "x-influxdb-build": "Core"}, "InfluxDB 3.0.1 Core"),
        ({"X-Influxdb-Version": "2.0", "X-Influxdb-Build": "a\x1bb"}, "InfluxDB 2.0"),
        ({"X-Influxdb-Version": "unknown"}, ""),
        ({"X-Influxdb-Version": "1" * 100}, ""),
        ({"Server": "something else"}, ""),
        ({}, ""),
    ],
)
def test_the_version_is_asked_for_once(headers: dict[str, str], version: str) -> None:
    with stub(204) as told, opened(database(told.port)) as server:
        told.version = headers
        assert server.version == ""
        for _ in range(3):
            assert server.write(LINES) == Accepted()
            assert server.version == version
        assert told.pings == 1


def test_the_version_is_asked_for_again_after_the_server_was_away() -> None:
    with stub(204) as told, opened(bucket(told.port)) as server:
        told.version = {"X-Influxdb-Version": "2.6"}
        assert server.write(LINES) == Accepted()
        told.status = 503
        assert isinstance(server.write(LINES), Away)
        assert server.version == ""
        told.status, told.version = 204, {"X-Influxdb-Version": "2.7"}
        assert server.write(LINES) == Accepted()
        assert server.version == "InfluxDB 2.7"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("sink", [database, bucket])
def test_a_login_follows_no_redirection(status: int, sink: Sink) -> None:
    with stub(204) as elsewhere, stub(status) as told, opened(sink(told.port)) as server:
        told.headers = {"Location": f"http://127.0.0.1:{elsewhere.port}/write?db=d"}
        answer = server.write(LINES)
        assert isinstance(answer, Away)
        assert answer.why.startswith(f"{status}: ")
        assert len(told.heard) == 1
        assert (elsewhere.heard, elsewhere.pings) == ([], 0)


def test_a_ping_follows_no_redirection() -> None:
    def talk(server: RawServer, connection: socket.socket) -> None:
        while request := server.request(connection):
            there = f"Location: http://127.0.0.1:{elsewhere.port}/ping\r\n\r\n".encode()
            head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
            connection.sendall(head + there if request.startswith(b"GET") else NO_CONTENT + b"\r\n")

    with stub(204) as elsewhere, raw_server(talk) as raw, opened(database(raw.port)) as server:
        elsewhere.version = {"X-Influxdb-Version": "9"}
        assert server.write(LINES) == Accepted()
        assert (server.version, elsewhere.pings, raw.requests) == ("", 0, 2)


def test_proxies_of_the_environment_hear_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with stub(204) as proxy, stub(204) as told:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        for sink in (database(told.port), bucket(told.port)):
            with opened(sink) as server:
                assert server.write(LINES) == Accepted()
        assert (len(told.heard), proxy.heard, proxy.pings) == (2, [], 0)


def test_a_closed_server_has_hung_up() -> None:
    left: list[bool] = []

    def talk(server: RawServer, connection: socket.socket) -> None:
        while server.request(connection):
            if server.requests == 1:
                # Its exception must not keep the next connection.
                return
            connection.sendall(NO_CONTENT + b"\r\n")
        left.append(True)

    with raw_server(talk) as raw:
        with opened(bucket(raw.port)) as server:
            assert server.write(LINES) == Accepted()
        wait_for(lambda: left, 10.0, "the other end hangs up")


@pytest.mark.parametrize("sink", [database, bucket])
def test_a_connection_that_was_kept_and_given_up_costs_no_failure(sink: Sink) -> None:
    served: list[int] = []

    def talk(server: RawServer, connection: socket.socket) -> None:
        # Each connection is good for a write and a ping; then the server hangs up on the next request.
        for _ in range(2):
            if not server.request(connection):
                return
            connection.sendall(NO_CONTENT + b"\r\n")
        server.request(connection)
        served.append(server.requests)

    with raw_server(talk) as raw, opened(sink(raw.port)) as server:
        for _ in range(5):
            assert server.write(LINES) == Accepted()
    assert served, "a connection was given up"


def test_a_server_that_always_hangs_up_is_away() -> None:
    def talk(server: RawServer, connection: socket.socket) -> None:
        server.request(connection)

    with raw_server(talk) as raw, opened(database(raw.port)) as server:
        answer = server.write(LINES)
        assert raw.requests == 2, "tried once more, not for ever"
    assert answer == Away(why="an answer that can't be read: RemoteDisconnected")


def test_why_a_server_is_away(tmp_path: Path) -> None:
    with opened(database(free_port())) as server:
        assert server.write(LINES) == Away(why="Connection refused")
    with opened(InfluxDB(url="http://no-such-host.invalid", database="d")) as server:
        answer = server.write(LINES)
        assert isinstance(answer, Away)
        assert answer.why.startswith("its name can't be resolved: ")
    with stub(204) as plain, opened(InfluxDB(url=f"https://127.0.0.1:{plain.port}", bucket="b")) as server:
        assert server.write(LINES) == Away(why="TLS: WRONG_VERSION_NUMBER")
    for host in ("h:99999", "a..b", "x" * 70, "[::1", "h%"):
        with opened(InfluxDB(url=f"http://{host}", database="d")) as server:
            assert server.write(LINES) == Away(why="its address can't be understood"), host
    nowhere = tmp_path / "nowhere"
    with opened(InfluxDB(url="http://127.0.0.1", bucket="b", token_file=str(nowhere))) as server:
        assert server.write(LINES) == Away(why=f"token_file {nowhere}: No such file or directory")


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make two certificates, ``own`` and ``other``, and a file that holds none, in the directory that is returned."""
    directory = tmp_path_factory.mktemp("authorities")
    certificates(directory / "own")
    certificates(directory / "other")
    (directory / "empty").touch()
    return directory


@pytest.fixture
def secure(authorities: Path) -> Iterator[Stub]:
    """Yield a server that speaks TLS with a certificate whose authority is ``own/ca.pem``."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authorities / "own" / "cert.pem", authorities / "own" / "key.pem")
    with stub(204, tls=tls) as told:
        yield told


@pytest.mark.parametrize(
    ("ca_file", "why"),
    [
        ("", "its certificate isn't accepted: self-signed certificate"),
        ("other/ca.pem", "its certificate isn't accepted: self-signed certificate"),
        ("nowhere", "ca_file {}: No such file or directory"),
        ("empty", "ca_file {}: holds no certificate"),
        ("own/key.pem", "ca_file {}: holds no certificate"),
        ("own", "ca_file {}: Is a directory"),
    ],
)
def test_a_certificate_that_nobody_vouches_for_is_refused(
    authorities: Path, secure: Stub, ca_file: str, why: str
) -> None:
    file = str(authorities / ca_file) if ca_file else None
    sink = InfluxDB(url=f"https://127.0.0.1:{secure.port}", bucket="b", token="t", ca_file=file)
    with opened(sink) as server:
        assert server.write(LINES) == Away(why=why.format(file))
    assert (secure.heard, secure.pings) == ([], 0)


def test_a_certificate_is_that_of_the_host(authorities: Path, secure: Stub) -> None:
    ca_file = str(authorities / "own" / "ca.pem")
    with opened(InfluxDB(url=f"https://127.0.0.1:{secure.port}", bucket="b", ca_file=ca_file)) as server:
        assert server.write(LINES) == Accepted()
    with opened(InfluxDB(url=f"https://localhost:{secure.port}", bucket="b", ca_file=ca_file)) as server:
        answer = server.write(LINES)
    assert isinstance(answer, Away)
    assert answer.why.startswith("its certificate isn't accepted: Hostname mismatch")


def test_the_operator_may_do_without_certificates(secure: Stub) -> None:
    for place in ({"bucket": "b"}, {"database": "d"}):
        url = f"insecure_https://127.0.0.1:{secure.port}"
        with opened(msgspec.convert({"url": url, **place}, InfluxDB)) as server:
            assert server.write(LINES) == Accepted()


def test_a_new_ca_file_is_heeded_at_the_next_connection(tmp_path: Path, authorities: Path, secure: Stub) -> None:
    ca_file = tmp_path / "ca.pem"
    with opened(InfluxDB(url=f"https://127.0.0.1:{secure.port}", bucket="b", ca_file=str(ca_file))) as server:
        assert isinstance(server.write(LINES), Away)
        shutil.copy(authorities / "own" / "ca.pem", ca_file)
        assert server.write(LINES) == Accepted()


def test_what_a_server_says_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with stub(500, b"no json but Passw0rd") as told, opened(bucket(told.port)) as server:
        assert server.write(LINES) == Away(why="500: no json but ***")
    assert "Passw0rd" not in caplog.text


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Z", "Cc"], exclude_characters="@#/?"), min_size=1, max_size=80))
def test_whatever_a_host_is_called_a_failure_is_a_value(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with opened(InfluxDB(url=f"http://{host}", database="d")) as server:
        assert isinstance(server.write(LINES), Away)


PIECES = [
    b"HTTP/1.1 204 No Content\r\n",
    b"HTTP/1.1 400 Bad\r\n",
    b"HTTP/1.0 200 OK\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 99999 \r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: -5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Location: //elsewhere\r\n",
    b"Location: http://[::1\r\n",
    b"Retry-After: 1e9\r\n",
    b"Connection: close\r\n",
    b"Set-Cookie: a=b\r\n",
    b"\r\n",
    b'{"error":"x"}',
    b"5\r\nhello\r\n0\r\n\r\n",
    b"-1\r\n",
]


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=8).map(b"".join),
    st.sampled_from([database, bucket]),
)
def test_whatever_bytes_come_a_write_has_an_answer(said: bytes, sink: Sink) -> None:
    def talk(server: RawServer, connection: socket.socket) -> None:
        server.request(connection)
        connection.sendall(said)

    with raw_server(talk) as raw, opened(sink(raw.port)) as server:
        answer = server.write(LINES)
        assert isinstance(answer, Accepted | Rejected | TooLarge | Away)
        assert "Passw0rd" not in repr(answer)
