"""In each dialect: points as lines, what each answer comes to, logins that change, and secrets that show nowhere."""

import base64
import logging
import math
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.influxdb_setting import InfluxDB
from plancton.common.points import Point
from plancton.workers.metrics.delivery.outbox import Accepted, Away, Rejected, TooLarge
from plancton.workers.metrics.influxdb.server import Server, line, open_server
from tests.support.running import free_port
from tests.workers.metrics.raw_server import RawServer, raw_server
from tests.workers.metrics.stub import stub

DAEMON = Point(
    series="daemon",
    tags={"hostname": "node"},
    fields={"uptime": 5.0, "containers": 2.0, "status": "active"},
    time_unix_ns=1_000_000_000,
)
END = Point(
    series="container",
    tags={"hostname": "node", "started": "True", "killed": "False"},
    fields={"uptime": 60.5},
    time_unix_ns=1_000_000_001,
)
LINES = ["m f=1", "m f=2"]
SECRET = "Passw0rd"
BASIC = base64.b64encode(f"ada:{SECRET}".encode()).decode()


@contextmanager
def opened(item: str | InfluxDB) -> Iterator[Server]:
    with closing(open_server(item)) as server:
        yield server


def url_of(port: int) -> str:
    return f"http://ada:{SECRET}@127.0.0.1:{port}/base#d"


def database_of(port: int) -> InfluxDB:
    return InfluxDB(url=f"http://127.0.0.1:{port}/base/", database="d", user="ada", password=SECRET, timeout=5.0)


def bucket_of(port: int) -> InfluxDB:
    return InfluxDB(url=f"http://127.0.0.1:{port}/base", bucket="b", org="o", token=SECRET, timeout=5.0)


ITEMS = pytest.mark.parametrize(
    ("item", "heard"),
    [
        (url_of, ("/base/write?db=d", f"Basic {BASIC}")),
        (database_of, ("/base/write?db=d", f"Basic {BASIC}")),
        (bucket_of, ("/base/api/v2/write?org=o&bucket=b&precision=ns", f"Token {SECRET}")),
    ],
    ids=["url", "database", "bucket"],
)
Item = Callable[[int], str | InfluxDB]


@pytest.mark.parametrize(
    ("row", "written"),
    [
        (DAEMON, 'daemon,hostname=node containers=2,status="active",uptime=5 1000000000'),
        (END, "container,hostname=node,killed=False,started=True uptime=60.5 1000000001"),
    ],
)
def test_numbers_are_floats_as_the_original_wrote_them(row: Point, written: str) -> None:
    assert line(row) == written


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_left_out(value: float) -> None:
    point = Point(series="m", tags={"t": "x"}, fields={"a": value, "b": 1.0}, time_unix_ns=1)
    assert line(point) == "m,t=x b=1 1"
    assert line(Point(series="m", tags={}, fields={"a": value}, time_unix_ns=1)) == ""


@given(st.text(min_size=1), st.text())
def test_no_host_name_and_no_text_breaks_out_of_its_place(hostname: str, text: str) -> None:
    row = Point(series="daemon", tags={"hostname": hostname}, fields={"status": text, "uptime": 1.0}, time_unix_ns=1)
    written = line(row)
    # As InfluxDB reads it: in tags, a sign behind a backslash has no meaning; quotes enclose a text, in which a
    # backslash takes the meaning of quotes and of backslashes.
    signs, quoted, position = "", False, 0
    while position < len(written):
        letter, before = written[position], written[position - 1 : position]
        if quoted and letter == "\\":
            position += 1
        elif letter == '"' and " " in signs:
            quoted = not quoted
        elif not quoted and letter in " ,=\n" and (before != "\\" or " " in signs):
            signs += letter
        position += 1
    assert not quoted
    assert signs == ",= =,= ", written


def test_importing_the_client_starts_no_thread() -> None:
    code = "import threading, plancton.workers.metrics.influxdb.server; print(threading.active_count())"
    assert subprocess.run([sys.executable, "-c", code], stdout=-1, check=True).stdout.strip() == b"1"


@ITEMS
def test_a_write_goes_to_its_place_with_its_login_and_compressed(item: Item, heard: tuple[str, str]) -> None:
    with stub(204) as told, opened(item(told.port)) as server:
        assert server.write(["m f=1", "", "m f=2"]) == Accepted()
        assert told.heard == [(*heard, b"m f=1\nm f=2")]
        assert told.packed == [True]
        assert server.write(["", ""]) == Accepted()
        assert server.write([]) == Accepted()
        assert len(told.heard) == 1, "nothing to write is not written"


def test_without_a_login_none_is_sent() -> None:
    with stub(204) as told:
        for item in (f"http://127.0.0.1:{told.port}#d", InfluxDB(url=f"http://127.0.0.1:{told.port}", bucket="b")):
            with opened(item) as server:
                assert server.write(LINES) == Accepted()
    assert [login for _, login, _ in told.heard] == [None, None]
    assert told.heard[1][0] == "/api/v2/write?org=&bucket=b&precision=ns"


