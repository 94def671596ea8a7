"""The real InfluxDB of tests: it stores and returns points, asks for a login where it should, and comes back."""

import urllib.request
from pathlib import Path

import pytest

from tests.support.certificates import certificates
from tests.support.influx import PASSWORD, USER, Influx, influxd

pytestmark = pytest.mark.influxdb


def write(database: Influx, line: str) -> None:
    url = f"{database.url}/write?db=d"
    with urllib.request.urlopen(url, data=line.encode(), timeout=5) as answer:
        assert answer.status == 204


def test_points_come_back_as_rows_with_their_tags(influxd: Influx) -> None:
    influxd.query("CREATE DATABASE d")
    write(influxd, "m,hostname=here value=1.5 1000000000")
    assert influxd.query('SELECT value FROM m GROUP BY "hostname"', "d") == [
        {"hostname": "here", "time": "1970-01-01T00:00:01Z", "value": 1.5},
    ]
    assert influxd.setting("d") == f"{influxd.url}#d"


def test_whoever_does_not_log_in_is_refused(influxd_with_login: Influx) -> None:
    stranger = Influx(influxd_with_login.port)
    with pytest.raises(AssertionError, match="unable to parse authentication credentials"):
        stranger.query("SHOW DATABASES")
    assert influxd_with_login.query("SHOW USERS") == [{"user": USER, "admin": True}]
    assert PASSWORD not in influxd_with_login.setting("d"), "it has to be quoted there"


def test_it_comes_back_on_the_same_port_with_its_data(tmp_path: Path) -> None:
    with influxd(tmp_path / "i") as first:
        first.query("CREATE DATABASE d")
    assert not first.is_up()
    with influxd(tmp_path / "i", port=first.port) as second:
        assert {"name": "d"} in second.query("SHOW DATABASES")


def test_it_speaks_tls_with_a_certificate_that_its_authority_vouches_for(tmp_path: Path) -> None:
    with influxd(tmp_path / "i", login=True, certificates=certificates(tmp_path / "tls")) as secure:
        secure.query("CREATE DATABASE d")
        assert secure.setting("d").startswith("https://ada:")
        assert not Influx(secure.port).is_up(), "without TLS nothing is answered"
