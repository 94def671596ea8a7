"""A short history for tests of what planctonctl says of it."""

import time
from collections.abc import Iterator

import pytest

from plancton.common.points import Point
from tests.support.history_store import point

NOW = 1_700_049_600.0
"""2023-11-15 13:00 in Berlin."""
HOURS = 6
_HOUR, _STEP = 3600.0, 60.0


def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be in Berlin for a while."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


def points() -> list[Point]:
    """Return six hours of a node of 8 CPUs, of which nothing is known of the third, with five pilots' lives."""
    found: list[Point] = []
    for number in range(1, int(HOURS * _HOUR / _STEP) + 1):
        at = NOW - HOURS * _HOUR + number * _STEP
        hour = int((number - 1) * _STEP // _HOUR)
        if hour == 2:
            continue
        found += _minute(at, owner=float(hour), held="owner-cpu" if hour == 4 else "max-docks")
    found += [
        _life(1, NOW - 5.5 * _HOUR, "completed", "ended", 0.0),
        _life(2, NOW - 5.2 * _HOUR, "fizzled", "ended", 0.0),
        _life(3, NOW - 1.8 * _HOUR, "evicted", "owner-cpu", 1800.0),
        _life(4, NOW - 1.7 * _HOUR, "evicted", "owner-cpu", 720.0),
        _life(5, NOW - 600.0, "expired", "expired", 60.0),
        point("handback", NOW - 1.8 * _HOUR, {"by": "ended", "reason": "owner-cpu"}, seconds=0.5, pilots=2),
        point("handback", NOW - 1.7 * _HOUR, {"by": "ended", "reason": "owner-cpu"}, seconds=2.5, pilots=1),
        point("launch", NOW - 5.9 * _HOUR, {"outcome": "done", "reason": "room"}, seconds=0.3, pilot="x"),
        point("launch", NOW - 5.8 * _HOUR, {"outcome": "failed", "reason": "room"}, seconds=0.3, pilot="x"),
    ]
    return sorted(found, key=lambda each: each.time_unix_ns)


def name(incarnation: int) -> str:
    """Return the name of one of the pilots."""
    return f"plancton-worker-0123abcd-{incarnation % 4}-{incarnation}"


def container(incarnation: int) -> str:
    """Return its container's id."""
    return f"{incarnation:02x}" * 32


def _minute(at: float, *, owner: float, held: str) -> list[Point]:
    return [
        point(
            "given",
            at,
            interval_seconds=_STEP,
            core_seconds=0.9 * (8 - owner) * _STEP,
            free_core_seconds=(8 - owner) * _STEP,
            pilot_seconds=(8 - owner) * _STEP,
            owner_stall_cpu_seconds=0.6 if owner == 4 else 0.0,
            owner_stall_memory_seconds=0.0,
        ),
        point("host", at, ncpus=8, owner_cpus=owner),
        point("target", at, suspended=1.0 if owner == 4 else 0.0, held=1, reason=held),
    ]


def _life(incarnation: int, at: float, end: str, reason: str, lost: float) -> Point:
    return point(
        "pilot",
        at,
        {"exit": end, "reason": reason},
        pilot=name(incarnation),
        container=container(incarnation),
        image="sha256:" + "cd" * 32,
        exit_code=0 if end == "completed" else 137,
        uptime_seconds=2400,
        cpu_seconds=1234.5,
        lost_core_seconds=lost,
        peak_memory_bytes=3 * 2**20,
        oom_killed=0,
    )
