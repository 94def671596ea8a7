"""The benchmark's arithmetic: what it says of a list of events, and which targets that meets."""

import io
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bench.footprint import pss_bytes
from bench.plan import Order, run
from bench.planctond import find_process
from bench.progress import Progress
from bench.report import show
from bench.results import (
    Fill,
    Footprint,
    Recovery,
    Results,
    Slowdown,
    Window,
    Yield,
    checks,
    margin,
    median_of,
    pooled_gaps,
    slowdowns,
)
from bench.spans import Event, Gaps, full_at, gaps, most_at_once, occupancy, percentile, running
from bench.subjects import Pilot


def events(*told: tuple[float, str, str]) -> list[Event]:
    return [Event(moment=moment, action=action, container=container) for moment, action, container in told]


TWO_PLACES = events(
    (1.0, "start", "a"),
    (2.0, "start", "b"),
    (5.0, "die", "a"),
    (5.5, "start", "c"),
    (5.6, "destroy", "a"),
    (6.0, "die", "b"),
    (7.0, "start", "d"),
)
RESTARTED = events((0.0, "start", "a"), (4.0, "die", "a"), (5.0, "start", "a"), (9.0, "die", "a"))


def test_running_follows_starts_and_deaths_only() -> None:
    assert [count for _, count in running(TWO_PLACES)] == [1, 2, 1, 2, 1, 2]


def test_running_counts_a_repeated_event_once() -> None:
    assert list(running(events((1.0, "start", "a"), (2.0, "start", "a"), (3.0, "die", "b")))) == [(1.0, 1)]


@pytest.mark.parametrize(("pilots", "moment"), [(1, 1.0), (2, 2.0), (3, None)])
def test_full_is_the_first_moment_with_so_many(pilots: int, moment: float | None) -> None:
    assert full_at(TWO_PLACES, pilots) == moment


def test_most_at_once_of_nothing_is_none_at_all() -> None:
    assert most_at_once([]) == 0
    assert most_at_once(TWO_PLACES) == 2


def test_occupancy_is_the_share_of_place_seconds_taken() -> None:
    # Ten place-seconds from 2 to 7, less 0.5 s of a's place and 1 s of b's.
    assert occupancy(TWO_PLACES, 2, 2.0, 7.0) == pytest.approx(0.85)


def test_occupancy_of_one_container_that_is_started_again() -> None:
    assert occupancy(RESTARTED, 1, 0.0, 10.0) == pytest.approx(0.8)


def test_occupancy_counts_what_ran_before_and_after_the_window() -> None:
    assert occupancy(RESTARTED, 1, 2.0, 3.0) == 1.0
    assert occupancy(RESTARTED, 1, 4.0, 5.0) == 0.0


def test_a_pilot_too_many_makes_up_for_no_gap() -> None:
    assert occupancy(events((0.0, "start", "a"), (0.0, "start", "b"), (5.0, "die", "a")), 1, 0.0, 10.0) == 1.0
    three = events((0.0, "start", "a"), (0.0, "start", "b"), (5.0, "die", "a"), (5.0, "die", "b"))
    assert occupancy(three, 1, 0.0, 10.0) == 0.5


@pytest.mark.parametrize(("pilots", "begin", "end"), [(0, 0.0, 1.0), (1, 1.0, 1.0), (1, 2.0, 1.0)])
def test_occupancy_of_no_place_or_no_time_is_an_error(pilots: int, begin: float, end: float) -> None:
    with pytest.raises(ValueError, match="window"):
        occupancy([], pilots, begin, end)


def test_the_kth_death_is_matched_with_the_next_start_that_no_earlier_one_took() -> None:
    assert gaps(TWO_PLACES, 2.0, 7.0) == Gaps(seconds=(0.5, 1.0), open=0)


def test_deaths_that_overlap_are_served_in_turn() -> None:
    told = events((1.0, "die", "a"), (1.2, "die", "b"), (1.5, "start", "c"), (2.0, "start", "d"), (3.0, "die", "c"))
    found = gaps(told, 0.0, 4.0)
    assert found.seconds == pytest.approx((0.5, 0.8))
    assert found.open == 1


def test_growth_has_no_gap_and_what_is_outside_the_window_does_not_count() -> None:
    assert gaps(TWO_PLACES, 0.0, 4.0) == Gaps(seconds=(), open=0)
    assert gaps(TWO_PLACES, 5.2, 7.0) == Gaps(seconds=(1.0,), open=0)


@pytest.mark.parametrize(("fraction", "value"), [(0.0, 1.0), (0.5, 2.5), (1.0, 4.0), (0.95, 3.85)])
def test_percentiles_lie_between_neighbours(fraction: float, value: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], fraction) == pytest.approx(value)


@pytest.mark.parametrize(("values", "fraction"), [([], 0.5), ([1.0], -0.1), ([1.0], 1.1)])
def test_a_percentile_of_nothing_is_an_error(values: list[float], fraction: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, fraction)


LIVES = st.lists(st.tuples(st.floats(0, 100), st.floats(0.01, 50)), max_size=12)


