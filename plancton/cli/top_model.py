"""What the live view is made of: what was seen, and the course of the CPUs over the last minutes. Pure."""

import math
from collections.abc import Sequence

import msgspec

from plancton.common.freshness import HOST_BOUND_SECONDS
from plancton.common.settings import Settings
from plancton.common.status import Happening, StatusReport

SPAN_SECONDS = 150.0
"""A graph reaches at least so far back, where it is given the columns."""
KEPT_SAMPLES = 2000
_STEPS = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0)


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """How many CPUs were used at a moment; None where nobody could tell."""

    at_monotonic: float
    owner: float | None = None
    pilots: float | None = None


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a process uses; None where this user may not look, or can't tell yet."""

    cpu_percent: float | None = None
    """Of one CPU, since it was looked at before."""
    memory_bytes: int | None = None
    """Its proportional share of what it has in memory."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known when a frame is drawn."""

    hostname: str
    now_unix: float
    now_monotonic: float
    interval: float
    """Seconds between two looks."""
    report: StatusReport | None = None
    absence: str = ""
    """Why there is no report."""
    usage: dict[int, Usage] = {}
    """By pid."""
    samples: tuple[Sample, ...] = ()
    """Oldest first."""
    ncpus: int | None = None
    """Of the machine, as last known: what the graphs' height stands for."""
    happenings: tuple[Happening, ...] = ()
    settings: Settings | None = None
    settings_absence: str = ""


class Courses(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of both graphs."""

    owner: tuple[float | None, ...]
    pilots: tuple[float | None, ...]
    seconds: float
    """The time that all columns together stand for."""


def sample(report: StatusReport | None, at_monotonic: float) -> Sample:
    """Return what a look tells of the CPUs."""
    host = report.host if report is not None else None
    if host is None or (report is not None and (report.host_age_seconds or 0.0) > HOST_BOUND_SECONDS):
        return Sample(at_monotonic=at_monotonic)
    return Sample(at_monotonic=at_monotonic, owner=host.owner_cpus, pilots=host.pilots_cpus)


def courses(seen: Seen, width: int) -> Courses:
    """Return the last minutes in ``width`` columns, each the mean of what was known in its time.

    A column stands for as many seconds as are needed to reach back ``SPAN_SECONDS``. Its borders are whole multiples
    of those, so that what is past keeps its shape while it moves.
    """
    step = next((step for step in _STEPS if step * width >= SPAN_SECONDS and step >= seen.interval), _STEPS[-1])
    newest = math.floor(seen.now_monotonic / step)
    by_column: list[list[Sample]] = [[] for _ in range(width)]
    before: Sample | None = None
    for each in seen.samples:
        column = math.floor(each.at_monotonic / step) - newest + width - 1
        if 0 <= column < width:
            by_column[column].append(each)
        elif column < 0:
            before = each
    owner: list[float | None] = []
    pilots: list[float | None] = []
    for column, found in enumerate(by_column):
        begins = (newest - width + 1 + column) * step
        if not found and before is not None and begins - before.at_monotonic <= max(step, seen.interval):
            # No look fell into this one, for they aren't that regular: the last one still holds.
            found = [before]  # noqa: PLW2901
        elif found:
            before = found[-1]
        owner.append(_mean([each.owner for each in found]))
        pilots.append(_mean([each.pilots for each in found]))
    return Courses(owner=tuple(owner), pilots=tuple(pilots), seconds=step * width)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
