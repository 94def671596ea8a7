"""History for scripts: one JSON object, CSV rows, points: pure."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from plancton.cli.history_figures import Figures, Summary
from plancton.common.points import Point
from plancton.common.series import SERIES, Exit

_DERIVED = ("occupancy", "handback_median_seconds", "handback_worst_seconds")
_PLAIN = (
    "recorded_seconds",
    "watched_seconds",
    "given_core_seconds",
    "free_core_seconds",
    "occupancy",
    "owner_core_seconds",
    "machine_core_seconds",
    "pilot_seconds",
    "suspended_pilot_seconds",
    "owner_stall_cpu_seconds",
    "owner_stall_memory_seconds",
    "owner_stall_io_seconds",
    "lost_core_seconds",
    "evicted_lost_core_seconds",
    "handback_median_seconds",
    "handback_worst_seconds",
)
"""Columns of the CSV that are fields of ``Figures``."""


def plain(summary: Summary, unread_points: int) -> dict[str, Any]:
    """Return all of it for JSON. The handbacks of buckets are told by their number, median and worst."""
    return {
        "since_unix": summary.total.since_unix,
        "until_unix": summary.total.until_unix,
        "total": _figures(summary.total),
        "gaps": [{**msgspec.to_builtins(gap), "seconds": gap.seconds} for gap in summary.gaps],
        "unread_points": unread_points,
        "buckets": [_figures(each) for each in summary.buckets],
    }


def _figures(figures: Figures) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(figures)
    handbacks = fields.pop("handback_seconds")
    return {
        **fields,
        "seconds": figures.seconds,
        "handbacks": len(handbacks),
        **{name: getattr(figures, name) for name in _DERIVED},
    }


def csv_lines(summary: Summary) -> Iterator[str]:
    """Yield a header, and a line for each bucket. What is unknown is an empty cell, and so is what has no record."""
    exits = [f"{end.replace('-', '_')}_pilots" for end in Exit]
    counts = ("launches", "failed_launches", "handbacks", *exits)
    header = ["since", "since_unix", "seconds", *_PLAIN, "held_seconds", "held_longest_reason", *counts]
    yield line(header)
    for each in summary.buckets:
        held = max(each.held_seconds, key=lambda reason: each.held_seconds[reason], default="")
        numbers = [
            sum(each.launches.values()),
            each.launches.get("failed", 0) + each.launches.get("timed-out", 0),
            len(each.handback_seconds),
            *(each.exits.get(end, 0) for end in Exit),
        ]
        cells: list[object] = [local(each.since_unix), each.since_unix, each.seconds]
        if each.recorded_seconds > 0.0 or any(numbers):
            cells += [*(getattr(each, name) for name in _PLAIN), sum(each.held_seconds.values()), held, *numbers]
        else:
            cells += [0.0, *[None] * (len(header) - len(cells) - 1)]
        yield line(cells)


def line(cells: Iterable[object]) -> str:
    """Return one line of CSV, without its end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(["" if cell is None else cell for cell in cells])
    return text.getvalue()


def local(moment_unix: float) -> str:
    """Return a moment in local time with its offset, as ISO 8601 has it."""
    return datetime.fromtimestamp(moment_unix, UTC).astimezone().isoformat(timespec="seconds")


def point_header(series: str) -> list[str]:
    """Return the columns of a series: the time, its tags, its fields."""
    declared = SERIES[series]
    return ["time", "time_unix_ns", "hostname", *declared.tags, *declared.fields]


def point_cells(point: Point) -> list[object]:
    """Return the cells of a point below ``point_header``; what it doesn't tell is None."""
    declared = SERIES[point.series]
    return [
        local(point.time_unix_ns / 1e9),
        point.time_unix_ns,
        *(point.tags.get(tag) for tag in ("hostname", *declared.tags)),
        *(point.fields.get(field) for field in declared.fields),
    ]
