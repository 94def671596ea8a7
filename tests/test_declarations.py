"""Every declaration says enough to describe and to refuse a value."""

from typing import get_args

import pytest

from plancton.common.declarations import DECLARATIONS, Declaration, item_type, plain
from plancton.common.setting_forms import Group
from plancton.common.settings import SPEC_KEYS, Device, Settings

ALL = pytest.mark.parametrize("declaration", DECLARATIONS.values(), ids=DECLARATIONS)


def test_each_setting_is_declared_once_and_in_order() -> None:
    assert sorted(DECLARATIONS) == sorted(Settings.__struct_fields__)
    groups = [declaration.group for declaration in DECLARATIONS.values()]
    assert groups == sorted(groups, key=get_args(Group).index)


@ALL
def test_each_declaration_describes_itself(declaration: Declaration) -> None:
    assert declaration.description.endswith(".")
    assert declaration.expected
    assert declaration.default == getattr(Settings(), declaration.name)
    assert (declaration.name in SPEC_KEYS) == (declaration.group == "pilot")


@ALL
def test_each_number_has_a_unit_and_bounds_that_hold_its_default(declaration: Declaration) -> None:
    assert bool(declaration.unit) == (declaration.kind in (int, float))
    if declaration.unit:
        assert declaration.least is not None
        assert declaration.most is not None
        assert declaration.least <= declaration.default <= declaration.most


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cpus_per_dock", "a number of CPUs from 0.01 to 4096"),
        ("max_dock_mem", "a whole number of bytes from 6291456 to 9007199254740992"),
        ("docker_privileged", "true or false"),
    ],
)
def test_expectations_name_unit_and_bounds(name: str, expected: str) -> None:
    assert DECLARATIONS[name].expected == expected


def test_items_are_known_of_lists_only() -> None:
    assert item_type(DECLARATIONS["devices"]) is Device
    assert item_type(DECLARATIONS["binds"]) is not None
    assert item_type(DECLARATIONS["max_ttl"]) is None


@pytest.mark.parametrize(("number", "text"), [(315_360_000.0, "315360000"), (0.01, "0.01"), (4, "4")])
def test_numbers_are_told_without_exponents(number: float, text: str) -> None:
    assert plain(number) == text


def test_only_what_may_hold_a_password_is_secret() -> None:
    assert [name for name, declaration in DECLARATIONS.items() if declaration.secret] == ["docker_url", "influxdb_url"]
    assert DECLARATIONS["influxdb_url"].hidden("me:pass@host") == "***@host"
    assert DECLARATIONS["docker_image"].hidden("name@sha256:00") == "name@sha256:00"
    assert DECLARATIONS["influxdb_url"].without_secrets(("http://me:pass@host#d",)) == ("http://***@host#d",)
    assert DECLARATIONS["docker_image"].without_secrets("name@sha256:00") == "name@sha256:00"
