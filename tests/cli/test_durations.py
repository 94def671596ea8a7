"""Lengths of time on the command line."""

import click
import pytest

from plancton.cli.durations import duration_option, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("45s", 45.0),
        ("90m", 5400.0),
        ("2h", 7200.0),
        ("1.5 H", 5400.0),
        ("1d", 86_400.0),
        (".5m", 30.0),
    ],
)
def test_a_number_with_its_unit_is_seconds(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("90", "90 what? Write 90s, 90m, 90h or 90d."),
        ("0", "0 what?"),
        ("soon", "is no length of time"),
        ("", "is no length of time"),
        ("2w", "is no length of time"),
        ("1h30m", "is no length of time"),
        ("nans", "is no length of time"),
        ("inf", "is no length of time"),
        ("9" * 50 + "s", "is no length of time"),
        ("0s", "isn't more than nothing"),
        ("-5m", "isn't more than nothing"),
        ("4000d", "at most ten years"),
        ("1e999s", "at most ten years"),
    ],
)
def test_anything_else_is_refused_with_what_would_be_right(text: str, why: str) -> None:
    with pytest.raises(click.BadParameter) as refused:
        seconds(text)
    assert why in refused.value.message


def test_an_option_that_is_not_given_is_none() -> None:
    context = click.Context(click.Command("drain"))
    option = click.Option(["--deadline"])
    assert duration_option(context, option, None) is None
    assert duration_option(context, option, "2m") == 120.0