@given(lives=LIVES, pilots=st.integers(1, 6), begin=st.floats(0, 50), length=st.floats(0.1, 60))
def test_occupancy_is_a_share_and_every_gap_is_a_delay(
    lives: list[tuple[float, float]], pilots: int, begin: float, length: float
) -> None:
    told = [event for n, (start, life) in enumerate(lives) for event in _life(str(n), start, life)]
    told.sort(key=lambda event: event.moment)
    assert -1e-9 <= occupancy(told, pilots, begin, begin + length) <= 1 + 1e-9
    found = gaps(told, begin, begin + length)
    deaths = sum(event.action == "die" and begin <= event.moment <= begin + length for event in told)
    assert len(found.seconds) + found.open == deaths
    assert all(seconds >= 0 for seconds in found.seconds)


def _life(name: str, start: float, life: float) -> list[Event]:
    return events((start, "start", name), (start + life, "die", name))


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1), low=st.floats(0, 1), high=st.floats(0, 1))
def test_percentiles_are_ordered_and_within_the_values(values: list[float], low: float, high: float) -> None:
    one, other = percentile(values, min(low, high)), percentile(values, max(low, high))
    assert one <= other or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-6)
    assert min(values) - 1e-6 <= one
    assert other <= max(values) + 1e-6


def test_pss_is_read_in_bytes() -> None:
    assert pss_bytes("00400000-7ffd rollup\nRss:   5000 kB\nPss:   1234 kB\nPss_Anon:  17 kB\n") == 1234 * 1024
    with pytest.raises(ValueError, match="Pss"):
        pss_bytes("Rss: 1 kB\n")


@pytest.mark.parametrize("status", [None, [], {}, {"processes": []}, {"processes": [{"name": "reaper"}]}])
def test_a_worker_that_status_does_not_show_is_not_found(status: object) -> None:
    assert find_process(status, "probe") is None


def test_a_worker_is_found_by_its_name() -> None:
    record = {"name": "probe", "state": "running", "pid": 7}
    assert find_process({"processes": [{"name": "reaper"}, record]}, "probe") == record


def window(subject: str, life: int, occupied: float, **changes: object) -> Window:
    values: dict[str, Any] = {
        "subject": subject,
        "pilots": 8,
        "life_seconds": life,
        "window_seconds": 20.0,
        "occupancy": occupied,
        "gaps": Gaps(seconds=(0.5,), open=0),
        "most_at_once": 8,
        **changes,
    }
    return Window(**values)


def missed(**found: object) -> list[str]:
    values: dict[str, Any] = {"facts": {}, **found}
    return [check.what for check in checks(Results(**values)) if not check.met]


@pytest.mark.parametrize(
    ("life", "ours", "reference", "met"),
    [
        (20, 0.976, 0.980, True),
        (20, 0.974, 0.980, False),
        (60, 0.990, 0.980, True),
        (5, 0.881, 0.460, True),
        (5, 0.870, 0.460, False),
    ],
)
def test_the_targets_of_occupancy(life: int, ours: float, reference: float, *, met: bool) -> None:
    windows = [window("planctond", life, ours), window("restart=always", life, reference)]
    assert missed(windows=windows) == ([] if met else [f"occupancy, pilots of {life} s"])


def test_without_the_reference_there_is_no_target_for_long_pilots() -> None:
    assert [check.what for check in checks(Results(facts={}, windows=[window("planctond", 20, 0.1)]))] == [
        "most pilots at once"
    ]


def test_a_pilot_too_many_is_a_miss() -> None:
    assert missed(windows=[window("planctond", 20, 0.99, most_at_once=9)]) == ["most pilots at once"]


@pytest.mark.parametrize(("seconds", "met"), [(0.4, True), (1.2, False), (None, False)])
def test_a_killed_worker_is_back_within_a_second(seconds: float | None, *, met: bool) -> None:
    recovery = Recovery(worker="probe", seconds=seconds, effect="start", effect_seconds=None)
    assert missed(recoveries=[recovery]) == ([] if met else ["probe works again"])


def test_footprint_targets_look_at_twenty_pilots_only() -> None:
    big = Footprint(pilots=2, processes=7, cpu_seconds_per_minute=9.0, pss_bytes=200 * 1024 * 1024)
    fit = Footprint(pilots=20, processes=7, cpu_seconds_per_minute=0.5, pss_bytes=60 * 1024 * 1024)
    assert missed(footprints=[big, fit]) == []
    fat = Footprint(pilots=20, processes=7, cpu_seconds_per_minute=0.7, pss_bytes=81 * 1024 * 1024)
    assert missed(footprints=[fat]) == ["PSS, 20 idle pilots", "CPU, 20 idle pilots"]


def slowed(weight: str, alone: float, beside: float) -> Slowdown:
    pairs = {"alone_seconds": (alone, alone, 9.0, 1.0), "beside_seconds": (beside, 99.0, 0.1)}
    return Slowdown(weight=weight, pilots=2, pilots_share=0.0, **pairs)


