"""Who gets the CPUs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.cli.simulation.machine import LAUNCH_CPU_SECONDS, LAUNCH_SECONDS, Machine


def test_the_owner_comes_first_then_a_launch_then_the_pilots() -> None:
    machine = Machine(4, 1.0)
    machine.set(owner_cpus=2.0, running=4, starting=1)
    machine.pass_to(LAUNCH_SECONDS)
    assert machine.owner_seconds == pytest.approx(2.0 * LAUNCH_SECONDS)
    assert machine.engine_seconds == pytest.approx(LAUNCH_CPU_SECONDS)
    assert machine.pilots_seconds == pytest.approx(2.0 * LAUNCH_SECONDS - LAUNCH_CPU_SECONDS)
    assert machine.overlap_seconds == pytest.approx(2.0 * LAUNCH_SECONDS)


def test_a_pilot_never_gets_more_than_its_quota() -> None:
    machine = Machine(8, 0.5)
    machine.set(owner_cpus=0.0, running=3)
    machine.pass_to(10.0)
    assert (machine.pilots_seconds, machine.work, machine.free_seconds) == (15.0, 10.0, 80.0)


@given(st.integers(1, 64), st.floats(0.0, 100.0), st.integers(0, 200), st.integers(0, 8), st.floats(0.1, 4.0))
def test_no_more_is_used_than_there_is(ncpus: int, owner: float, running: int, starting: int, each: float) -> None:
    machine = Machine(ncpus, each)
    machine.set(owner_cpus=owner, running=running, starting=starting)
    machine.pass_to(1.0)
    used = machine.owner_seconds + machine.engine_seconds + machine.pilots_seconds
    assert used <= ncpus + 1e-9
    assert machine.owner_seconds == min(owner, ncpus)
    assert machine.pilots_seconds <= running * each + 1e-9
    assert 0.0 <= machine.share <= 1.0
    assert machine.free_seconds == pytest.approx(ncpus - machine.owner_seconds)
