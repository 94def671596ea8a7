"""What the metrics process makes of all that it hears: every point is as declared, each fact counts once."""

import os
import time
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plancton.common.accounting import CallTimes, SinkState, StoreState
from plancton.common.codec import Envelope
from plancton.common.decision import Ending, Hold
from plancton.common.messages import (
    Counters,
    EndingAction,
    EndingOutcome,
    EngineCalls,
    HostLook,
    Intent,
    LaunchOutcome,
    Message,
    Mode,
    Outcome,
    PoolLook,
    PoolUnknown,
    Processes,
    Target,
)
from plancton.common.points import Point
from plancton.common.processes import ProcessState, ProcessStatus
from plancton.common.reasons import Reason
from plancton.common.series import SERIES
from plancton.common.topics import TOPIC_OF
from plancton.workers.metrics.gather import Gatherer
from tests.support.any_struct import any_struct
from tests.support.declared import faults
from tests.support.facts import host, pilot, pool, running, target

FIZZLE_SECONDS = 5.0
LAUNCH = LaunchOutcome(slot=0, incarnation=1, name="n0-1", outcome=Outcome.DONE, reason=Reason.ROOM)
END = EndingOutcome(
    container_id="c0-1",
    name="n0-1",
    action=EndingAction.REMOVED,
    outcome=Outcome.DONE,
    reason=Reason.OWNER_CPU,
    killed=True,
    uptime_seconds=60.0,
    exit_code=143,
    image_id="sha256:b",
)
SINK = SinkState(name="http://a#d", written_points=1, waiting_points=2, dropped_points=3)
STORE = StoreState(points=5, size_bytes=6)


