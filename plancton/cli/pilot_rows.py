"""The pilots as rows of a table: pure."""

from collections.abc import Iterable

from plancton.cli.wording import clean, cpus, duration, size
from plancton.common.pilot import ENDED_STATES, Pilot

HEADINGS = ("SLOT", "NAME", "STATE", "AGE", "CPU", "MEMORY")
NUMERIC = frozenset({"SLOT", "CPU", "MEMORY"})


def pilot_age(pilot: Pilot, now_unix: float) -> float:
    """Return how long the pilot has run, or ran, in seconds; since its creation where its start wasn't seen."""
    until = now_unix if pilot.ended_unix is None else pilot.ended_unix
    begun = pilot.created_unix if pilot.started_unix is None else pilot.started_unix
    return max(0.0, until - begun)


def rows(pilots: Iterable[Pilot], now_unix: float) -> list[tuple[str, ...]]:
    """Return a row for each pilot, by slot."""
    return [
        (
            str(pilot.slot),
            clean(pilot.name),
            _state(pilot),
            duration(int(pilot_age(pilot, now_unix))),
            cpus(pilot.cpu_cores),
            size(pilot.memory_bytes),
        )
        for pilot in sorted(pilots, key=lambda pilot: (pilot.slot, pilot.incarnation))
    ]


def _state(pilot: Pilot) -> str:
    if pilot.state in ENDED_STATES and pilot.exit_code is not None:
        return f"{pilot.state} ({pilot.exit_code})"
    return str(pilot.state)
