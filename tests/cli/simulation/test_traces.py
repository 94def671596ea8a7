"""Traces: what a text says, what is wrong with one, and means over time."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.cli.simulation.traces import Trace, TraceError, means, parse, trace

STEPS = st.lists(
    st.tuples(st.integers(0, 10_000), st.floats(0.0, 64.0)), min_size=1, max_size=30, unique_by=lambda step: step[0]
).map(lambda drawn: [(float(moment), cpus) for moment, cpus in sorted(drawn)])


def test_a_text_is_read_with_comments_columns_in_any_order_and_spaces() -> None:
    text = "\ufeff# a day\nCPUs, seconds ,memory_bytes\n\n1.5,0,100\n# lunch\n 2 , 60,100\n2,90,100\n0,120,0\n"
    assert parse(text, "load.csv") == Trace(
        seconds=(0.0, 60.0, 120.0), cpus=(1.5, 2.0, 0.0), memory_bytes=(100, 100, 0), end_seconds=120.0
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "load.csv:1: the first line should name the columns: seconds,cpus"),
        ("time,cpus\n0,1\n", "load.csv:1: the first line should name"),
        ("seconds,cpus,cpus\n0,1,1\n", "load.csv:1: the first line should name"),
        ("seconds,cpus\n", "load.csv: has no line after 0 seconds"),
        ("seconds,cpus\n0,1\n", "load.csv: has no line after 0 seconds"),
        ("seconds,cpus\n0,1\n60\n", "load.csv:3: has 1 values where the first line names 2"),
        ("seconds,cpus\n0,1\n60,many\n", "load.csv:3: cpus should be a number from 0 up, not 'many'"),
        ("seconds,cpus\n0,1\n60,-1\n", "load.csv:3: cpus should be a number from 0 up, not '-1'"),
        ("seconds,cpus\n0,1\n60,nan\n", "load.csv:3: cpus should be a number from 0 up, not 'nan'"),
        ("seconds,cpus\n0,1\n60,1\n60,2\n", "load.csv:4: 60 seconds don't come after the 60"),
        ("seconds,cpus\n60,1\n\n30,1\n", "load.csv:4: 30 seconds don't come after the 60"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_its_remedy(text: str, complaint: str) -> None:
    with pytest.raises(TraceError) as told:
        parse(text, "load.csv")
    assert str(told.value).startswith(complaint)


@given(st.text())
def test_any_text_is_a_trace_or_an_error(text: str) -> None:
    with contextlib.suppress(TraceError):
        assert parse(text, "x").end_seconds > 0.0


@given(STEPS, st.sampled_from([1.0, 2.0, 7.5]), st.integers(1, 100))
def test_means_lie_within_the_load_and_add_up_to_it(
    steps: list[tuple[float, float]], period: float, count: int
) -> None:
    found = means(trace(steps, 20_000.0), period, count, 32.0)
    assert len(found) == count
    assert all(0.0 <= mean <= 32.0 + 1e-9 for mean in found)
    whole = means(trace(steps, 20_000.0), period * count, 1, 32.0)
    assert sum(found) / count == pytest.approx(whole[0], abs=1e-6)


def test_a_step_within_a_period_counts_by_its_share() -> None:
    assert means(trace([(0.0, 0.0), (1.5, 8.0)], 10.0), 2.0, 3, 100.0) == [2.0, 8.0, 8.0]
