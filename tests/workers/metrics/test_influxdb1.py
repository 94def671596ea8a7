"""InfluxDB 1.x: what is written arrives as it was meant, and each way to fail is a value that tells no password."""

import base64
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.points import Point
from plancton.workers.metrics.influxdb1 import Server, line, parse
from plancton.workers.metrics.outbox import Accepted, Away, Rejected
from tests.support.black_hole import BlackHole
from tests.support.influx import PASSWORD, Influx
from tests.support.running import free_port
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


@contextmanager
def server(url: str) -> Iterator[Server]:
    connected = Server(parse(url))
    yield connected
    connected.close()


@pytest.mark.parametrize(
    ("url", "name", "base", "login", "verify"),
    [
        ("http://h:8086#db", "http://h:8086#db", "http://h:8086", "", True),
        ("https://h#db", "https://h#db", "https://h", "", True),
        ("https://u:p@h:1/influx/#db", "https://h:1/influx#db", "https://h:1/influx", "u:p", True),
        ("insecure_https://h#db", "insecure_https://h#db", "https://h", "", False),
        ("http://u:a%3Ab%40%23%2F@h#db", "http://h#db", "http://h", "u:a:b@#/", True),
        ("http://u@h#db", "http://h#db", "http://h", "u:", True),
    ],
)
def test_an_address(url: str, name: str, base: str, login: str, *, verify: bool) -> None:
    address = parse(url)
    assert (address.name, address.base, address.login, address.verify) == (name, base, login, verify)
    assert address.database == "db"


def test_an_address_never_shows_its_login() -> None:
    address = parse("http://ada:lovelace@h#db")
    assert "ada" not in f"{address} {address!r} {address.name} {[address]}"


@pytest.mark.parametrize(
    ("row", "written"),
    [
        (DAEMON, 'daemon,hostname=node containers=2,status="active",uptime=5 1000000000'),
        (END, "container,hostname=node,killed=False,started=True uptime=60.5 1000000001"),
    ],
)
def test_numbers_are_floats_as_the_original_wrote_them(row: Point, written: str) -> None:
    assert line(row) == written


@given(st.text(min_size=1), st.text())
def test_no_host_name_and_no_text_breaks_out_of_its_place(hostname: str, text: str) -> None:
    row = Point(series="daemon", tags={"hostname": hostname}, fields={"status": text, "uptime": 1.0}, time_unix_ns=1)
    written = line(row)
    # A reader of line protocol: a backslash takes the meaning of what follows it; quotes enclose a text.
    head, plain, quoted = "", 0, False
    characters = iter(written)
    for character in characters:
        if character == "\\":
            next(characters)
        elif character == '"' and plain:
            quoted = not quoted
        elif not quoted:
            assert character != "\n" or plain == 1
            plain += character == " "
            head += character if plain == 0 else ""
    assert plain == 2, written
    assert not quoted
    assert head.count(",") == 1
    assert head.count("=") == 1


def test_importing_the_client_starts_no_thread() -> None:
    code = "import threading, plancton.workers.metrics.worker; print(threading.active_count())"
    assert subprocess.run([sys.executable, "-c", code], stdout=-1, check=True).stdout.strip() == b"1"


@pytest.mark.influxdb
def test_points_arrive_once_with_their_types_in_a_database_that_was_missing(influxd: Influx) -> None:
    name = 'a "new" one'.replace(" ", "_")
    with server(influxd.setting(name)) as there:
        lines = [line(DAEMON), line(END)]
        assert there.write(lines) == Accepted()
        assert there.write(lines) == Accepted(), "as after an answer that was lost"
    assert influxd.query("SELECT * FROM daemon", name) == [
        {"time": "1970-01-01T00:00:01Z", "containers": 2, "hostname": "node", "status": "active", "uptime": 5},
    ]
    assert influxd.query("SELECT * FROM container", name) == [
        {
            "time": "1970-01-01T00:00:01.000000001Z",
            "hostname": "node",
            "killed": "False",
            "started": "True",
            "uptime": 60.5,
        },
    ]
    assert influxd.query("SHOW FIELD KEYS", name) == [
        {"fieldKey": "uptime", "fieldType": "float"},
        {"fieldKey": "containers", "fieldType": "float"},
        {"fieldKey": "status", "fieldType": "string"},
        {"fieldKey": "uptime", "fieldType": "float"},
    ]


@pytest.mark.influxdb
@pytest.mark.parametrize("hostname", ["a b,c=d", 'q"uote', "back\\slash", "new\nline", "näme", "tab\t", "\udcff"])
def test_a_real_server_takes_any_host_name(influxd: Influx, hostname: str) -> None:
    row = Point(series="measurement", tags={"hostname": hostname}, fields={"cpu_eff": 1.0}, time_unix_ns=1)
    with server(influxd.setting("d")) as there:
        assert there.write([line(row)]) == Accepted()
    (found,) = influxd.query('SELECT cpu_eff FROM "measurement" GROUP BY hostname', "d")
    if hostname.isprintable():
        assert found["hostname"] == hostname


