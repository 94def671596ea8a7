"""When pilots may run."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.policy.windows import Opening, opening
from plancton.common.setting_forms import WINDOW_PATTERN

HOUR = 3600.0
MON, TUE, FRI, SAT, SUN = 0, 1, 4, 5, 6

DAYS = st.sampled_from(["daily", "mon", "mon-fri", "sat,sun", "fri-mon", "tue,thu-sat"])
TIMES = st.sampled_from(["", " 00:00-24:00", " 18:00-08:00", " 06:30-22:00", " 12:00-12:00", " 23:59-00:01"])
WINDOWS = st.lists(st.builds(lambda days, times: days + times, DAYS, TIMES), max_size=3).map(tuple)


@pytest.mark.parametrize(
    ("windows", "weekday", "hour", "is_open", "hours"),
    [
        ((), MON, 3, True, None),
        (("daily",), MON, 3, True, None),
        (("daily 08:00-08:00",), MON, 3, True, None),
        (("mon-fri 18:00-08:00",), MON, 17, False, 1),
        (("mon-fri 18:00-08:00",), MON, 18, True, 14),
        (("mon-fri 18:00-08:00",), TUE, 7, True, 1),
        (("mon-fri 18:00-08:00",), SAT, 7, True, 1),
        (("mon-fri 18:00-08:00",), SAT, 9, False, 57),
        (("mon-fri 18:00-08:00",), MON, 7, False, 11),
        (("sat,sun",), FRI, 12, False, 12),
        (("sat,sun",), SUN, 12, True, 12),
        (("sat,sun", "mon-fri 18:00-08:00"), FRI, 20, True, 52),
        (("sun 20:00-06:00",), SUN, 22, True, 8),
        (("sun 20:00-06:00",), MON, 5, True, 1),
        (("fri-mon",), SUN, 1, True, 47),
        (("mon 00:00-24:00",), MON, 23, True, 1),
    ],
)
def test_windows_open_and_close(
    windows: tuple[str, ...], weekday: int, hour: int, hours: float | None, *, is_open: bool
) -> None:
    seconds = hours * HOUR if hours is not None else None
    assert opening(windows, weekday, hour * HOUR) == Opening(is_open=is_open, changes_in=seconds)


@given(WINDOWS, st.integers(0, 6), st.integers(0, 86_399))
def test_what_changes_does_so_then_and_not_before(windows: tuple[str, ...], weekday: int, second: int) -> None:
    assert all(re.match(WINDOW_PATTERN, window) for window in windows)
    now = opening(windows, weekday, float(second))
    if now.changes_in is None:
        assert now.is_open
        return
    assert 0.0 < now.changes_in <= 7 * 86_400.0
    for after, expected in ((now.changes_in - 1.0, now.is_open), (now.changes_in, not now.is_open)):
        day, rest = divmod(weekday * 86_400.0 + second + max(0.0, after), 86_400.0)
        assert opening(windows, int(day) % 7, rest).is_open is expected


@pytest.mark.parametrize(
    "window", ["mon 18-08", "monday", "mon 25:00-26:00", "18:00-08:00", "mon,", "mon-", "daily 1:00-2:00", ""]
)
def test_what_is_no_window_is_refused(window: str) -> None:
    assert re.match(WINDOW_PATTERN, window) is None
