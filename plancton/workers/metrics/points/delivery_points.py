"""How points get to disk and to the sinks: pure."""

from collections.abc import Iterable

from plancton.common.accounting import SinkState, StoreState
from plancton.common.points import Point
from plancton.workers.metrics.points.stamp import Stamp, point


def delivery_points(sinks: Iterable[SinkState], store: StoreState | None, stamp: Stamp) -> tuple[Point, ...]:
    """Return a point for each sink, and one for the store where there is one."""
    made = [
        point(
            "sink",
            stamp,
            {
                "written": sink.written_points,
                "waiting": sink.waiting_points,
                "dropped": sink.dropped_points,
                "refused": sink.refused_points,
            },
            sink=sink.name,
        )
        for sink in sinks
    ]
    if store is not None:
        fields = {"points": store.points, "size_bytes": store.size_bytes, "dropped": store.dropped_points}
        made.append(point("store", stamp, fields))
    return tuple(each for each in made if each is not None)
