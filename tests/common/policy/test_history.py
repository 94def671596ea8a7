"""What lasts counts whole, what doesn't last counts for nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.policy.history import History, most, observe, throughout

SHARES = st.lists(st.floats(0.0, 64.0), min_size=1, max_size=200)


def watched(values: list[float], seconds: float, step: float = 2.0) -> History:
    """Return the history of values seen every ``step`` seconds from 0 on."""
    history = History()
    for number, value in enumerate(values):
        history = observe(history, number * step, value, seconds)
    return history


def test_nothing_seen_is_unknown() -> None:
    assert most(History(), 0.0, 10.0) is None
    assert throughout(History(), 0.0, 10.0) is None


def test_what_was_not_watched_for_long_enough_is_unknown() -> None:
    assert throughout(watched([8.0] * 5, 10.0), 8.0, 10.0) is None
    assert throughout(watched([8.0] * 6, 10.0), 10.0, 10.0) == 8.0


def test_a_step_counts_whole_once_it_lasted_and_not_before() -> None:
    history = watched([0.0] * 30 + [8.0] * 60, 100.0)
    last_low = 58.0
    for number in range(60):
        now = last_low + 2.0 + number * 2.0
        until_now = watched([0.0] * 30 + [8.0] * (number + 1), 100.0)
        assert throughout(until_now, now, 100.0) == (None if now < 100.0 else 8.0 if now >= last_low + 100.0 else 0.0)
    assert most(history, last_low + 120.0, 10.0) == 8.0


def test_a_gap_forgets_what_was_before() -> None:
    history = observe(watched([8.0] * 60, 100.0), 200.0, 8.0, 100.0)
    assert throughout(history, 200.0, 100.0) is None
    assert most(history, 200.0, 100.0) == 8.0


def test_an_unknown_value_makes_all_unknown() -> None:
    assert observe(watched([8.0] * 60, 100.0), 120.0, None, 100.0) == History()


@pytest.mark.parametrize("seconds", [0.0, 5.0, 120.0, 86_400.0])
def test_a_history_stays_small(seconds: float) -> None:
    history = watched([float(number % 7) for number in range(50_000)], seconds)
    assert len(history.spans) <= 67


@given(SHARES, st.sampled_from([0.0, 2.0, 10.0, 60.0, 300.0]))
def test_both_lie_among_the_values_of_the_time_they_are_about(values: list[float], seconds: float) -> None:
    history, now = watched(values, seconds), (len(values) - 1) * 2.0
    recent = [value for number, value in enumerate(values) if number * 2.0 >= now - seconds]
    highest, lowest = most(history, now, seconds), throughout(history, now, seconds)
    assert highest is not None
    assert highest >= max(recent)
    assert highest <= max(values)
    assert lowest is None or min(values) <= lowest <= min(recent[1:] or recent)


@given(SHARES, SHARES, st.sampled_from([2.0, 10.0, 60.0]))
def test_higher_values_never_give_less(low: list[float], more: list[float], seconds: float) -> None:
    count = min(len(low), len(more))
    high = [low[number] + more[number] for number in range(count)]
    now = (count - 1) * 2.0
    below, above = watched(low[:count], seconds), watched(high, seconds)
    for figure in (most, throughout):
        lower, higher = figure(below, now, seconds), figure(above, now, seconds)
        assert (lower is None) is (higher is None)
        assert lower is None or higher is None or lower <= higher
