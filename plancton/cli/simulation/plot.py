"""A picture of a simulation: who had the CPUs, what was evicted, and what held launches."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plancton.cli.simulation.result import Course, Scenario

_DAY, _HOUR = 86_400.0, 3600.0
_WIDTH_INCHES, _HEIGHT_INCHES = 12.0, 6.5
_OWNER, _PILOTS, _EVICTION = "#d98e04", "#2a78b8", "#b3261e"


def draw(course: Course, scenario: Scenario, title: str, file: Path) -> None:
    """Draw ``course`` into ``file``, whose suffix says as what: png or svg.

    Raises:
        OSError: if it can't be written.

    """
    unit, seconds = ("days", _DAY) if scenario.seconds > 2 * _DAY else ("hours", _HOUR)
    # The same simulation gives the same file.
    with mpl.rc_context({"svg.hashsalt": "plancton", "font.size": 10.0}):
        figure = Figure(figsize=(_WIDTH_INCHES, _HEIGHT_INCHES), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1.4])
        figure.suptitle(title, fontsize=11.0, wrap=True)
        _draw_cpus(above, course, scenario, seconds)
        _draw_holds(below, course, scenario, seconds)
        below.set_xlabel(f"{unit} since a Monday's first minute")
        below.set_xlim(0.0, scenario.seconds / seconds)
        metadata = {"Date": None} if file.suffix.lower() == ".svg" else {}
        figure.savefig(file, dpi=110, metadata=metadata)


def _draw_cpus(axes: Axes, course: Course, scenario: Scenario, seconds: float) -> None:
    moments = [stretch.until / seconds for stretch in course.stretches]
    owner = [stretch.owner_cpus for stretch in course.stretches]
    both = [stretch.owner_cpus + stretch.pilots_cpus for stretch in course.stretches]
    axes.fill_between(moments, 0.0, owner, step="pre", color=_OWNER, linewidth=0.0, label="owner")
    axes.fill_between(moments, owner, both, step="pre", color=_PILOTS, linewidth=0.0, label="pilots")
    suspended = [stretch.suspended * scenario.settings.cpus_per_dock for stretch in course.stretches]
    if any(suspended):
        axes.step(moments, suspended, color="black", linewidth=0.8, label="suspended pilots' CPUs")
    if course.evictions:
        top = [scenario.ncpus * 1.03] * len(course.evictions)
        marks = [moment / seconds for moment in course.evictions]
        axes.scatter(marks, top, s=14.0, marker="v", color=_EVICTION, linewidths=0.0, label="a pilot evicted")
    axes.axhline(scenario.ncpus, color="black", linewidth=0.8)
    axes.set_ylim(0.0, scenario.ncpus * 1.08)
    axes.set_ylabel("CPUs (blank: unused)")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.12), ncols=4, frameon=False)


def _draw_holds(axes: Axes, course: Course, scenario: Scenario, seconds: float) -> None:
    reasons = list(dict.fromkeys(reason for _, reason in course.holds if reason is not None))
    ends = [moment for moment, _ in course.holds[1:]] + [scenario.seconds]
    for number, reason in enumerate(reasons):
        bars = [
            (begun / seconds, (end - begun) / seconds)
            for (begun, held), end in zip(course.holds, ends, strict=True)
            if held is reason
        ]
        axes.broken_barh(bars, (number - 0.4, 0.8), color="#6b6b6b", linewidth=0.0)
    axes.set_yticks(range(len(reasons)), [str(reason) for reason in reasons])
    axes.set_ylim(-0.6, max(0.6, len(reasons) - 0.4))
    axes.set_ylabel("launches held")
