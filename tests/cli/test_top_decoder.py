"""What a terminal sends, as keys: however it is cut, and nothing pasted is a key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.cli.top_decoder import Decoder


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"dy", ["d", "y"]),
        (b"\r\n\x7f\x08\x03\x0c", ["enter", "enter", "backspace", "backspace", "interrupt", "redraw"]),
        (b"\x1b[A\x1bOB\x1b[5~\x1b[6~", ["up", "down", "page-up", "page-down"]),
        (b"\x1b[1~\x1bOF", ["home", "end"]),
        (b"\x1b[15~\x1b[1;5Cq", ["q"]),
        (b"\x1bdq", ["q"]),
        (b"\x1b\x1b[A", ["escape", "up"]),
        ("\N{LATIN SMALL LETTER E WITH ACUTE}?".encode(), ["\N{LATIN SMALL LETTER E WITH ACUTE}", "?"]),
        (b"\xff\xfeq\x00\x01", ["q"]),
        (b"a\x1b[200~dy\x1b[A\rq\x1b[201~b", ["a", "b"]),
        (b"\x1b[" + b"0" * 100 + b"q", ["0"] * 70 + ["q"]),
    ],
)
def test_keys(data: bytes, keys: list[str]) -> None:
    assert Decoder().feed(data) == keys


@given(
    data=st.lists(
        st.sampled_from([b"d", b"\x1b[A", b"\x1b[6~", b"\xc3\xa9", b"\x1b[200~", b"\x1b[201~", b"\x1bOH", b"\r"]),
        max_size=12,
    ).map(b"".join),
    cuts=st.lists(st.integers(0, 80), max_size=8),
)
def test_keys_are_the_same_however_they_come_in_parts(data: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    decoder = Decoder()
    parts = [decoder.feed(data[edge:until]) for edge, until in zip(edges, [*edges[1:], len(data)], strict=True)]
    assert [key for part in parts for key in part] == Decoder().feed(data)


@given(st.lists(st.binary(max_size=20), max_size=10))
def test_any_bytes_are_keys_or_nothing(parts: list[bytes]) -> None:
    decoder = Decoder()
    for part in parts:
        assert all(len(key) > 1 or key.isprintable() for key in decoder.feed(part))
        decoder.flush()


def test_an_escape_alone_is_a_key_once_nothing_follows() -> None:
    decoder = Decoder()
    assert (decoder.feed(b"\x1b"), decoder.pending) == ([], True)
    assert (decoder.flush(), decoder.pending) == (["escape"], False)
    assert decoder.flush() == []
    assert decoder.feed(b"\x1b[") == []
    assert decoder.flush() == []
    assert decoder.feed(b"q") == ["q"]


def test_a_paste_that_pauses_is_still_one() -> None:
    decoder = Decoder()
    assert decoder.feed(b"\x1b[200~d\x1b[20") == []
    assert not decoder.pending
    assert decoder.flush() == []
    assert decoder.feed(b"1~y") == ["y"]
