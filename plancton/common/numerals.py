"""Numbers as people and YAML write them: ``43200``, ``"2e9"``, ``1_000``, ``0x10``, ``2GB``, ``12h``."""

import re
from decimal import Decimal, InvalidOperation

import yaml
from yaml.constructor import SafeConstructor

from plancton.common.document import kind_of

_MAX_LENGTH = 40
_NUMBER = re.compile(
    r"(?P<digits>[+-]?(?:[0-9]+(?:_[0-9]+)*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)\s*(?P<suffix>[A-Za-z]*)"
)

SUFFIXES: dict[str, dict[str, int]] = {
    "bytes": {
        **{name: 1000**power for power, name in enumerate(("B", "kB", "MB", "GB", "TB"))},
        **{name: 1024**power for power, name in enumerate(("KiB", "MiB", "GiB", "TiB"), start=1)},
    },
    "seconds": {"s": 1, "m": 60, "h": 3600, "d": 86_400},
}
"""By unit: what may follow a number, and how many of the unit it stands for. Case doesn't matter."""


def number(node: yaml.ScalarNode, unit: str) -> Decimal | None:
    """Return the finite number that a scalar gives in ``unit``; None where it is none."""
    text = str(node.value).strip()
    if len(text) <= _MAX_LENGTH and kind_of(node) in {"int", "float"}:
        value = _by_yaml(node)
        return value if value is not None and value.is_finite() else None
    return quantity(text, unit)


def quantity(text: str, unit: str) -> Decimal | None:
    """Return the finite number of ``unit`` that a text such as ``1.5h`` gives; None where it gives none."""
    value = _by_people(text.strip(), unit) if len(text) <= _MAX_LENGTH else None
    return value if value is not None and value.is_finite() else None


def _by_yaml(node: yaml.ScalarNode) -> Decimal | None:
    constructor = SafeConstructor()
    read = constructor.construct_yaml_int if kind_of(node) == "int" else constructor.construct_yaml_float
    try:
        return Decimal(str(read(node)))
    except (ValueError, IndexError, OverflowError, InvalidOperation):
        return None


def _by_people(text: str, unit: str) -> Decimal | None:
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    factors = {name.lower(): factor for name, factor in SUFFIXES.get(unit, {}).items()}
    factor = factors.get(found["suffix"].lower()) if found["suffix"] else 1
    return None if factor is None else Decimal(found["digits"].replace("_", "")) * factor
