"""The metrics worker: what it is told becomes counters and points, and it goes on where a former life stopped."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from plancton.common.accounting import SinkState
from plancton.common.decision import Ending, Hold
from plancton.common.history import History
from plancton.common.history_schema import store_path
from plancton.common.journal import directory_below, read
from plancton.common.journal_entries import Entry
from plancton.common.messages import (
    Counters,
    EndingAction,
    Intent,
    Message,
    Mode,
    Outcome,
    PoolUnknown,
    Target,
)
from plancton.common.reasons import Reason
from tests.support.black_hole import BlackHole
from tests.support.influx import Influx
from tests.support.running import REPOSITORY
from tests.support.waiting import wait_for
from tests.workers.metrics.bus import END, HOST, LAUNCH, POOL, Bus, settings

pytestmark = pytest.mark.slow


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Bus]:
    """Give a worker without sinks; those it gets are closed at the end."""
    place = Bus(tmp_path)
    yield place
    place.tell(settings())


def test_it_is_ready_at_once_and_says_its_counters_once_while_nothing_happens(bus: Bus) -> None:
    assert bus.metrics.ready
    assert bus.says(launched=0) == Counters()
    assert bus.turn() > time.monotonic() + 30.0
    bus.turn()
    assert bus.said == [Counters()]
    bus.tell(settings(), Intent(mode=Mode.ACTIVE, since_unix=0.0), POOL, HOST)
    wait_for(lambda: bus.turn() > time.monotonic() + 30.0, 10.0, "everything is on disk and said")
    assert bus.said[-1].store is not None
    assert bus.said[-1].store.points > 0
    said = len(bus.said)
    bus.turn()
    assert len(bus.said) == said


def test_events_are_counted_and_said_not_too_often(bus: Bus) -> None:
    began = time.monotonic()
    for number in range(200):
        bus.tell(msgspec.structs.replace(LAUNCH, name=str(number)))
        bus.turn()
    bus.says(launched=200)
    assert len(bus.said) <= 1 + (time.monotonic() - began) / 0.5


def test_an_event_delivered_twice_counts_once(bus: Bus) -> None:
    bus.tell(LAUNCH, END)
    bus.tell(END, sequence=2)
    bus.tell(END)
    assert bus.says(launched=1).ended_by_reason == {"ended": 1}


def test_a_restarted_worker_goes_on_from_what_the_former_said(bus: Bus) -> None:
    url = "http://127.0.0.1:9#d"
    sink = SinkState(name=url, written_points=7, waiting_points=2, dropped_points=1)
    bus.tell(settings(url), Counters(launched=40, pilot_seconds=5.0, ended_by_reason={"ended": 3}, sinks=(sink,)))
    bus.tell(END)
    assert bus.says(launched=40, pilot_seconds=65.5, ended_by_reason={"ended": 4}).sinks[0].written_points == 7

    def dropped() -> bool:
        bus.turn()
        return bus.said[-1].sinks[0].dropped_points == 3

    wait_for(dropped, 10.0, "what waited is in no store, so it went with the former life")
    assert bus.said[-1].sinks[0].written_points == 7
    bus.turn()
    assert bus.says(pilot_seconds=65.5).launched == 40, "the echo of its own words changes nothing"


def test_the_echo_of_its_first_words_is_not_taken_for_a_former_life(bus: Bus) -> None:
    bus.tell(LAUNCH)
    bus.says(launched=1)
    bus.turn()
    bus.tell(msgspec.structs.replace(LAUNCH, name="another"))
    assert bus.says(launched=2).launched == 2


def test_a_former_life_is_recognised_even_after_the_first_words(tmp_path: Path) -> None:
    bus = Bus(tmp_path, echo=False)
    bus.tell(LAUNCH)
    bus.says(launched=1)
    bus.tell(Counters(launched=10))
    assert bus.says(launched=11).launched == 11


def rows(influxd: Influx, series: str) -> list[dict[str, Any]]:
    return influxd.query(f'SELECT * FROM "{series}"', "d")  # noqa: S608 - the names are this file's own


@pytest.mark.influxdb
def test_the_three_series_arrive_at_once_and_then_each_main_sleep(bus: Bus, influxd: Influx) -> None:
    bus.tell(Intent(mode=Mode.ACTIVE, since_unix=0.0), settings(influxd.setting("d"), main_sleep=0.2), POOL, HOST, END)

    def everything() -> bool:
        bus.turn()
        return len(rows(influxd, "daemon")) >= 3 and bool(rows(influxd, "container"))

    wait_for(everything, 10.0, "points of each series")
    first = rows(influxd, "daemon")[0]
    assert (first["status"], first["containers"]) == ("active", 3)
    assert first["hostname"] == rows(influxd, "container")[0]["hostname"]
    assert [row["cpu_eff"] for row in rows(influxd, "measurement")] == [25], "one look, one measurement"
    (end,) = rows(influxd, "container")
    assert (end["uptime"], end["started"], end["killed"]) == (60.5, "True", "False")
    uptimes = [row["uptime"] for row in rows(influxd, "daemon")]
    assert uptimes == sorted(set(uptimes))


@pytest.mark.influxdb
@pytest.mark.parametrize(
    ("told", "age", "fields"),
    [
        ((PoolUnknown(why="away", since_unix=0.0),), 0.0, {"status": "waiting"}),
        ((POOL, PoolUnknown(why="away", since_unix=0.0)), 0.0, {"status": "waiting"}),
        ((PoolUnknown(why="away", since_unix=0.0), POOL), 0.0, {"status": "active", "containers": 3}),
        ((POOL,), 60.0, {"status": "waiting"}),
        ((Intent(mode=Mode.DRAINING, since_unix=0.0), POOL), 0.0, {"status": "draining", "containers": 3}),
        ((), 0.0, {"status": "waiting"}),
    ],
)
def test_the_status_that_is_written(
    bus: Bus, influxd: Influx, told: tuple[Message, ...], age: float, fields: dict[str, object]
) -> None:
    bus.tell(settings(influxd.setting("d"), main_sleep=0.2))
    bus.tell(*told, age=age)

    def found() -> list[dict[str, Any]]:
        bus.turn()
        return rows(influxd, "daemon")

    first = wait_for(found, 10.0, "a point")[0]
    assert {name: first[name] for name in first.keys() & {"status", "containers"}} == fields


@pytest.mark.influxdb
def test_ends_of_one_moment_are_points_of_their_own_at_the_time_they_happened(
    bus: Bus, influxd: Influx, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus.tell(settings(influxd.setting("d")))
    told = time.monotonic()
    still = SimpleNamespace(time_ns=lambda: 10_000_000_000, monotonic=lambda: told)
    with monkeypatch.context() as patched:
        patched.setattr("plancton.workers.metrics.gather.time", still)
        patched.setattr(time, "monotonic", lambda: told)
        for number in range(300):
            bus.tell(msgspec.structs.replace(END, container_id=str(number)), age=2.0)

    def all_there() -> bool:
        bus.turn()
        return len(rows(influxd, "container")) == 300

    wait_for(all_there, 10.0, "a point for each end")
    times = [row["time"] for row in rows(influxd, "container")]
    assert all(re.fullmatch(r"1970-01-01T00:00:0(8|7\.9999\d*|8\.0000\d*)Z", each) for each in times), times[:3]


def test_it_turns_and_counts_on_while_a_sink_hangs(bus: Bus, black_hole: BlackHole) -> None:
    bus.tell(settings(f"{black_hole.url}#d", main_sleep=0.1), POOL, HOST, END)
    wait_for(lambda: bus.turn() and black_hole.accepted, 10.0, "the sink hangs")
    for number in range(100):
        bus.tell(msgspec.structs.replace(LAUNCH, name=str(number)))
        bus.turn()
    said = bus.says(launched=100)
    assert said.sinks[0].waiting_points >= 2
    assert said.sinks[0].written_points == 0


@pytest.mark.influxdb
def test_a_changed_url_applies_at_once_and_counters_tell_of_it(
    bus: Bus, influxd: Influx, black_hole: BlackHole
) -> None:
    bus.tell(settings(f"{black_hole.url}#d"), POOL)
    assert bus.says(launched=0).sinks[0].name == f"{black_hole.url}#d"
    bus.tell(settings(influxd.setting("d"), main_sleep=0.1))

    def written() -> bool:
        bus.turn()
        return bool(bus.said[-1].sinks[0].written_points)

    wait_for(written, 10.0, "the new one takes points")
    assert [sink.name for sink in bus.said[-1].sinks] == [influxd.setting("d")]


HELD = Target(
    generation=1,
    valid_until_monotonic=0.0,
    want=1,
    running=1,
    hold=Hold(reason=Reason.MAX_DOCKS, detail="1 is allowed", since_unix=0.0),
    end=(Ending(container_id="1", name="p1", reason=Reason.EXPIRED),),
)


def journal(bus: Bus, number: int) -> list[Entry]:
    """Return the journal's entries once there are so many."""

    def look() -> list[Entry] | None:
        bus.turn()
        found = [each for each in read(directory_below(bus.state)) if isinstance(each, Entry)]
        return found if len(found) >= number else None

    entries = wait_for(look, 10.0, f"{number} entries in the journal")
    assert entries is not None
    return entries


