"""The real server of the write API of InfluxDB 2: what is written comes back."""

import gzip
import urllib.request
from pathlib import Path

import pytest

from tests.support.victoria import victoria

pytestmark = pytest.mark.influxdb


def test_points_come_back_with_their_tags_and_moments(tmp_path: Path) -> None:
    with victoria(tmp_path / "victoria") as server:
        lines = b"m,a=b f=1.5 1700000000000000000\nm,a=c f=2,g=3 1700000001000000000"
        request = urllib.request.Request(f"{server.url}/api/v2/write?bucket=b", data=gzip.compress(lines))
        request.add_header("Content-Encoding", "gzip")
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 204
        assert server.points("m_f") == [({"a": "b"}, 1_700_000_000_000, 1.5), ({"a": "c"}, 1_700_000_001_000, 2.0)]
        assert server.points("m_g") == [({"a": "c"}, 1_700_000_001_000, 3.0)]
        assert server.points("m_h") == []
    assert not server.is_up()
