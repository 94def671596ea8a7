"""The original's three series, made from the facts: pure.

Databases filled by the original must go on taking points, and InfluxDB refuses a field of another type than it has. The
original wrote its numbers without the ``i`` that makes an integer in line protocol, even ``containers=5``: every number
is a float here. Its tags ``started`` and ``killed`` are Python's own words, ``True`` and ``False``.
"""

import math

import msgspec

from plancton.common.messages import EndingOutcome, HostLook, Mode, PoolLook
from plancton.common.pilot import PilotState
from plancton.common.points import Point
from plancton.workers.metrics.points.exits import is_end
from plancton.workers.metrics.points.host_points import counts
from plancton.workers.metrics.points.stamp import Stamp, point

_UP = frozenset({PilotState.RUNNING, PilotState.PAUSED})
"""What the engine calls "Up", which is what the original counted."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """The host's use summed over the looks since the last point; both in CPU-seconds."""

    busy: float = 0.0
    available: float = 0.0


def add(load: Load, look: HostLook) -> Load:
    """Return the load with another look's interval in it."""
    if not counts(look) or not math.isfinite(look.busy_cpus):
        return load
    return Load(
        busy=load.busy + look.busy_cpus * look.interval_seconds,
        available=load.available + look.ncpus * look.interval_seconds,
    )


def measurement(load: Load, hostname: str, time_unix_ns: int) -> Point | None:
    """Return how busy all CPUs were, in percent; None where nobody looked."""
    if load.available <= 0.0:
        return None
    percent = min(100.0, max(0.0, 100.0 * load.busy / load.available))
    return point("measurement", Stamp(hostname=hostname, time_unix_ns=time_unix_ns), {"cpu_eff": percent})


def daemon(uptime_seconds: float, mode: Mode, pool: PoolLook | None, hostname: str, time_unix_ns: int) -> Point:
    """Return how planctond is doing. Without a pool the engine can't be asked: "waiting", and no count of containers.

    "draining" is every mode in which nothing new is started.
    """
    fields: dict[str, float | str] = {"uptime": float(uptime_seconds)}
    if pool is None:
        fields["status"] = "waiting"
    else:
        fields["status"] = "active" if mode is Mode.ACTIVE else "draining"
        fields["containers"] = float(sum(pilot.state in _UP for pilot in pool.pilots))
    return Point(series="daemon", tags={"hostname": hostname}, fields=fields, time_unix_ns=time_unix_ns)


def container(outcome: EndingOutcome, hostname: str, time_unix_ns: int) -> Point | None:
    """Return the end of a pilot; None where it didn't end now, or where nobody knows how long it ran.

    What never ran was killed by nobody, and has an uptime of 0.
    """
    if not is_end(outcome):
        return None
    return point(
        "container",
        Stamp(hostname=hostname, time_unix_ns=time_unix_ns),
        {"uptime": outcome.uptime_seconds if outcome.started else 0.0},
        started=str(outcome.started),
        killed=str(outcome.killed and outcome.started),
    )
