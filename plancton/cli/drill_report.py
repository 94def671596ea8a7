"""The report of a drill: as JSON has it, and in plain words. Pure."""

from collections.abc import Iterator

import msgspec

from plancton.cli.drill_verdict import Verdict
from plancton.cli.wording import clean, count, duration

_MOST_TOLD = 12


class Timers(msgspec.Struct, frozen=True, kw_only=True):
    """When planctond would have had pilots give way."""

    weight: str
    """What the kernel prefers the owner by; empty where that isn't known."""
    suspend: bool
    grace_suspend: float
    grace_kill: float


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many pilots there were from ``seconds`` after the begin on."""

    seconds: float
    running: int
    suspended: int


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """What planctond told of itself meanwhile."""

    seconds: float
    who: str
    text: str


class DrillReport(msgspec.Struct, frozen=True, kw_only=True):
    """All of a drill."""

    processes: int
    ncpus: int
    seconds: float
    alone_seconds: float | None
    """How long the load was measured without pilots; None where it couldn't be."""
    verdict: Verdict
    pilots: tuple[Count, ...]
    """How many there were at the begin, and at each change."""
    deeds: tuple[Deed, ...]
    timers: Timers | None
    notes: tuple[str, ...] = ()
    """What stood in the way."""


def told(report: DrillReport) -> Iterator[str]:
    """Yield the report's lines."""
    yield from _heading(report)
    first, whole = report.verdict.first_cpu_seconds, report.verdict.all_cpus_seconds
    wanted = min(report.processes, report.ncpus)
    yield f"First CPU back     {_after(first)}"
    if wanted > 1:
        yield f"All {wanted} CPUs back    {_after(whole)}"
    yield from _slowed(report)
    yield f"Pilots             {', '.join(_counts(report)) or 'not known'}"
    for deed in report.deeds[:_MOST_TOLD]:
        yield f"                   after {deed.seconds:.1f} s: {clean(deed.who)}: {clean(deed.text)}"
    if len(report.deeds) > _MOST_TOLD:
        yield f"                   and {len(report.deeds) - _MOST_TOLD} more lines, see planctonctl watch"
    if report.timers is not None:
        yield f"Rungs              {_rungs(report.timers)}"
    for note in report.notes:
        yield f"Note: {clean(note)}"


def _heading(report: DrillReport) -> Iterator[str]:
    busy = "1 busy process" if report.processes == 1 else f"{report.processes} busy processes"
    yield f"An owner's {busy} for {duration(report.seconds)} on {count(report.ncpus, 'CPU')}"


def _after(seconds: float | None) -> str:
    if seconds is None:
        return "not within the drill"
    return "at once" if seconds == 0 else f"after {seconds:.1f} s"


def _slowed(report: DrillReport) -> Iterator[str]:
    found = report.verdict
    if report.alone_seconds is None:
        yield f"CPUs               {found.cpus:.2f} on average; how fast the load is without pilots isn't known"
        return
    yield (
        f"Slowed by          {_percent(found.slowdown)}; in the first second {_percent(found.slowdown_first_second)}; "
        f"for each CPU-second {_percent(found.slowdown_per_cpu_second)}"
    )
    alone = f"against {duration(report.alone_seconds)} without pilots"
    before = "" if found.alone_cpus is None else f", {found.alone_cpus:.2f} then"
    yield f"                   {alone}; it had {found.cpus:.2f} CPUs on average{before}"


def _percent(share: float | None) -> str:
    return "infinitely" if share is None else f"{share * 100.0:.1f} %"


def _counts(report: DrillReport) -> Iterator[str]:
    for number, each in enumerate(report.pilots):
        what = f"{each.running} running" + (f" and {each.suspended} suspended" if each.suspended else "")
        yield what if number == 0 else f"{what} after {each.seconds:.1f} s"


def _rungs(timers: Timers) -> str:
    weight = f"least weight ({clean(timers.weight)}) always" if timers.weight else "weight not known"
    suspend = f"suspended after {duration(timers.grace_suspend)}" if timers.suspend else "never suspended"
    return f"{weight}; {suspend}; ended after {duration(timers.grace_kill)} (grace_kill)"