@pytest.mark.parametrize(("beside", "met"), [(4.11, True), (4.2, False), (2.0, True)])
def test_an_owner_is_slowed_down_by_three_percent_at_most(beside: float, *, met: bool) -> None:
    found = missed(slowdowns=[slowed("idle", 4.0, beside), slowed("default", 4.0, 8.0)])
    assert found == ([] if met else ["owner's job beside burning pilots"])


def test_each_job_is_compared_with_those_alone_before_and_after_it() -> None:
    told = Slowdown(weight="idle", pilots=2, pilots_share=0.0, alone_seconds=(1.0, 3.0, 5.0), beside_seconds=(4.0, 4.0))
    assert told.ratios == (2.0, 1.0)


def test_the_jobs_of_all_runs_are_one_sample() -> None:
    results = Results(facts={}, slowdowns=[slowed("idle", alone, 4.0) for alone in (1.0, 4.0)])
    assert len(slowdowns(results, "idle")) == 6
    assert slowdowns(results, "default") == ()


def test_the_margin_shrinks_with_more_values_and_is_nothing_where_all_are_alike() -> None:
    assert margin([1.0] * 9) == 0.0
    assert margin([1.0, 2.0] * 8) == pytest.approx(2 * margin([1.0, 2.0] * 32), rel=1e-9)


@pytest.mark.parametrize(
    ("first", "last", "met"),
    [(4.5, 6.9, True), (1.9, 4.0, False), (4.0, 7.1, False), (4.0, None, False), (None, None, False)],
)
def test_pilots_give_way_at_their_timer_give_or_take_a_look(
    first: float | None, last: float | None, *, met: bool
) -> None:
    told = Yield(rung="suspended", pilots=2, timer_seconds=4.0, first_seconds=first, all_seconds=last)
    assert missed(yields=[told]) == ([] if met else ["pilots suspended for the owner"])


def test_the_owner_comes_at_another_moment_between_two_looks_in_each_run(monkeypatch: pytest.MonkeyPatch) -> None:
    phases: list[float] = []

    def yielding(*_: object, phase: float, **__: object) -> Yield:
        phases.append(phase)
        return Yield(rung="ended", pilots=2, timer_seconds=4.0, first_seconds=4.0, all_seconds=4.0)

    monkeypatch.setattr("bench.plan.measure.yielding", yielding)
    monkeypatch.setattr("bench.plan.Planctond", lambda *_: None)
    order = Order(
        url="unix:///nowhere",
        pilot=Pilot(),
        pilots=2,
        chosen=frozenset({"yield"}),
        subject="planctond",
        runs=4,
        windows=(),
        idle_seconds=0.0,
        job_seconds=0.1,
        job_repeats=1,
    )
    assert run(order, {}, Progress()).failures == []
    assert phases == [0.0, 0.0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75]


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_owners_figures_are_measured_and_shown(engine_url: str) -> None:
    order = Order(
        url=engine_url,
        pilot=Pilot(network="none"),
        pilots=2,
        chosen=frozenset({"owner", "yield"}),
        subject="planctond",
        runs=1,
        windows=(),
        idle_seconds=0.0,
        job_seconds=0.1,
        job_repeats=1,
    )
    told = (
        "cpus",
        "cpu_model",
        "engine",
        "storage_driver",
        "cgroup_version",
        "plancton",
        "commit",
        "changed_since_commit",
    )
    facts: dict[str, str | int | float | None] = {**dict.fromkeys(told), "load_1min_before": 0.0}
    results = run(order, facts, Progress())
    assert results.failures == []
    assert [each.weight for each in results.slowdowns] == ["idle", "default"]
    assert all(min(each.ratios) > 0 for each in results.slowdowns)
    assert all(0.0 <= each.pilots_share <= 1.0 for each in results.slowdowns)
    assert [each.rung for each in results.yields] == ["suspended", "ended"]
    assert all(each.all_seconds is not None for each in results.yields)
    console = Console(width=200, file=io.StringIO())
    show(console, results, checks(results), order.chosen)
    assert isinstance(console.file, io.StringIO)
    for figure in ("weight idle", "weight default", "suspended for the owner", "ended for the owner", "targets"):
        assert figure in console.file.getvalue()


def test_what_could_not_be_measured_is_a_miss() -> None:
    assert missed(failures=["run 1: fill: no pilot ran"]) == ["measured"]


def test_a_median_with_an_unknown_in_it_is_unknown() -> None:
    fills = [Fill(subject="planctond", pilots=8, seconds=seconds) for seconds in (1.0, 3.0, 2.0)]
    assert median_of(fills, lambda fill: fill.seconds) == 2.0
    assert median_of(fills, lambda fill: None if fill.seconds == 1.0 else fill.seconds) is None
    assert median_of([], lambda fill: fill) is None


def test_gaps_of_several_runs_are_one_sample() -> None:
    windows = [window("planctond", 5, 0.9), window("planctond", 5, 0.9, gaps=Gaps(seconds=(0.1, 0.2), open=1))]
    assert pooled_gaps(windows) == (0.5, 0.1, 0.2)
