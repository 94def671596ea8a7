"""Pilots over time: summed up between looks at the pool, for as long as one is good for, and never where unknown."""

from hypothesis import given
from hypothesis import strategies as st

from plancton.common.freshness import POOL_BOUND_SECONDS
from plancton.common.pilot import PilotState
from plancton.workers.metrics.points.presence import Presence, asked, looked, passed
from tests.support.facts import pilot, pool, running

PAUSED = pilot(7, state=PilotState.PAUSED)


def test_pilots_live_from_look_to_look() -> None:
    there = looked(
        looked(Presence(), running(2), 10.0), pool(pilot(0), PAUSED, pilot(2, state=PilotState.EXITED)), 13.0
    )
    assert passed(there, 14.0).lived_seconds == 2 * 3.0 + 2 * 1.0
    assert passed(passed(there, 13.5), 14.0) == passed(there, 14.0)
    assert passed(there, 12.0) == there, "time doesn't go back"


def test_no_pilot_lives_no_seconds_and_an_unknown_pool_none_that_anybody_knows() -> None:
    assert passed(looked(Presence(), running(0), 10.0), 14.0).lived_seconds == 0.0
    assert passed(Presence(), 14.0).lived_seconds is None
    blind = looked(looked(Presence(), running(1), 10.0), None, 12.0)
    assert passed(blind, 20.0).lived_seconds == 2.0
    assert passed(looked(blind, running(1), 30.0), 31.0).lived_seconds == 3.0


def test_a_look_is_good_for_a_while_only() -> None:
    there = looked(Presence(), running(1), 10.0)
    late = passed(there, 1000.0)
    assert late.lived_seconds == POOL_BOUND_SECONDS
    assert passed(looked(late, running(1), 1000.0), 1001.0).lived_seconds == POOL_BOUND_SECONDS + 1.0
    idle = asked(looked(Presence(), running(0), 10.0), 11.0)[1]
    assert [asked(idle, now)[0] for now in (12.0, 10.0 + POOL_BOUND_SECONDS, 36.0)] == [False, False, None]


def test_whether_any_ran_is_told_of_the_time_since_it_was_asked_last() -> None:
    there = looked(Presence(), running(0), 10.0)
    assert asked(there, 10.5)[0] is None, "what was before the first look nobody knows"
    none = asked(there, 10.5)[1]
    assert asked(none, 12.5)[0] is False
    short = looked(looked(none, running(1), 11.0), running(0), 11.1)
    ran, after = asked(short, 12.5)
    assert ran is True
    assert asked(after, 14.5)[0] is False
    assert asked(looked(after, None, 13.0), 14.5)[0] is None
    assert asked(looked(none, pool(PAUSED), 11.0), 12.5)[0] is False, "a suspended one doesn't run"


@given(st.lists(st.tuples(st.floats(0.0, 20.0), st.none() | st.integers(0, 5)), max_size=30), st.floats(0.0, 100.0))
def test_no_more_is_lived_than_there_was_time(looks: list[tuple[float, int | None]], rest: float) -> None:
    now, there, known = 100.0, Presence(), 0.0
    before = None
    for pause, pilots in looks:
        known += (before or 0) * pause
        now, before = now + pause, pilots
        there = looked(there, None if pilots is None else running(pilots), now)
    known += (before or 0) * min(rest, POOL_BOUND_SECONDS)
    assert abs((passed(there, now + rest).lived_seconds or 0.0) - known) < 1e-6
