"""The host's counters at one moment, and what two of them say of the time between: pure."""

import msgspec

from plancton.common.messages import HostLook
from plancton.workers.probe.churn import Churn, engine_cpus
from plancton.workers.probe.disks import Moves, PilotsMoves, pilots_share
from plancton.workers.probe.kernel import CpuTimes, MemoryFigures, used_between
from plancton.workers.probe.pressure import Pressure, Stalled, owners_stalls, pressure_between


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What was read at one moment. None is what couldn't be read."""

    at: float
    """Monotonic seconds."""
    cpu: CpuTimes
    memory: MemoryFigures
    runs: bool
    """Whether any pilot runs, suspended ones not counted."""
    pilots_seconds: float | None
    """CPU seconds of all pilots, ended ones included."""
    pressure: Pressure
    disks: Moves | None
    pilots_moves: PilotsMoves | None


def without_pilots(sample: Sample) -> Sample:
    """Return the sample with the pilots' accounts unread: from now on they are kept elsewhere."""
    pressure = msgspec.structs.replace(sample.pressure, pilots=Stalled())
    return msgspec.structs.replace(sample, pilots_seconds=None, pressure=pressure, pilots_moves=None)


def host_look(before: Sample, after: Sample, churn: Churn) -> HostLook:
    """Return what happened between two samples, the second of which is later, and in which pilots started and ended.

    Every share and every number of CPUs is within what there is, whatever the counters say.
    """
    seconds = after.at - before.at
    cpu = after.cpu
    # Neither begins anew: where one falls, a clock or a hypervisor is mistaken.
    busy = min(cpu.ncpus, max(0.0, cpu.busy_seconds - before.cpu.busy_seconds) / seconds)
    stolen = max(0.0, cpu.stolen_seconds - before.cpu.stolen_seconds) / seconds
    pilots = None
    if before.pilots_seconds is not None and after.pilots_seconds is not None:
        pilots = min(cpu.ncpus, used_between(before.pilots_seconds, after.pilots_seconds) / seconds)
    ran = before.runs or after.runs or churn != Churn()
    io_share = _io_share(before, after, pilots_ran=ran)
    stalls = owners_stalls(
        pressure_between(before.pressure, after.pressure),
        seconds,
        pilots_ran=ran,
        pilots_io_share=io_share,
    )
    return HostLook(
        ncpus=cpu.ncpus,
        interval_seconds=seconds,
        busy_cpus=busy,
        pilots_cpus=pilots,
        ram_bytes=after.memory.ram_bytes,
        available_bytes=after.memory.available_bytes,
        swap_bytes=after.memory.swap_bytes,
        stolen_cpus=min(stolen, cpu.ncpus - busy),
        engine_cpus=engine_cpus(churn, seconds, busy - (pilots or 0.0)),
        stall_cpu=stalls.cpu,
        stall_memory=stalls.memory,
        stall_io=stalls.io,
        stall_detail=stalls.detail,
        pilots_io_share=io_share,
    )


def _io_share(before: Sample, after: Sample, *, pilots_ran: bool) -> float | None:
    if before.disks is None or after.disks is None:
        return None
    if not pilots_ran:
        return 0.0
    return pilots_share(before.disks, after.disks, before.pilots_moves, after.pilots_moves)
