"""InfluxDB 2's write API by influxdb-client, on a real server that speaks it, and on a stub for what that never says.

victoria-metrics takes everything; how 2.x and 3.x refuse is a stub's word, after their documentation.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from plancton.common.influxdb_setting import InfluxDB
from plancton.common.points import Point
from plancton.workers.metrics.delivery.outbox import Accepted, Answer, Away, Rejected, TooLarge
from plancton.workers.metrics.influxdb.server import Server, line, open_server
from tests.support.victoria import Victoria
from tests.support.victoria import victoria as victoria_server
from tests.workers.metrics.stub import stub

NOON_NS = 1_700_000_000_000_000_000


@pytest.fixture
def victoria(tmp_path: Path) -> Iterator[Victoria]:
    """Yield a running victoria-metrics."""
    with victoria_server(tmp_path / "victoria") as server:
        yield server


@contextmanager
def opened(item: str | InfluxDB) -> Iterator[Server]:
    with closing(open_server(item)) as server:
        yield server


def _points(number: int) -> list[Point]:
    return [
        Point(
            series="host",
            tags={"hostname": "a node, with=signs", "number": str(each % 10)},
            fields={"busy": each + 0.5, "why": "text"},
            time_unix_ns=NOON_NS + each * 1_000_000_000,
        )
        for each in range(number)
    ]


@pytest.mark.influxdb
def test_points_arrive_in_a_bucket_once(victoria: Victoria) -> None:
    lines = [line(point) for point in _points(1000)]
    with opened(InfluxDB(url=victoria.url, bucket="nodes", org="cluster", token="t")) as server:
        assert server.write(lines) == Accepted()
    found = victoria.points("host_busy")
    assert [(at, value) for _, at, value in found] == [
        (NOON_NS // 10**6 + each * 1000, each + 0.5) for each in range(1000)
    ]
    assert found[7][0] == {"hostname": "a node, with=signs", "number": "7"}


@pytest.mark.influxdb
def test_the_path_of_1x_serves_other_servers_too(victoria: Victoria) -> None:
    with opened(f"{victoria.url}#nodes") as server:
        assert server.write([line(point) for point in _points(3)]) == Accepted()
        assert server.version == "", "it doesn't say that it is an InfluxDB"
    assert [value for _, _, value in victoria.points("host_busy")] == [0.5, 1.5, 2.5]
    assert victoria.points("host_busy")[0][0]["db"] == "nodes"


OF_2X = {"X-Influxdb-Version": "v2.7.10", "X-Influxdb-Build": "OSS"}
OF_3X = {"X-Influxdb-Version": "3.0.1", "X-Influxdb-Build": "Core"}
CONFLICT = "failure writing points to database: partial write: field type conflict: input field f is float dropped=1"
PARTIAL_2X = f'{{"code":"unprocessable entity","message":"{CONFLICT}"}}'.encode()
PARTIAL_3X = (
    b'{"error":"partial write of line protocol occurred","data":[{"original_line":"m f=","line_number":2,'
    b'"error_message":"No fields were provided"}]}'
)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (204, b"", Accepted()),
        (422, PARTIAL_2X, Rejected(points=1, why=f"422: {CONFLICT}")),
        (400, PARTIAL_3X, Rejected(points=1, why="400: partial write of line protocol occurred dropped=1")),
        (400, b'{"code":"invalid","message":"bad"}', Rejected(points=2, why="400: bad", partial=False)),
        (413, b'{"code":"request too large","message":"too large"}', TooLarge(why="413: too large")),
        (401, b'{"code":"unauthorized","message":"unauthorized access"}', Away(why="401: unauthorized access")),
        (404, b'{"code":"not found","message":"bucket \\"b\\" not found"}', Away(why='404: bucket "b" not found')),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("headers", "version"), [(OF_2X, "InfluxDB 2.7.10"), (OF_3X, "InfluxDB 3.0.1 Core")])
def test_as_2x_and_3x_are_said_to_answer(
    status: int, body: bytes, expected: Answer, headers: dict[str, str], version: str
) -> None:
    with stub(status, body) as told:
        told.version = headers
        with opened(InfluxDB(url=f"http://127.0.0.1:{told.port}", bucket="b", org="o", token="t0ken")) as server:
            answer = server.write(["m f=1 1", "m f= 2"])
            assert server.version == ("" if isinstance(expected, Away) else version)
    assert answer == expected


def test_a_token_that_was_rotated_is_taken_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old\n")
    with stub(401, b'{"code":"x","message":"unauthorized access"}') as told:
        sink = InfluxDB(url=f"http://127.0.0.1:{told.port}", bucket="b", token_file=str(file))
        with opened(sink) as server:
            assert server.write(["m f=1"]) == Away(why="401: unauthorized access")
            file.write_text("new\n")
            told.status = 204
            assert server.write(["m f=1"]) == Accepted()
    assert [login for _, login, _ in told.heard] == ["Token old", "Token new"]