@ITEMS
@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ((204, b"", {}), Accepted()),
        (
            (400, b'{"error":"partial write: x dropped=1"}', {}),
            Rejected(points=1, why="400: partial write: x dropped=1"),
        ),
        ((422, b'{"code":"x","message":"x dropped=2"}', {}), Rejected(points=2, why="422: x dropped=2")),
        ((400, b'{"code":"x","message":"bad line"}', {}), Rejected(points=2, why="400: bad line", partial=False)),
        ((422, b'{"code":"x","message":"bad line"}', {}), Rejected(points=2, why="422: bad line", partial=False)),
        ((413, b'{"code":"x","message":"too much"}', {}), TooLarge(why="413: too much")),
        ((401, b'{"code":"x","message":"no"}', {}), Away(why="401: no")),
        ((403, b'{"error":"no"}', {}), Away(why="403: no")),
        ((404, b'{"code":"x","message":"bucket not found"}', {}), Away(why="404: bucket not found")),
        ((429, b"", {"Retry-After": "17"}), Away(why="429: Too Many Requests", retry_after=17.0)),
        ((503, b"{}", {"Retry-After": "1"}), Away(why="503: {}", retry_after=1.0)),
        ((500, b"", {}), Away(why="500: Internal Server Error")),
        ((502, b"\xff\xfe", {}), Away(why="an answer that can't be read: UnicodeDecodeError")),
        ((500, b"[" * 200_000, {}), Away(why="500: " + "[" * 95 + "…" + "[" * 100)),
        ((200, b"[" * 200_000, {}), Accepted()),
        ((200, b"<html>", {}), Away(why="200: a page instead of an answer")),
    ],
)
def test_what_each_answer_comes_to(
    item: Item, heard: tuple[str, str], reply: tuple[int, bytes, dict[str, str]], answer: object
) -> None:
    with stub(*reply) as told, opened(item(told.port)) as server:
        assert server.write(LINES) == answer
        assert told.heard == [(*heard, b"m f=1\nm f=2")]


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("place", ["database", "bucket"])
def test_a_secret_that_was_changed_is_read_anew_once_it_is_refused(tmp_path: Path, status: int, place: str) -> None:
    file = tmp_path / "secret"
    file.write_text("old\n")
    with stub(204) as told:
        url = f"http://127.0.0.1:{told.port}"
        database = InfluxDB(url=url, database="d", user="u", password_file=str(file))
        with opened(database if place == "database" else InfluxDB(url=url, bucket="b", token_file=str(file))) as server:
            assert server.write(LINES) == Accepted()
            file.write_text("new\n")
            told.status = status
            assert isinstance(server.write(LINES), Away)
            told.status = 204
            assert server.write(LINES) == Accepted()
    old, new = (base64.b64encode(f"u:{word}".encode()).decode() for word in ("old", "new"))
    expected = [f"Basic {old}", f"Basic {new}"] if place == "database" else ["Token old", "Token new"]
    assert [login for _, login, _ in told.heard] == [expected[0], *expected]


def test_a_secret_that_is_missing_keeps_the_points_waiting_and_is_named(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    with stub(204) as told:
        sink = InfluxDB(url=f"http://127.0.0.1:{told.port}", database="d", user="u", password_file=str(file))
        with opened(sink) as server:
            assert server.write(LINES) == Away(why=f"password_file {file}: No such file or directory")
            file.touch()
            assert server.write(LINES) == Away(why=f"password_file {file}: empty")
            file.write_text("here")
            assert server.write(LINES) == Accepted()
    assert len(told.heard) == 1


def _echoes(status: int) -> Callable[[RawServer, socket.socket], None]:
    def talk(server: RawServer, connection: socket.socket) -> None:
        heard = server.request(connection).decode("latin-1")
        login = next(row for row in heard.splitlines() if row.lower().startswith("authorization:"))
        body = f'{{"error":"who is {SECRET}? {login}?"}}'
        head = f"HTTP/1.1 {status} {login}\r\nX-You-Said: {login}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(f"{head}{body}".encode())

    return talk


@ITEMS
@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 413, 422, 429, 500])
def test_a_server_that_repeats_the_login_makes_it_no_more_visible(
    item: Item, heard: object, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with raw_server(_echoes(status)) as raw, opened(item(raw.port)) as server:
        answer = server.write(LINES)
        shown = f"{answer!r} {server!r} {server.name} {server.version} {vars(server)['_sink']!r} {heard is not None}"
    for secret in (SECRET, BASIC):
        assert secret not in shown
        assert secret not in caplog.text


@ITEMS
def test_no_failure_shows_a_secret(item: Item, heard: object, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answers = []
    with opened(item(free_port())) as server:
        answers.append(server.write(LINES))
    with raw_server(lambda *_: None) as raw, opened(item(raw.port)) as server:
        answers.append(server.write(LINES))
    with stub(204) as told, opened(_over_tls(item(told.port))) as server:
        answers.append(server.write(LINES))
    assert all(isinstance(answer, Away) for answer in answers)
    assert heard
    for secret in (SECRET, BASIC):
        assert secret not in repr(answers)
        assert secret not in caplog.text


def _over_tls(item: str | InfluxDB) -> str | InfluxDB:
    if isinstance(item, str):
        return item.replace("http://", "https://")
    return msgspec.structs.replace(item, url=item.url.replace("http://", "https://"))


def test_a_token_that_no_header_can_hold_is_a_value_and_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for token in (f"{SECRET}\r\nX-Evil: 1", f"{SECRET}\u20ac"):
        with (
            stub(204) as told,
            opened(InfluxDB(url=f"http://127.0.0.1:{told.port}", bucket="b", token=token)) as server,
        ):
            answer = server.write(LINES)
            assert isinstance(answer, Away)
            assert SECRET not in repr(answer) + caplog.text
            assert told.heard == []
