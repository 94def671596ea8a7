"""The metrics worker: what it is told becomes counters and points, and it goes on where a former life stopped."""

import itertools
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from plancton.common.codec import Envelope
from plancton.common.messages import (
    TOPIC_OF,
    ActiveSettings,
    Counters,
    EndingAction,
    EndingOutcome,
    HostLook,
    Intent,
    LaunchOutcome,
    Message,
    Mode,
    Outcome,
    PoolLook,
    PoolUnknown,
    SinkState,
)
from plancton.common.pilot import Pilot, PilotState
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from plancton.workers.metrics.worker import Metrics
from tests.support.black_hole import BlackHole
from tests.support.influx import Influx
from tests.support.waiting import wait_for

POOL = PoolLook(
    pilots=tuple(
        Pilot(
            container_id=str(slot),
            name=f"p{slot}",
            slot=slot,
            incarnation=1,
            spec="",
            state=PilotState.RUNNING,
            created_unix=0.0,
        )
        for slot in range(3)
    ),
    full_look_monotonic=0.0,
)
HOST = HostLook(
    ncpus=4,
    interval_seconds=2.0,
    busy_cpus=1.0,
    pilots_cpus=0.5,
    ram_bytes=1,
    available_bytes=1,
    swap_bytes=0,
)
END = EndingOutcome(
    container_id="1",
    name="p1",
    action=EndingAction.REMOVED,
    outcome=Outcome.DONE,
    reason=Reason.ENDED,
    uptime_seconds=60.5,
)
LAUNCH = LaunchOutcome(slot=1, incarnation=1, name="p1", outcome=Outcome.DONE, reason=Reason.ROOM)


class Bus:
    """A worker's place, and the bus that gives it what others say and the echo of its own words."""

    def __init__(self, rundir: Path, *, echo: bool = True) -> None:
        """Start the worker."""
        self.rundir = rundir
        self.state = rundir / "state"
        self.said: list[Counters] = []
        self._echo = echo
        self._unheard: list[Message] = []
        self._numbers = itertools.count(1)
        self.metrics = Metrics(self)

    def wake(self) -> None:
        """Do nothing: tests turn all the time."""

    def say(self, message: Message) -> None:
        """Note what the worker says."""
        assert isinstance(message, Counters)
        self.said.append(message)
        if self._echo:
            self._unheard.append(message)

    def tell(self, *messages: Message, sequence: int | None = None, age: float = 0.0) -> None:
        """Have the worker hear the messages."""
        for message in messages:
            self.metrics.hear(
                Envelope(
                    topic=TOPIC_OF[type(message)],
                    sender="other",
                    boot="b",
                    sequence=sequence or next(self._numbers),
                    monotonic=time.monotonic() - age,
                    message=message,
                ),
            )

    def turn(self) -> float:
        """Turn once, as the loop does."""
        unheard, self._unheard = self._unheard, []
        self.tell(*unheard)
        return self.metrics.turn(time.monotonic())

    def says(self, **fields: object) -> Counters:
        """Turn until the last counters said have these fields."""

        def look() -> Counters | None:
            self.turn()
            if not self.said:
                return None
            last = self.said[-1]
            return last if all(getattr(last, name) == value for name, value in fields.items()) else None

        said = wait_for(look, 10.0, f"says {fields}")
        assert said is not None
        return said


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Bus]:
    """Give a worker without sinks; those it gets are closed at the end."""
    place = Bus(tmp_path)
    yield place
    place.tell(settings())


def settings(*urls: str, main_sleep: float = 3600.0) -> ActiveSettings:
    return ActiveSettings(settings=Settings(influxdb_url=urls, main_sleep=main_sleep), generation=1)


def test_it_is_ready_at_once_and_says_its_counters_once_while_nothing_happens(bus: Bus) -> None:
    assert bus.metrics.ready
    assert bus.says(launched=0) == Counters()
    assert bus.turn() > time.monotonic() + 30.0
    bus.tell(settings(), Intent(mode=Mode.ACTIVE, since_unix=0.0), POOL, HOST)
    bus.turn()
    assert bus.said == [Counters()]


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
    said = bus.says(launched=40, pilot_seconds=65.5, ended_by_reason={"ended": 4})
    assert said.sinks[0].written_points == 7
    assert said.sinks[0].dropped_points == 3, "what waited in the former life went with it"
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
        patched.setattr("plancton.workers.metrics.worker.time", still)
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
