"""The pilots as rows of a table: pure."""

from collections.abc import Iterable

from plancton.cli.wording import clean, cpus, duration, size, whole
from plancton.common.pilot import ENDED_STATES, Pilot, PilotState

HEADINGS = ("SLOT", "NAME", "STATE", "AGE", "CPU", "MEMORY", "WORK")
NUMERIC = frozenset({"SLOT", "CPU", "MEMORY"})


def pilot_age(pilot: Pilot, now_unix: float) -> float:
    """Return how long the pilot has run, or ran, in seconds; since its creation where its start wasn't seen."""
    until = now_unix if pilot.ended_unix is None else pilot.ended_unix
    return max(0.0, until - pilot.begun_unix)


def rows(pilots: Iterable[Pilot], now_unix: float) -> list[tuple[str, ...]]:
    """Return a row for each pilot, by slot."""
    return [
        (
            str(pilot.slot),
            clean(pilot.name),
            state(pilot),
            duration(whole(pilot_age(pilot, now_unix))),
            cpus(pilot.cpu_cores),
            size(pilot.memory_bytes),
            work(pilot, now_unix) or "-",
        )
        for pilot in sorted(pilots, key=lambda pilot: (pilot.slot, pilot.incarnation))
    ]


def state(pilot: Pilot) -> str:
    """Return the pilot's state, in Plancton's words; of an ended one with its exit code."""
    if pilot.state in ENDED_STATES and pilot.exit_code is not None:
        return f"{pilot.state} ({pilot.exit_code})"
    return "suspended" if pilot.state is PilotState.PAUSED else str(pilot.state)


def work(pilot: Pilot, now_unix: float) -> str:
    """Return what a pilot says of its work; empty where it says nothing, or has ended."""
    if pilot.state in ENDED_STATES:
        return ""
    if pilot.safe_to_stop:
        return "safe to stop"
    return "" if pilot.busy_since_unix is None else f"busy {duration(whole(now_unix - pilot.busy_since_unix))}"
