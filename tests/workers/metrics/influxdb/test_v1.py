"""A real InfluxDB 1.x, by both forms of the setting: what is written arrives once, as it was meant."""

import itertools
import math
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plancton.common.influxdb_setting import InfluxDB
from plancton.common.points import Point
from plancton.workers.metrics.delivery.outbox import Accepted, Away, Rejected, TooLarge
from plancton.workers.metrics.influxdb.server import Server, line, open_server
from tests.support.certificates import certificates
from tests.support.influx import PASSWORD, USER, Influx
from tests.support.influx import influxd as influxd_server

pytestmark = pytest.mark.influxdb

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
def opened(item: str | InfluxDB) -> Iterator[Server]:
    with closing(open_server(item)) as server:
        yield server


def test_points_arrive_once_with_their_types_in_a_database_that_was_missing(influxd: Influx) -> None:
    name = 'a "new" one'.replace(" ", "_")
    with opened(influxd.setting(name)) as there:
        lines = [line(DAEMON), line(END)]
        assert there.write(lines) == Accepted()
        assert there.write(lines) == Accepted(), "as after an answer that was lost"
        assert there.version.startswith("InfluxDB 1.")
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


@pytest.mark.parametrize("name", ["a b", "ü#y", "a'b", '"', ";", "a=b&c"])
def test_a_database_may_be_called_anything(influxd: Influx, name: str) -> None:
    with opened(InfluxDB(url=influxd.url, database=name)) as there:
        assert there.write([line(DAEMON)]) == Accepted()
    assert len(influxd.query("SELECT uptime FROM daemon", name)) == 1


def test_a_database_that_can_not_be_made_keeps_the_points_waiting(influxd: Influx) -> None:
    with opened(InfluxDB(url=influxd.url, database="a/b")) as there:
        assert there.write([line(DAEMON)]) == Away(why="the database can't be created: invalid name")


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
    with opened(influxd.setting("old")) as there:
        assert there.write(before) == Accepted()
        assert there.write([line(row) for row in (DAEMON, END, measurement)]) == Accepted()
    assert influxd.query("SHOW SERIES", "old") == [
        {"key": "container,hostname=node,killed=False,started=False"},
        {"key": "container,hostname=node,killed=False,started=True"},
        {"key": "daemon,hostname=node"},
        {"key": "measurement,hostname=node"},
    ]


def test_only_the_points_that_conflict_are_rejected(influxd: Influx) -> None:
    with opened(influxd.setting("d")) as there:
        assert there.write(["m f=1i 1"]) == Accepted()
        answer = there.write(["m f=1.5 2", "m f=2i 3", "m f=2.5 4"])
        assert isinstance(answer, Rejected)
        assert (answer.points, answer.partial) == (2, True)
        assert "field type conflict" in answer.why
    assert [row["f"] for row in influxd.query("SELECT f FROM m", "d")] == [1, 2]


def test_lines_that_are_none_are_rejected_and_the_others_taken(influxd: Influx) -> None:
    with opened(influxd.setting("d")) as there:
        answer = there.write(["m f=1 1", "m f=", "no line", "m f=2 2"])
        assert isinstance(answer, Rejected)
        assert (answer.points, answer.partial) == (2, True)
        answer = there.write(["m f=", "no line"])
        assert isinstance(answer, Rejected)
        assert (answer.points, answer.partial) == (2, False)
    assert [row["f"] for row in influxd.query("SELECT f FROM m", "d")] == [1, 2]


def test_points_older_than_the_database_keeps_are_rejected(influxd: Influx) -> None:
    influxd.query("CREATE DATABASE d WITH DURATION 1h")
    with opened(influxd.setting("d")) as there:
        answer = there.write(["m f=1 1", "m f=2"])
    assert isinstance(answer, Rejected)
    assert (answer.points, answer.partial) == (1, True)


def test_a_batch_larger_than_the_server_takes_is_told_apart(tmp_path: Path) -> None:
    with influxd_server(tmp_path / "small", most_bytes=10_000) as small, opened(small.setting("d")) as there:
        lines = [f"m,host={os.urandom(20).hex()} f=1 {number}" for number in range(1, 1000)]
        assert there.write(lines) == TooLarge(why="413: Request Entity Too Large")
        assert there.write(lines[:100]) == Accepted()


@pytest.mark.parametrize("file", [False, True])
def test_a_login_is_used_and_a_wrong_one_is_told_without_its_password(
    influxd_with_login: Influx, tmp_path: Path, *, file: bool
) -> None:
    with opened(influxd_with_login.setting("d")) as there:
        assert there.write([line(DAEMON)]) == Accepted()
    assert len(influxd_with_login.query("SELECT uptime FROM daemon", "d")) == 1
    secret = tmp_path / "password"
    secret.write_text("wrong-word\n")
    given = {"password_file": str(secret)} if file else {"password": "wrong-word"}
    with opened(InfluxDB(url=influxd_with_login.url, database="d", user=USER, timeout=5.0, **given)) as there:
        assert there.write([line(END)]) == Away(why="401: authorization failed")
        secret.write_text(f"{PASSWORD}\n")
        assert (there.write([line(END)]) == Accepted()) is file, "a file is read anew, and no restart is needed"


