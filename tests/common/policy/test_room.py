"""Room for pilots: each limit, and their reasons."""

from typing import Any

import pytest

from plancton.common.messages import HostLook
from plancton.common.policy.demand import Demand, after_look
from plancton.common.policy.room import Room, Taken, room
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from tests.support.facts import GIB, host


def space(look: HostLook, settings: Settings, pilots: int = 0, unclaimed: float = 0.0) -> Room:
    """Return the room where this was the only look."""
    demand = after_look(Demand(), look, 0.0, settings)
    found = room(look, demand, settings, Taken(pilots=pilots, unclaimed=unclaimed), 0.0)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("ncpus", "owner_cpus", "cpus_per_dock", "grow", "keep"),
    [
        (1, 0.0, 1.0, 1, 1),
        (1, 0.2, 1.0, 1, 1),
        (1, 0.3, 1.0, 0, 1),
        (1, 0.8, 1.0, 0, 0),
        (8, 2.5, 1.0, 5, 6),
        (8, 0.0, 0.1, 80, 80),
        (3, 2.7, 0.1, 3, 3),
        (40, 4.8, 1.0, 35, 35),
        (40, 4.8, 1.5, 23, 24),
        (512, 0.0, 1.0, 512, 512),
        (512, 100.0, 4.0, 103, 103),
        (4, 9.0, 1.0, 0, 0),
    ],
)
def test_cpus_that_the_owner_leaves(ncpus: int, owner_cpus: float, cpus_per_dock: float, grow: int, keep: int) -> None:
    found = space(host(ncpus, busy_cpus=owner_cpus), Settings(cpus_per_dock=cpus_per_dock))
    assert (found.may_grow_to, found.may_keep) == (grow, keep)
    assert found.cpus == max(0.0, ncpus - owner_cpus)


def test_cpus_kept_for_the_owner_are_nobodys_room() -> None:
    found = space(host(8, busy_cpus=1.0), Settings(reserve_cpus=2.0))
    assert (found.may_grow_to, found.cpus) == (5, 5.0)


def test_a_pilot_never_starts_where_it_might_be_ended_at_once() -> None:
    found = space(host(8, busy_cpus=1.0), Settings(start_overlap=0.9, end_overlap=0.1))
    assert found.may_keep >= found.may_grow_to


@pytest.mark.parametrize(
    ("available", "present", "unclaimed", "fit"),
    [
        (16 * GIB, 0, 0.0, 15),  # Less the reserve of 0.8 GiB.
        (16 * GIB, 3, 0.0, 18),
        (16 * GIB, 3, 3.0, 15),
        (16 * GIB, 3, 2.5, 15),
        (GIB, 3, 0.0, 3),
        (GIB // 2, 3, 0.0, 2),
        (0, 3, 0.0, 2),
        (0, 0, 0.0, 0),
    ],
)
def test_memory_for_pilots_there_and_further_ones(available: int, present: int, unclaimed: float, fit: int) -> None:
    look = host(8, ram_bytes=16 * GIB, available_bytes=available)
    assert space(look, Settings(max_dock_mem=GIB), present, unclaimed).by_memory == fit


def test_a_host_smaller_than_a_pilots_limit_runs_one_all_the_same() -> None:
    look = host(1, ram_bytes=GIB, available_bytes=GIB * 9 // 10)
    assert space(look, Settings(max_dock_mem=2 * GIB)).by_memory == 1


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
    found = space(host(available_bytes=available, busy_cpus=owner_cpus), Settings(max_docks=max_docks))
    assert found.reason is reason
    assert found.grow == min(found.may_grow_to, found.by_memory, found.by_max_docks)
    assert found.keep >= found.grow


def test_an_owner_whose_use_is_unknown_leaves_no_room_that_anybody_knows() -> None:
    look, settings = host(pilots_cpus=None), Settings()
    assert room(look, after_look(Demand(), look, 0.0, settings), settings, Taken(pilots=0), 0.0) is None


def test_the_figures_say_on_what_it_stands() -> None:
    facts: dict[str, Any] = {"stolen_cpus": 0.5, "stall_cpu": 0.1, "pilots_cpus": 1.0}
    figures = space(host(8, busy_cpus=3.0, **facts), Settings()).figures
    assert (figures.owner_cpus, figures.owner_peak_cpus, figures.stolen_cpus) == (2.0, 2.5, 0.5)
    assert (figures.stall_cpu, figures.stall_memory, figures.owner_sustained_cpus) == (0.1, None, None)
