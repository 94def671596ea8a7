"""Owners made up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.cli.simulation.synthetic import NAMES, synthetic
from plancton.cli.simulation.traces import means
from tests.cli.simulation.scenarios import DAY, HOUR, chance_of


@given(st.sampled_from(NAMES), st.integers(1, 512), st.integers(0, 10**6), st.floats(0.0, 100.0))
def test_nobody_asks_for_more_than_there_is_and_the_same_chance_gives_the_same(
    name: str, ncpus: int, seed: int, load: float
) -> None:
    first, second = (synthetic(name, ncpus, HOUR, load, chance_of(seed)) for _ in range(2))
    assert first == second
    assert all(0.0 <= cpus <= ncpus for cpus in first.cpus)
    assert list(first.seconds) == sorted(set(first.seconds))
    assert first.seconds[0] == 0.0
    assert first.end_seconds == HOUR


def test_an_office_works_from_nine_to_five_on_weekdays() -> None:
    office = synthetic("office", 100, 7 * DAY, 0.0, chance_of(1))
    by_hour = means(office, HOUR, 7 * 24, 100.0)
    for hour, mean in enumerate(by_hour):
        works = hour // 24 < 5 and 9 <= hour % 24 < 17
        assert (30.0 <= mean <= 80.0) if works else mean <= 3.0


@pytest.mark.parametrize(("name", "load", "cpus"), [("idle", 50.0, 0.0), ("constant", 12.0, 4.8), ("full", 0.0, 40.0)])
def test_a_steady_owner_is_steady(name: str, load: float, cpus: float) -> None:
    assert synthetic(name, 40, DAY, load, chance_of(1)).cpus == pytest.approx((cpus,))


def test_bursts_are_short_and_long_and_pass() -> None:
    bursty = synthetic("bursty", 40, 7 * DAY, 0.0, chance_of(1))
    assert min(bursty.cpus) == 0.0
    assert max(bursty.cpus) == 40.0
    gaps = [after - before for before, after in zip(bursty.seconds, bursty.seconds[1:], strict=False)]
    assert min(gaps) < 5.0
    assert max(gaps) > 600.0


def test_noise_stays_around_its_load() -> None:
    noise = synthetic("noise", 40, HOUR, 30.0, chance_of(1))
    assert all(10.0 <= cpus <= 14.0 for cpus in noise.cpus)
    assert sum(noise.cpus) / len(noise.cpus) == pytest.approx(12.0, abs=0.3)
