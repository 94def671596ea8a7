"""Moments on the command line."""

import click
import pytest

from plancton.cli.moments import moment
from tests.cli.test_buckets import at, berlin

__all__ = ["berlin"]
NOW = 1_700_000_000.0


@pytest.mark.parametrize(("text", "ago"), [("45s", 45), (" 1.5h ", 5400), ("2d", 172_800), ("90M", 5400)])
def test_a_length_of_time_is_so_long_ago(text: str, ago: float) -> None:
    assert moment(text, NOW) == NOW - ago


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-07-01", "2026-07-01 00:00+02:00"),
        ("2026-11-24 10:30", "2026-11-24 10:30+01:00"),
        ("2026-11-24T10:30:15", "2026-11-24 10:30:15+01:00"),
        ("2026-11-24T10:30:15Z", "2026-11-24 10:30:15+00:00"),
        ("2026-11-24T10:30-05:00", "2026-11-24 10:30-05:00"),
        # An hour that there is twice, and one that there isn't.
        ("2026-10-25 02:30", "2026-10-25 02:30+02:00"),
        ("2026-03-29 02:30", "2026-03-29 03:30+02:00"),
    ],
)
def test_a_date_is_local_time_unless_it_says_otherwise(text: str, same: str) -> None:
    assert moment(text, NOW) == at(same)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no length of time"),
        ("5", "5 what?"),
        ("yesterday", "no length of time"),
        ("20261124", "20261124 what?"),
        ("0s", "more than nothing"),
        ("-1h", "neither a length of time"),
        ("2026-13-01", "neither a length of time"),
        ("2026-11-24 25:00", "neither a length of time"),
        ("1969-01-01", "before 1970"),
        ("0001-01-01", "before 1970"),
        ("nan-s", "neither"),
    ],
)
def test_anything_else_is_refused(text: str, words: str) -> None:
    with pytest.raises(click.BadParameter) as refused:
        moment(text, NOW)
    assert words in refused.value.message
