"""Rows of the store of points to facts, and what isn't understood to None: pure.

Rows come as SQLite has them, with texts as bytes: nobody promises that they are UTF-8.
"""

import msgspec

from plancton.common.points import Point
from plancton.common.series import SERIES

_LARGEST = 1e18
_FIELDS = msgspec.json.Decoder(dict[str, float | str])
_TAGS = msgspec.json.Decoder(dict[str, str])
_TEXTS = {
    name: frozenset(key for key, field in series.fields.items() if field.unit == "text")
    for name, series in SERIES.items()
}
_NUMBERS = {name: frozenset(series.fields) - _TEXTS[name] for name, series in SERIES.items()}
_NONE: frozenset[str] = frozenset()


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """The last lines of one pilot that has ended."""

    container_id: str
    pilot: str
    """The container's name."""
    ended_unix: float
    size_bytes: int
    """Of the text, in UTF-8."""
    text: str = ""
    """Empty in a list."""


def point_of(series: str, time_ns: object, tags: object, fields: object) -> Point | None:
    """Return a row of the points; None where it isn't one, or its numbers or texts are none that planctond writes.

    Fields and tags that aren't declared are kept: a newer planctond may have written them.
    """
    if not (isinstance(time_ns, int) and isinstance(tags, bytes) and isinstance(fields, bytes)):
        return None
    try:
        point = Point(series=series, tags=_TAGS.decode(tags), fields=_FIELDS.decode(fields), time_unix_ns=time_ns)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return point if _fits(point.fields, _TEXTS.get(series, _NONE), _NUMBERS.get(series, _NONE)) else None


def _fits(fields: dict[str, float | str], texts: frozenset[str], numbers: frozenset[str]) -> bool:
    for name, value in fields.items():
        if name in numbers:
            # No series has a negative number; what is beyond reason would spoil every sum.
            if isinstance(value, str) or not 0.0 <= value <= _LARGEST:
                return False
        elif name in texts and not isinstance(value, str):
            return False
    return True


def output_of(ended_ns: object, container_id: object, pilot: object, size: object, text: object) -> Output | None:
    """Return a row of the outputs; None where it isn't one."""
    if not (isinstance(ended_ns, int) and isinstance(size, int)):
        return None
    if not (isinstance(container_id, bytes) and isinstance(pilot, bytes) and isinstance(text, bytes)):
        return None
    return Output(
        container_id=container_id.decode(errors="replace"),
        pilot=pilot.decode(errors="replace"),
        ended_unix=ended_ns / 1e9,
        size_bytes=size,
        text=text.decode(errors="replace"),
    )