@pytest.mark.influxdb
def test_a_database_that_the_original_filled_takes_the_new_points(influxd: Influx) -> None:
    influxd.query("CREATE DATABASE old")
    # As the original composed them: no "i" after a number, Python's own True and False.
    before = [
        "daemon,hostname=node uptime=123.456 1",
        'daemon,hostname=node containers=5,status="active" 2',
        'daemon,hostname=node status="waiting" 3',
        "measurement,hostname=node cpu_eff=12.5 4",
        "container,hostname=node,started=True,killed=False uptime=60.0 5",
        "container,hostname=node,started=False,killed=False uptime=0 6",
    ]
    measurement = Point(series="measurement", tags={"hostname": "node"}, fields={"cpu_eff": 1.0}, time_unix_ns=7)
    with server(influxd.setting("old")) as there:
        assert there.write(before) == Accepted()
        assert there.write([line(row) for row in (DAEMON, END, measurement)]) == Accepted()
    assert influxd.query("SHOW SERIES", "old") == [
        {"key": "container,hostname=node,killed=False,started=False"},
        {"key": "container,hostname=node,killed=False,started=True"},
        {"key": "daemon,hostname=node"},
        {"key": "measurement,hostname=node"},
    ]


@pytest.mark.influxdb
def test_only_the_points_that_conflict_are_rejected(influxd: Influx) -> None:
    with server(influxd.setting("d")) as there:
        assert there.write(["m f=1i 1"]) == Accepted()
        answer = there.write(["m f=1.5 2", "m f=2i 3", "m f=2.5 4"])
    assert isinstance(answer, Rejected)
    assert answer.points == 2
    assert "field type conflict" in answer.why
    assert [row["f"] for row in influxd.query("SELECT f FROM m", "d")] == [1, 2]


@pytest.mark.influxdb
def test_a_login_is_used_and_a_wrong_one_is_told_without_its_password(influxd_with_login: Influx) -> None:
    with server(influxd_with_login.setting("d")) as there:
        assert there.write([line(DAEMON)]) == Accepted()
    assert len(influxd_with_login.query("SELECT uptime FROM daemon", "d")) == 1
    with server(f"http://ada:wrong-word@127.0.0.1:{influxd_with_login.port}#d") as there:
        assert there.write([line(DAEMON)]) == Away(why="401: authorization failed")


@pytest.mark.influxdb
def test_a_user_who_may_not_create_the_database_gets_to_know(influxd_with_login: Influx) -> None:
    influxd_with_login.query("CREATE USER bob WITH PASSWORD 'builder'")
    with server(f"http://bob:builder@127.0.0.1:{influxd_with_login.port}#d") as there:
        answer = there.write([line(DAEMON)])
    assert isinstance(answer, Away)
    assert answer.why.startswith("403: ")
    assert "builder" not in answer.why


def test_nobody_there_is_a_value() -> None:
    with server(f"http://ada:{PASSWORD.split()[0]}@127.0.0.1:{free_port()}#d") as there:
        answer = there.write(["m f=1"])
    assert isinstance(answer, Away)
    assert "Connection refused" in answer.why


def test_a_name_that_does_not_exist_is_a_value() -> None:
    with server("http://no-such-host.invalid#d") as there:
        answer = there.write(["m f=1"])
    assert isinstance(answer, Away)
    assert "no-such-host.invalid" in answer.why


def test_a_server_that_never_answers_is_left_at_the_deadline(
    black_hole: BlackHole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plancton.workers.metrics.influxdb1._DEADLINE_MS", 100)
    with server(f"{black_hole.url}#d") as there:
        answer = there.write(["m f=1"])
    assert isinstance(answer, Away)
    assert answer.why == "Read timed out. (read timeout=0.1)"


@pytest.mark.parametrize(
    ("status", "body", "kind", "why"),
    [
        (500, b'{"error":"timeout"}', Away, "500: timeout"),
        (503, b"<html>", Away, "503: Service Unavailable"),
        (429, b"", Away, "429: Too Many Requests"),
        (404, b"404 page not found\n", Away, "404: 404 page not found"),
        (403, b'{"error":"no"}', Away, "403: no"),
        (307, b"", Away, "307: Temporary Redirect"),
        (502, b"\xff\xfe", Away, "an answer that can't be read: UnicodeDecodeError"),
        (500, b'{"error":{"a":1}}', Away, "500: {'a': 1}"),
        (500, b"[1]", Away, "500: Internal Server Error"),
        (400, b'{"error":"bad timestamp"}', Rejected, "400: bad timestamp"),
        (413, b"", Rejected, "413: Request Entity Too Large"),
    ],
)
def test_what_each_answer_means(status: int, body: bytes, kind: type[Away | Rejected], why: str) -> None:
    elsewhere = {"Location": f"http://127.0.0.1:{free_port()}/elsewhere"} if status == 307 else {}
    with stub(status, body, elsewhere) as told, server(f"http://u:p@127.0.0.1:{told.port}/base#d") as there:
        answer = there.write(["m f=1", "m f=2"])
    assert isinstance(answer, kind)
    assert answer.why == why
    login = f"Basic {base64.b64encode(b'u:p').decode()}"
    assert told.heard == [("/base/write?db=d", login, b"m f=1\nm f=2")]
    if isinstance(answer, Rejected):
        assert answer.points == 2


def test_a_long_complaint_is_cut_in_its_middle() -> None:
    body = b'{"error":"partial write: ' + b"x" * 5000 + b' dropped=1"}'
    with stub(400, body) as told, server(f"http://127.0.0.1:{told.port}#d") as there:
        answer = there.write(["m f=1", "m f=2"])
    assert isinstance(answer, Rejected)
    assert answer.points == 1
    assert len(answer.why) < 250


def test_an_unknown_certificate_is_refused_unless_the_operator_wants_it(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1"]
    subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with stub(204, tls=tls) as told:
        with server(f"https://127.0.0.1:{told.port}#d") as there:
            answer = there.write(["m f=1"])
        assert isinstance(answer, Away)
        assert "certificate" in answer.why.lower()
        assert told.heard == []
        with server(f"insecure_https://127.0.0.1:{told.port}#d") as there:
            assert there.write(["m f=1"]) == Accepted()
