"""Room for pilots: each limit, their reasons, and smoothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.policy.room import room, smooth
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from tests.support.facts import GIB, host


@pytest.mark.parametrize(
    ("ncpus", "owner_cpus", "cpus_per_dock", "fit"),
    [
        (1, 0.0, 1.0, 1),
        (1, 0.01, 1.0, 0),
        (8, 2.5, 1.0, 5),
        (8, 0.0, 0.1, 80),
        (3, 2.7, 0.1, 3),
        (40, 4.8, 1.5, 23),
        (512, 0.0, 1.0, 512),
        (4, 9.0, 1.0, 0),
    ],
)
def test_cpus_that_the_owner_leaves(ncpus: int, owner_cpus: float, cpus_per_dock: float, fit: int) -> None:
    space = room(host(ncpus), owner_cpus, Settings(cpus_per_dock=cpus_per_dock), 0)
    assert space.by_cpu == fit
    assert space.cpus == max(0.0, ncpus - owner_cpus)


@pytest.mark.parametrize(
    ("available", "present", "fit"),
    [
        (16 * GIB, 0, 15),  # Less the reserve of 0.8 GiB.
        (16 * GIB, 3, 18),
        (GIB, 3, 3),
        (GIB // 2, 3, 2),
        (0, 3, 2),
        (0, 0, 0),
    ],
)
def test_memory_for_pilots_there_and_further_ones(available: int, present: int, fit: int) -> None:
    look = host(8, ram_bytes=16 * GIB, available_bytes=available)
    assert room(look, 0.0, Settings(max_dock_mem=GIB), present).by_memory == fit


def test_a_host_smaller_than_a_pilots_limit_runs_one_all_the_same() -> None:
    look = host(1, ram_bytes=GIB, available_bytes=GIB * 9 // 10)
    assert room(look, 0.0, Settings(max_dock_mem=2 * GIB), 0).by_memory == 1


@pytest.mark.parametrize(
    ("owner_cpus", "available", "max_docks", "reason"),
    [
        (0.0, 60 * GIB, "4", Reason.MAX_DOCKS),
        (0.0, 60 * GIB, "8", Reason.MAX_DOCKS),
        (6.0, 60 * GIB, "8", Reason.OWNER_CPU),
        (0.0, 8 * GIB, "8", Reason.OWNER_MEMORY),
        (6.0, 8 * GIB, "8", Reason.OWNER_CPU),
        (0.0, 8 * GIB, "1", Reason.MAX_DOCKS),
    ],
)
def test_the_least_limit_is_the_reason(owner_cpus: float, available: int, max_docks: str, reason: Reason) -> None:
    space = room(host(available_bytes=available), owner_cpus, Settings(max_docks=max_docks), 0)
    assert space.reason is reason
    assert space.pilots == min(space.by_cpu, space.by_memory, space.by_max_docks)


def test_the_first_sample_counts_whole() -> None:
    assert smooth(None, 3.0, 2.0, 5.0) == 3.0


@given(st.floats(0.0, 512.0), st.floats(0.0, 512.0), st.floats(0.0, 1e6), st.floats(0.1, 100.0))
def test_a_mean_lies_between_what_was_and_the_sample(
    before: float, sample: float, interval: float, slow: float
) -> None:
    mean = smooth(before, sample, interval, slow)
    assert min(before, sample) - 1e-9 <= mean <= max(before, sample) + 1e-9


def test_a_step_is_followed_by_63_percent_in_its_time_constant() -> None:
    mean = 0.0
    for _ in range(10):
        mean = smooth(mean, 10.0, 0.5, 5.0)
    assert mean == pytest.approx(6.32, abs=0.01)
