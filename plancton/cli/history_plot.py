"""A picture of the history: who had the CPUs, what it cost the owner, and what held launches."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plancton.cli.history_figures import Figures, Summary

_WIDTH_INCHES, _HEIGHT_INCHES = 12.0, 8.0
_OWNER, _PILOTS, _COST, _REST = "#d98e04", "#2a78b8", "#b3261e", "#6b6b6b"
_NAN = float("nan")
_MOST_REASONS, _MOST_LABELS = 6, 12
_MINUTES, _DAY = 600.0, 86_400.0


def draw(summary: Summary, title: str, file: Path) -> None:
    """Draw the history into ``file``, whose suffix says as what: png or svg. Time without a record is blank.

    Raises:
        OSError: if it can't be written.

    """
    # The same history gives the same file.
    with mpl.rc_context({"svg.hashsalt": "plancton", "font.size": 10.0}):
        figure = Figure(figsize=(_WIDTH_INCHES, _HEIGHT_INCHES), layout="constrained")
        cpus, pilots, costs, holds = figure.subplots(4, 1, sharex=True, height_ratios=[4, 1.5, 1.5, 1.7])
        figure.suptitle(title, fontsize=11.0, wrap=True)
        _draw_cpus(cpus, summary)
        _draw_pilots(pilots, summary)
        _draw_costs(costs, summary)
        _draw_holds(holds, summary)
        holds.set_xlim(summary.total.since_unix, summary.total.until_unix)
        holds.set_xticks(*_ticks(summary))
        metadata = {"Date": None} if file.suffix.lower() == ".svg" else {}
        figure.savefig(file, dpi=110, metadata=metadata)


def _draw_cpus(axes: Axes, summary: Summary) -> None:
    edges, buckets = _edges(summary), summary.buckets
    owner = [_known(each.watched_mean(each.owner_core_seconds)) for each in buckets]
    given = [_known(each.watched_mean(each.given_core_seconds)) for each in buckets]
    # Where only one of them is known, it stands on the ground.
    ground = [0.0 if value != value else value for value in owner]  # noqa: PLR0124 - nan is no number
    both = [below + value for below, value in zip(ground, given, strict=True)]
    axes.stairs(owner, edges, fill=True, color=_OWNER, label="owner")
    axes.stairs(both, edges, baseline=ground, fill=True, color=_PILOTS, label="pilots")
    machine = [_known(each.watched_mean(each.machine_core_seconds)) for each in buckets]
    axes.stairs(machine, edges, baseline=None, color="black", linewidth=0.8, label="all CPUs")
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("CPUs")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.12), ncols=3, frameon=False)


def _draw_pilots(axes: Axes, summary: Summary) -> None:
    edges, buckets = _edges(summary), summary.buckets
    pilots = [_known(each.mean(each.pilot_seconds)) for each in buckets]
    suspended = [_known(each.mean(each.suspended_pilot_seconds)) for each in buckets]
    axes.stairs(pilots, edges, fill=True, color=_PILOTS, label="pilots at a time")
    axes.stairs(suspended, edges, fill=True, color=_REST, label="of these suspended")
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("pilots")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, frameon=False, fontsize=8.0)


def _draw_costs(axes: Axes, summary: Summary) -> None:
    edges, buckets = _edges(summary), summary.buckets
    for name, style in (("cpu", "-"), ("memory", "--"), ("io", ":")):
        shares = [_known(each.watched_mean(getattr(each, f"owner_stall_{name}_seconds"))) for each in buckets]
        percents = [100.0 * share for share in shares]
        axes.stairs(percents, edges, baseline=None, color=_COST, linestyle=style, label=f"owner stalled: {name}")
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("% of time")
    evicted = [(each.since_unix + each.seconds / 2, each.evicted) for each in buckets if each.evicted]
    if evicted:
        other = axes.twinx()
        moments, numbers = zip(*evicted, strict=True)
        other.scatter(moments, numbers, s=18.0, marker="v", color=_COST, label="pilots evicted")
        other.set_ylim(0.0, 1.2 * max(numbers))
        other.set_ylabel("evicted")
        other.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8.0)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, frameon=False, fontsize=8.0)


def _draw_holds(axes: Axes, summary: Summary) -> None:
    held = summary.total.held_seconds
    reasons = sorted(held, key=lambda reason: -held[reason])[:_MOST_REASONS]
    for number, reason in enumerate(reasons):
        for each in summary.buckets:
            share = each.mean(each.held_seconds.get(reason, 0.0))
            if share:
                # The darker the longer.
                bar = [(each.since_unix, each.seconds)]
                axes.broken_barh(bar, (number - 0.4, 0.8), color=_REST, alpha=min(1.0, 0.1 + share), linewidth=0.0)
    axes.set_yticks(range(len(reasons)), reasons)
    axes.set_ylim(-0.6, max(0.6, len(reasons) - 0.4))
    axes.set_ylabel("launches held")


def _edges(summary: Summary) -> list[float]:
    return [*(each.since_unix for each in summary.buckets), summary.total.until_unix]


def _ticks(summary: Summary) -> tuple[list[float], list[str]]:
    """Return some of the buckets' beginnings, and what they are by local time."""
    inner: Sequence[Figures] = summary.buckets[1:] or summary.buckets
    moments = [each.since_unix for each in inner[:: -(-len(inner) // _MOST_LABELS)]]
    seconds = summary.total.seconds
    form = "%H:%M:%S" if seconds <= _MINUTES else "%m-%d\n%H:%M" if seconds <= 10 * _DAY else "%Y\n%m-%d"
    return moments, [datetime.fromtimestamp(moment, UTC).astimezone().strftime(form) for moment in moments]


def _known(value: float | None) -> float:
    return _NAN if value is None else value
