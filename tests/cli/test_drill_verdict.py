"""What a drill finds, from made-up reports of its busy processes."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.cli.drill_verdict import Run, Sample, verdict

BEGUN = 5000.0
Speed = Callable[[float], float]


def run(speed: Speed, processes: int = 2, seconds: float = 10.0, units_per_cpu_second: float = 1000.0) -> Run:
    """Return a run in which each process has ``speed(second)`` CPUs from that second on."""
    samples = []
    for process in range(processes):
        cpu_seconds = 0.5
        for tick in range(int(seconds * 20) + 1):
            units = int((cpu_seconds - 0.5) * units_per_cpu_second)
            samples.append(
                Sample(process=process, moment=BEGUN + tick / 20, units=units, cpu_seconds=round(cpu_seconds, 6))
            )
            cpu_seconds += speed(tick / 20) / 20
    return Run(begun=BEGUN, seconds=seconds, samples=tuple(samples))


def after(moment: float, *, before: float = 0.25) -> Speed:
    """Return the speed of processes that have so much of a CPU before a moment, and all of it from then on."""
    return lambda second: 1.0 if second >= moment - 1e-9 else before


ALONE = run(after(0.0), seconds=5.0)


def test_an_owner_who_never_noticed_was_not_slowed() -> None:
    found = verdict(run(after(0.0)), ALONE, 2)
    assert (found.first_cpu_seconds, found.all_cpus_seconds) == (0.0, 0.0)
    assert found.cpus == pytest.approx(2.0)
    assert found.alone_cpus == pytest.approx(2.0)
    for share in (found.slowdown, found.slowdown_first_second, found.slowdown_per_cpu_second):
        assert share == pytest.approx(0.0, abs=0.002)


def test_the_first_second_is_held_against_the_first_second_alone() -> None:
    slow_to_begin = after(1.0, before=0.5)
    found = verdict(run(slow_to_begin), run(slow_to_begin, seconds=5.0), 2)
    assert found.slowdown_first_second == pytest.approx(0.0, abs=0.002)


def test_cpus_that_come_back_late_are_dated_and_cost_time() -> None:
    found = verdict(run(after(4.0)), ALONE, 2)
    # A quarter of each of two CPUs is half of one; a window that lies to a third after the change has 95 % of it.
    assert found.first_cpu_seconds == pytest.approx(3.7, abs=0.11)
    assert found.all_cpus_seconds == pytest.approx(4.0, abs=0.11)
    assert found.slowdown == pytest.approx(10.0 / 7.0 - 1.0, abs=0.01)
    assert found.slowdown_first_second == pytest.approx(3.0, abs=0.02)
    assert found.slowdown_per_cpu_second == pytest.approx(0.0, abs=0.01)
    assert found.cpus == pytest.approx(1.4, abs=0.01)


def test_the_first_cpu_may_be_back_long_before_all() -> None:
    found = verdict(run(after(6.0, before=0.5)), ALONE, 2)
    assert found.first_cpu_seconds == 0.0
    assert found.all_cpus_seconds == pytest.approx(6.0, abs=0.11)


def test_what_never_comes_back_is_none_and_not_the_end() -> None:
    found = verdict(run(after(99.0, before=0.4)), ALONE, 2)
    assert (found.first_cpu_seconds, found.all_cpus_seconds) == (None, None)
    assert found.slowdown == pytest.approx(1.5, abs=0.01)


def test_shared_caches_slow_each_cpu_second_and_not_its_number() -> None:
    found = verdict(run(after(0.0), units_per_cpu_second=800.0), ALONE, 2)
    assert found.slowdown == pytest.approx(0.25, abs=0.01)
    assert found.slowdown_per_cpu_second == pytest.approx(0.25, abs=0.01)
    assert found.cpus == pytest.approx(2.0)
    assert found.all_cpus_seconds is None


def test_without_a_reference_cpus_are_counted_and_no_slowdown_is_made_up() -> None:
    found = verdict(run(after(4.0, before=0.3), units_per_cpu_second=1.0), None, 2)
    assert found.first_cpu_seconds == pytest.approx(3.7, abs=0.11)
    assert found.all_cpus_seconds == pytest.approx(4.0, abs=0.11)
    assert (found.slowdown, found.slowdown_first_second, found.alone_cpus) == (None, None, None)
    assert found.slowdown_per_cpu_second is None


def test_more_processes_than_cpus_want_no_more_than_there_are() -> None:
    found = verdict(run(after(0.0, before=0.0), processes=8), None, 8)
    assert found.all_cpus_seconds == 0.0
    shared = run(lambda _: 0.25, processes=8)
    alone = run(lambda _: 0.25, processes=8, seconds=5.0)
    assert verdict(shared, alone, 2).all_cpus_seconds == 0.0
    assert verdict(shared, alone, 2).first_cpu_seconds == 0.0
    assert verdict(shared, None, 8).all_cpus_seconds is None


def test_a_process_that_was_never_heard_of_did_nothing() -> None:
    silent = Run(begun=BEGUN, seconds=10.0, samples=())
    found = verdict(silent, ALONE, 2)
    assert (found.first_cpu_seconds, found.all_cpus_seconds, found.cpus) == (None, None, 0.0)
    assert (found.slowdown, found.slowdown_per_cpu_second) == (None, None)
    assert verdict(silent, silent, 2).all_cpus_seconds is None


def test_the_order_of_the_reports_does_not_matter() -> None:
    plain = run(after(4.0))
    shuffled = Run(begun=BEGUN, seconds=10.0, samples=tuple(reversed(plain.samples)))
    assert verdict(shuffled, ALONE, 2) == verdict(plain, ALONE, 2)


reports = st.lists(
    st.builds(
        Sample,
        process=st.integers(0, 3),
        moment=st.floats(BEGUN - 1.0, BEGUN + 20.0),
        units=st.integers(0, 10**9),
        cpu_seconds=st.floats(0.0, 1e6),
    ),
    max_size=30,
)


@given(reports, st.none() | reports, st.floats(0.1, 15.0), st.integers(1, 512))
def test_any_reports_come_to_a_verdict(
    samples: list[Sample], reference: list[Sample] | None, seconds: float, cpus: int
) -> None:
    alone = None if reference is None else Run(begun=BEGUN, seconds=5.0, samples=tuple(reference))
    found = verdict(Run(begun=BEGUN, seconds=seconds, samples=tuple(samples)), alone, cpus)
    for moment in (found.first_cpu_seconds, found.all_cpus_seconds):
        assert moment is None or 0.0 <= moment <= seconds


@given(st.lists(st.floats(0.0, 1.0), min_size=10, max_size=10), st.integers(1, 4))
def test_all_cpus_are_never_back_before_the_first(speeds: list[float], processes: int) -> None:
    found = verdict(run(lambda second: speeds[min(9, int(second))], processes), None, processes)
    if found.all_cpus_seconds is not None:
        assert found.first_cpu_seconds is not None
        assert found.first_cpu_seconds <= found.all_cpus_seconds


@pytest.mark.parametrize(("early", "late"), list(itertools.pairwise((0.0, 1.0, 3.0, 7.0))))
def test_the_later_the_cpus_the_slower(early: float, late: float) -> None:
    sooner, later = (verdict(run(after(moment)), ALONE, 2).slowdown for moment in (early, late))
    assert sooner is not None
    assert later is not None
    assert sooner < later
