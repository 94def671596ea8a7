"""No password gets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.influxdb_setting import InfluxDB
from plancton.common.masking import mask, mask_url, mask_value


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("http://host:8086#db", "http://host:8086#db"),
        ("http://me:secret@host:8086#db", "http://***@host:8086#db"),
        ("insecure_https://me:se@cr@et@host/path#db", "insecure_https://***@host/path#db"),
        ("http://host/write?u=me&p=secret#db", "http://host/write?***#db"),
        ("me:secret@host:8086#db", "***@host:8086#db"),
        ("localhost:8086", "localhost:8086"),
        ("http://me:secret", "http://***"),
        ("me secret", "***"),
        ("unix:///var/run/docker.sock", "unix:///var/run/docker.sock"),
        ("", ""),
    ],
)
def test_urls(url: str, masked: str) -> None:
    assert mask_url(url) == masked


def test_urls_within_a_text() -> None:
    assert mask("see http://me:secret@host, not name@sha256:00") == "see http://***@sha256:00"
    assert mask("name@sha256:00 // nothing") == "name@sha256:00 // nothing"


def test_values_of_every_kind() -> None:
    sink = InfluxDB(url="http://h", bucket="b", token="Passw0rd")
    hidden = InfluxDB(url="http://h", bucket="b", token="***")
    assert mask_value(sink) == hidden
    assert mask_value(("http://me:secret@h#d", sink)) == ("http://***@h#d", hidden)
    assert mask_value("http://me:secret@h") == "http://***@h"
    assert mask_value(None) is None


@given(st.text(st.characters(codec="utf-8"), max_size=20), st.sampled_from(["http://", "", "ssh://", "x:"]))
def test_what_precedes_the_last_at_sign_is_never_shown(user: str, scheme: str) -> None:
    assert "Passw0rd" not in mask_url(f"{scheme}{user}:Passw0rd@host:8086#db")
    assert "Passw0rd" not in mask(f"//{user}:Passw0rd@host:8086#db")
