"""Lines and tables in the terminal's cells, of which a character may take two."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from plancton.cli.top_table import Column, beside, fit, padded, table, wrapped

ANY_TEXT = st.text(st.characters(blacklist_categories=["C", "Z"]) | st.just(" "), max_size=60)


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("abc", 0, ""), ("abc", -1, ""), ("", 0, ""), ("\u65e5\u672c", 3, "日…")],
)
def test_what_is_too_long_is_cut_with_an_ellipsis(text: str, width: int, shown: str) -> None:
    assert fit(Text(text), width).plain == shown


def test_the_right_end_goes_where_there_is_no_room() -> None:
    assert beside(Text("left"), Text("right"), 12).plain == "left   right"
    assert beside(Text("left"), Text("right"), 9).plain == "left"
    assert beside(Text("left"), Text("right"), 3).plain == "le…"


def test_a_table_aligns_by_its_widest_cells() -> None:
    columns = (Column(heading="N", right=True), Column(heading="NAME", least=6), Column(heading="X"))
    lines = table(columns, [("1", ("a", "red"), "x"), ("10", "\u65e5\u672c\u8a9e\u6587", "y")])
    assert [line.plain for line in lines] == [" N NAME     X", " 1 a        x", "10 日本語文 y"]
    assert [line.plain for line in table(columns, [])] == ["N NAME   X"]


def test_a_long_line_goes_on_indented_in_as_many_lines_as_it_may() -> None:
    text = Text("Held   no more, because of this and that", style="bold")
    assert [line.plain for line in wrapped(text, 24, 3, 7)] == [
        "Held   no more, because",
        "       of this and that",
    ]
    assert [line.plain for line in wrapped(text, 24, 1, 7)] == ["Held   no more, because…"]
    assert [line.plain for line in wrapped(Text("x" * 30), 10, 5, 2)] == ["x" * 9 + "…"]


@given(text=ANY_TEXT, width=st.integers(0, 40), most=st.integers(1, 4), indent=st.integers(0, 8))
def test_nothing_is_wider_than_it_may_be(*, text: str, width: int, most: int, indent: int) -> None:
    assert fit(Text(text), width).cell_len <= width
    assert padded(Text(text), width).cell_len == width
    assert beside(Text(text), Text(text), width).cell_len <= width
    lines = wrapped(Text(text), width, most, indent)
    assert 1 <= len(lines) <= most