class Ears:
    """A gatherer, and those who speak to it at moments that count from its own start, in seconds."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self.gatherer = Gatherer()
        self.born = time.monotonic()
        self._sequence = 0

    def tell(self, message: Message, at: float = 0.0, sender: str = "probe") -> tuple[Point, ...]:
        """Say something that is news."""
        self._sequence += 1
        return self.gatherer.hear(
            Envelope(
                topic=TOPIC_OF[type(message)],
                sender=sender,
                boot="b",
                sequence=self._sequence,
                monotonic=self.born + at,
                message=message,
            ),
            FIZZLE_SECONDS,
        )

    def measure(self, at: float = 0.0) -> dict[str, Point]:
        """Return the points that are due, by their series; of several the last."""
        points = self.gatherer.measure(self.born + at, 1_700_000_000 * 10**9, (SINK,), STORE)
        return {each.series: each for each in points}


def ending(container_id: str) -> Ending:
    return Ending(container_id=container_id, name="n", reason=Reason.OWNER_CPU)


def valid(*endings: str, **changes: Any) -> Target:  # noqa: ANN401
    return target(until=1e12, end=tuple(map(ending, endings)), **changes)


def a_whole_life(ears: Ears) -> list[Point]:
    """Tell everything that there is to tell, and return all points."""
    me = ProcessStatus(name="metrics", state=ProcessState.RUNNING, pid=os.getpid(), restarts=0, since_unix=0.0, beats=1)
    look = host(busy_cpus=2.0, pilots_cpus=1.0, stall_cpu=0.0, stall_memory=0.0, stall_io=0.0)
    used = pilot(0, cpu_seconds=3.0, memory_peak_bytes=4)
    points: list[Point] = []
    for at in (0.0, 100.0):
        for message in (
            Intent(mode=Mode.ACTIVE, since_unix=0.0),
            Processes(processes=(msgspec.structs.replace(me, beats=1 + int(at)),)),
            pool(used, at=ears.born),
            look,
            valid(room_cpus=1.0),
            EngineCalls(calls=(CallTimes(operation="info", calls=1, failures=0, seconds=0.1, longest_seconds=0.1),)),
            LAUNCH,
        ):
            points += ears.tell(message, at)
        points += ears.gatherer.measure(ears.born + at + 1.0, 1_700_000_000 * 10**9, (SINK,), STORE)
        for each in (valid("c0-1"), pool(), END):
            points += ears.tell(each, at + 2.0)
    return points


def test_every_series_and_field_of_the_catalogue_is_made_as_declared() -> None:
    points = a_whole_life(Ears())
    assert [fault for point in points for fault in faults(point)] == []
    made: dict[str, set[str]] = {}
    for each in points:
        made.setdefault(each.series, set()).update(each.fields)
    assert made == {name: set(series.fields) for name, series in SERIES.items()}


KINDS: tuple[type[Message], ...] = (
    EndingOutcome,
    EngineCalls,
    HostLook,
    Intent,
    LaunchOutcome,
    PoolLook,
    PoolUnknown,
    Processes,
    Target,
)
MESSAGES = st.one_of(*(any_struct(kind) for kind in KINDS))


@settings(max_examples=50)
@given(
    st.lists(st.tuples(MESSAGES, st.floats(-100.0, 100.0)), max_size=12), st.lists(any_struct(SinkState), max_size=2)
)
def test_whatever_is_heard_every_point_is_as_declared(
    messages: Iterable[tuple[Message, float]], sinks: list[SinkState]
) -> None:
    ears = Ears()
    points: list[Point] = []
    for message, at in messages:
        points += ears.tell(message, at)
    points += ears.gatherer.measure(ears.born, 7, sinks, STORE)
    empty = ("has an empty tag sink", "has an empty tag process", "has an empty tag operation")
    assert [fault for point in points for fault in faults(point) if not fault.endswith(empty)] == []


def test_an_event_that_is_told_twice_makes_its_points_once() -> None:
    ears = Ears()
    calls = EngineCalls(calls=(CallTimes(operation="info", calls=2, failures=0, seconds=0.1, longest_seconds=0.1),))
    envelope = Envelope(
        topic=TOPIC_OF[EngineCalls], sender="probe", boot="b", sequence=9, monotonic=ears.born, message=calls
    )
    for _ in range(2):
        ears.gatherer.hear(envelope, FIZZLE_SECONDS)
    assert ears.measure()["engine"].fields["calls"] == 2.0
    assert "engine" not in ears.measure(), "they are told once"


def test_ends_of_the_same_moment_are_points_of_their_own() -> None:
    ears = Ears()
    points = [point for _ in range(3) for point in ears.tell(END)]
    times = {(point.series, point.time_unix_ns) for point in points}
    assert len(points) == len(times) == 6
    moments = [point.time_unix_ns for point in points]
    assert max(moments) - min(moments) < 10**9
    assert abs(moments[0] - time.time_ns()) < 10**10


def test_the_last_figures_of_a_pilot_go_into_its_point_and_what_was_in_vain_into_the_totals() -> None:
    ears = Ears()
    ears.tell(pool(pilot(0, cpu_seconds=30.0, memory_peak_bytes=4)))
    ears.tell(pool())
    _container, told = ears.tell(END)
    assert (told.tags["exit"], told.fields["cpu_seconds"], told.fields["lost_core_seconds"]) == ("evicted", 30.0, 30.0)
    assert (ears.gatherer.counters.lost_core_seconds, ears.gatherer.counters.exits) == (30.0, {"evicted": 1})


def test_looks_become_points_and_totals() -> None:
    ears = Ears()
    ears.tell(running(2), 0.0)
    ears.tell(host(busy_cpus=2.0, pilots_cpus=1.0, stall_cpu=0.5), 1.0)
    ears.tell(host(busy_cpus=2.0, pilots_cpus=2.0, stall_cpu=0.5), 3.0)
    points = ears.measure(4.0)
    assert points["host"].fields["owner_cpus"] == 0.5
    assert points["pressure"].fields == {"cpu": 0.5}
    given_now = points["given"].fields
    assert given_now == {
        "interval_seconds": 4.0,
        "core_seconds": 6.0,
        "free_core_seconds": 30.0,
        "pilot_seconds": 8.0,
        "owner_stall_cpu_seconds": 2.0,
    } | {name: given_now[name] for name in given_now if name == "pilot_seconds"}
    assert abs(float(given_now["pilot_seconds"]) - 8.0) < 1e-6
    counters = ears.gatherer.counters
    assert (counters.given_core_seconds, counters.free_core_seconds) == (6.0, 30.0)
    assert counters.owner_stall_cpu_seconds == 2.0
    assert {"host", "pressure"}.isdisjoint(ears.measure(5.0)), "nobody looked since"


def test_a_void_target_and_an_old_look_are_unknown() -> None:
    ears = Ears()
    ears.tell(Intent(mode=Mode.ACTIVE, since_unix=0.0))
    ears.tell(running(2))
    ears.tell(target(until=ears.born + 10.0, hold=Hold(reason=Reason.MAX_DOCKS, detail="", since_unix=0.0)))
    assert ears.measure(9.0)["target"].fields.keys() >= {"want", "held", "reason", "running", "mode"}
    assert ears.measure(11.0)["target"].fields.keys() == {"running", "suspended", "mode"}
    assert ears.measure(26.0)["target"].fields == {"mode": "active"}
    ears.tell(PoolUnknown(why="gone", since_unix=0.0), 26.0)
    assert ears.measure(26.0)["daemon"].fields["status"] == "waiting"


def test_a_hand_back_is_told_when_the_last_pilot_is_gone() -> None:
    ears = Ears()
    ears.tell(running(3))
    ears.tell(valid())
    assert ears.tell(valid("c0-1", "c1-2"), 1.0) == ()
    assert ears.tell(pool(pilot(1), pilot(2)), 2.0) == ()
    (told,) = ears.tell(pool(pilot(2)), 4.0)
    assert (told.series, told.fields["pilots"]) == ("handback", 2.0)
    assert abs(float(told.fields["first_seconds"]) - 1.0) < 1e-6
    assert abs(float(told.fields["seconds"]) - 3.0) < 1e-6


def test_a_pilot_that_was_gone_before_the_target_came_made_nobody_wait() -> None:
    ears = Ears()
    ears.tell(running(1))
    ears.tell(valid())
    ears.tell(pool(), 1.0)
    (told,) = ears.tell(valid("c0-1"), 1.1)
    assert told.fields["seconds"] == 0.0


@given(st.lists(st.tuples(st.floats(0.5, 10.0), st.floats(0.0, 8.0)), min_size=1, max_size=10), st.integers(0, 10))
def test_a_restart_between_two_looks_changes_no_total(looks: list[tuple[float, float]], cut: int) -> None:
    whole, former, later = Ears(), Ears(), Ears()
    # The moments are one clock's.
    former.born = later.born = whole.born
    at, last = -200.0, None
    for number, (seconds, cpus) in enumerate(looks):
        look = host(busy_cpus=8.0, pilots_cpus=cpus, interval_seconds=seconds)
        if number == cut:
            later.gatherer.resume(former.gatherer.counters, whole.born + at)
            if last is not None:
                later.tell(last, at)
        at, last = at + seconds, look
        whole.tell(look, at)
        (former if number < cut else later).tell(look, at)
    told = (later if cut < len(looks) else former).gatherer.counters
    assert told.given_core_seconds == pytest.approx(whole.gatherer.counters.given_core_seconds)
    assert told.free_core_seconds == pytest.approx(whole.gatherer.counters.free_core_seconds)


def test_a_later_life_counts_what_the_former_one_did_not_and_tells_only_what_is_its_own() -> None:
    ears = Ears()
    used = host(busy_cpus=2.0, pilots_cpus=2.0)
    ears.gatherer.resume(Counters(given_core_seconds=10.0, exits={"failed": 1}), ears.born - 5.0)
    ears.tell(used, -6.0)
    assert ears.gatherer.counters.given_core_seconds == 10.0, "the former life had counted it"
    ears.tell(used, -1.0)
    assert ears.gatherer.counters.given_core_seconds == 14.0, "it hadn't counted this one"
    ears.tell(running(1), -20.0)
    ears.tell(valid("c0-1"), -20.0)
    ears.tell(END, 1.0)
    assert ears.gatherer.counters.exits == {"failed": 1, "evicted": 1}
    points = ears.measure(2.0)
    assert {"host", "measurement"}.isdisjoint(points)
    assert points["given"].fields["interval_seconds"] == 0.0
    assert abs(float(points["given"].fields["pilot_seconds"]) - 2.0) < 0.5
    assert all(point.series != "handback" for point in ears.tell(pool(), 3.0)), "nobody here knows when it was decided"
