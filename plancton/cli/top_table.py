"""Lines and tables of the live view, fitted to a width in the terminal's cells: pure. Text objects read no markup."""

from collections.abc import Iterable, Sequence

import msgspec
from rich.cells import cell_len
from rich.text import Text


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a table."""

    heading: str
    right: bool = False
    least: int = 0
    """Its width in cells, where no row needs more."""


Cell = str | tuple[str, str]
"""A text, or a text and its style."""


def fit(text: Text, width: int) -> Text:
    """Return ``text`` in one line of ``width`` cells at most; where it's cut, it ends with an ellipsis."""
    if text.cell_len <= width:
        return text
    cut = text.copy()
    if width < 1:
        return Text("")
    cut.truncate(width, overflow="ellipsis")
    return cut


def beside(left: Text, right: Text, width: int) -> Text:
    """Return both in one line of ``width`` cells, ``right`` at its end; ``left`` only where there is no room for it."""
    gap = width - left.cell_len - right.cell_len
    return fit(left, width) if gap < 1 else Text.assemble(left, " " * gap, right)


def wrapped(text: Text, width: int, most: int, indent: int) -> list[Text]:
    """Return ``text`` broken at blanks into ``most`` lines at most, all but the first of them indented."""
    lines: list[Text] = []
    rest = text
    while len(lines) + 1 < most and rest.cell_len > width > indent:
        place = rest.plain.rfind(" ", indent + 1, width + 1)
        if place < 0:
            break
        lines.append(rest[:place])
        rest = Text.assemble(" " * indent, rest[place + 1 :])
    return [*lines, fit(rest, width)]


def padded(text: Text, width: int) -> Text:
    """Return ``text`` in exactly ``width`` cells."""
    fitted = fit(text, width)
    return Text.assemble(fitted, " " * max(0, width - fitted.cell_len))


def table(columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> list[Text]:
    """Return the headings and the rows as lines of aligned columns, as wide as they are."""
    plain = [[(cell, "") if isinstance(cell, str) else cell for cell in row] for row in rows]
    widths = [
        max(column.least, cell_len(column.heading), *(cell_len(row[number][0]) for row in plain), 0)
        for number, column in enumerate(columns)
    ]
    headings = [(column.heading, "bold") for column in columns]
    return [_line(columns, widths, row) for row in (headings, *plain)]


def _line(columns: Sequence[Column], widths: Sequence[int], row: Sequence[tuple[str, str]]) -> Text:
    line = Text()
    for number, (column, width, (text, style)) in enumerate(zip(columns, widths, row, strict=True)):
        if number:
            line.append(" ")
        padding = " " * (width - cell_len(text))
        if column.right:
            line.append(padding)
        line.append(text, style=style)
        if not column.right and number < len(columns) - 1:
            line.append(padding)
    return line