def test_a_user_who_may_not_create_the_database_gets_to_know(influxd_with_login: Influx) -> None:
    influxd_with_login.query("CREATE USER bob WITH PASSWORD 'builder'")
    with opened(f"http://bob:builder@127.0.0.1:{influxd_with_login.port}#d") as there:
        answer = there.write([line(DAEMON)])
    assert isinstance(answer, Away)
    assert answer.why.startswith("403: ")
    assert "builder" not in answer.why


def test_over_tls_with_a_login(tmp_path: Path) -> None:
    made = certificates(tmp_path / "tls")
    with influxd_server(tmp_path / "secure", login=True, certificates=made) as secure:
        with opened(secure.setting("d")) as there:
            assert there.write([line(DAEMON)]) == Away(why="its certificate isn't accepted: self-signed certificate")
        with opened(secure.setting("d").replace("https://", "insecure_https://")) as there:
            assert there.write([line(DAEMON)]) == Accepted()
        checked = InfluxDB(url=secure.url, database="d", user=USER, password=PASSWORD, ca_file=str(made / "ca.pem"))
        with opened(checked) as there:
            assert there.write([line(END)]) == Accepted()
            assert there.version.startswith("InfluxDB 1.")
        with opened(f"http://127.0.0.1:{secure.port}#d") as there:
            answer = there.write([line(END)])
            assert isinstance(answer, Away), "nothing is lost because the address lacks an s"
            assert "HTTP request to an HTTPS server" in answer.why
        assert len(secure.query("SELECT uptime FROM daemon, container", "d")) == 2


def test_a_server_that_comes_back_is_written_to_again(tmp_path: Path) -> None:
    with influxd_server(tmp_path / "i") as first, opened(first.setting("d")) as there:
        assert there.write(["m f=1 1"]) == Accepted()
    with opened(first.setting("d")) as there:
        assert there.write(["m f=2 2"]) == Away(why="Connection refused")
        assert there.version == ""
        with influxd_server(tmp_path / "i", port=first.port) as second:
            assert there.write(["m f=2 2"]) == Accepted()
            assert there.version.startswith("InfluxDB 1.")
            assert [row["f"] for row in second.query("SELECT f FROM m", "d")] == [1, 2]


def stored(tag: str) -> str:
    """Return what InfluxDB keeps of a tag's value.

    Line protocol has no way to write a line's end, nor a backslash at the end of a value: influxdb-client writes
    backslash and n for the one, and lets a blank take the other's place.
    """
    text = tag.encode(errors="replace").decode()
    for sign, letters in {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.items():
        text = text.replace(sign, letters)
    return f"{text[:-1]} " if text.endswith("\\") else text


NASTY = st.text(st.sampled_from(" ,=\\\"'\n\t\r#/é€😀a1"), max_size=8) | st.text(
    st.characters(exclude_characters="\x00"), max_size=20
)
MOMENTS_NS = itertools.count(1_700_000_000_000_000_001)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tags=st.lists(NASTY, min_size=1, max_size=4), text=NASTY, value=st.floats())
def test_a_point_comes_back_as_it_was(influxd: Influx, tags: list[str], text: str, value: float) -> None:
    point = Point(
        series="nasty",
        tags={f"t{number}": tag for number, tag in enumerate(tags)},
        fields={"text": text, "value": value, "one": 1.0},
        time_unix_ns=next(MOMENTS_NS),
    )
    with opened(InfluxDB(url=influxd.url, database="d")) as there:
        assert there.write([line(point)]) == Accepted()
    (row,) = influxd.query(f"SELECT * FROM nasty WHERE time = {point.time_unix_ns}", "d")  # noqa: S608 - a number
    assert {name: row.get(name) for name in point.tags} == {
        name: stored(tag) or None for name, tag in point.tags.items()
    }
    assert row["text"] == text.encode(errors="replace").decode()
    assert row["one"] == 1
    assert row.get("value") == (pytest.approx(value, rel=1e-15) if math.isfinite(value) else None)


def test_a_number_that_is_none_costs_nothing_but_itself(influxd: Influx) -> None:
    points = [Point(series="m", tags={}, fields={"a": a, "b": 1.0}, time_unix_ns=1) for a in (math.nan, math.inf, 5.0)]
    with opened(influxd.setting("d")) as there:
        lonely = Point(series="m", tags={}, fields={"a": math.nan}, time_unix_ns=2)
        assert there.write([line(point) for point in (lonely, *points)]) == Accepted()
    assert influxd.query("SELECT a, b FROM m", "d") == [{"time": "1970-01-01T00:00:00.000000001Z", "a": 5, "b": 1}]
