"""Sinks and store, as the series tell them."""

from plancton.common.accounting import SinkState, StoreState
from plancton.common.points import Point
from plancton.workers.metrics.points.delivery_points import delivery_points
from plancton.workers.metrics.points.stamp import Stamp

STAMP = Stamp(hostname="node", time_unix_ns=7)


def test_each_sink_and_the_store_have_a_point() -> None:
    sinks = [
        SinkState(name=name, written_points=1, waiting_points=2, dropped_points=3, refused_points=4)
        for name in ("http://a:8086#d", "http://b:8086#d")
    ]
    one, other, store = delivery_points(sinks, StoreState(points=5, size_bytes=6, dropped_points=7), STAMP)
    assert one == Point(
        series="sink",
        tags={"hostname": "node", "sink": "http://a:8086#d"},
        fields={"written": 1.0, "waiting": 2.0, "dropped": 3.0, "refused": 4.0},
        time_unix_ns=7,
    )
    assert other.tags["sink"] == "http://b:8086#d"
    assert (store.series, store.fields) == ("store", {"points": 5.0, "size_bytes": 6.0, "dropped": 7.0})


def test_where_there_is_neither_there_is_no_point() -> None:
    assert delivery_points((), None, STAMP) == ()
