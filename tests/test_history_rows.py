"""Rows of the store: what planctond writes is read, and whatever else is there is told apart from it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.history_rows import output_of, point_of
from plancton.common.series import SERIES

NUMBER = st.floats(0, 1e18)


@given(st.sampled_from(sorted(SERIES)), st.data())
def test_what_was_written_is_read(series: str, data: st.DataObject) -> None:
    declared = SERIES[series]
    values = {name: st.text() if field.unit == "text" else NUMBER for name, field in declared.fields.items()}
    fields = data.draw(st.fixed_dictionaries({}, optional=values))
    tags = {"hostname": "n", **dict.fromkeys(declared.tags, "x")}
    point = point_of(series, 7, msgspec.json.encode(tags), msgspec.json.encode(fields))
    assert point is not None
    assert (point.series, point.tags, point.fields, point.time_unix_ns) == (series, tags, fields, 7)


def test_whole_numbers_are_read_as_floats_and_what_is_not_declared_is_kept() -> None:
    point = point_of("host", 1, b'{"hostname":"n","rack":"7"}', b'{"ncpus":8,"gpus":2,"maker":"x","balance":-1}')
    assert point is not None
    assert point.fields == {"ncpus": 8.0, "gpus": 2.0, "maker": "x", "balance": -1.0}
    assert isinstance(point.fields["ncpus"], float)
    assert point_of("of_tomorrow", 1, b"{}", b'{"x":-5}') is not None


@pytest.mark.parametrize(
    "fields",
    [
        b"",
        b"garbage",
        b"[]",
        b"null",
        b'{"ncpus":NaN}',
        b'{"ncpus":Infinity}',
        b'{"ncpus":1e999}',
        b'{"ncpus":1e19}',
        b'{"ncpus":-0.5}',
        b'{"ncpus":"8"}',
        b'{"ncpus":null}',
        b'{"ncpus":true}',
        b'{"ncpus":{"a":1}}',
        b'{"ncpus":"\xff"}',
        '{"ncpus":8}',
        None,
        8,
    ],
)
def test_numbers_that_are_none_are_not_understood(fields: object) -> None:
    assert point_of("host", 1, b"{}", fields) is None


def test_texts_that_are_none_and_tags_that_are_no_texts_are_not_understood() -> None:
    assert point_of("target", 1, b"{}", b'{"reason":1}') is None
    assert point_of("target", 1, b'{"hostname":1}', b'{"reason":"x"}') is None
    assert point_of("target", "1", b"{}", b"{}") is None


@given(st.binary(), st.binary())
def test_nothing_raises(tags: bytes, fields: bytes) -> None:
    point = point_of("host", 1, tags, fields)
    assert point is None or all(isinstance(value, float | str) for value in point.fields.values())


def test_outputs() -> None:
    output = output_of(1_500_000_000, b"4f", b"p-1", 5, b"a\xffb")
    assert output is not None
    assert (output.container_id, output.pilot, output.ended_unix, output.text) == ("4f", "p-1", 1.5, "a\ufffdb")
    for wrong in (("1", b"", b"", 1, b""), (1, 7, b"", 1, b""), (1, b"", None, 1, b""), (1, b"", b"", 1, 2.0)):
        assert output_of(*wrong) is None
