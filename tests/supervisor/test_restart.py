"""Laws of the restart intensity: the first failure costs nothing, the next ones ever more, too many end it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.supervisor.restart import GiveUp, RestartAt, RestartPolicy, decide, recent

POLICY = RestartPolicy()
LUCK = st.floats(0.0, 1.0)
NOW = st.floats(0.0, 1e9)
POLICIES = st.builds(
    RestartPolicy,
    most_failures=st.integers(1, 50),
    window_seconds=st.floats(1.0, 3600.0),
    first_delay_seconds=st.floats(0.01, 5.0),
    longest_delay_seconds=st.floats(5.0, 60.0),
    jitter=st.floats(0.0, 0.5),
)


def delay(count: int, luck: float, policy: RestartPolicy, now: float = 0.0) -> float:
    """Return how long a worker waits that failed ``count`` times at this moment."""
    verdict = decide((now,) * count, now, luck, policy)
    assert isinstance(verdict, RestartAt)
    return verdict.monotonic - now


@pytest.mark.parametrize(
    ("count", "seconds"), [(1, 0.0), (2, 0.25), (3, 0.5), (4, 1.0), (5, 2.0), (6, 4.0), (7, 8.0), (8, 8.0), (10, 8.0)]
)
def test_each_failure_doubles_the_delay_up_to_the_longest(count: int, seconds: float) -> None:
    assert delay(count, 0.5, POLICY) == seconds


def test_one_failure_too_many_gives_the_worker_up() -> None:
    assert isinstance(decide((100.0,) * 10, 100.0, 0.5, POLICY), RestartAt)
    assert decide((100.0,) * 11, 100.0, 0.5, POLICY) == GiveUp(11, 60.0)


def test_failures_as_old_as_the_window_are_forgotten() -> None:
    assert recent((39.9, 40.0, 40.1, 100.0), 100.0, POLICY) == (40.1, 100.0)
    assert decide((*(40.0,) * 50, 100.0), 100.0, 0.5, POLICY) == RestartAt(100.0)


@given(st.lists(NOW, max_size=60), NOW, LUCK, POLICIES)
def test_giving_up_is_for_more_failures_than_allowed_within_the_window_alone(
    moments: list[float], now: float, luck: float, policy: RestartPolicy
) -> None:
    failures = tuple(sorted(moment for moment in moments if moment <= now))
    counted = sum(now - moment < policy.window_seconds for moment in failures)
    assert isinstance(decide(failures, now, luck, policy), GiveUp) == (counted > policy.most_failures)


@given(st.integers(1, 50), LUCK, POLICIES)
def test_a_delay_is_never_negative_and_never_above_the_longest_and_its_jitter(
    count: int, luck: float, policy: RestartPolicy
) -> None:
    if count <= policy.most_failures:
        assert 0.0 <= delay(count, luck, policy) <= policy.longest_delay_seconds * (1.0 + policy.jitter) * 1.000001


@given(st.integers(1, 49), LUCK, POLICIES)
def test_with_equal_luck_more_failures_never_shorten_the_delay(count: int, luck: float, policy: RestartPolicy) -> None:
    if count < policy.most_failures:
        assert delay(count, luck, policy) <= delay(count + 1, luck, policy)


@given(st.integers(2, 50), LUCK, POLICIES)
def test_luck_moves_a_delay_by_no_more_than_the_jitter(count: int, luck: float, policy: RestartPolicy) -> None:
    if count <= policy.most_failures:
        middle = delay(count, 0.5, policy)
        assert abs(delay(count, luck, policy) - middle) <= middle * policy.jitter + 1e-9


def test_workers_of_one_common_cause_do_not_start_as_one() -> None:
    assert len({delay(5, luck / 10, POLICY) for luck in range(11)}) == 11
