"""Whole simulations: laws, and what becomes of owners of all kinds."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plancton.cli.simulation.synthetic import NAMES
from plancton.cli.simulation.traces import parse
from plancton.common.reasons import Reason
from tests.cli.simulation.scenarios import HOUR, played, result, scenario, steps

pytestmark = pytest.mark.slow


@given(
    name=st.sampled_from(NAMES),
    ncpus=st.integers(1, 24),
    each=st.sampled_from([0.25, 1.0, 3.0]),
    seed=st.integers(0, 1000),
    most=st.integers(0, 30),
    suspend=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_the_same_chance_gives_the_same_and_no_limit_is_passed(  # noqa: PLR0913
    name: str, ncpus: int, each: float, seed: int, most: int, *, suspend: bool
) -> None:
    changes = {"cpus_per_dock": each, "seed": seed, "max_docks": str(most), "suspend": suspend, "pilot_seconds": 120.0}
    first, second = (played(scenario(name, HOUR / 2, ncpus, **changes)) for _ in range(2))
    found = first.result()
    assert found == second.result()
    assert first.course() == second.course()
    assert all(stretch.running + stretch.suspended <= most for stretch in first.course().stretches)
    assert found.pilots_core_seconds <= found.free_core_seconds + 1e-6
    assert 0.0 <= found.occupancy <= 1.0 + 1e-9
    assert found.lost_core_seconds <= found.pilots_core_seconds + 1e-6
    ended = found.completed + sum(found.asked_to_end.values())
    assert found.launched <= ended + found.running
    assert sum(found.held_seconds.values()) <= found.seconds + 1e-6


@pytest.mark.parametrize(("ncpus", "each"), [(1, 0.25), (1, 1.0), (1, 4.0), (2, 1.0), (40, 0.5), (40, 4.0), (512, 4.0)])
def test_idle_and_steady_owners_lose_nothing_on_any_machine(ncpus: int, each: float) -> None:
    filled = {"cpus_per_dock": each, "docks_per_loop": 10_000, "max_dock_mem": 10_000_000, "pilot_seconds": 10_000.0}
    idle = result("idle", HOUR / 4, ncpus, **filled)
    steady = result("constant", HOUR / 4, ncpus, **filled)
    assert idle.evicted == steady.evicted == 0
    assert idle.running == math.floor(ncpus / each + 0.25)
    assert steady.running == math.floor(0.88 * ncpus / each + 0.25)


def test_a_demand_that_lasts_is_met_when_the_timers_say_so() -> None:
    found = result(steps((0.0, 0.0), (1000.0, 5.0), (2000.0, 0.0)), pilot_seconds=10_000.0)
    assert found.evicted == found.oracle.evictions == 5
    assert (found.rises.met, found.rises.gone) == (1, 0)
    assert 120.0 <= found.rises.worst_seconds <= found.rises.promised_seconds == 132.05
    assert found.asked_to_end == {Reason.OWNER_CPU: 5}
    assert found.lost_core_seconds > 5 * 800.0


def test_where_pilots_are_suspended_the_owner_waits_less_and_nothing_is_lost() -> None:
    owner = steps((0.0, 0.0), (1000.0, 5.0), (1400.0, 0.0))
    found = result(owner, pilot_seconds=10_000.0, suspend=True)
    assert (found.evicted, found.suspended, found.lost_core_seconds) == (0, 5, 0.0)
    assert found.rises.worst_seconds < 10.0


def test_an_owner_who_needs_memory_gets_it_and_pilots_come_back() -> None:
    gib = 2**30
    owner = parse(f"seconds,cpus,memory_bytes\n0,0,0\n1000,0,{56 * gib}\n2000,0,0\n3600,0,0\n", "x")
    run = played(scenario(owner, HOUR, 8, pilot_seconds=10_000.0, max_dock_mem=4 * gib))
    found = run.result()
    assert found.evicted >= 6
    assert set(found.asked_to_end) == {Reason.OWNER_MEMORY}
    least = min(each.running for each in run.course().stretches if 1100.0 < each.until < 1900.0)
    assert (least, run.course().stretches[-1].running) == (1, 8)


def test_windows_are_kept_on_their_days() -> None:
    run = played(scenario("idle", 26 * HOUR, 4, windows=("tue 00:00-01:00",)))
    for stretch in run.course().stretches:
        inside = 24 * HOUR + 30.0 < stretch.until < 25 * HOUR
        outside = stretch.until < 24 * HOUR or stretch.until > 25 * HOUR + 120.0
        assert (stretch.running > 0) if inside else (stretch.running == 0 or not outside)
    assert run.result().asked_to_end[Reason.OUTSIDE_WINDOWS] >= 3
    assert run.course().evictions == ()


def test_ended_pilots_are_replaced_at_once_not_at_the_next_look() -> None:
    assert result("idle", pilot_seconds=20.0, docks_per_loop=8).occupancy > 0.97
