"""What marker files say: what is written is what is read, and nonsense is told and does no harm."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.markers import (
    LATEST_UNIX,
    MOST_BYTES,
    REASON_LENGTH,
    Terms,
    is_moment,
    is_reason,
    snooze_from,
    snooze_to,
    terms_from,
    terms_to,
)

REASONS = st.text(max_size=REASON_LENGTH).filter(is_reason)
MOMENTS = st.floats(0.0, LATEST_UNIX)


@given(st.builds(Terms, reason=REASONS, deadline_unix=st.none() | MOMENTS))
def test_any_terms_are_read_as_they_were_written(terms: Terms) -> None:
    assert terms_from(terms_to(terms)) == (terms, "")
    assert len(terms_to(terms)) <= MOST_BYTES


@given(st.integers(0, int(LATEST_UNIX)))
def test_any_snooze_is_read_as_it_was_written(until: int) -> None:
    assert snooze_from(snooze_to(float(until))) == (float(until), "")


@given(st.none() | st.binary(max_size=300) | st.text(max_size=99).map(str.encode))
def test_any_bytes_are_terms_that_can_be_shown(data: bytes | None) -> None:
    terms, problem = terms_from(data)
    assert is_reason(terms.reason)
    assert terms.deadline_unix is None or is_moment(terms.deadline_unix)
    assert problem.isprintable()
    until, problem = snooze_from(data)
    assert (until is None) is bool(problem)
    assert until is None or is_moment(until)
    assert problem.isprintable()


@pytest.mark.parametrize("data", [None, b"", b"\n", b"{}"])
def test_a_bare_marker_is_a_plain_drain(data: bytes | None) -> None:
    assert terms_from(data) == (Terms(), "")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"because I say so\n", "holds 'because I say so', which isn't understood"),
        (b"\xff\xfe\x00", "isn't understood"),
        (b"[1, 2]", "isn't understood"),
        (b"[" * 4000, "isn't understood"),
        (b'{"deadline_unix": "tomorrow"}', "isn't understood"),
        (b'{"deadline_unix": NaN}', "isn't understood"),
        (b'{"deadline_unix": 1e999}', "isn't understood"),
        (b'{"deadline_unix": 1e99}', "a deadline that is no moment: 1e+99"),
        (b'{"deadline_unix": -1}', "a deadline that is no moment: -1"),
        (b'{"reason": "two\\nlines"}', "isn't one printable line"),
        (b'{"reason": "' + b"x" * 201 + b'"}', "isn't one printable line"),
        (b" " * 5000 + b"x", "more than 4096 bytes"),
    ],
)
def test_what_is_not_understood_is_a_plain_drain_and_told(data: bytes, why: str) -> None:
    terms, problem = terms_from(data)
    assert terms == Terms()
    assert why in problem


def test_a_newer_field_is_no_reason_to_forget_the_others() -> None:
    assert terms_from(b'{"reason": "disk", "kindly": 1}') == (Terms(reason="disk"), "")


@pytest.mark.parametrize("text", ["1700000000", "1700000000.5", "  1700000000\n", "0"])
def test_a_snooze_may_be_written_by_hand(text: str) -> None:
    assert snooze_from(text.encode()) == (float(text), "")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (None, "isn't a file that can be read"),
        (b"", "is empty"),
        (b"2h", "holds '2h', where"),
        (b"-5", "holds '-5', where"),
        (b"nan", "holds 'nan', where"),
        (b"1e9", "holds '1e9', where"),
        (b"9" * 12, "where the end's Unix seconds"),
        (b"9" * 5000, "where the end's Unix seconds"),
        ("\N{ARABIC-INDIC DIGIT ONE}".encode(), "where the end's Unix seconds"),
        (b"1_000", "where the end's Unix seconds"),
    ],
)
def test_what_is_not_understood_is_no_snooze_and_told(data: bytes | None, why: str) -> None:
    until, problem = snooze_from(data)
    assert until is None
    assert why in problem


def test_a_moment_is_a_date_that_can_be_written() -> None:
    assert is_moment(0.0)
    assert is_moment(LATEST_UNIX)
    assert not any(map(is_moment, (-0.1, LATEST_UNIX * 1.01, math.nan, math.inf, -math.inf)))
