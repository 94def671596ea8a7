"""The making of one point: pure. What is unknown, or no number, is left out of it; nothing is ever made up."""

import math
from collections.abc import Mapping

import msgspec

from plancton.common.points import Point


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when."""

    hostname: str
    time_unix_ns: int


def point(series: str, stamp: Stamp, fields: Mapping[str, float | str | None], **tags: str) -> Point | None:
    """Return the point of these fields and tags; None where no field is known.

    A number becomes a float; None and what isn't finite are no fields.
    """
    known: dict[str, float | str] = {}
    for name, value in fields.items():
        if isinstance(value, str):
            known[name] = value
        elif value is not None and math.isfinite(value):
            known[name] = float(value)
    if not known:
        return None
    return Point(
        series=series, tags={"hostname": stamp.hostname, **tags}, fields=known, time_unix_ns=stamp.time_unix_ns
    )
