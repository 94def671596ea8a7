"""Graphs made of characters, for terminals: pure."""

import math
from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-:=+*#"
_STEPS = len(_BLOCKS)
"""A character's heights, for one line of the graph."""


def graph(
    values: Sequence[float | None],
    *,
    width: int,
    height: int,
    top: float | None = None,
    ascii_only: bool = False,
) -> list[str]:
    """Return ``height`` lines of ``width`` characters: the last ``width`` values as columns, the newest at the right.

    None, and nan, is a gap; a known value shows even where it's nothing, as the lowest step. ``top`` is the value that
    fills the height: higher ones are cut there, those below 0 count as 0. Without it the highest value shown does.
    ``ascii_only`` is for terminals whose character set lacks blocks.
    """
    width, height = max(0, width), max(0, height)
    shown = [None if value is None or math.isnan(value) else value for value in values[-width:]] if width else []
    if top is None or math.isnan(top):
        top = max((value for value in shown if value is not None), default=0.0)
    steps = [0] * (width - len(shown)) + [_steps(value, top, height * _STEPS) for value in shown]
    characters = " " + (_ASCII if ascii_only else _BLOCKS)
    return [
        "".join(characters[min(_STEPS, max(0, step - below * _STEPS))] for step in steps)
        for below in reversed(range(height))
    ]


def has_blocks(encoding: str | None) -> bool:
    """Tell whether a stream of this encoding can write the blocks; otherwise graphs are to be ASCII only."""
    try:
        _BLOCKS.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _steps(value: float | None, top: float, full: int) -> int:
    """Return how many steps high a value's column is; 0 for a gap."""
    if value is None:
        return 0
    if value <= 0:
        return 1
    # Compared first: a quotient of two infinities is no number.
    return full if value >= top else max(1, round(value / top * full))
