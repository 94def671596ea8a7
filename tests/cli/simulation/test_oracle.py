"""What a policy would do that knows the future."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.cli.simulation.oracle import oracle
from plancton.cli.simulation.result import Oracle
from plancton.cli.simulation.traces import Trace
from tests.cli.simulation.scenarios import HOUR, scenario, steps

LONG = 100_000.0
"""Seconds of work that nobody finishes."""


def asked(owner: str | Trace, work: float = LONG, **changes: Any) -> Oracle:  # noqa: ANN401
    return oracle(scenario(owner, **changes), lambda: work)


def test_an_idle_or_steady_owner_costs_no_pilot() -> None:
    assert asked("idle").evictions == asked("constant", seconds=4 * HOUR).evictions == 0


def test_it_evicts_what_a_demand_that_lasts_leaves_no_room_for() -> None:
    assert asked(steps((0.0, 0.0), (1000.0, 3.0), (1300.0, 0.0))).evictions == 3
    assert asked(steps((0.0, 0.0), (1000.0, 3.0), (1120.0, 0.0))).evictions == 3
    assert asked(steps((0.0, 0.0), (1000.0, 3.0), (1118.0, 0.0))).evictions == 0


def test_it_evicts_no_more_than_what_was_asked_for_all_the_time() -> None:
    assert asked(steps((0.0, 0.0), (1000.0, 2.0), (1110.0, 8.0), (1130.0, 0.0))).evictions == 2


def test_it_counts_on_natural_ends() -> None:
    assert asked(steps((0.0, 0.0), (1000.0, 3.0), (1300.0, 0.0)), work=60.0).evictions == 0


def test_it_counts_on_those_that_end_while_others_would_have_their_grace() -> None:
    # The second eight pieces of work have about 3 seconds left when the demand has lasted grace_kill.
    changes = {"work": 538.0, "docks_per_loop": 100}
    owner = steps((0.0, 0.0), (1000.0, 3.0), (1300.0, 0.0))
    assert asked(owner, stop_grace=10.0, **changes).evictions == 0
    assert asked(owner, stop_grace=0.0, **changes).evictions == 3


def test_it_evicts_those_that_would_live_longest() -> None:
    works = iter([1200.0, LONG] * 4)
    owner = steps((0.0, 0.0), (1000.0, 4.0), (1400.0, 7.0), (1700.0, 0.0))
    # The others are done before the owner wants more, and those after them end soon.
    assert oracle(scenario(owner, docks_per_loop=100), lambda: next(works, 10.0)).evictions == 4


def test_it_fills_the_node_by_the_same_timers() -> None:
    slowly = asked("idle", docks_per_loop=1, main_sleep=30.0)
    assert slowly.occupancy == pytest.approx(1.0 - sum(30.0 * n for n in range(8)) / (8 * HOUR), abs=0.002)
    owner = steps((0.0, 0.0), (1000.0, 8.0), (1300.0, 0.0))
    soon, late = (asked(owner, grace_spawn=seconds).occupancy for seconds in (0.0, 1800.0))
    assert soon > late + 0.1
    dips = [(start + dip, cpus) for start in range(0, 3600, 60) for dip, cpus in ((0.0, 8.0), (50.0, 0.0), (58.0, 8.0))]
    assert asked(steps(*dips)).occupancy == 0.0


def test_it_keeps_to_max_docks_and_to_the_reserve() -> None:
    few = asked(steps((0.0, 0.0), (1000.0, 3.0), (1300.0, 0.0)), max_docks="4")
    assert (few.evictions, few.occupancy < 0.6) == (0, True)
    assert asked(steps((0.0, 0.0), (1000.0, 3.0), (1300.0, 0.0)), reserve_cpus=4.0).evictions == 3


@given(st.floats(0.0, 8.0), st.floats(0.0, 8.0), st.integers(0, 1000))
def test_more_demand_never_needs_fewer_evictions(low: float, more: float, length: int) -> None:
    lower, higher = (
        asked(steps((0.0, 0.0), (1000.0, load), (1000.0 + length, 0.0))).evictions for load in (low, low + more)
    )
    assert lower <= higher
    assert 0 <= lower <= 8


def test_its_occupancy_is_a_share() -> None:
    assert asked("idle", seconds=24 * HOUR, work=600.0).occupancy == pytest.approx(1.0, abs=0.01)
    assert asked("full").occupancy == 1.0
