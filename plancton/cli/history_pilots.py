"""Pilots' lives as rows of a table: pure."""

from collections.abc import Sequence

import msgspec

from plancton.cli.wording import clean, date_and_clock, duration, size
from plancton.common.naming import parse_name
from plancton.common.points import Point

_DIGEST = 12
_WITHOUT_YEAR = len("11-24 10:00:00")
_CLEAR_SECONDS = 300 * 86_400.0


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """A pilot's whole life. None, and an empty text, is what is unknown."""

    pilot: str
    container: str
    started_unix: float | None
    ended_unix: float
    uptime_seconds: float | None
    cpu_seconds: float | None
    lost_core_seconds: float | None
    peak_memory_bytes: float | None
    exit: str
    exit_code: int | None
    reason: str
    oom_killed: bool
    image: str


def ended(point: Point) -> Ended:
    """Return the life that a point of the series ``pilot`` tells."""
    uptime, code = _number(point, "uptime_seconds"), _number(point, "exit_code")
    at_unix = point.time_unix_ns / 1e9
    return Ended(
        pilot=_text(point, "pilot"),
        container=_text(point, "container"),
        started_unix=None if uptime is None else at_unix - uptime,
        ended_unix=at_unix,
        uptime_seconds=uptime,
        cpu_seconds=_number(point, "cpu_seconds"),
        lost_core_seconds=_number(point, "lost_core_seconds"),
        peak_memory_bytes=_number(point, "peak_memory_bytes"),
        exit=point.tags.get("exit", ""),
        exit_code=None if code is None else int(code),
        reason=point.tags.get("reason", ""),
        oom_killed=bool(_number(point, "oom_killed")),
        image=_text(point, "image"),
    )


def _number(point: Point, name: str) -> float | None:
    value = point.fields.get(name)
    return value if isinstance(value, float) else None


def _text(point: Point, name: str) -> str:
    value = point.fields.get(name, "")
    return value if isinstance(value, str) else ""


HEADINGS = ("PILOT", "STARTED", "ENDED", "UPTIME", "CPU", "PEAK MEMORY", "EXIT", "REASON", "IMAGE")
_NUMERIC = frozenset({"PEAK MEMORY"})
_DISPENSABLE = ("IMAGE", "STARTED", "PEAK MEMORY", "CPU")
"""What is left out where there is no room, first things first."""


def lines(lives: Sequence[Ended], now_unix: float, width: int | None) -> list[str]:
    """Return the lives as lines below a heading, no wider than ``width`` if leaving out columns helps."""
    cells = [HEADINGS, *(_row(life, now_unix) for life in lives)]
    widths = {name: max(map(len, column)) for name, column in zip(HEADINGS, zip(*cells, strict=True), strict=True)}
    for name in _DISPENSABLE if width is not None else ():
        if sum(widths.values()) + 2 * (len(widths) - 1) <= (width or 0):
            break
        del widths[name]
    return [
        "  ".join(
            cell.rjust(widths[name]) if name in _NUMERIC else cell.ljust(widths[name])
            for name, cell in zip(HEADINGS, row, strict=True)
            if name in widths
        ).rstrip()
        for row in cells
    ]


def _row(life: Ended, now_unix: float) -> tuple[str, ...]:
    memory = None if life.peak_memory_bytes is None else int(life.peak_memory_bytes)
    code = "" if life.exit_code is None else f" ({life.exit_code})"
    return (
        short_name(life.pilot) or clean(life.container)[:_DIGEST] or "?",
        "?" if life.started_unix is None else _when(life.started_unix, now_unix),
        _when(life.ended_unix, now_unix),
        "?" if life.uptime_seconds is None else duration(int(life.uptime_seconds)),
        "?" if life.cpu_seconds is None else duration(life.cpu_seconds),
        f"{size(memory)}{' (out of it)' if life.oom_killed else ''}",
        f"{clean(life.exit)}{code}",
        clean(life.reason),
        clean(life.image.removeprefix("sha256:"))[:_DIGEST],
    )


def _when(moment_unix: float, now_unix: float) -> str:
    """Return a moment without its year where that is clear."""
    text = date_and_clock(moment_unix, now_unix)
    return text[-_WITHOUT_YEAR:] if abs(now_unix - moment_unix) < _CLEAR_SECONDS else text


def short_name(pilot: str) -> str:
    """Return the last numbers of a pilot's name, by which planctonctl finds it too; else all of it."""
    name = parse_name(pilot)
    return clean(pilot) if name is None else f"{name.slot}-{name.incarnation}"
