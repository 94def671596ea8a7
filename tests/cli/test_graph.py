"""Graphs of characters: exact sizes, unknown apart from zero, and no number that breaks them."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.cli.graph import graph, has_blocks

ANY_VALUES = st.lists(st.none() | st.floats(), max_size=60)


def test_columns_grow_by_eighths_to_the_top() -> None:
    assert graph([1, 2, 3, 4, 8, 9, 12, 16], width=8, height=2, top=16) == ["     ▁▄█", "▁▂▃▄████"]


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([0.0, None, 0.0], "▁ ▁"),
        ([-1.0, math.nan, 8.0], "▁ █"),
        ([8.0], "  █"),
        ([8.0, 1.0, 4.0, 8.0], "▁▄█"),
        ([], "   "),
        ([None, None, None], "   "),
        ([0.0, 0.0, 0.0], "▁▁▁"),
        ([1e-300, math.inf, 4.0], "▁█▁"),
    ],
)
def test_a_gap_is_no_zero_and_the_last_values_are_shown(values: Sequence[float | None], line: str) -> None:
    assert graph(values, width=3, height=1) == [line]


def test_what_is_beyond_the_top_is_cut() -> None:
    assert graph([1.0, 100.0, 5.0], width=3, height=1, top=10.0) == ["▁█▄"]


def test_a_top_that_is_no_number_is_none() -> None:
    assert graph([4.0, 8.0], width=2, height=1, top=math.nan) == ["▄█"]
    assert graph([math.inf, 8.0], width=2, height=1, top=math.inf) == ["█▁"]


def test_ascii_has_the_same_shape() -> None:
    values = [None, *map(float, range(1, 17))]
    blocks = graph(values, width=17, height=2, top=16)
    plain = graph(values, width=17, height=2, top=16, ascii_only=True)
    assert [line.translate(str.maketrans("▁▂▃▄▅▆▇█", "_.-:=+*#")) for line in blocks] == plain
    assert all(line.isascii() for line in plain)


@given(
    values=ANY_VALUES,
    width=st.integers(-1, 30),
    height=st.integers(-1, 6),
    top=st.none() | st.floats(),
    ascii_only=st.booleans(),
)
def test_any_values_fill_exactly_the_size(
    *, values: list[float | None], width: int, height: int, top: float | None, ascii_only: bool
) -> None:
    lines = graph(values, width=width, height=height, top=top, ascii_only=ascii_only)
    assert len(lines) == max(0, height)
    assert all(len(line) == max(0, width) for line in lines)


@given(values=st.lists(st.floats(0, 100), min_size=2, max_size=2), height=st.integers(1, 6))
def test_a_larger_value_has_no_smaller_column(*, values: list[float], height: int) -> None:
    small, large = sorted(values)
    columns = list(zip(*graph([small, large], width=2, height=height, top=100.0), strict=True))
    filled = [sum(" ▁▂▃▄▅▆▇█".index(character) for character in column) for column in columns]
    assert filled[0] <= filled[1]


@pytest.mark.parametrize(
    ("encoding", "can"),
    [("utf-8", True), ("UTF-8", True), ("ascii", False), ("latin-1", False), (None, False), ("no-such", False)],
)
def test_which_encodings_have_blocks(*, encoding: str | None, can: bool) -> None:
    assert has_blocks(encoding) is can
