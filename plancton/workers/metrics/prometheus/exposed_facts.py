"""What the exporter for Prometheus knows of what the metrics process heard: pure. Moments are monotonic seconds."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping

import msgspec

from plancton.common.codec import Envelope
from plancton.common.messages import (
    EngineCalls,
    HostLook,
    Intent,
    LaunchOutcome,
    Mode,
    PoolLook,
    PoolUnknown,
    Processes,
    Target,
)
from plancton.common.points import Point
from plancton.common.processes import ProcessStatus
from plancton.common.prometheus_metrics import BUCKETS
from plancton.workers.metrics.points.engine_points import Calls, called


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How long things took: how many, in all, and how many in each of the buckets."""

    count: int = 0
    seconds: float = 0.0
    buckets: tuple[int, ...] = (0,) * (len(BUCKETS) + 1)
    """Those up to each bound that the one before doesn't hold; the last bucket has no bound."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that it knows but the totals. None stands for what nobody said yet."""

    host: HostLook | None = None
    host_at: float = 0.0
    pool: PoolLook | PoolUnknown | None = None
    pool_at: float = 0.0
    target: Target | None = None
    mode: Mode | None = None
    processes: tuple[ProcessStatus, ...] = ()
    calls: Calls = {}
    launches: Mapping[str, Tally] = {}
    """By outcome."""
    handbacks: Mapping[str, Tally] = {}
    """By how pilots gave way."""


def heard(facts: Facts, envelope: Envelope) -> Facts:
    """Return the facts with another message; an event must be news."""
    changes: dict[str, object] = {}
    match envelope.message:
        case HostLook() as host:
            changes = {"host": host, "host_at": envelope.monotonic}
        case PoolLook() | PoolUnknown() as pool:
            changes = {"pool": pool, "pool_at": envelope.monotonic}
        case Target() as target:
            changes = {"target": target}
        case Intent(mode=mode):
            changes = {"mode": mode}
        case Processes(processes=processes):
            changes = {"processes": processes}
        case EngineCalls() as message:
            changes = {"calls": called(facts.calls, envelope.sender, message)}
        case LaunchOutcome(outcome=outcome, seconds=seconds):
            changes = {"launches": _tallied(facts.launches, outcome.value, seconds)}
    return msgspec.structs.replace(facts, **changes) if changes else facts


def pointed(facts: Facts, points: Iterable[Point]) -> Facts:
    """Return the facts with what only points tell: how long the owner waited for pilots to give way."""
    for point in points:
        seconds = point.fields.get("seconds")
        if point.series == "handback" and isinstance(seconds, float):
            handbacks = _tallied(facts.handbacks, point.tags["by"], seconds)
            facts = msgspec.structs.replace(facts, handbacks=handbacks)
    return facts


def _tallied(tallies: Mapping[str, Tally], label: str, seconds: float) -> Mapping[str, Tally]:
    before, took = tallies.get(label, Tally()), max(0.0, seconds)
    place = bisect_left(BUCKETS, took)
    buckets = tuple(number + (index == place) for index, number in enumerate(before.buckets))
    return {**tallies, label: Tally(count=before.count + 1, seconds=before.seconds + took, buckets=buckets)}
