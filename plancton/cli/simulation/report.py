"""What came of a simulation, in words: pure."""

from collections.abc import Iterator

from plancton.cli.simulation.result import Result, Scenario
from plancton.cli.wording import count, duration, size

Row = tuple[str, str, str]
"""What, how much, and what that means."""

_HOUR = 3600.0


def title(scenario: Scenario, owner: str) -> str:
    """Return in one line what was simulated."""
    return (
        f"{duration(scenario.seconds)} of a node with {count(scenario.ncpus, 'CPU')} and {size(scenario.ram_bytes)}, "
        f"an owner as in {owner}, and pilots of {duration(scenario.pilot_seconds)}"
    )


def rows(result: Result) -> Iterator[Row]:
    """Yield the figures, the most telling first."""
    used = f"{result.pilots_core_seconds / _HOUR:.0f} of the {result.free_core_seconds / _HOUR:.0f} core-hours"
    meaning = f"{used} that the owner left, max_docks or not, were used; an oracle's: {result.oracle.occupancy:.1%}"
    yield "occupancy", f"{result.occupancy:.1%}", meaning
    ended = f"{result.completed} did all of their work, {result.running} run yet"
    yield "pilots", str(result.launched), f"launched; {ended}"
    share = result.lost_core_seconds / result.pilots_core_seconds if result.pilots_core_seconds > 0.0 else 0.0
    yield "evictions", str(result.evicted), f"for the owner; an oracle needs {result.oracle.evictions}{_ratio(result)}"
    for reason, number in sorted(result.asked_to_end.items()):
        yield "", str(number), f"asked to end: {reason}"
    yield "suspensions", str(result.suspended), "times that a pilot was suspended"
    yield "work lost", f"{result.lost_core_seconds / _HOUR:.1f} h", f"core-hours of pilots that were ended, {share:.1%}"
    yield from _rises(result)
    overlap = result.overlap_core_seconds
    of_all = f"{overlap / result.owner_core_seconds if result.owner_core_seconds > 0.0 else 0.0:.1%} of the owner's"
    meaning = f"core-hours that both the owner and pilots asked for, {of_all}; the weight gives them to the owner"
    yield "overlap", f"{overlap / _HOUR:.1f} h", meaning
    for reason, seconds in result.held_seconds.items():
        yield "", duration(seconds), f"launches held: {reason}"


def _ratio(result: Result) -> str:
    needed = result.oracle.evictions
    return f", {result.evicted / needed:.2f} times as many" if needed and result.evicted != needed else ""


def _rises(result: Result) -> Iterator[Row]:
    rises = result.rises
    if not rises.met and not rises.gone:
        yield "rises", "0", "the owner never asked for what pilots had"
        return
    yield (
        "rises",
        str(rises.met),
        f"times that the owner had to wait for what pilots had, and {rises.gone} more that passed by themselves",
    )
    if rises.met:
        yield "", duration(rises.median_seconds), "until they had it, as a median"
    yield "", duration(rises.worst_seconds), f"at worst; the timers promise {duration(rises.promised_seconds)}"
