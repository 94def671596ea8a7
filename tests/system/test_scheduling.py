"""The scheduler's decision at length: the old system's defects, laws that hold for any facts, and how long it takes."""

import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.messages import HostLook, PoolLook, PoolUnknown
from plancton.common.pilot import PilotState
from plancton.common.policy.memory import Memory
from plancton.common.policy.policy import decide
from plancton.common.settings import Settings
from tests.support.decisions import Run, facts, full
from tests.support.facts import EXITED, GIB, host, pilot, pool, running, wish

# The old system's defects.


def test_defect_1_a_steady_owner_load_leaves_all_the_rest_to_pilots() -> None:
    run, there, most = Run(), 0, 0
    busy: dict[str, Any] = {"host": host(40), "owner_cpus": 0.12 * 40}
    for _ in range(200):
        target = run.decide(after=10.0, pool=running(there), **busy)
        assert target.end == ()
        there += len(target.launch)
        most = max(most, there)
    assert (there, most) == (35, 35)


@pytest.mark.parametrize("ncpus", [20, 40, 128, 512])
def test_defect_2_a_large_full_node_protects_its_owner(ncpus: int) -> None:
    run = Run(full(ncpus))
    crowded: dict[str, Any] = {"host": host(ncpus), "owner_cpus": 3.0, "pool": running(ncpus)}
    run.decide(**crowded)
    assert len(run.decide(after=120.0, **crowded).end) == 3


def test_defect_3_a_natural_exit_blocks_no_launch() -> None:
    run = Run(full(8))
    run.decide(pool=running(8))
    for gone in range(8):
        there = pool(*(pilot(slot, state=EXITED if slot <= gone else PilotState.RUNNING) for slot in range(8)))
        assert len(run.decide(after=0.1, pool=there).launch) == gone + 1


def test_defect_4_an_owner_who_needs_all_gets_all_at_grace_kill() -> None:
    run = Run(full(40))
    taken: dict[str, Any] = {"host": host(40), "owner_cpus": 40.0, "pool": running(40)}
    run.decide(**taken)
    assert len(run.decide(after=120.0, **taken).end) == 40


def test_defect_5_a_failed_listing_is_not_zero_pilots() -> None:
    run = Run(full(8))
    run.decide(pool=running(8))
    for _ in range(60):
        assert run.decide(after=1.0, pool=None, pool_unknown=PoolUnknown(why="", since_unix=0.0)).launch == ()
    assert run.decide(pool=running(8)).launch == ()


# Laws.

STATES = st.sampled_from(list(PilotState))
POOLS = st.lists(STATES, max_size=12).map(lambda states: pool(*(pilot(n, state=each) for n, each in enumerate(states))))
HOSTS = st.builds(
    lambda ncpus, available: host(ncpus, available_bytes=int(available * ncpus * 8 * GIB)),
    st.integers(1, 512),
    st.floats(0.0, 1.0),
)
ANY_SETTINGS = st.builds(
    Settings,
    max_docks=st.sampled_from(["ncpus", "max(1, ncpus - 2)", "3", "ncpus * 2"]),
    cpus_per_dock=st.sampled_from([0.1, 0.25, 0.5, 1.0, 1.5, 4.0]),
    docks_per_loop=st.integers(0, 600),
)
MEMORIES = st.builds(
    lambda wishes, capacity, since: Memory(
        wishes=tuple(wish(20 + n, 100 + n) for n in range(wishes)),
        next_incarnation=200,
        capacity=capacity,
        full_at=999.0,
        pressed_since=since,
    ),
    st.integers(0, 5),
    st.integers(0, 600),
    st.none() | st.just(800.0),
)


@given(a_pool=POOLS, a_host=HOSTS, settings=ANY_SETTINGS, memory=MEMORIES, owner=st.floats(0.0, 600.0))
def test_no_more_is_wanted_or_could_come_than_there_is_room_for(
    a_pool: PoolLook, a_host: HostLook, settings: Settings, memory: Memory, owner: float
) -> None:
    target, after = decide(facts(pool=a_pool, host=a_host, settings=settings, owner_cpus=owner), memory, 1000.0, 0.0)
    assert target.want * settings.cpus_per_dock <= max(0.0, a_host.ncpus - owner) + 1e-3
    live = {each.slot for each in a_pool.pilots if each.state in {PilotState.RUNNING, PilotState.PAUSED}}
    if target.launch:
        assert len(live) + len(target.launch) <= target.want
    assert not live & {each.slot for each in target.launch}
    assert len({each.slot for each in after.wishes}) == len(after.wishes)
    assert len({each.incarnation for each in after.wishes}) == len(after.wishes)


@given(
    a_pool=POOLS,
    a_host=HOSTS,
    settings=ANY_SETTINGS,
    memory=MEMORIES,
    owner=st.floats(0.0, 600.0),
    more=st.floats(0.0, 100.0),
)
def test_more_owner_load_never_means_more_pilots(  # noqa: PLR0913, PLR0917
    a_pool: PoolLook, a_host: HostLook, settings: Settings, memory: Memory, owner: float, more: float
) -> None:
    known = facts(pool=a_pool, host=a_host, settings=settings, owner_cpus=owner)
    busier = msgspec.structs.replace(known, owner_cpus=owner + more)
    idle, busy = (decide(each, memory, 1000.0, 0.0)[0] for each in (known, busier))
    assert busy.want <= idle.want
    assert len(busy.launch) <= len(idle.launch)
    assert len(busy.end) >= len(idle.end)


@given(a_pool=POOLS, a_host=HOSTS, memory=MEMORIES)
def test_a_decision_depends_on_nothing_but_its_arguments(a_pool: PoolLook, a_host: HostLook, memory: Memory) -> None:
    known = facts(pool=a_pool, host=a_host)
    assert decide(known, memory, 1000.0, 5.0) == decide(known, memory, 1000.0, 5.0)


@pytest.mark.parametrize("ncpus", [1, 2, 3, 8, 64, 512])
@pytest.mark.parametrize("cpus_per_dock", [0.1, 0.3, 0.5, 1.0])
def test_an_idle_host_is_filled_whatever_its_size_and_the_pilots(ncpus: int, cpus_per_dock: float) -> None:
    settings = Settings(max_docks="10000", cpus_per_dock=cpus_per_dock, docks_per_loop=10_000)
    idle = host(ncpus, available_bytes=10**15)
    assert Run().decide(settings=settings, host=idle).want == int(ncpus / cpus_per_dock + 1e-6)


def test_a_decision_over_5000_pilots_is_fast() -> None:
    known = facts(host=host(10_000), pool=running(5000), settings=Settings(max_docks="9000", docks_per_loop=4000))
    times = []
    for _ in range(5):
        began = time.perf_counter()
        decide(known, Memory(), 1000.0, 0.0)
        times.append(time.perf_counter() - began)
    assert min(times) < 0.1
