"""What Prometheus is told: from facts and totals to samples of the declared metrics. Pure.

What is unknown, void or too old has no sample. All values of a label that are known beforehand have one from the start,
so that the first event of each shows as an increase.
"""

import math
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from plancton.common.accounting import SinkState, StoreState
from plancton.common.freshness import HOST_BOUND_SECONDS, POOL_BOUND_SECONDS
from plancton.common.messages import Counters, HostLook, Mode, Outcome, PoolLook, PoolUnknown, Target
from plancton.common.pilot import Pilot, PilotState
from plancton.common.processes import ProcessState, ProcessStatus
from plancton.common.prometheus_metrics import METRICS, Kind
from plancton.common.reasons import EVICTIONS, Reason
from plancton.common.series import Exit
from plancton.workers.metrics.prometheus.exposed_facts import Facts, Tally

_NEVER_HOLD = frozenset(
    {
        Reason.SUSPENDED_TOO_LONG,
        Reason.ROOM,
        Reason.REPLACEMENT,
        Reason.TRIAL,
        Reason.ROOM_AGAIN,
        Reason.EXPIRED,
        Reason.ENDED,
        Reason.NEVER_STARTED,
        Reason.FORCE_STOP,
        Reason.SURPLUS,
    }
)
_STATES = {
    PilotState.CREATED: "starting",
    PilotState.RESTARTING: "starting",
    PilotState.RUNNING: "running",
    PilotState.PAUSED: "suspended",
    PilotState.REMOVING: "ended",
    PilotState.EXITED: "ended",
    PilotState.DEAD: "ended",
}
_GAVE_WAY = ("suspended", "ended")


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A value of a metric."""

    metric: str
    labels: tuple[str, ...] = ()
    """In the order of the declaration."""
    value: float | Tally


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """What one process of planctond's has used so far."""

    started_unix: float
    cpu_seconds: float
    pss_bytes: int | None
    """None where this process may not know."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All that the metrics process knows at one moment."""

    version: str
    hostname: str
    facts: Facts
    counters: Counters


def samples(snapshot: Snapshot, uses: Mapping[str, Use], now: float) -> Iterator[Sample]:
    """Yield every sample, as of ``now``; ``uses`` are of planctond's processes by their names."""
    for sample in _all(snapshot, uses, now):
        if all(map(math.isfinite, _numbers(sample))) and (_may_fall(sample) or min(_numbers(sample)) >= 0):
            yield sample


def _numbers(sample: Sample) -> tuple[float, ...]:
    value = sample.value
    return (value.count, value.seconds) if isinstance(value, Tally) else (value,)


def _may_fall(sample: Sample) -> bool:
    """Tell whether it isn't a total. Whoever reads one below nothing refuses all the rest with it."""
    return METRICS[sample.metric].kind is Kind.GAUGE


def _all(snapshot: Snapshot, uses: Mapping[str, Use], now: float) -> Iterator[Sample]:
    facts, counters = snapshot.facts, snapshot.counters
    yield _one("plancton_build_info", 1.0, snapshot.version, snapshot.hostname)
    if facts.host is not None and now - facts.host_at <= HOST_BOUND_SECONDS:
        yield from _host(facts.host)
    if facts.pool is not None and now - facts.pool_at <= POOL_BOUND_SECONDS:
        yield from _pool(facts.pool)
    if facts.target is not None and now <= facts.target.valid_until_monotonic:
        yield from _target(facts.target)
    if facts.mode is not None:
        yield from (_one("plancton_mode", facts.mode is mode, mode.value) for mode in Mode)
    yield from _events(facts, counters)
    yield from _account(counters)
    yield from _stalls(counters, facts.host)
    yield from _calls(facts)
    for process in facts.processes:
        yield from _process(process, uses.get(process.name))
    for sink in counters.sinks:
        yield from _sink(sink)
    if counters.store is not None:
        yield from _store(counters.store)
    yield _one("plancton_journal_entries_dropped_total", counters.journal_dropped)


def _one(metric: str, value: float, *labels: str) -> Sample:
    return Sample(metric=metric, labels=labels, value=float(value))


def _known(metric: str, value: float | None, *labels: str) -> Iterator[Sample]:
    if value is not None:
        yield _one(metric, value, *labels)


def _host(look: HostLook) -> Iterator[Sample]:
    yield _one("plancton_host_cpus", look.ncpus)
    yield from _known("plancton_host_used_cpus", look.owner_cpus, "owner")
    yield from _known("plancton_host_used_cpus", look.pilots_cpus, "pilots")
    yield _one("plancton_host_used_cpus", look.engine_cpus, "engine")
    yield _one("plancton_host_stolen_cpus", look.stolen_cpus)
    yield _one("plancton_host_memory_bytes", look.ram_bytes)
    yield _one("plancton_host_memory_available_bytes", look.available_bytes)
    yield _one("plancton_host_swap_bytes", look.swap_bytes)
    yield from _known("plancton_owner_stall_ratio", look.stall_cpu, "cpu")
    yield from _known("plancton_owner_stall_ratio", look.stall_memory, "memory")
    yield from _known("plancton_owner_stall_ratio", look.stall_io, "io")


