"""Numbers as options."""

import click
import pytest

from plancton.cli.numbers import FiniteRange


@pytest.mark.parametrize(("text", "number"), [("0", 0.0), ("2.5", 2.5), ("1e3", 1000.0)])
def test_a_number_within_its_bounds_is_taken(text: str, number: float) -> None:
    assert FiniteRange(min=0).convert(text, None, None) == number


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "-inf", "many"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        FiniteRange(min=0).convert(text, None, None)
