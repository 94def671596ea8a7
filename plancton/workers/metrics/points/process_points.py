"""planctond's own processes since the last point: pure. Moments are monotonic seconds."""

from collections.abc import Mapping

import msgspec

from plancton.common.messages import Processes
from plancton.common.points import Point
from plancton.common.processes import ProcessState, ProcessStatus
from plancton.workers.metrics.points.stamp import Stamp, point


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the kernel says of a process at one moment."""

    at: float
    started_unix: float
    """Tells it from another one that got its number later."""
    cpu_seconds: float
    pss_bytes: int | None
    """None where this process may not know."""


_SAME_SECONDS = 2.0
"""The moment of a start is told by the wall clock, which is set now and then."""

Readings = Mapping[int, Reading]
"""By process id; without those that are gone."""


class Roll(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the processes."""

    last: Mapping[str, ProcessStatus] = {}
    pointed: Mapping[str, int] = {}
    """Their beats as of the last points."""
    late_seconds: Mapping[str, float] = {}
    """The most that was told since the last points; nothing for whom nothing was told."""
    readings: Readings = {}
    """The last that were taken."""


def listed(roll: Roll, message: Processes) -> Roll:
    """Return the roll after the supervisor's word."""
    late = dict(roll.late_seconds)
    for each in message.processes:
        late[each.name] = max(late.get(each.name, 0.0), each.late_seconds)
    return msgspec.structs.replace(roll, last={each.name: each for each in message.processes}, late_seconds=late)


def pids(roll: Roll) -> tuple[int, ...]:
    """Return the processes to read."""
    return tuple(each.pid for each in roll.last.values() if each.pid is not None and each.pid > 0)


def process_points(roll: Roll, readings: Readings | None, stamp: Stamp) -> tuple[tuple[Point, ...], Roll]:
    """Return a point for each process, and the roll for the next ones.

    ``readings`` is None where none were taken for these points. Beats are those told since the last points, and absent
    where nothing was told.
    """
    made = []
    for name, each in roll.last.items():
        told, before = name in roll.late_seconds, roll.pointed.get(name)
        fields: dict[str, float | None] = {
            "up": float(each.state is ProcessState.RUNNING),
            "restarts": each.restarts,
            "beats": each.beats - before if told and before is not None and each.beats >= before else None,
            "late_seconds": roll.late_seconds.get(name),
        }
        if readings is not None and each.pid is not None and each.pid in readings:
            fields |= _use(roll.readings.get(each.pid), readings[each.pid])
        made.append(point("process", stamp, fields, process=name))
    after = Roll(
        last=roll.last,
        pointed={name: each.beats for name, each in roll.last.items()},
        readings=roll.readings if readings is None else readings,
    )
    return tuple(each for each in made if each is not None), after


def _use(before: Reading | None, now: Reading) -> dict[str, float | None]:
    fields: dict[str, float | None] = {"pss_bytes": now.pss_bytes}
    same = before is not None and abs(before.started_unix - now.started_unix) < _SAME_SECONDS
    if before is not None and same and now.at > before.at:
        fields["cpus"] = max(0.0, now.cpu_seconds - before.cpu_seconds) / (now.at - before.at)
    return fields
