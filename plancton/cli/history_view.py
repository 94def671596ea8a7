"""History drawn in characters, for terminals and for files: pure."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from statistics import mode

import msgspec

from plancton.cli.graph import graph
from plancton.cli.history_figures import Figures, Summary
from plancton.cli.history_summary import merged
from plancton.cli.history_words import sentences, span, table
from plancton.cli.wording import clean

NARROWEST, WIDEST = 70, 160
"""Columns that the view can do with, and more than which help nobody."""
_NAME, _SCALE = 18, 5
_MARGIN = _NAME + 1 + _SCALE + 1
_MINUTES, _DAY = 600.0, 86_400.0
_LABEL_EVERY = 14
_MOST_REASONS = 4
_WORTH_SHOWING = 0.005
"""A reason that held for a lesser share of the time has no graph."""


class Line(msgspec.Struct, frozen=True):
    """One line, and its colour: one of click's names, or nothing."""

    text: str
    colour: str = ""


class _Panel(msgspec.Struct, frozen=True, kw_only=True):
    """One graph."""

    name: str
    value: Callable[[Figures], float | None]
    height: int = 1
    colour: str = ""
    form: str = "{:.1f}"
    heading: str | None = None
    """A line before it."""
    top: float | None = None
    """What fills the height; None: the highest value."""


def columns_of(width: int) -> int:
    """Return how many columns the graphs have on a terminal of this width."""
    return min(max(width, NARROWEST), WIDEST) - _MARGIN - 1


def view(summary: Summary, *, now_unix: float, ends_now: bool, width: int, ascii_only: bool) -> Iterator[Line]:
    """Yield the lines of the view: the most important in words, graphs over the time, and all sums."""
    width = max(width, NARROWEST)
    for sentence in sentences(summary, now_unix, ends_now=ends_now):
        yield from (Line(text) for text in _folded(sentence, width))
    if summary.total.recorded_seconds > 0.0:
        buckets = _at_most(columns_of(width), summary.buckets)
        each = columns_of(width) // len(buckets)
        for panel in _panels(summary.total, buckets):
            if panel.heading is not None:
                yield Line(panel.heading)
            values = [panel.value(figures) for figures in buckets for _ in range(each)]
            yield from _drawn(panel, values, ascii_only=ascii_only)
        yield from (Line(text) for text in _axis(buckets, each, columns_of(width)))
    rows = table(summary.total)
    widest = [max(len(row[column]) for row in rows) for column in (0, 1)]
    yield Line("")
    indent = sum(widest) + 4
    for what, number, meaning in rows:
        first, *others = _folded(meaning, width - indent)
        yield Line(f"{what:<{widest[0]}}  {number:>{widest[1]}}  {first}".rstrip())
        yield from (Line(f"{'':<{indent}}{text}") for text in others)


