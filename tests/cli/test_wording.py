"""Other people's words are harmless; numbers read well."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.cli.wording import clean, clock, count, cpus, date_and_clock, duration, moment, percent, size, whole


@given(st.text())
def test_clean_text_is_one_printable_line(text: str) -> None:
    assert clean(text).isprintable()


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126, exclude_characters=":@/")))
def test_clean_leaves_plain_text_alone(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\nb\r\nc", "a b c"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
        ("at http://me:secret@host:8086#db", "at http://me:***@host:8086#db"),
        ("at http://host:8086#db", "at http://host:8086#db"),
        ("tcp://:pass@h", "tcp://:***@h"),
        ("tcp://me:p@ss@h and x@y", "tcp://me:***@h and x@y"),
    ],
)
def test_clean(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (0, "0 s"),
        (0.84, "0.8 s"),
        (59.9, "59 s"),
        (60, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (3600 * 3 + 300, "3 h 5 min"),
        (86400 * 2 + 7200, "2 d 2 h"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_an_unknown_number_is_not_zero() -> None:
    assert (size(None), cpus(None)) == ("?", "?")
    assert (size(0), size(5 << 20), size(3 << 30), cpus(0)) == ("0.0 MiB", "5.0 MiB", "3.0 GiB", "0.00")


def test_one_is_singular() -> None:
    assert [count(number, "pilot") for number in (0, 1, 2)] == ["0 pilots", "1 pilot", "2 pilots"]


@pytest.mark.parametrize(
    ("seconds", "number"), [(1.9, 1), (-3.0, 0), (math.nan, 0), (-math.inf, 0), (math.inf, 10**11), (1e300, 10**11)]
)
def test_whole_seconds_of_any_number(seconds: float, number: int) -> None:
    assert whole(seconds) == number
    assert duration(seconds)


def test_a_moment_beyond_all_calendars_has_no_time_of_day() -> None:
    assert {clock(moment_unix) for moment_unix in (1e300, math.inf, -math.inf, math.nan)} == {"--:--:--"}


def test_clock_is_a_time_of_day() -> None:
    assert len(clock(0.0).split(":")) == 3


def test_a_moment_of_another_day_has_its_date() -> None:
    now = 1_700_000_000.0
    assert date_and_clock(now, now) == clock(now)
    assert date_and_clock(now + 86_400 * 3, now).startswith("2023-11-1")
    assert date_and_clock(now + 86_400 * 3, now).endswith(f" {clock(now)}")
    assert date_and_clock(1e300, now) == "never"


def test_a_moment_says_how_far_away_it_is() -> None:
    assert moment(90.0, 0.0) == f"{clock(90.0)} (in 1 min 30 s)"
    assert moment(0.0, 90.0) == f"{clock(0.0)} (1 min 30 s ago)"


def test_a_share_is_told_in_whole_percent() -> None:
    assert [percent(share) for share in (0.0, 0.034, 1.0)] == ["0 %", "3 %", "100 %"]
