"""Two samples make one look, within what there is, whatever the counters say."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from plancton.workers.probe.churn import Churn
from plancton.workers.probe.disks import Moved, PilotsMoves
from plancton.workers.probe.kernel import CpuTimes, MemoryFigures
from plancton.workers.probe.pressure import Pressure, Stalled
from plancton.workers.probe.sample import Sample, host_look, without_pilots

SECONDS = st.floats(0.0, 1e6)
UNKNOWN = st.none() | SECONDS
MOVES = st.dictionaries(
    st.just("8:0"), st.builds(Moved, read_bytes=st.integers(0, 10**9), written_bytes=st.integers(0, 10**9))
)
STALLED = st.builds(Stalled, cpu=UNKNOWN, memory=UNKNOWN, io=UNKNOWN)


def samples(at: float) -> st.SearchStrategy[Sample]:
    return st.builds(
        Sample,
        at=st.just(at),
        cpu=st.builds(CpuTimes, ncpus=st.integers(1, 512), busy_seconds=SECONDS, stolen_seconds=SECONDS),
        memory=st.just(MemoryFigures(ram_bytes=1000, available_bytes=500, swap_bytes=0)),
        runs=st.booleans(),
        pilots_seconds=UNKNOWN,
        pressure=st.builds(Pressure, host=STALLED, pilots=STALLED),
        disks=st.none() | MOVES,
        pilots_moves=st.none() | st.builds(PilotsMoves, by_cgroup=st.dictionaries(st.just("p"), MOVES)),
    )


CHURN = st.builds(Churn, starts=st.integers(0, 50), ends=st.integers(0, 50))


@given(samples(10.0), samples(12.0), CHURN)
def test_no_figure_is_beyond_what_there_is(before: Sample, after: Sample, churn: Churn) -> None:
    look = host_look(before, after, churn)
    assert 0.0 <= look.busy_cpus <= look.ncpus
    assert 0.0 <= look.stolen_cpus <= look.ncpus - look.busy_cpus
    assert 0.0 <= look.engine_cpus <= max(0.0, look.busy_cpus - (look.pilots_cpus or 0.0))
    assert look.pilots_cpus is None or 0.0 <= look.pilots_cpus <= look.ncpus
    assert look.owner_cpus is None or 0.0 <= look.owner_cpus <= look.busy_cpus
    for share in (look.stall_cpu, look.stall_memory, look.stall_io, look.pilots_io_share):
        assert share is None or 0.0 <= share <= 1.0


@given(samples(10.0), samples(12.0), CHURN)
def test_what_was_unknown_before_is_unknown_between(before: Sample, after: Sample, churn: Churn) -> None:
    look = host_look(without_pilots(before), after, churn)
    assert look.pilots_cpus is None
    assert look.owner_cpus is None
    if before.runs:
        assert look.stall_cpu is None


@given(samples(10.0), samples(12.0), CHURN)
def test_a_clock_of_the_host_that_goes_back_is_no_use_at_all(before: Sample, after: Sample, churn: Churn) -> None:
    look = host_look(before, after, churn)
    assert look.busy_cpus == 0.0 or after.cpu.busy_seconds > before.cpu.busy_seconds
    assert look.stolen_cpus == 0.0 or after.cpu.stolen_seconds > before.cpu.stolen_seconds


@given(samples(10.0), samples(12.0), CHURN, st.floats(0.0, 2.0))
def test_the_longer_the_host_was_stalled_the_longer_the_owner(
    before: Sample, after: Sample, churn: Churn, more: float
) -> None:
    was, host = before.pressure.host, after.pressure.host
    if was.cpu is None or host.cpu is None or host.cpu < was.cpu:
        return
    more_pressure = msgspec.structs.replace(after.pressure, host=msgspec.structs.replace(host, cpu=host.cpu + more))
    longer = msgspec.structs.replace(after, pressure=more_pressure)
    less, as_much = (host_look(before, each, churn).stall_cpu for each in (after, longer))
    assert (less is None) == (as_much is None)
    assert less is None or as_much is None or less <= as_much
