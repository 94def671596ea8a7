"""What was given and what it cost, in plain words: pure."""

from collections.abc import Iterator, Mapping

from plancton.cli.history_figures import Figures, Gap, Summary
from plancton.cli.reason_words import words
from plancton.cli.wording import clean, count, date_and_clock, duration, percent
from plancton.common.series import Exit

_MOST_GAPS = 3
_MOST_REASONS = 6
_HOUR = 3600.0
_PRECISE_BELOW = 10.0
_ONE = {"1 min": "minute", "1 h": "hour", "1 d": "day"}
_EXITS = {
    Exit.COMPLETED: "ended by themselves with exit code 0",
    Exit.FAILED: "failed",
    Exit.FIZZLED: "ended too soon after their start (fizzled)",
    Exit.EVICTED: "were ended for the owner's sake",
    Exit.EXPIRED: "reached max_ttl",
    Exit.STOPPED: "were ended by the operator or a window",
    Exit.NEVER_STARTED: "never started",
}


def core_hours(seconds: float | None) -> str:
    """Return CPU-seconds as core-hours; "?" for unknown ones."""
    if seconds is None:
        return "?"
    hours = seconds / _HOUR
    return f"{hours:.1f}" if hours >= _PRECISE_BELOW else f"{hours:.2f}"


def span(seconds: float) -> str:
    """Return a length of time without a unit of which there is none: ``2 h`` for what is else ``2 h 0 min``."""
    for unit in (" 0 s", " 0 min", " 0 h"):
        text = duration(seconds).removesuffix(unit)
        if text != duration(seconds):
            return text
    return duration(seconds)


def title(summary: Summary, now_unix: float, *, ends_now: bool) -> str:
    """Return which time it is about, so that a sentence may go on."""
    total = summary.total
    if ends_now:
        length = span(total.seconds)
        return f"In the last {_ONE.get(length, length)}"
    return f"From {date_and_clock(total.since_unix, now_unix)} to {date_and_clock(total.until_unix, now_unix)}"


def sentences(summary: Summary, now_unix: float, *, ends_now: bool) -> Iterator[str]:
    """Yield what is most worth knowing."""
    total = summary.total
    begun = title(summary, now_unix, ends_now=ends_now)
    if total.recorded_seconds <= 0.0:
        yield f"{begun}: no record of the machine."
    elif total.given_core_seconds is None:
        yield f"{begun}: what this machine gave isn't known."
    else:
        share = "" if total.occupancy is None else f", {percent(total.occupancy)} of what its owner left free"
        yield f"{begun} this machine gave {core_hours(total.given_core_seconds)} core-hours{share}."
    if total.recorded_seconds > 0.0 or total.evicted:
        lost = core_hours(total.evicted_lost_core_seconds)
        if total.evicted:
            were = "1 pilot was" if total.evicted == 1 else f"{total.evicted} pilots were"
            yield f"{were} ended for the owner's sake; {lost} core-hours of work were lost."
        else:
            yield "No pilot was ended for the owner's sake."
    yield from gap_lines(summary.gaps, now_unix)


def gap_lines(gaps: tuple[Gap, ...], now_unix: float) -> Iterator[str]:
    """Yield for how long there is no record, the longest gaps in the order of their times."""
    longest = sorted(sorted(gaps, key=lambda gap: -gap.seconds)[:_MOST_GAPS], key=lambda gap: gap.since_unix)
    for gap in longest:
        when = f"from {date_and_clock(gap.since_unix, now_unix)} to {date_and_clock(gap.until_unix, now_unix)}"
        yield f"No record for {span(gap.seconds)}, {when}."
    others = [gap for gap in gaps if gap not in longest]
    if others:
        yield f"No record for {span(sum(gap.seconds for gap in others))} more, in {count(len(others), 'shorter gap')}."


def table(total: Figures) -> list[tuple[str, str, str]]:
    """Return the sums as rows: what, how much, and what that means."""
    rows = [
        ("core-hours given to pilots", core_hours(total.given_core_seconds), _of_free(total)),
        ("core-hours of the owner's", core_hours(total.owner_core_seconds), _of_machine(total)),
        ("pilots at a time", _mean(total.mean(total.pilot_seconds)), _suspended(total)),
    ]
    for what, stall in (
        ("CPUs", total.owner_stall_cpu_seconds),
        ("memory", total.owner_stall_memory_seconds),
        ("disks", total.owner_stall_io_seconds),
    ):
        # Sums of fractions are seldom whole where they should be.
        waited = "?" if stall is None else duration(round(stall, 3))
        rows.append((f"owner waited for {what}", waited, _of_time(stall, total)))
    rows.append(("core-hours lost", core_hours(total.lost_core_seconds), "of pilots ended before they had finished"))
    if total.handback_seconds:
        worst, median = total.handback_worst_seconds or 0.0, total.handback_median_seconds or 0.0
        times = count(len(total.handback_seconds), "time")
        rows.append(
            ("pilots gave way within", duration(median), f"in the middle case, {duration(worst)} at worst; {times}")
        )
    rows += [("pilots", str(number), _EXITS.get(Exit(end), end)) for end, number in _known_exits(total.exits)]
    rows += [
        ("evicted", str(number), f"{clean(words(reason).why)} ({clean(reason)})")
        for reason, number in _most(total.evictions)
    ]
    failed = sum(number for outcome, number in total.launches.items() if outcome in {"failed", "timed-out"})
    if failed:
        rows.append(("launches that failed", str(failed), f"of {sum(total.launches.values())}"))
    rows += [
        ("launches held", percent(seconds / total.recorded_seconds), f"{clean(words(reason).why)} ({clean(reason)})")
        for reason, seconds in _most(total.held_seconds)
        if total.recorded_seconds > 0.0
    ]
    return rows


def _known_exits(exits: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return what came of pilots, in the order in which people read it."""
    return [(end, exits[end]) for end in Exit if exits.get(end)]


def _most(amounts: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(amounts.items(), key=lambda item: (-item[1], item[0]))[:_MOST_REASONS]


def _mean(value: float | None) -> str:
    return "?" if value is None else f"{value:.1f}"


def _of_free(total: Figures) -> str:
    if total.occupancy is None:
        return ""
    return f"{percent(total.occupancy)} of the {core_hours(total.free_core_seconds)} that the owner left free"


def _of_machine(total: Figures) -> str:
    if total.owner_core_seconds is None or not total.machine_core_seconds:
        return ""
    share = percent(total.owner_core_seconds / total.machine_core_seconds)
    return f"{share} of the machine's {core_hours(total.machine_core_seconds)}"


def _suspended(total: Figures) -> str:
    mean = total.mean(total.suspended_pilot_seconds)
    return f"of these {mean:.1f} suspended" if mean else ""


def _of_time(stall: float | None, total: Figures) -> str:
    share = total.watched_mean(stall)
    return "nobody can tell" if share is None else f"while pilots ran: {share * 100:.1f} % of the time"
