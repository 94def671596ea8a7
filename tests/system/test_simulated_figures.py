"""The figures that the policy is to reach, on 40 CPUs with pilots of ten minutes, a day each."""

import pytest

from tests.cli.simulation.scenarios import DAY, result

pytestmark = pytest.mark.slow

ALL = {"max_docks": "ncpus"}


def test_an_idle_owners_cpus_are_used_all_but_a_hundredth() -> None:
    found = result("idle", DAY, 40, **ALL)
    assert found.occupancy >= 0.99
    assert found.evicted == 0


def test_beside_a_steady_owner_nearly_all_is_used_and_no_pilot_ends_in_vain() -> None:
    found = result("constant", DAY, 40, **ALL)
    assert found.owner_core_seconds == pytest.approx(0.12 * 40 * DAY)
    assert found.occupancy >= 0.97
    assert (found.evicted, found.lost_core_seconds) == (0, 0.0)


@pytest.mark.parametrize("owner", ["office", "bursty"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_rise_is_met_in_time_and_hardly_more_is_evicted_than_must_be(owner: str, seed: int) -> None:
    found = result(owner, DAY, 40, seed=seed, **ALL)
    assert found.rises.met >= 20
    assert found.rises.worst_seconds <= found.rises.promised_seconds
    assert found.evicted <= 1.2 * found.oracle.evictions