def _at_most(columns: int, buckets: Sequence[Figures]) -> Sequence[Figures]:
    """Return the buckets, put together by twos or more where there are too many to draw each."""
    together = -(-len(buckets) // columns)
    if together == 1:
        return buckets
    parts = [buckets[first : first + together] for first in range(0, len(buckets), together)]
    return [merged(part, part[0].since_unix, part[-1].until_unix) for part in parts]


def _panels(total: Figures, buckets: Sequence[Figures]) -> Iterator[_Panel]:
    cpus = total.watched_mean(total.machine_core_seconds) or 0.0
    top = max([cpus, *(figures.watched_mean(figures.given_core_seconds) or 0.0 for figures in buckets)]) or None
    yield _Panel(
        name="CPUs given",
        heading="",
        height=3,
        colour="blue",
        top=top,
        value=lambda each: each.watched_mean(each.given_core_seconds),
    )
    yield _Panel(
        name="of those free, %", top=100.0, colour="blue", form="{:.0f}", value=lambda each: _percent(each.occupancy)
    )
    yield _Panel(
        name="CPUs of the owner",
        height=3,
        colour="yellow",
        top=top,
        value=lambda each: each.watched_mean(each.owner_core_seconds),
    )
    yield _Panel(name="pilots", heading="", height=2, colour="blue", value=lambda each: each.mean(each.pilot_seconds))
    if any((total.owner_stall_cpu_seconds, total.owner_stall_memory_seconds, total.owner_stall_io_seconds)):
        yield _Panel(name="owner stalled, %", colour="red", form="{:.2g}", value=_stalled)
    if total.evicted:
        yield _Panel(name="evicted", colour="red", form="{:.0f}", value=lambda each: _number(each, each.evicted))
    if total.lost_core_seconds:
        yield _Panel(
            name="core-hours lost",
            colour="red",
            form="{:.2g}",
            value=lambda each: _number(each, each.lost_core_seconds / 3600.0),
        )
    heading: str | None = "launches held, % of the time, by reason:"
    for reason, seconds in sorted(total.held_seconds.items(), key=lambda item: -item[1])[:_MOST_REASONS]:
        if seconds >= _WORTH_SHOWING * total.recorded_seconds:
            name = clean(reason)[:_NAME]
            yield _Panel(name=name, heading=heading, top=100.0, form="{:.0f}", value=_held(reason))
            heading = None


def _held(reason: str) -> Callable[[Figures], float | None]:
    return lambda each: _percent(each.mean(each.held_seconds.get(reason, 0.0)))


def _percent(share: float | None) -> float | None:
    return None if share is None else 100.0 * share


def _stalled(each: Figures) -> float | None:
    """Return the worst of the three, in percent of the time."""
    stalls = (each.owner_stall_cpu_seconds, each.owner_stall_memory_seconds, each.owner_stall_io_seconds)
    return _percent(each.watched_mean(max((stall for stall in stalls if stall is not None), default=None)))


def _number(each: Figures, number: float) -> float | None:
    """Return what was counted; where there is no record, nothing was found not to happen."""
    return number if number or each.recorded_seconds > 0.0 else None


def _drawn(panel: _Panel, values: Sequence[float | None], *, ascii_only: bool) -> Iterator[Line]:
    known = [value for value in values if value is not None]
    top = max(known, default=0.0) if panel.top is None else panel.top
    drawn = graph(values, width=len(values), height=panel.height, top=top, ascii_only=ascii_only)
    for number, line in enumerate(drawn):
        scale = _scale(panel.form.format(top), top) if number == 0 else "0" if number == panel.height - 1 else ""
        name = panel.name if number == 0 else ""
        yield Line(f"{name:<{_NAME}} {scale:>{_SCALE}} {line}".rstrip(), panel.colour)


def _axis(buckets: Sequence[Figures], each: int, columns: int) -> Iterator[str]:
    """Yield a line with the moments at which some of the columns begin, and one that tells what a column is."""
    length = buckets[-1].until_unix - buckets[0].since_unix
    form = "%H:%M:%S" if length <= _MINUTES else "%H:%M" if length <= 2 * _DAY else "%m-%d"
    line = ""
    for number, figures in enumerate(buckets):
        column = number * each
        if not line or (column >= len(line) + 2 and column % _LABEL_EVERY < each):
            label = datetime.fromtimestamp(figures.since_unix, UTC).astimezone().strftime(form)
            if column + len(label) <= columns:
                line = line.ljust(column) + label
    yield f"{'':<{_MARGIN}}{line}"
    # Not the longest: a day may have 25 hours.
    size = span(mode(sorted((round(figures.seconds) for figures in buckets), reverse=True)))
    one = "a column is" if each == 1 else f"{each} columns are"
    yield f"{'':<{_MARGIN}}{one} {size}; blank: no record"


def _scale(text: str, top: float) -> str:
    """Return the scale's number, in less detail where there is no room."""
    return text if len(text) <= _SCALE else f"{top:.0f}" if top < 10**_SCALE - 0.5 else f"{top:.0e}"


def _folded(text: str, width: int) -> Iterator[str]:
    """Yield the text as lines; a word that is longer than any line is cut."""
    line = ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
        while len(line) > width:
            yield line[:width]
            line = line[width:]
    yield line