def test_what_is_decided_and_done_comes_into_the_journal_each_once_at_its_time(bus: Bus) -> None:
    bus.tell(settings(), LAUNCH, POOL, HELD)
    bus.tell(LAUNCH, sequence=2)
    bus.tell(HELD)
    bus.tell(msgspec.structs.replace(END, uptime_seconds=0.5, output="no such file"), age=60.0)
    bus.tell(END)
    entries = journal(bus, 4)
    assert [entry.kind for entry in entries] == ["launched", "held", "to-end", "fizzled"]
    assert entries[-1].output == "no such file"
    assert [round((time.time() - entry.at_unix) / 60) for entry in entries] == [0, 0, 0, 1]
    assert bus.says(fizzled=1, launched=1).ended_by_reason == {"ended": 1}


def test_how_soon_is_too_soon_is_a_setting(bus: Bus) -> None:
    bus.tell(settings(fizzle_seconds=100.0), END)
    assert [entry.kind for entry in journal(bus, 1)] == ["fizzled"]
    assert bus.says(fizzled=1).ended_by_themselves == 1


def test_a_restarted_worker_writes_nothing_again_but_what_happened_meanwhile(bus: Bus) -> None:
    bus.tell(settings(), HELD, LAUNCH)
    assert len(journal(bus, 3)) == 3
    later = Bus(bus.rundir)
    # As the bus gives it to a new life: its own last word, the last of each level, then the events that it missed.
    later.tell(Counters(launched=1), settings())
    later.tell(HELD, age=30.0)
    later.tell(END, age=5.0)
    assert [entry.kind for entry in journal(later, 4)] == ["held", "to-end", "launched", "removed"]
    later.tell(HELD, msgspec.structs.replace(HELD, hold=None))
    assert [entry.kind for entry in journal(later, 5)][4:] == ["released"]


