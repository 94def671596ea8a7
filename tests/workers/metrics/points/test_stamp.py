"""A point in the making: numbers become floats, and what is unknown or no number is left out."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.points import Point
from plancton.workers.metrics.points.stamp import Stamp, point

STAMP = Stamp(hostname="node", time_unix_ns=7)


def test_a_point_has_the_host_s_name_and_floats() -> None:
    made = point("given", STAMP, {"a": 1, "b": "text", "c": None, "d": True}, by="x")
    assert made == Point(
        series="given", tags={"hostname": "node", "by": "x"}, fields={"a": 1.0, "b": "text", "d": 1.0}, time_unix_ns=7
    )
    assert [type(value) for value in made.fields.values()] == [float, str, float]


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_a_point_without_any_known_field_is_none(value: float | None) -> None:
    assert point("given", STAMP, {"a": value}) is None


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.floats() | st.text()))
def test_every_field_is_a_finite_float_or_a_text(fields: dict[str, float | str | None]) -> None:
    made = point("given", STAMP, fields)
    for name, value in (made.fields if made else {}).items():
        assert (type(value) is float and math.isfinite(value)) or type(value) is str
        assert value == fields[name] or isinstance(fields[name], int)
