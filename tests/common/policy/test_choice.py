"""Who goes first: those that lose least work."""

from hypothesis import given
from hypothesis import strategies as st

from plancton.common.pilot import Pilot
from plancton.common.policy.choice import least_lost, least_lost_for_memory, lost_seconds, most_lost
from tests.support.facts import CREATED, pilot

NOW = 2000.0
PILOTS = st.lists(
    st.builds(
        pilot,
        st.integers(0, 100),
        started_unix=st.floats(0.0, 3000.0),
        anonymous_bytes=st.none() | st.integers(0, 10**9),
        busy_since_unix=st.none() | st.floats(0.0, 3000.0),
        safe_to_stop=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda each: each.slot,
)


def names(pilots: tuple[Pilot, ...]) -> list[int]:
    return [each.slot for each in pilots]


def test_those_never_started_go_first_then_the_youngest() -> None:
    there = [
        pilot(0, started_unix=10.0),
        pilot(1, started_unix=30.0),
        pilot(2, started_unix=None, created_unix=20.0),
        pilot(3, state=CREATED, created_unix=5.0),
    ]
    assert names(least_lost(there, 9, NOW)) == [3, 1, 2, 0]
    assert least_lost(there, 0, NOW) == least_lost(there, -1, NOW) == ()


def test_a_pilots_own_word_counts() -> None:
    there = [
        pilot(0, started_unix=100.0, safe_to_stop=True),
        pilot(1, started_unix=1900.0),
        pilot(2, started_unix=100.0, busy_since_unix=1990.0),
        pilot(3, started_unix=1950.0, busy_since_unix=50.0),
    ]
    assert [lost_seconds(each, NOW) for each in there] == [0.0, 100.0, 10.0, 50.0]
    assert names(least_lost(there, 4, NOW)) == [0, 2, 3, 1]
    assert names(most_lost(there, 2, NOW)) == [1, 3]


def test_where_memory_is_short_those_go_that_free_most_for_the_work_lost() -> None:
    there = [
        pilot(0, started_unix=1900.0, anonymous_bytes=10),
        pilot(1, started_unix=1000.0, anonymous_bytes=1000),
        pilot(2, started_unix=1990.0, anonymous_bytes=500),
        pilot(3, started_unix=1999.0),
    ]
    assert names(least_lost_for_memory(there, 400.0, NOW)) == [2]
    assert names(least_lost_for_memory(there, 501.0, NOW)) == [2, 1]
    assert names(least_lost_for_memory(there, 10.0**9, NOW)) == [2, 1, 0]
    assert names(least_lost_for_memory([pilot(4), pilot(5)], 1.0, NOW)) == [5]


@given(PILOTS, st.integers(0, 12))
def test_no_other_choice_of_as_many_loses_less(there: list[Pilot], count: int) -> None:
    chosen = least_lost(there, count, NOW)
    assert len(chosen) == min(count, len(there))
    lost = sorted(lost_seconds(each, NOW) for each in there)
    assert sum(lost_seconds(each, NOW) for each in chosen) <= sum(lost[: len(chosen)]) + 1e-6


@given(PILOTS, st.floats(1.0, 10.0**10))
def test_memory_is_freed_as_far_as_it_can_be_and_by_no_pilot_too_many(there: list[Pilot], wanted: float) -> None:
    chosen = least_lost_for_memory(there, wanted, NOW)
    freed = sum(each.anonymous_bytes or 0 for each in chosen)
    assert freed >= min(wanted, sum(each.anonymous_bytes or 0 for each in there))
    assert freed - (chosen[-1].anonymous_bytes or 0 if chosen else 0) < wanted
