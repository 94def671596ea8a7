"""Numbers are read as YAML and as people write them."""

from decimal import Decimal

import pytest
import yaml

from plancton.common.numerals import number, quantity


def _node(text: str) -> yaml.ScalarNode:
    node = yaml.compose(text, yaml.SafeLoader)
    assert isinstance(node, yaml.ScalarNode)
    return node


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("43200", "seconds", "43200"),
        ("'43200'", "seconds", "43200"),
        ("2e9", "bytes", "2e9"),
        ("2000000000.0", "bytes", "2000000000"),
        ("2_000", "bytes", "2000"),
        ("'2_000'", "bytes", "2000"),
        ("0x10", "bytes", "16"),
        ("12:00:00", "seconds", "43200"),
        (".5", "CPUs", "0.5"),
        ("'.5'", "CPUs", "0.5"),
        ("-3", "pilots", "-3"),
        ("2GB", "bytes", "2000000000"),
        ("2.3 gb", "bytes", "2300000000"),
        ("512MiB", "bytes", "536870912"),
        ("1kB", "bytes", "1000"),
        ("12h", "seconds", "43200"),
        ("90 s", "seconds", "90"),
        ("1d", "seconds", "86400"),
    ],
)
def test_numbers(text: str, unit: str, value: str) -> None:
    assert number(_node(text), unit) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "soft",
        "yes",
        "''",
        "~",
        ".inf",
        ".nan",
        "1 2",
        "2G",
        "12 parsecs",
        "1e9999",
        "9" * 41,
        '!!int ""',
        '!!float ""',
        "!!int x",
        "!!float 1:x",
        "٣",
    ],
)
def test_what_is_no_finite_number_is_none(text: str) -> None:
    assert number(_node(text), "bytes") is None


@pytest.mark.parametrize(("text", "value"), [(" 1.5h ", "5400"), ("90", "90"), ("x", None), ("9" * 41, None)])
def test_a_quantity_may_stand_outside_of_a_document(text: str, value: str | None) -> None:
    assert quantity(text, "seconds") == (None if value is None else Decimal(value))


def test_a_suffix_belongs_to_its_unit() -> None:
    assert number(_node("2GB"), "CPUs") is None
    assert number(_node("12h"), "bytes") is None
