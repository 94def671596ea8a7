"""The looks at the host, folded into what the owner asks for."""

from typing import Any

import pytest

from plancton.common.messages import HostLook
from plancton.common.policy.demand import (
    Demand,
    after_look,
    measured_anew,
    peak_cpus,
    reserve_bytes,
    shortage_bytes,
)
from plancton.common.policy.history import throughout
from plancton.common.settings import Settings
from tests.support.facts import GIB, host

SETTINGS = Settings()


def watched(*looks: HostLook, settings: Settings = SETTINGS, since: float = 0.0) -> Demand:
    """Return the demand after looks every two seconds."""
    demand = Demand()
    for number, look in enumerate(looks):
        demand = after_look(demand, look, since + number * 2.0, settings)
    return demand


def owner(cpus: float, **changes: Any) -> HostLook:  # noqa: ANN401
    """Return a look at a host of 8 CPUs."""
    return host(busy_cpus=cpus, **changes)


def test_a_rise_counts_at_once_for_growth_and_a_fall_after_its_hold_time() -> None:
    rising = watched(*[owner(0.0)] * 20, owner(6.0))
    assert peak_cpus(rising, 40.0, SETTINGS) == 6.0
    falling = [owner(6.0), *[owner(0.0)] * 6]
    assert peak_cpus(watched(*falling[:6]), 10.0, SETTINGS) == 6.0
    assert peak_cpus(watched(*falling), 12.0, SETTINGS) == 0.0


def test_a_dip_of_a_moment_does_not_end_a_demand() -> None:
    looks = [owner(6.0)] * 61
    assert throughout(watched(*looks).end, 120.0, 120.0) == 6.0
    looks[30] = looks[31] = owner(0.0)
    assert throughout(watched(*looks).end, 120.0, 120.0) == 6.0
    looks[32] = looks[33] = owner(1.0)
    assert throughout(watched(*looks).end, 120.0, 120.0) == 1.0


def test_a_dip_counts_as_short_by_the_hold_time() -> None:
    brief = Settings(grace_kill=16.0)
    looks = [owner(6.0)] * 20
    looks[14] = owner(0.0)
    assert throughout(watched(*looks, settings=brief).end, 38.0, 16.0) == 6.0
    looks[14] = looks[15] = looks[16] = owner(0.0)
    assert throughout(watched(*looks, settings=brief).end, 38.0, 16.0) == 0.0


def test_what_is_seen_twice_counts_once() -> None:
    demand = watched(owner(6.0))
    assert after_look(demand, owner(0.0), 0.0, SETTINGS) is demand


def test_an_unknown_use_of_the_owners_is_no_demand_and_no_idleness() -> None:
    demand = watched(*[owner(6.0)] * 61, owner(6.0, pilots_cpus=None))
    assert peak_cpus(demand, 122.0, SETTINGS) is None
    assert throughout(demand.end, 122.0, 120.0) is None


def test_what_a_hypervisor_takes_is_counted_with_the_owners_use_and_for_long_where_it_is_about_growth() -> None:
    demand = watched(*[owner(2.0, stolen_cpus=3.0)] * 61)
    assert throughout(demand.end, 120.0, 120.0) == 5.0
    later = watched(*[owner(2.0, stolen_cpus=3.0)] * 5, *[owner(2.0)] * 60)
    assert peak_cpus(later, 128.0, SETTINGS) == 5.0
    assert peak_cpus(watched(*[owner(2.0, stolen_cpus=3.0)], *[owner(2.0)] * 310), 620.0, SETTINGS) == 2.0


def test_the_engines_own_work_is_not_the_owners() -> None:
    assert owner(3.0, engine_cpus=1.0, pilots_cpus=0.5).owner_cpus == 1.5
    assert owner(1.0, engine_cpus=5.0).owner_cpus == 0.0


@pytest.mark.parametrize(
    ("available", "reserve", "short"), [(8 * GIB, 5.0, 0), (3 * GIB, 5.0, 1), (0, 5.0, 1), (GIB, 0.0, 0)]
)
def test_memory_lacks_what_the_reserve_is_short_of(available: int, reserve: float, short: int) -> None:
    settings, look = Settings(reserve_mem=reserve), host(available_bytes=available)
    assert shortage_bytes(look, settings) == short * (reserve_bytes(look, settings) - available)
    assert bool(throughout(watched(look, look, look, settings=settings).shortage, 4.0, 4.0)) is bool(short)


CROWDED: dict[str, Any] = {"stall_cpu": 0.5, "stall_memory": 0.5, "stall_io": 0.5, "busy_cpus": 8.0, "pilots_cpus": 2.0}


@pytest.mark.parametrize(
    ("kind", "changes", "share"),
    [
        ("stall_cpu", {}, 0.5),
        ("stall_cpu", {"busy_cpus": 4.0}, 0.0),
        ("stall_cpu", {"busy_cpus": 4.0, "stolen_cpus": 4.0}, 0.5),
        ("stall_cpu", {"pilots_cpus": 0.5}, 0.0),
        ("stall_cpu", {"stall_cpu": None}, None),
        ("stall_memory", {"available_bytes": 4 * GIB}, 0.5),
        ("stall_memory", {}, 0.0),
        ("stall_memory", {"stall_memory": None}, None),
        ("stall_io", {}, 0.5),
        ("stall_io", {"pilots_io_share": 0.3}, 0.5),
        ("stall_io", {"pilots_io_share": 0.01}, 0.0),
        ("stall_io", {"stall_io": None}, None),
    ],
)
def test_a_stall_counts_where_pilots_may_be_its_cause(kind: str, changes: dict[str, Any], share: float | None) -> None:
    demand = watched(*[host(**(CROWDED | changes))] * 61)
    assert throughout(getattr(demand, kind).end, 120.0, 4.0) == share
    assert throughout(getattr(measured_anew(demand), kind).end, 120.0, 4.0) is None
