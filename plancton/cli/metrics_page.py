"""The page about what Prometheus finds, from the declarations of the metrics."""

from collections.abc import Iterator

from plancton.common.messages import Mode, Outcome
from plancton.common.prometheus_metrics import BUCKETS, METRICS
from plancton.common.reasons import EVICTIONS
from plancton.common.series import Exit

_INTRODUCTION = f"""\
With `prometheus_address` set, planctond answers `GET /metrics` there, in Prometheus's text format or in OpenMetrics'.
This page is generated from the declarations in `plancton/common/prometheus_metrics.py` by
`python -m plancton.cli.reference`. A metric may be added in a later version; none changes its meaning.

- What is unknown, or too old to be relied on, is absent, never 0. Each value of a label that is known beforehand is
  there from the start, so that the first event of its kind shows as an increase.
- Gauges tell what planctond knows at the moment of the scrape. Totals begin again at 0 when planctond is started, some
  of them also when its metrics process is: `rate` and `increase` take that into account.
- Units are seconds, bytes, CPUs, and ratios from 0 to 1. Histograms have the bounds
  {", ".join(f"{bound:g}" for bound in BUCKETS)} s.
- Which machine it is, Prometheus says itself, by the label `instance`; the machine's name is in `plancton_build_info`.

Sixteen may ask at a time; who takes longer than 10 s is cut off. Nothing that is asked can delay a decision."""

VALUES: dict[tuple[str, str], tuple[str, ...]] = {
    ("plancton_host_used_cpus", "by"): ("owner", "pilots", "engine"),
    ("plancton_owner_stall_ratio", "resource"): ("cpu", "memory", "io"),
    ("plancton_owner_stall_seconds_total", "resource"): ("cpu", "memory", "io"),
    ("plancton_pilots", "state"): ("starting", "running", "suspended", "ended"),
    ("plancton_mode", "mode"): tuple(Mode),
    ("plancton_launches_total", "outcome"): tuple(Outcome),
    ("plancton_launch_duration_seconds", "outcome"): tuple(Outcome),
    ("plancton_exits_total", "exit"): tuple(Exit),
    ("plancton_evictions_total", "reason"): tuple(sorted(EVICTIONS)),
    ("plancton_handback_duration_seconds", "by"): ("suspended", "ended"),
}
"""All values of the labels that have a fixed list of them."""

QUERIES: dict[str, str] = {
    "CPUs that pilots use, and the share of what the owners leave": """\
sum(rate(plancton_given_core_seconds_total[5m]))
sum(rate(plancton_given_core_seconds_total[5m])) / sum(rate(plancton_free_core_seconds_total[5m]))
""",
    "Where planctond, or a process of it, has been away for five minutes": """\
up{job="plancton"} == 0
plancton_process_up == 0
""",
    "Where the engine can't be asked": """\
plancton_engine_up == 0
""",
    "Where launches are held for a reason that isn't the owner's, the operator's, or that the node is full": """\
plancton_launches_held{reason=~"no-.*|.*-unknown|fizzles|launches-fail"} == 1
""",
    "Where more than a tenth of the pilots fizzle": """\
increase(plancton_fizzles_total[1h]) > 0.1 * sum by (instance) (increase(plancton_exits_total[1h]))
""",
    "Within what time 95 % of the owners' claims were met, in the last day": """\
histogram_quantile(0.95, sum by (le) (increase(plancton_handback_duration_seconds_bucket[1d])))
""",
    "Where a sink hasn't taken what waits for it, or points are lost": """\
plancton_sink_up == 0
increase(plancton_sink_points_dropped_total[1h]) + increase(plancton_sink_points_refused_total[1h]) > 0
""",
}
"""Examples in PromQL, by what they tell; each line is one."""


def metrics_page() -> str:
    """Return the page that describes every metric, as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from ("# Metrics for Prometheus", "", _INTRODUCTION)
    yield from ("", "| metric | kind | labels | tells |", "|---|---|---|---|")
    for name, metric in METRICS.items():
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        yield f"| `{name}` | {metric.kind} | {labels} | {metric.help} |"
    yield from ("", "| label | of | values |", "|---|---|---|")
    for (name, label), values in VALUES.items():
        yield f"| `{label}` | `{name}` | {', '.join(f'`{value}`' for value in values)} |"
    yield from (
        "",
        "What each `exit` means, [series.md](series.md) tells; a `reason` is told as `planctonctl why` tells it.",
    )
    yield from ("", "## Queries", "", "Each line is one; those with a comparison make alerts.")
    for what, queries in QUERIES.items():
        yield from ("", f"{what}:", "", "```promql", queries.rstrip(), "```")