def test_what_it_has_when_it_is_told_to_stop_is_on_disk_afterwards(bus: Bus) -> None:
    bus.tell(settings(), POOL)
    bus.turn()
    bus.tell(HOST, END)
    bus.metrics.finish(time.monotonic() + 30.0)
    with History(store_path(bus.state)) as history:
        assert [point.fields["uptime_seconds"] for point in history.points("pilot", 0.0, time.time() + 9.0)] == [60.5]
        assert [point.fields.get("core_seconds") for point in history.points("given", 0.0, time.time() + 9.0)][1:] == [
            1.0
        ]


def test_it_ends_in_time_though_it_can_put_nothing_away(bus: Bus) -> None:
    bus.metrics.finish(time.monotonic() + 600.0)
    bus.state.touch()
    bus.tell(settings(), POOL, END)
    bus.metrics.finish((began := time.monotonic()) + 0.2)
    assert 0.2 <= time.monotonic() - began < 5.0


def test_the_first_decision_of_a_new_planctond_is_written_though_it_is_older_than_the_worker(bus: Bus) -> None:
    bus.tell(settings())
    bus.tell(HELD, age=5.0)
    assert [entry.kind for entry in journal(bus, 2)] == ["held", "to-end"]


def test_a_journal_that_can_not_be_written_is_counted_and_delays_nothing(bus: Bus) -> None:
    directory_below(bus.state).parent.mkdir()
    directory_below(bus.state).touch()
    bus.tell(settings(), HELD, LAUNCH)
    assert bus.says(journal_dropped=3).launched == 1
    later = Bus(bus.rundir)
    later.tell(Counters(journal_dropped=3), settings(), LAUNCH)
    assert later.says(journal_dropped=4).launched == 1


def test_there_is_a_store_without_any_sink_and_nothing_of_influxdb_is_in_memory(tmp_path: Path) -> None:
    code = """
import sys, pathlib
from tests.workers.metrics.bus import Bus, settings, POOL, END
bus = Bus(pathlib.Path(sys.argv[1]))
bus.tell(settings(), POOL, END)
bus.stored("SELECT DISTINCT series FROM points WHERE series IN ('daemon', 'container')", 2)
assert not [name for name in sys.modules if name.startswith("influxdb_client")]
bus.tell(settings("http://127.0.0.1:9#d"))
assert [name for name in sys.modules if name.startswith("influxdb_client")]
"""
    subprocess.run([sys.executable, "-c", code, tmp_path], cwd=REPOSITORY, check=True, timeout=60)


def test_the_last_lines_of_an_ended_pilot_are_kept(bus: Bus) -> None:
    bus.tell(
        settings(),
        msgspec.structs.replace(END, action=EndingAction.TERMINATED, output="not yet"),
        msgspec.structs.replace(END, outcome=Outcome.FAILED, output="not all"),
        msgspec.structs.replace(END, container_id="2", name="p2"),
        msgspec.structs.replace(END, container_id="3", name="p3", outcome=Outcome.TIMED_OUT, output="all the same"),
    )
    bus.tell(msgspec.structs.replace(END, output="first line\nlast line\n"), age=60.0)
    (container_id, pilot, ended_ns, output), late = bus.stored("SELECT * FROM outputs ORDER BY container_id", 2)
    assert (late[0], late[3]) == ("3", "all the same"), "its removal may have been the last that is told of it"
    assert (container_id, pilot, output) == ("1", "p1", "first line\nlast line\n")
    assert abs(time.time() - 60 - ended_ns / 1e9) < 10


def test_a_restarted_worker_goes_on_with_the_store(bus: Bus) -> None:
    bus.tell(settings(), POOL, END)
    first = bus.stored("SELECT id FROM points ORDER BY id", 2)
    later = Bus(bus.rundir)
    later.tell(settings(), POOL, msgspec.structs.replace(END, container_id="9"))
    ids = later.stored("SELECT id FROM points ORDER BY id", len(first) + 2)
    assert ids[: len(first)] == first
    assert ids == sorted(set(ids))
