"""A mapping becomes a sink, or each thing wrong with it is told with its line and what to do, but never a secret."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.config import Loaded, Rejected, dump, parse
from plancton.common.document import Flaw, compose
from plancton.common.influxdb_coercion import sink
from plancton.common.influxdb_setting import InfluxDB
from tests.support.any_settings import ANY_INFLUXDB, ANY_TEXT

KEYS = InfluxDB.__struct_fields__


def _read(text: str) -> Any:  # noqa: ANN401 - a sink, or what is wrong
    entries = compose(f"influxdb_url: {text}")
    assert not isinstance(entries, Flaw), entries
    node = entries[0].node
    assert isinstance(node, yaml.MappingNode)
    return sink(node)


def _loaded(text: str) -> tuple[str | InfluxDB, ...]:
    result = parse(text, "F")
    assert isinstance(result, Loaded), result.problems
    return result.settings.influxdb_url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("database: d", {"database": "d"}),
        ("bucket: b, org: o", {"bucket": "b", "org": "o"}),
        ("bucket: 5, token: yes", {"bucket": "5", "token": "yes"}),
        ("database: ' d ', user: u, password: ' p '", {"database": "d", "user": "u", "password": " p "}),
        ("database: d, user: u, password: 0123", {"database": "d", "user": "u", "password": "0123"}),
        ("database: d, user: u, password_file: /a b", {"database": "d", "user": "u", "password_file": "/a b"}),
        ("bucket: b, token_file: /t, ca_file: /c", {"bucket": "b", "token_file": "/t", "ca_file": "/c"}),
        ("bucket: b, timeout: 15s", {"bucket": "b", "timeout": 15.0}),
        ("bucket: b, timeout: 2m", {"bucket": "b", "timeout": 120.0}),
        ("bucket: b, timeout: '0.5'", {"bucket": "b", "timeout": 0.5}),
    ],
)
def test_what_is_taken(text: str, expected: dict[str, Any]) -> None:
    assert _read(f"{{url: 'https://h', {text}}}") == InfluxDB(url="https://h", **expected)


@pytest.mark.parametrize(
    "url", ["http://h", "https://[::1]:8086", "insecure_https://h.example:1/a/b/", "http://10.0.0.1"]
)
def test_addresses(url: str) -> None:
    assert _read(f"{{url: '{url}', bucket: b}}") == InfluxDB(url=url, bucket="b")


def test_one_or_a_list_and_both_forms_together() -> None:
    assert _loaded("influxdb_url: {url: 'http://h', database: d}\n") == (InfluxDB(url="http://h", database="d"),)
    text = "influxdb_url:\n- http://u:p@h#d\n- {url: 'http://h', bucket: b}\n- {url: 'http://h', bucket: b}\n"
    assert _loaded(text) == ("http://u:p@h#d", InfluxDB(url="http://h", bucket="b"))


def test_mappings_may_share_what_they_have_in_common() -> None:
    base = "base: &base {url: 'http://h', timeout: 5}\n"
    assert _loaded(f"{base}influxdb_url: [{{<<: *base, bucket: b}}, {{database: d, timeout: 7, <<: *base}}]\n") == (
        InfluxDB(url="http://h", bucket="b", timeout=5.0),
        InfluxDB(url="http://h", database="d", timeout=7.0),
    )


PASSWORD = "url: 'http://h', database: d, user: u, "
TOKEN = "url: 'http://h', bucket: b, "
DATABASE = "url: 'http://h', database: d, "
NO_KEY = "can't be read; write key: value, with a blank after the colon"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("database: d", "a mapping lacks url; add url: http://host:port"),
        ("url: 'http://h'", "url leads to no place to write to; add database (1.x, 3.x) or bucket (2.x)"),
        (f"{TOKEN}database: d", "bucket and database exclude each other; keep one"),
        (f"{TOKEN}tokn: Passw0rd", "tokn isn't a key of this mapping; did you mean token?"),
        (f"{TOKEN}colour: Passw0rd", "colour isn't a key of this mapping; the keys are url, database"),
        (f"{TOKEN}token:Passw0rd", f'"token:…" {NO_KEY}'),
        (f"{TOKEN}Passw0rd", f"a text without a key {NO_KEY}"),
        (f"{TOKEN}Passw0rd: 5", f"a text without a key {NO_KEY}"),
        (f"{TOKEN}[Passw0rd]: 1", f"a text without a key {NO_KEY}"),
        (f"{TOKEN}bucket: c", "bucket stands here again, after line 2; keep one of the two"),
        ("url: 'http://u:Passw0rd@h', bucket: b", 'url "http://***@h" should be http[s]://host:port or insecure_'),
        ("url: 'http://u:Passw0rd@h', bucket: b", ", ? or #; the login goes into user and password"),
        ("url: 'http://h#d', database: d", ", ? or #; what follows # goes into database"),
        ("url: 'http://h/?p=Passw0rd', database: d", 'url "http://h/?***" should be'),
        ("url: h, database: d", 'url "h" should be'),
        ("url: [h], database: d", "url a list should be"),
        (f"{DATABASE}password: Passw0rd", "password needs the user that it belongs to; add user"),
        (f"{DATABASE}org: o", "org belongs to a bucket; with database, write user and password instead"),
        (f"{TOKEN}user: o", "user belongs to a database; with bucket, write token instead"),
        (f"{PASSWORD}password: Passw0rd, password_file: /f", "password_file and password exclude each other"),
        (f"{TOKEN}token: Passw0rd, token_file: /f", "token_file and token exclude each other"),
        (f"{TOKEN}token: !x Passw0rd", "token should be a token in one line of ASCII"),
        (f"{TOKEN}token: Passw0rdß", "token should be a token in one line of ASCII"),
        (f"{TOKEN}token: {{Passw0rd: x}}", "token a mapping should be a token in one line"),
        (f'{PASSWORD}password: "Passw0rd\\n"', "password should be a password in one line"),
        (f"{DATABASE}user: , password: Passw0rd", "user has no value; give one, or leave the key out: a name in"),
        (f"{TOKEN}token_file: Passw0rd", "token_file should be a file's absolute path"),
        (f"{TOKEN}token_file: secrets/Passw0rd", "token_file should be a file's absolute path"),
        ("url: 'https://h', bucket: d, ca_file: ca.pem", 'ca_file "ca.pem" should be a file\'s absolute path'),
        (f"{TOKEN}ca_file: /c", "ca_file has no use where the certificate isn't checked; write https:// in url"),
        ("url: 'insecure_https://h', bucket: b, ca_file: /c", "ca_file has no use where the certificate isn't"),
        (f"{TOKEN}timeout: 10 years", 'timeout "10 years" should be a number of seconds from 0.1 to 300'),
        (f"{TOKEN}timeout: 0", 'timeout "0" should be a number of seconds'),
        (f"{TOKEN}timeout: .inf", 'timeout ".inf" should be a number of seconds'),
        (f"{TOKEN}timeout: 6m", 'timeout "6m" should be a number of seconds'),
        (f"{TOKEN}timeout: {'o' * 99}", f'timeout "{"o" * 79}…" should be a number of seconds'),
    ],
)
def test_what_is_refused(text: str, problem: str) -> None:
    result = parse(f"max_ttl: 1h\ninfluxdb_url: {{{text}}}\n", "F")
    assert isinstance(result, Rejected)
    told = [str(each) for each in result.problems]
    assert any(each.startswith("F:2: influxdb_url: ") and problem in each for each in told), told
    assert "Passw0rd" not in " ".join(told)


def test_everything_wrong_is_told_at_once_in_the_order_of_the_lines() -> None:
    text = "\n- url: ftp://h\n  buckt: b\n  database: d\n  timeout: soon\n- http://h#d\n- {url: 'http://h'}\n"
    result = parse(f"influxdb_url: {text}", "F")
    assert isinstance(result, Rejected)
    assert [(each.line, each.value) for each in result.problems] == [
        (2, 'url "ftp://h"'),
        (3, "buckt"),
        (5, 'timeout "soon"'),
        (7, "url"),
    ]


@given(ANY_INFLUXDB)
def test_what_is_dumped_is_read_again(sink: InfluxDB) -> None:
    assert _loaded(dump({"influxdb_url": (sink,)})) == (sink,)


@given(st.dictionaries(st.sampled_from(KEYS), ANY_TEXT | st.sampled_from(["http://h", "/f", "5", "a"])))
def test_any_mapping_is_a_sink_that_holds_its_own_rules_or_is_refused(values: dict[str, str]) -> None:
    result = parse(yaml.safe_dump({"influxdb_url": [values]}), "F")
    if isinstance(result, Loaded):
        (found,) = result.settings.influxdb_url
        assert isinstance(found, InfluxDB)
        assert (found.database is None) != (found.bucket is None)
        assert found.password is None or found.user is not None


_SECRET_KEYS = ("password", "token", "password_file", "token_file", "tokens", "x y", "[a]")


@given(
    st.lists(
        st.tuples(st.sampled_from(KEYS), st.sampled_from(["~", "/f", "5", "[5]"]))
        | st.tuples(
            st.sampled_from(_SECRET_KEYS), st.sampled_from(["Passw0rd", "[Passw0rd]", "!a Passw0rd", "*Passw0rd"])
        ),
        min_size=1,
        max_size=6,
    )
)
def test_no_secret_is_told_wherever_it_stands(pairs: list[tuple[str, str]]) -> None:
    result = parse("influxdb_url:\n" + "".join(f"  {key}: {text}\n" for key, text in pairs), "F")
    assert isinstance(result, Rejected)
    assert "Passw0rd" not in " ".join(map(str, result.problems))
