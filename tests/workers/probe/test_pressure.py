"""Stalls: the kernel's texts, and whose they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.workers.probe.pressure import NEVER, Pressure, Stalled, owners_stalls, parse_pressure, pressure_between

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
    before = Pressure(
        host=Stalled(cpu=1.0, memory=None, io=9.0), pilots=Stalled(cpu=1.0), others={"a": NEVER, "gone": NEVER}
    )
    after = Pressure(
        host=Stalled(cpu=3.0, memory=5.0, io=2.0), pilots=Stalled(io=1.0), others={"a": Stalled(io=4.0), "new": NEVER}
    )
    between = pressure_between(before, after)
    # A counter that fell began anew with its cgroup.
    assert between.host == Stalled(cpu=2.0, memory=None, io=2.0)
    assert between.pilots == Stalled()
    assert between.others == {"a": Stalled(io=4.0)}


SECONDS = st.none() | st.floats(0.0, 3.0)
STALLED = st.builds(Stalled, cpu=SECONDS, memory=SECONDS, io=SECONDS)
PRESSURE = st.builds(Pressure, host=STALLED, pilots=STALLED, others=st.dictionaries(st.sampled_from("ab"), STALLED))
SHARE = st.none() | st.floats(0.0, 1.0)


@given(pressure=PRESSURE, seconds=st.floats(0.01, 3.0), pilots_ran=st.booleans(), io_share=SHARE)
def test_a_share_is_from_0_to_1_or_unknown_and_whatever_is_not_plain_is_explained(
    *, pressure: Pressure, seconds: float, pilots_ran: bool, io_share: float | None
) -> None:
    stalls = owners_stalls(pressure, seconds, pilots_ran=pilots_ran, pilots_io_share=io_share)
    shares = (stalls.cpu, stalls.memory, stalls.io)
    assert all(share is None or 0.0 <= share <= 1.0 for share in shares)
    assert None not in shares or stalls.detail


@given(pressure=PRESSURE, seconds=st.floats(0.01, 3.0), pilots_ran=st.booleans(), io_share=SHARE)
def test_the_owner_is_never_stalled_longer_than_the_host(
    *, pressure: Pressure, seconds: float, pilots_ran: bool, io_share: float | None
) -> None:
    ours = owners_stalls(pressure, seconds, pilots_ran=pilots_ran, pilots_io_share=io_share)
    alone = owners_stalls(Pressure(host=pressure.host), seconds, pilots_ran=False, pilots_io_share=0.0)
    for mine, all_of_it in ((ours.cpu, alone.cpu), (ours.memory, alone.memory), (ours.io, alone.io)):
        assert mine is None or (all_of_it is not None and mine <= all_of_it)


def alike(seconds: float) -> Stalled:
    return Stalled(cpu=seconds, memory=seconds, io=seconds)


MOMENTS = st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=50)


@given(MOMENTS)
def test_of_one_cpu_what_is_said_is_never_more_than_the_owner_was_stalled(
    moments: list[tuple[bool, bool, bool]],
) -> None:
    sessions, services, pilots = (float(sum(column)) for column in zip(*moments, strict=True))
    owner = sum(session or service for session, service, _ in moments)
    pressure = Pressure(
        host=alike(float(sum(any(moment) for moment in moments))),
        pilots=alike(pilots),
        others={"user.slice": alike(sessions), "system.slice": alike(services)},
    )
    stalls = owners_stalls(pressure, float(len(moments)), pilots_ran=True, pilots_io_share=None)
    assert stalls.cpu is not None
    assert max(sessions, services) - 1e-9 <= stalls.cpu * len(moments) <= owner + 1e-9


@given(st.floats(0.0, 2.0), st.floats(0.0, 2.0), st.floats(0.0, 2.0), SHARE)
def test_the_longer_the_host_is_stalled_the_longer_the_owner(
    host: float, more: float, pilots: float, io_share: float | None
) -> None:
    for known in (Stalled(), alike(pilots)):
        few, many = (
            owners_stalls(Pressure(host=alike(all_), pilots=known), 2.0, pilots_ran=True, pilots_io_share=io_share)
            for all_ in (host, host + more)
        )
        for less, as_much in ((few.cpu, many.cpu), (few.memory, many.memory), (few.io, many.io)):
            assert (less is None) == (as_much is None)
            assert less is None or as_much is None or less <= as_much + 1e-9


NO_CPU = "CPU: the pilots' own stalls can't be told apart"


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
    pressure = Pressure(host=alike(1.0), pilots=pilots)
    stalls = owners_stalls(pressure, 2.0, pilots_ran=pilots_ran, pilots_io_share=io_share)
    assert (stalls.cpu, stalls.memory, stalls.io) == pytest.approx(expected)
    assert stalls.detail == detail


def test_a_kernel_that_tells_some_stalls_only_is_said_to() -> None:
    stalls = owners_stalls(
        Pressure(host=Stalled(cpu=1.0, io=0.0), pilots=NEVER), 2.0, pilots_ran=True, pilots_io_share=0.0
    )
    assert (stalls.cpu, stalls.memory, stalls.io) == (0.5, None, 0.0)
    assert stalls.detail == "the kernel tells no memory stalls"


@pytest.mark.parametrize("pilots", [Stalled(), NEVER])
def test_a_kernel_that_tells_nothing_is_said_to_in_one_word_whatever_is_known_of_the_pilots(pilots: Stalled) -> None:
    stalls = owners_stalls(
        Pressure(host=Stalled(), pilots=pilots, others={"user.slice": NEVER}), 2.0, pilots_ran=True, pilots_io_share=0.5
    )
    assert (stalls.cpu, stalls.memory, stalls.io) == (None, None, None)
    assert stalls.detail == "the kernel tells no stalls: it has no /proc/pressure, or doesn't support it"


def test_other_cgroups_tell_the_owners_stalls_only_where_pilots_are_known_to_be_in_their_own() -> None:
    others = {"user.slice": alike(0.8), "system.slice": alike(0.1), "init.scope": Stalled()}
    known = Pressure(host=alike(1.0), pilots=alike(1.0), others=others)
    assert owners_stalls(known, 2.0, pilots_ran=True, pilots_io_share=None).cpu == 0.4
    more_than_there_was = Pressure(host=alike(1.0), pilots=alike(1.0), others={"user.slice": alike(1.5)})
    assert owners_stalls(more_than_there_was, 2.0, pilots_ran=True, pilots_io_share=None).cpu == 0.5
    unknown = Pressure(host=alike(1.0), others=others)
    assert owners_stalls(unknown, 2.0, pilots_ran=True, pilots_io_share=None).cpu is None
