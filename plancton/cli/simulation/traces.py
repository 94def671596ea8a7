"""What an owner asks for over time, as a step function, and its text form: pure.

The text is CSV: ``seconds,cpus[,memory_bytes]`` with that header line; ``#`` begins a comment line. Seconds are
counted from the start and rise; each line holds until the next one, and the last one tells where the trace ends.
"""

import itertools
import math
from collections.abc import Iterator, Sequence

import msgspec

_COLUMNS = ("seconds", "cpus", "memory_bytes")
_REQUIRED = 2
_HEADER = "seconds,cpus or seconds,cpus,memory_bytes"


class TraceError(Exception):
    """A text is no trace; the message says where, why, and what would be right."""


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """CPUs and memory that the owner's processes ask for."""

    seconds: tuple[float, ...]
    """The moment of each step, rising; what the first one says holds before it too."""
    cpus: tuple[float, ...]
    memory_bytes: tuple[int, ...]
    end_seconds: float
    """How long the trace is."""


def trace(steps: Sequence[tuple[float, float]], end_seconds: float) -> Trace:
    """Return the trace of these ``(seconds, cpus)`` steps, by an owner without memory."""
    return _without_repetitions([(moment, load, 0) for moment, load in steps], end_seconds)


def parse(text: str, source: str) -> Trace:
    """Read a trace; ``source`` is what errors call it.

    Raises:
        TraceError: for the first thing wrong with it.

    """
    lines = _lines(text)
    number, header = next(lines, (1, []))
    columns = [word.lower() for word in header]
    if len(set(columns)) < len(columns) or set(columns) not in ({*_COLUMNS}, {*_COLUMNS[:_REQUIRED]}):
        message = f"{source}:{number}: the first line should name the columns: {_HEADER}"
        raise TraceError(message)
    steps: list[tuple[float, float, int]] = []
    for number, words in lines:
        step = _step(words, columns, f"{source}:{number}")
        if steps and step[0] <= steps[-1][0]:
            message = (
                f"{source}:{number}: {step[0]:g} seconds don't come after the {steps[-1][0]:g} of the line before; "
                "sort the lines by seconds, and keep one of those that have the same"
            )
            raise TraceError(message)
        steps.append(step)
    if not steps or steps[-1][0] <= 0.0:
        message = f"{source}: has no line after 0 seconds, so it has no length; add one that tells where it ends"
        raise TraceError(message)
    return _without_repetitions(steps, steps[-1][0])


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield number, [word.strip() for word in stripped.split(",")]


def _step(words: list[str], columns: list[str], where: str) -> tuple[float, float, int]:
    if len(words) != len(columns):
        message = f"{where}: has {len(words)} values where the first line names {len(columns)}: {','.join(columns)}"
        raise TraceError(message)
    values = dict.fromkeys(_COLUMNS, 0.0)
    for column, word in zip(columns, words, strict=True):
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value >= 0.0):
            message = f"{where}: {column} should be a number from 0 up, not {word[:40]!r}"
            raise TraceError(message)
        values[column] = value
    return values["seconds"], values["cpus"], int(values["memory_bytes"])


def _without_repetitions(steps: Sequence[tuple[float, float, int]], end_seconds: float) -> Trace:
    kept = list(steps[:1])
    kept += [step for before, step in itertools.pairwise(steps) if before[1:] != step[1:]]
    return Trace(
        seconds=tuple(step[0] for step in kept),
        cpus=tuple(step[1] for step in kept),
        memory_bytes=tuple(step[2] for step in kept),
        end_seconds=end_seconds,
    )


def means(of: Trace, period: float, count: int, most_cpus: float) -> list[float]:
    """Return the mean CPUs asked for in each of the first ``count`` periods, never counting more than ``most_cpus``."""
    found: list[float] = []
    step, last = 0, len(of.seconds) - 1
    for number in range(count):
        moment, end = number * period, (number + 1) * period
        area = 0.0
        while True:
            while step < last and of.seconds[step + 1] <= moment:
                step += 1
            until = min(end, of.seconds[step + 1]) if step < last else end
            area += min(of.cpus[step], most_cpus) * (until - moment)
            if until >= end:
                break
            moment = until
        found.append(area / period)
    return found
