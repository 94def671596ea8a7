"""Entries and their lines: what is written is read again, nothing that is read raises, and no line is too long."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.journal_entries import Entry, Kind
from plancton.common.journal_lines import LONGEST_LINE, entry_of, line

WHOLE = Entry(
    at_unix=1_700_000_000.25,
    kind=Kind.FIZZLED,
    pilot="plancton-worker-0123abcd-3-17",
    slot=3,
    incarnation=17,
    container_id="4f" * 32,
    reason="ended",
    figures="2 of 8",
    detail="a detail",
    outcome="done",
    seconds=0.25,
    until_unix=1_700_000_060.5,
    uptime_seconds=0.5,
    started=False,
    killed=True,
    exit_code=1,
    output="no such file\nsays größe\0",
    generation=41,
)
KEPT = (
    b'{"at_unix":1700000000.25,"kind":"fizzled","pilot":"plancton-worker-0123abcd-3-17","slot":3,"incarnation":17,'
    b'"container_id":"4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f","reason":"ended",'
    b'"figures":"2 of 8","detail":"a detail","outcome":"done","seconds":0.25,"until_unix":1700000060.5,'
    b'"uptime_seconds":0.5,"started":false,"killed":true,"exit_code":1,'
    b'"output":"no such file\\nsays gr\xc3\xb6\xc3\x9fe\\u0000","generation":41}\n'
)
"""Journals outlive versions: these bytes must be read for ever."""

TEXT = st.text(max_size=50)
NUMBERS = st.none() | st.integers(-(2**63), 2**63 - 1)
SECONDS = st.floats(0.0, 253_402_300_799.0)
ENTRIES = st.builds(
    Entry,
    at_unix=SECONDS,
    kind=st.sampled_from(Kind),
    pilot=TEXT,
    container_id=TEXT,
    reason=TEXT.map(lambda text: text[:40]),
    figures=TEXT,
    detail=TEXT,
    output=TEXT,
    slot=NUMBERS,
    incarnation=NUMBERS,
    exit_code=NUMBERS,
    generation=NUMBERS,
    seconds=st.none() | SECONDS,
    uptime_seconds=st.none() | SECONDS,
    until_unix=st.none() | SECONDS,
    started=st.booleans(),
    killed=st.booleans(),
)


def test_an_entry_has_these_bytes_for_ever() -> None:
    assert line(WHOLE) == KEPT
    assert entry_of(KEPT) == WHOLE


def test_what_has_its_default_takes_no_room() -> None:
    assert line(Entry(at_unix=1.5, kind=Kind.LOST)) == b'{"at_unix":1.5,"kind":"lost"}\n'


@given(ENTRIES)
def test_what_is_written_is_read_again(entry: Entry) -> None:
    written = line(entry)
    assert written.endswith(b"\n")
    assert b"\n" not in written[:-1]
    assert entry_of(written) == entry


@pytest.mark.parametrize("character", ["x", "\0", "ö", "\U0001f600", "\udc80", "\\", '"'])
def test_no_entry_is_longer_than_a_line_may_be(character: str) -> None:
    texts = {field.name: character * 5000 for field in msgspec.structs.fields(Entry) if field.type is str}
    longest = -(2**63)
    numbers = {"slot": longest, "incarnation": longest, "exit_code": longest, "generation": longest}
    entry = msgspec.structs.replace(WHOLE, **texts, **numbers)
    assert 2000 < len(line(entry)) <= LONGEST_LINE
    assert entry_of(line(entry)) is not None


def test_of_an_output_the_end_is_kept_of_other_texts_the_beginning() -> None:
    cut = entry_of(line(msgspec.structs.replace(WHOLE, output="a" * 3000 + "end", figures="begin" + "b" * 3000)))
    assert cut is not None
    assert (cut.output[:2], cut.output[-4:], len(cut.output)) == ("…a", "aend", 1400)
    assert (cut.figures[:6], cut.figures[-2:], len(cut.figures)) == ("beginb", "b…", 350)


def test_a_later_version_may_say_more() -> None:
    told = entry_of(b'{"at_unix":1,"kind":"married","spouse":{"pilot":"p"},"reason":"love"}\n')
    assert told == Entry(at_unix=1.0, kind="married", reason="love")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\0\0\0\0",
        b"{}",
        b"[]",
        b'{"at_unix":1,"kind":"held"',
        b'{"at_unix":null,"kind":"held"}',
        b'{"at_unix":-1,"kind":"held"}',
        b'{"at_unix":1e300,"kind":"held"}',
        b'{"at_unix":1e999,"kind":"held"}',
        b'{"at_unix":NaN,"kind":"held"}',
        b'{"at_unix":1,"kind":"held","slot":' + b"9" * 5000 + b"}",
        b'{"at_unix":1,"kind":"held","slot":99999999999999999999}',
        b'{"at_unix":1,"kind":"\xff\xfe"}',
        b'{"at_unix":1,"kind":"held","more":' + b"[" * 8000 + b"]" * 8000 + b"}",
        b'{"at_unix":1,"kind":"held"} {"at_unix":1,"kind":"held"}',
        KEPT[:-2] + b" " * LONGEST_LINE + b"}",
    ],
)
def test_what_is_no_entry_is_none(data: bytes) -> None:
    assert entry_of(data) is None


@given(
    st.binary(max_size=300)
    | st.tuples(st.integers(0, len(KEPT)), st.binary(max_size=9)).map(
        lambda cut: KEPT[: cut[0]] + cut[1] + KEPT[cut[0] + 1 :]
    )
)
def test_no_bytes_raise(data: bytes) -> None:
    entry = entry_of(data)
    assert entry is None or entry.at_unix >= 0.0