def _pool(pool: PoolLook | PoolUnknown) -> Iterator[Sample]:
    yield _one("plancton_engine_up", isinstance(pool, PoolLook))
    if not isinstance(pool, PoolLook):
        return
    if pool.engine_version:
        yield _one("plancton_engine_info", 1.0, pool.engine_version, pool.api_version)
    numbers = _by_state(pool.pilots)
    yield from (_one("plancton_pilots", number, state) for state, number in numbers.items())


def _by_state(pilots: Iterable[Pilot]) -> dict[str, int]:
    numbers = dict.fromkeys(_STATES.values(), 0)
    for pilot in pilots:
        numbers[_STATES[pilot.state]] += 1
    return numbers


def _target(target: Target) -> Iterator[Sample]:
    yield _one("plancton_pilots_wanted", target.want)
    yield _one("plancton_pilots_capacity", target.capacity)
    yield from _known("plancton_room_cpus", target.room_cpus)
    held = target.hold.reason if target.hold is not None else None
    for reason in Reason:
        if reason is held or reason not in _NEVER_HOLD:
            yield _one("plancton_launches_held", reason is held, reason.value)


def _events(facts: Facts, counters: Counters) -> Iterator[Sample]:
    for outcome in Outcome:
        tally = facts.launches.get(outcome.value, Tally())
        yield _one("plancton_launches_total", tally.count, outcome.value)
        yield Sample(metric="plancton_launch_duration_seconds", labels=(outcome.value,), value=tally)
    for each in Exit:
        yield _one("plancton_exits_total", counters.exits.get(each.value, 0), each.value)
    for reason in sorted(EVICTIONS):
        yield _one("plancton_evictions_total", counters.ended_by_reason.get(reason.value, 0), reason.value)
    yield _one("plancton_fizzles_total", counters.fizzled)
    yield _one("plancton_suspensions_total", counters.suspended)
    yield _one("plancton_resumptions_total", counters.resumed)
    for by in _GAVE_WAY:
        yield Sample(metric="plancton_handback_duration_seconds", labels=(by,), value=facts.handbacks.get(by, Tally()))


def _account(counters: Counters) -> Iterator[Sample]:
    yield _one("plancton_given_core_seconds_total", counters.given_core_seconds)
    yield _one("plancton_free_core_seconds_total", counters.free_core_seconds)
    yield _one("plancton_lost_core_seconds_total", counters.lost_core_seconds)
    yield _one("plancton_pilot_seconds_total", counters.pilot_seconds)


def _stalls(counters: Counters, look: HostLook | None) -> Iterator[Sample]:
    """Yield the owner's stalls; a total of 0 where the kernel tells nothing is no measurement."""
    stalls = {
        "cpu": (counters.owner_stall_cpu_seconds, look and look.stall_cpu),
        "memory": (counters.owner_stall_memory_seconds, look and look.stall_memory),
        "io": (counters.owner_stall_io_seconds, look and look.stall_io),
    }
    for resource, (total, told) in stalls.items():
        if total or told is not None:
            yield _one("plancton_owner_stall_seconds_total", total, resource)


def _calls(facts: Facts) -> Iterator[Sample]:
    for (process, operation), calls in facts.calls.items():
        tally = Tally(count=calls.calls, seconds=calls.seconds)
        labels = (process, operation)
        yield Sample(metric="plancton_engine_call_duration_seconds", labels=labels, value=tally)
        yield _one("plancton_engine_call_failures_total", calls.failures, *labels)


def _process(process: ProcessStatus, use: Use | None) -> Iterator[Sample]:
    name = process.name
    yield _one("plancton_process_up", process.state is ProcessState.RUNNING, name)
    yield _one("plancton_process_restarts_total", process.restarts, name)
    yield _one("plancton_process_beats_total", process.beats, name)
    yield _one("plancton_process_late_seconds", process.late_seconds, name)
    if use is not None:
        yield _one("plancton_process_start_time_seconds", use.started_unix, name)
        yield _one("plancton_process_cpu_seconds_total", use.cpu_seconds, name)
        yield from _known("plancton_process_pss_bytes", use.pss_bytes, name)


def _sink(sink: SinkState) -> Iterator[Sample]:
    if sink.server:
        yield _one("plancton_sink_info", 1.0, sink.name, sink.server)
    if sink.error or sink.written_points:
        yield _one("plancton_sink_up", not sink.error, sink.name)
    yield _one("plancton_sink_points_written_total", sink.written_points, sink.name)
    yield _one("plancton_sink_points_waiting", sink.waiting_points, sink.name)
    yield _one("plancton_sink_points_dropped_total", sink.dropped_points, sink.name)
    yield _one("plancton_sink_points_refused_total", sink.refused_points, sink.name)


def _store(store: StoreState) -> Iterator[Sample]:
    yield _one("plancton_store_up", not store.error)
    yield _one("plancton_store_points", store.points)
    yield _one("plancton_store_size_bytes", store.size_bytes)
    yield from _known("plancton_store_oldest_time_seconds", store.oldest_unix)
    yield _one("plancton_store_points_waiting", store.waiting_points)
    yield _one("plancton_store_points_dropped_total", store.dropped_points)
