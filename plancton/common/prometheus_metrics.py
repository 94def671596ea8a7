"""Every metric that Prometheus finds at /metrics, declared once: name, kind, labels, and what it tells.

The page docs/prometheus.md is made from these declarations; the exporter makes nothing else, and the dashboard for
Prometheus is held to them by a test. A metric or a label's value may be added; none changes its meaning. What is
unknown is absent, never 0. Totals begin again at 0 when planctond is started, some of them also when its metrics
process is, as Prometheus expects of counters.
"""

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What a metric is to Prometheus."""

    GAUGE = "gauge"
    COUNTER = "counter"
    """A total: its name ends in ``_total``."""
    SUMMARY = "summary"
    """``_count`` and ``_sum``."""
    HISTOGRAM = "histogram"
    """``_bucket``, ``_count`` and ``_sum``."""
    INFO = "info"
    """Always 1; what it tells are its labels."""


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One metric."""

    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
"""Upper bounds of the histograms, in seconds."""


def _gauge(text: str, *labels: str) -> Metric:
    return Metric(kind=Kind.GAUGE, help=text, labels=labels)


def _counter(text: str, *labels: str) -> Metric:
    return Metric(kind=Kind.COUNTER, help=text, labels=labels)


METRICS: dict[str, Metric] = {
    "plancton_build_info": Metric(
        kind=Kind.INFO, help="Which planctond runs on which host.", labels=("version", "hostname")
    ),
    "plancton_engine_info": Metric(
        kind=Kind.INFO, help="Which engine runs the pilots.", labels=("version", "api_version")
    ),
    "plancton_engine_up": _gauge("1 if the engine answers, 0 if it can't be asked."),
    # The machine, in the last look.
    "plancton_host_cpus": _gauge("CPUs of the machine."),
    "plancton_host_used_cpus": _gauge(
        "CPUs in use by the owner's processes, by pilots, and by the engine to start and end them (an estimate).", "by"
    ),
    "plancton_host_stolen_cpus": _gauge("CPUs that a hypervisor gave to others although somebody here wanted them."),
    "plancton_host_memory_bytes": _gauge("Memory of the machine."),
    "plancton_host_memory_available_bytes": _gauge("Memory that could be had without swapping."),
    "plancton_host_swap_bytes": _gauge("Swap of the machine."),
    "plancton_owner_stall_ratio": _gauge(
        "Share of time in which some process of the owner's was stalled for want of this resource.", "resource"
    ),
    # What is wanted, and what there is.
    "plancton_pilots": _gauge("Pilots by the state of their containers.", "state"),
    "plancton_pilots_wanted": _gauge("As many pilots as there should be."),
    "plancton_pilots_capacity": _gauge("As many pilots as the node has grown to."),
    "plancton_room_cpus": _gauge("CPUs that the owner leaves to pilots."),
    "plancton_launches_held": _gauge("1 for the reason why nothing further may be launched, 0 for others.", "reason"),
    "plancton_mode": _gauge("1 for what the operator wants of this node, 0 for the rest.", "mode"),
    # What became of it.
    "plancton_launches_total": _counter("Attempts to start a pilot.", "outcome"),
    "plancton_launch_duration_seconds": Metric(
        kind=Kind.HISTOGRAM, help="How long attempts to start a pilot took.", labels=("outcome",)
    ),
    "plancton_exits_total": _counter("Pilots that ended, by what came of them.", "exit"),
    "plancton_evictions_total": _counter("Pilots that were ended for the owner's sake.", "reason"),
    "plancton_fizzles_total": _counter("Pilots that ended by themselves too soon."),
    "plancton_suspensions_total": _counter("Pilots that were suspended."),
    "plancton_resumptions_total": _counter("Pilots that went on after a suspension."),
    "plancton_handback_duration_seconds": Metric(
        kind=Kind.HISTOGRAM,
        help="From the decision that pilots give way to the owner until all of them were suspended or had ended.",
        labels=("by",),
    ),
    # What was given, and what it cost.
    "plancton_given_core_seconds_total": _counter("CPU time that pilots used."),
    "plancton_free_core_seconds_total": _counter("CPU time that the owner left, whether pilots used it or not."),
    "plancton_lost_core_seconds_total": _counter("CPU time of pilots that were ended before they had finished."),
    "plancton_pilot_seconds_total": _counter("How long the pilots lived that have ended."),
    "plancton_owner_stall_seconds_total": _counter(
        "Time in which some process of the owner's was stalled for want of this resource while pilots ran.", "resource"
    ),
    # How planctond itself does.
    "plancton_engine_call_duration_seconds": Metric(
        kind=Kind.SUMMARY, help="How long the engine's answers took.", labels=("process", "operation")
    ),
    "plancton_engine_call_failures_total": _counter(
        "Calls of the engine without the answer that was asked for.", "process", "operation"
    ),
    "plancton_process_up": _gauge("1 if this process of planctond's runs.", "process"),
    "plancton_process_start_time_seconds": _gauge("When this process began, in seconds since 1970.", "process"),
    "plancton_process_cpu_seconds_total": _counter("CPU time that this process used.", "process"),
    "plancton_process_pss_bytes": _gauge(
        "Its share of memory: what is shared is divided among those that share it.", "process"
    ),
    "plancton_process_restarts_total": _counter("How often it was started again.", "process"),
    "plancton_process_beats_total": _counter("Signs of life that its loop gave.", "process"),
    "plancton_process_late_seconds": _gauge(
        "The most that its loop woke after its deadline lately: before it was told last.", "process"
    ),
    "plancton_sink_info": Metric(
        kind=Kind.INFO, help="What a sink of measurements says it is.", labels=("sink", "server")
    ),
    "plancton_sink_up": _gauge("1 if this sink took what it was sent last, 0 if it didn't.", "sink"),
    "plancton_sink_points_written_total": _counter("Points that it took.", "sink"),
    "plancton_sink_points_waiting": _gauge("Points that it hasn't taken yet.", "sink"),
    "plancton_sink_points_dropped_total": _counter("Points that the store's bounds left no room.", "sink"),
    "plancton_sink_points_refused_total": _counter("Points that it will never take, and said so.", "sink"),
    "plancton_store_up": _gauge("1 if the store on disk takes points, 0 if it doesn't."),
    "plancton_store_points": _gauge("Points in the store on disk."),
    "plancton_store_size_bytes": _gauge("The store on disk."),
    "plancton_store_oldest_time_seconds": _gauge("The store's oldest point, in seconds since 1970."),
    "plancton_store_points_waiting": _gauge("Points that aren't on disk yet."),
    "plancton_store_points_dropped_total": _counter("Points that never got to disk."),
    "plancton_journal_entries_dropped_total": _counter("Decisions that couldn't be written to the journal."),
}
"""By name, in the order in which people read them."""
