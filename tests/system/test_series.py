"""A real planctond's points: every series and field of the catalogue, none besides, and sums that agree."""

import signal
import time
from collections import Counter
from functools import partial
from pathlib import Path

import psutil
import pytest

from plancton.common.history import History, HistoryError
from plancton.common.history_schema import store_path
from plancton.common.messages import Counters
from plancton.common.points import Point
from plancton.common.requests import Reload
from plancton.common.series import SERIES, Exit
from tests.support.declared import faults
from tests.support.engine import Engine
from tests.support.node import Node, node
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(300)]

ONE_BY_ONE = """
case "$(hostname)" in
    *[147]) sleep 6 ;;
    *[258]) exit 3 ;;
    *) trap 'exit 0' TERM; while :; do :; done ;;
esac
"""
"""The first pilot completes, the next fizzles, the third works until it has to give way."""
WORKING = {0, 3, 6, 9}
"""The last digits of such pilots' incarnations."""
SETTINGS = {
    "docker_cmd": ["/bin/sh", "-c", ONE_BY_ONE],
    # It fits on the busiest machine.
    "max_docks": 1,
    "start_overlap": 1.0,
    "fizzle_seconds": 4,
    "main_sleep": 0.5,
    "grace_kill": 2,
    "stop_grace": 5,
    # Nobody listens there, so that there is a sink whose points wait.
    "influxdb_url": "http://127.0.0.1:9#plancton",
}
BURNING = {"docker_cmd": ["/bin/sh", "-c", "while :; do :; done"], "fizzle_seconds": 0}
PROCESSES = {"supervisor", "template", "probe", "scheduler", "launcher", "reaper", "metrics"}
UNTOLD = (
    set()
    if Path("/proc/pressure/cpu").exists()
    else {f"pressure.{kind}" for kind in ("cpu", "memory", "io")}
    | {f"given.owner_stall_{kind}_seconds" for kind in ("cpu", "memory", "io")}
)
"""What this kernel tells nobody."""


def claim_all(made: Node) -> None:
    """Have every CPU kept for the owner, so that pilots must give way however busy the machine is."""
    made.configure(reserve_cpus=psutil.cpu_count())
    assert made.ask(Reload()).ok


def stored(made: Node, *names: str) -> list[Point]:
    """Return the points of these series that are on disk by now, or of all."""
    try:
        with History(store_path(made.paths.state)) as history:
            return [point for name in names or SERIES for point in history.points(name, 0.0, time.time() + 60.0)]
    except HistoryError:
        return []


def exits(made: Node) -> set[str]:
    return {point.tags["exit"] for point in stored(made, "pilot")}


def missing(made: Node) -> set[str]:
    """Return which fields of the catalogue no point has yet."""
    declared = {f"{name}.{field}" for name, series in SERIES.items() for field in series.fields}
    return declared - UNTOLD - {f"{point.series}.{field}" for point in stored(made) for field in point.fields}


def complete(made: Node) -> bool:
    left = missing(made)
    assert not left, f"not yet: {sorted(left)}"
    return True


def test_every_series_of_the_catalogue_is_written_and_nothing_else(engine: Engine) -> None:
    with node(engine, **SETTINGS) as made:
        made.start()
        wait_for(lambda: exits(made) >= {Exit.COMPLETED, Exit.FIZZLED}, 120, "pilots end by themselves")
        claim_all(made)
        wait_for(lambda: Exit.EVICTED in exits(made), 120, "a pilot has given way")
        wait_for(lambda: complete(made), 30, "every field has been written")
        points = stored(made)
    assert [fault for point in points for fault in faults(point)] == []
    assert len({point.tags["hostname"] for point in points}) == 1
    assert {point.tags["process"] for point in points if point.series == "process"} == PROCESSES
    keys = [(point.series, tuple(sorted(point.tags.items())), point.time_unix_ns) for point in points]
    assert len(keys) == len(set(keys)), "no two points are one to InfluxDB"


def total(points: list[Point], field: str) -> float:
    return sum(float(point.fields.get(field, 0.0)) for point in points)


def tally(made: Node) -> dict[str, int]:
    """Return how many pilots' points there are of each exit."""
    return dict(Counter(point.tags["exit"] for point in stored(made, "pilot")))


def counters_of(made: Node) -> Counters:
    counters = made.status().counters
    assert counters is not None, "there are none yet"
    return counters


