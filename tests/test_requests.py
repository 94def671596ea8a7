"""Requests and answers: round trips, golden bytes, and refusals that name what is wrong."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.codec import ProtocolError, pack
from plancton.common.requests import (
    MAX_REQUEST_BYTES,
    VERBS,
    Answer,
    AnyRequest,
    Drain,
    Happenings,
    Request,
    Status,
    Stop,
    decode_answer,
    decode_request,
    encode_request,
)
from tests.golden import Golden, covers, kept, newest, plain
from tests.golden.samples import REQUESTS, at_default
from tests.support.any_struct import ANY_PLAIN, TEXT, any_struct

KINDS: tuple[type[Request], ...] = AnyRequest.__args__


def test_the_verbs_are_the_classes_in_kebab_case() -> None:
    expected = "clear-fizzles drain drill happenings reload resume show-settings snooze status stop"
    assert " ".join(VERBS) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_asked_is_understood(kind: type[Request]) -> None:
    @given(any_struct(kind))
    def check(request: Request) -> None:
        assert decode_request(encode_request(request)) == request

    check()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_refusal_that_says_why(data: bytes) -> None:
    verdict = decode_request(data)
    if isinstance(verdict, Answer):
        assert not verdict.ok
        assert verdict.error.startswith("refused: ")
        assert decode_answer(pack(verdict)) == verdict


@given(
    st.dictionaries(
        st.sampled_from(["protocol", "verb", "after", "stop", "force", "seconds", "until_unix"]) | TEXT,
        st.sampled_from([1, *VERBS]) | ANY_PLAIN,
        max_size=5,
    )
)
def test_any_map_is_a_request_or_a_refusal_that_says_why(fields: dict[str, object]) -> None:
    verdict = decode_request(pack(fields))
    if isinstance(verdict, Answer):
        assert verdict.error.startswith("refused: ")
        assert len(pack(verdict)) < 2000
    else:
        assert fields["protocol"] == 1
        assert fields["verb"] in VERBS


@pytest.mark.parametrize("depth", [1, 100, 500, 990, 1010, 1024, 5000, MAX_REQUEST_BYTES])
@pytest.mark.parametrize("field", ["protocol", "verb", "after", "more"])
def test_however_deep_it_nests_it_is_answered(field: str, depth: int) -> None:
    fields = {"protocol": 1, "verb": "happenings", "more": 1}
    fields.pop(field, None)
    packed = pack(fields)
    data = bytes([packed[0] + 1]) + packed[1:] + pack(field) + b"\x91" * depth + b"\x90"
    verdict = decode_request(data)
    if isinstance(verdict, Answer):
        assert verdict.error.startswith("refused: ")
        assert len(pack(verdict)) < 2000
    else:
        assert (field, verdict) == ("more", Happenings())


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not msgpack"),
        (b"\xc1", "not msgpack"),
        (b"GET / HTTP/1.1\r\n\r\n", "not msgpack"),
        (b"\x00" * (MAX_REQUEST_BYTES + 1), f"{MAX_REQUEST_BYTES + 1} bytes, where at most {MAX_REQUEST_BYTES}"),
        (pack("status"), "a request is a map with protocol and verb"),
        (pack([1, "status"]), "a request is a map with protocol and verb"),
        (pack({"verb": "status"}), "protocol None, where 1 is spoken"),
        (pack({"protocol": 2, "verb": "status"}), "protocol 2, where 1 is spoken"),
        (pack({"protocol": "1", "verb": "status"}), "protocol '1', where 1 is spoken"),
        (pack({"protocol": [1], "verb": "status"}), "protocol of type list, where 1 is spoken"),
        (pack({"protocol": True, "verb": "status"}), "$.protocol"),
        (pack({"protocol": 1}), "unknown verb None; known: clear-fizzles, drain"),
        (pack({"protocol": 1, "verb": "dance"}), "unknown verb 'dance'; known: clear-fizzles, drain"),
        (pack({"protocol": 1, "verb": "d" * 60_000}), "unknown verb 'dddd"),
        (pack({"protocol": 1, "verb": {}}), "unknown verb of type dict"),
        (pack({"protocol": 1, "verb": "drain", "stop": "yes"}), "Expected `bool`, got `str` - at `$.stop`"),
        (pack({"protocol": 1, "verb": "happenings", "after": 1.5}), "`$.after`"),
        (pack({"protocol": 1, "verb": "drain", "reason": "x" * 201}), "length <= 200 - at `$.reason`"),
        (pack({"protocol": 1, "verb": "snooze", "until_unix": "2h"}), "`$.until_unix`"),
        (pack({"protocol": 1, "verb": "drill"}), "missing required field `seconds`"),
        (pack({"protocol": 1, "verb": "drill", "seconds": float("nan")}), "`float` >= 0.0 - at `$.seconds`"),
        (pack({"protocol": 1, "verb": "drill", "seconds": 121}), "`float` <= 120.0 - at `$.seconds`"),
        (pack({"protocol": 1, "verb": "drill", "seconds": -1}), "`float` >= 0.0 - at `$.seconds`"),
    ],
)
def test_what_is_no_request_is_refused_and_told_why(data: bytes, why: str) -> None:
    verdict = decode_request(data)
    assert isinstance(verdict, Answer)
    assert not verdict.ok
    assert why in verdict.error
    assert len(verdict.error) < 200


def test_a_request_of_the_largest_size_is_taken() -> None:
    padding = MAX_REQUEST_BYTES - len(pack({"protocol": 1, "verb": "status", "more": "x" * 1000})) + 1000
    data = pack({"protocol": 1, "verb": "status", "more": "x" * padding})
    assert len(data) == MAX_REQUEST_BYTES
    assert decode_request(data) == Status()


def test_fields_that_a_newer_client_added_are_ignored() -> None:
    assert decode_request(pack({"protocol": 1, "verb": "drain", "stop": True, "kindly": 1})) == Drain(stop=True)


@given(ANY_PLAIN.filter(lambda value: value == value), st.booleans(), TEXT)  # noqa: PLR0124 - not NaN
def test_any_answer_is_understood(data: object, ok: bool, error: str) -> None:  # noqa: FBT001
    said = pack(Answer(ok=ok, error=error, data=data))
    assert pack(decode_answer(said)) == said


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_a_protocol_error(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        assert isinstance(decode_answer(data), Answer)


@pytest.mark.parametrize("golden", kept("control"), ids=str)
def test_golden_requests_say_for_ever_what_they_said(golden: Golden) -> None:
    request = decode_request(golden.data)
    assert isinstance(request, Request), request
    assert covers(plain(request), golden.says)


def test_each_verb_has_golden_bytes_of_its_present_form() -> None:
    assert set(REQUESTS) == set(VERBS)
    present = {verb: encode_request(request) for verb, request in REQUESTS.items()}
    stale = [verb for verb in VERBS if verb not in newest("control") or newest("control")[verb].data != present[verb]]
    assert stale == [], "run: python -m tests.golden"
    assert [where for request in REQUESTS.values() for where in at_default(request)] == []


def test_a_stop_that_leaves_the_pilots_is_the_default() -> None:
    assert Stop() == Stop(force=False)
    assert msgspec.to_builtins(Stop())["verb"] == "stop"
