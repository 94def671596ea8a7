"""A sink shows itself without its secrets, and knows which of its keys contradict each other."""

import io

import msgspec
import pytest
from hypothesis import given
from rich.console import Console

from plancton.common.influxdb_setting import InfluxDB, contradictions, masked
from plancton.common.influxdb_setting import given as given_keys
from plancton.common.settings import Settings
from tests.support.any_settings import ANY_INFLUXDB

SINK = InfluxDB(url="https://h", bucket="nodes", token="Passw0rd", timeout=5.0)


def test_a_sink_shows_itself_without_its_secrets() -> None:
    assert repr(SINK) == "InfluxDB(url='https://h', bucket='nodes', token='***', timeout=5.0)"
    assert f"{SINK}" == str(SINK) == repr(SINK)
    other = InfluxDB(url="http://h", database="d", user="ada", password="Passw0rd")
    assert repr(other) == "InfluxDB(url='http://h', database='d', user='ada', password='***')"


def test_settings_show_themselves_without_their_secrets() -> None:
    settings = Settings(
        influxdb_url=(SINK, "http://ada:Passw0rd@h#d"), docker_url="https://ada:Passw0rd@h", max_docks="3"
    )
    shown = repr(settings)
    assert shown.startswith(
        "Settings(max_docks='3', docker_url='https://***@h', influxdb_url=(InfluxDB(url='https://h'"
    )
    assert "'http://***@h#d'" in shown
    assert repr(Settings()) == "Settings()"
    out = io.StringIO()
    Console(file=out, width=300).print(settings, SINK)
    assert "Passw0rd" not in shown + out.getvalue()
    assert "nodes" in out.getvalue()


@given(ANY_INFLUXDB)
def test_what_is_masked_differs_in_its_secrets_alone(sink: InfluxDB) -> None:
    hidden = masked(sink)
    assert {hidden.password, hidden.token} <= {None, "***"}
    assert (hidden.password is None, hidden.token is None) == (sink.password is None, sink.token is None)
    assert msgspec.structs.replace(hidden, password=sink.password, token=sink.token) == sink


@given(ANY_INFLUXDB)
def test_the_keys_that_a_sink_needs_make_the_same_sink(sink: InfluxDB) -> None:
    keys = given_keys(sink)
    assert None not in keys.values()
    assert msgspec.convert(keys, InfluxDB) == sink
    assert contradictions(frozenset(keys), verified=sink.url.startswith("https://") or sink.ca_file is not None) == {}


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ("database", ""),
        ("database user", ""),
        ("database user password", ""),
        ("database user password_file ca_file", ""),
        ("bucket", ""),
        ("bucket org token timeout", ""),
        ("bucket token_file", ""),
        ("", "url"),
        ("user password", "url"),
        ("database bucket", "bucket"),
        ("database user password password_file", "password_file"),
        ("bucket token token_file", "token_file"),
        ("database password", "password"),
        ("database password_file", "password_file"),
        ("database org", "org"),
        ("database user token", "token"),
        ("database token_file", "token_file"),
        ("bucket user", "user"),
        ("bucket password", "password"),
        ("bucket org user password_file", "password_file user"),
    ],
)
def test_keys_that_contradict_each_other(keys: str, wrong: str) -> None:
    found = contradictions(frozenset({"url", *keys.split()}), verified=True)
    assert sorted(found) == wrong.split()
    assert all(len(message) > 20 for message in found.values())


def test_a_certificate_is_of_no_use_where_none_is_checked() -> None:
    keys = frozenset({"url", "database", "ca_file"})
    assert contradictions(keys, verified=True) == {}
    assert list(contradictions(keys, verified=False)) == ["ca_file"]
