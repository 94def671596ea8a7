"""Both forms of ``influxdb_url`` lead to the same places, whose names tell them apart and no login."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.influxdb_setting import InfluxDB
from plancton.workers.metrics.influxdb.address import base_of, is_verified, name_of, sink_of
from tests.support.any_settings import ANY_INFLUXDB


@pytest.mark.parametrize(
    ("url", "name", "base", "login"),
    [
        ("http://h:8086#db", "http://h:8086#db", "http://h:8086", (None, None)),
        ("https://h#db", "https://h#db", "https://h", (None, None)),
        ("https://u:p@h:1/influx/#db", "https://h:1/influx#db", "https://h:1/influx", ("u", "p")),
        ("insecure_https://h#db", "insecure_https://h#db", "https://h", (None, None)),
        ("http://u:a%3Ab%40%23%2F@h#db", "http://h#db", "http://h", ("u", "a:b@#/")),
        ("http://u@h#db", "http://h#db", "http://h", ("u", "")),
        ("http://:p@h#db", "http://h#db", "http://h", ("", "p")),
        ("http://[::1]:8086#db", "http://[::1]:8086#db", "http://[::1]:8086", (None, None)),
        ("http://h/x?u=me&p=secret#db", "http://h/x#db", "http://h/x", (None, None)),
    ],
)
def test_a_url(url: str, name: str, base: str, login: tuple[str | None, str | None]) -> None:
    sink = sink_of(url)
    assert (name_of(sink), base_of(sink), (sink.user, sink.password)) == (name, base, login)
    assert (sink.database, sink.bucket) == ("db", None)
    assert is_verified(sink) is not url.startswith("insecure")


@pytest.mark.parametrize(
    ("sink", "name"),
    [
        (InfluxDB(url="http://h:8086/", database="db", user="u", password="p"), "http://h:8086#db"),
        (InfluxDB(url="https://h", bucket="b", token="t"), "https://h bucket=b"),
        (InfluxDB(url="https://h", bucket="b", org="o", token_file="/t", ca_file="/c"), "https://h bucket=b org=o"),
        (InfluxDB(url="https://h", bucket="a b org=c", org="ü/x"), "https://h bucket=a%20b%20org%3Dc org=ü/x"),
    ],
)
def test_a_mapping(sink: InfluxDB, name: str) -> None:
    assert name_of(sink_of(sink)) == name


def test_a_mapping_and_a_url_of_one_database_have_one_name() -> None:
    assert sink_of(InfluxDB(url="http://h/", database="d", user="u", password="p")) == sink_of("http://u:p@h#d")


@given(ANY_INFLUXDB, ANY_INFLUXDB)
def test_other_places_have_other_names(one: InfluxDB, other: InfluxDB) -> None:
    def place(sink: InfluxDB) -> tuple[str, str | None, str | None, str | None]:
        return sink.url.rstrip("/"), sink.database, sink.bucket, sink.org if sink.bucket else None

    same = name_of(sink_of(one)) == name_of(sink_of(other))
    assert same == (place(one) == place(other))


WORDS = st.lists(st.sampled_from([" ", "%20", "=", "%3D", "%", "%25", "org", "x"]), max_size=3).map("".join)


@given(WORDS, WORDS, WORDS)
def test_no_bucket_and_organisation_pass_for_others(one: str, other: str, org: str) -> None:
    names = {name_of(InfluxDB(url="u", bucket=bucket, org=of)) for bucket in (one, other) for of in (org, None)}
    assert len(names) == 2 * len({one, other})
