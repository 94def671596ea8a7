"""Stalls: the kernel's texts, and whose they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.workers.probe.pressure import NEVER, Stalled, owners_stalls, parse_pressure, stalled_between

HERE = "some avg10=1.29 avg60=0.81 avg300=0.62 total=8979160\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
BEFORE_5_13 = "some avg10=0.00 avg60=0.00 avg300=0.00 total=12\n"
"""/proc/pressure/cpu without a line for full."""


@pytest.mark.parametrize(("text", "seconds"), [(HERE, 8.97916), (BEFORE_5_13, 0.000012)])
def test_pressure(text: str, seconds: float) -> None:
    assert parse_pressure(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "\n", "some", "some avg10=0.00", "full total=5", "some total=x", "some total="])
def test_an_unfit_text_is_never_a_figure(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_pressure(text)


def test_what_is_unknown_at_either_end_is_unknown_between() -> None:
    before, after = Stalled(cpu=1.0, memory=None, io=9.0), Stalled(cpu=3.0, memory=5.0, io=2.0)
    # A counter that fell began anew with its cgroup.
    assert stalled_between(before, after) == Stalled(cpu=2.0, memory=None, io=2.0)


SECONDS = st.none() | st.floats(0.0, 3.0)
STALLED = st.builds(Stalled, cpu=SECONDS, memory=SECONDS, io=SECONDS)
SHARE = st.none() | st.floats(0.0, 1.0)


@given(host=STALLED, pilots=STALLED, seconds=st.floats(0.01, 3.0), pilots_ran=st.booleans(), io_share=SHARE)
def test_a_share_is_from_0_to_1_or_unknown_and_whatever_is_not_plain_is_explained(
    *, host: Stalled, pilots: Stalled, seconds: float, pilots_ran: bool, io_share: float | None
) -> None:
    stalls = owners_stalls(host, pilots, seconds, pilots_ran=pilots_ran, pilots_io_share=io_share)
    shares = (stalls.cpu, stalls.memory, stalls.io)
    assert all(share is None or 0.0 <= share <= 1.0 for share in shares)
    assert None not in shares or stalls.detail


@given(host=STALLED, pilots=STALLED, seconds=st.floats(0.01, 3.0), pilots_ran=st.booleans(), io_share=SHARE)
def test_the_owner_is_never_stalled_longer_than_the_host(
    *, host: Stalled, pilots: Stalled, seconds: float, pilots_ran: bool, io_share: float | None
) -> None:
    ours = owners_stalls(host, pilots, seconds, pilots_ran=pilots_ran, pilots_io_share=io_share)
    alone = owners_stalls(host, NEVER, seconds, pilots_ran=False, pilots_io_share=0.0)
    for mine, all_of_it in ((ours.cpu, alone.cpu), (ours.memory, alone.memory), (ours.io, alone.io)):
        assert mine is None or (all_of_it is not None and mine <= all_of_it)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=50))
def test_of_one_cpu_what_is_said_is_never_more_than_the_owner_was_stalled(moments: list[tuple[bool, bool]]) -> None:
    owner = sum(mine for mine, _ in moments)
    pilots = float(sum(theirs for _, theirs in moments))
    host = float(sum(mine or theirs for mine, theirs in moments))
    stalls = owners_stalls(
        Stalled(cpu=host, memory=host, io=host),
        Stalled(cpu=pilots, memory=pilots, io=pilots),
        float(len(moments)),
        pilots_ran=True,
        pilots_io_share=None,
    )
    assert stalls.cpu is not None
    assert stalls.cpu * len(moments) <= owner + 1e-9


@given(st.floats(0.0, 2.0), st.floats(0.0, 2.0), st.floats(0.0, 2.0), SHARE)
def test_the_longer_the_host_is_stalled_the_longer_the_owner(
    host: float, more: float, pilots: float, io_share: float | None
) -> None:
    for known in (Stalled(), Stalled(cpu=pilots, memory=pilots, io=pilots)):
        few, many = (
            owners_stalls(
                Stalled(cpu=all_, memory=all_, io=all_), known, 2.0, pilots_ran=True, pilots_io_share=io_share
            )
            for all_ in (host, host + more)
        )
        for less, as_much in ((few.cpu, many.cpu), (few.memory, many.memory), (few.io, many.io)):
            assert (less is None) == (as_much is None)
            assert less is None or as_much is None or less <= as_much + 1e-9


NO_CPU = "CPU: the pilots' own stalls can't be told apart"
ALL = Stalled(cpu=1.0, memory=1.0, io=1.0)


@pytest.mark.parametrize(
    ("pilots", "pilots_ran", "io_share", "expected", "detail"),
    [
        (Stalled(), False, 0.0, (0.5, 0.5, 0.5), ""),
        (NEVER, True, 0.9, (0.5, 0.5, 0.5), ""),
        (Stalled(cpu=0.5, memory=0.2, io=2.0), True, None, (0.25, 0.4, 0.0), ""),
        (
            Stalled(),
            True,
            0.75,
            (None, 0.5, 0.125),
            f"{NO_CPU}; memory: the pilots' own stalls included; I/O: estimated by the pilots' use of disks",
        ),
        (
            Stalled(cpu=1.0, memory=1.0),
            True,
            None,
            (0.0, 0.0, None),
            "I/O: neither the pilots' own stalls nor their use of disks can be told apart",
        ),
    ],
)
def test_whose_stalls_they_are(
    *,
    pilots: Stalled,
    pilots_ran: bool,
    io_share: float | None,
    expected: tuple[float | None, ...],
    detail: str,
) -> None:
    stalls = owners_stalls(ALL, pilots, 2.0, pilots_ran=pilots_ran, pilots_io_share=io_share)
    assert (stalls.cpu, stalls.memory, stalls.io) == pytest.approx(expected)
    assert stalls.detail == detail


def test_a_kernel_that_tells_some_stalls_only_is_said_to() -> None:
    stalls = owners_stalls(Stalled(cpu=1.0, io=0.0), NEVER, 2.0, pilots_ran=True, pilots_io_share=0.0)
    assert (stalls.cpu, stalls.memory, stalls.io) == (0.5, None, 0.0)
    assert stalls.detail == "the kernel tells no memory stalls"