def works(made: Node) -> bool:
    return any(pilot.incarnation % 10 in WORKING and pilot.cpu_seconds for pilot in made.live_pilots())


def all_are_told(made: Node) -> bool:
    counters = counters_of(made)
    assert sum(counters.exits.values()) == counters.launched, "some live"
    assert Exit.EVICTED in counters.exits
    return tally(made) == counters.exits


def test_points_and_totals_tell_the_same(engine: Engine) -> None:
    with node(engine, **SETTINGS) as made:
        made.start()
        began = time.time()
        wait_for(lambda: works(made), 120, "the pilot that works was seen to")
        claim_all(made)
        wait_for(lambda: all_are_told(made), 120, "every pilot has ended, is counted, and is a point")
        wait_for(lambda: stored(made, "handback"), 20, "how long that took is told")
        lasted = time.time() - began
        counters = counters_of(made)
        pilots, given, (handback, *_) = stored(made, "pilot"), stored(made, "given"), stored(made, "handback")
    assert counters.lost_core_seconds == pytest.approx(total(pilots, "lost_core_seconds"))
    assert counters.pilot_seconds == pytest.approx(total(pilots, "uptime_seconds"))
    assert 0.0 < total(pilots, "lost_core_seconds") <= total(pilots, "cpu_seconds") <= lasted
    assert total(given, "pilot_seconds") == pytest.approx(total(pilots, "uptime_seconds"), abs=5.0)
    assert 0.0 < total(given, "core_seconds") <= total(given, "free_core_seconds")
    assert (handback.tags["by"], handback.tags["reason"]) == ("ended", "owner-cpu")
    assert 0.0 <= float(handback.fields["first_seconds"]) <= float(handback.fields["seconds"]) < lasted


def another_works(made: Node, former: int) -> bool:
    return made.works_again("metrics", former)


def gets_more(made: Node, than: float) -> bool:
    return counters_of(made).given_core_seconds > than


def test_totals_go_on_where_a_killed_metrics_process_left_them(engine: Engine) -> None:
    with node(engine, **{**SETTINGS, **BURNING}) as made:
        made.start()
        wait_for(lambda: total(stored(made, "given"), "core_seconds") > 0.0, 120, "pilots got something")
        for _ in range(2):
            before = counters_of(made).given_core_seconds
            killed = made.signal_worker("metrics", signal.SIGKILL)
            wait_for(partial(another_works, made, killed), 20, "another one works")
            wait_for(partial(gets_more, made, before), 30, "what they get is added")
        points, totals = stored(made, "given"), counters_of(made)
    assert total(points, "core_seconds") <= totals.given_core_seconds + 1e-6
    watched = (points[-1].time_unix_ns - points[0].time_unix_ns) / 1e9
    assert total(points, "interval_seconds") <= watched + 5.0, "no look counts twice"
    assert [fault for point in points for fault in faults(point)] == []


def test_what_was_given_up_to_a_stop_is_in_a_point(engine: Engine) -> None:
    with node(engine, **{**SETTINGS, **BURNING, "main_sleep": 3600}) as made:
        made.start()
        wait_for(lambda: gets_more(made, 0.02), 120, "pilots got something")
        totals = counters_of(made)
        made.tree()[0].send_signal(signal.SIGTERM)
        assert made.wait() == 0
        assert total(stored(made, "given"), "core_seconds") >= totals.given_core_seconds - 1e-6


def test_a_suspension_is_a_hand_back_and_the_suspended_live_on(engine: Engine) -> None:
    with node(engine, **{**SETTINGS, **BURNING, "suspend": True, "grace_suspend": 1, "grace_kill": 3600}) as made:
        made.start()
        wait_for(made.full, 120, "the node is full")
        claim_all(made)
        wait_for(lambda: stored(made, "handback"), 120, "it's suspended")
        wait_for(lambda: last(made, "target").fields.get("suspended") == 1.0, 20, "which is told")
        since = last(made, "given").time_unix_ns
        wait_for(lambda: last(made, "given").time_unix_ns > since + 3 * 10**9, 20, "some points about it")
        (handback,) = stored(made, "handback")
        meanwhile = [point for point in stored(made, "given") if point.time_unix_ns > since]
    assert (handback.tags["by"], handback.fields["pilots"]) == ("suspended", 1.0)
    assert total(meanwhile, "pilot_seconds") > 2.0
    assert total(meanwhile, "core_seconds") < 0.1


def last(made: Node, name: str) -> Point:
    return stored(made, name)[-1]
