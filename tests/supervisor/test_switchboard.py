"""The bus's middle: who hears what, what a new life is told, and that no peer can harm or delay another."""

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from plancton.common.bus import Speaker, WorkerBus
from plancton.common.codec import Envelope
from plancton.common.messages import (
    ActiveSettings,
    Beat,
    Counters,
    LaunchOutcome,
    Message,
    Outcome,
    PoolLook,
    PoolUnknown,
    Target,
)
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from plancton.common.topics import Topic
from plancton.supervisor.switchboard import Switchboard
from tests.support.waiting import wait_for

SETTINGS = ActiveSettings(settings=Settings(), generation=1)
POOL = PoolLook(pilots=(), full_look_monotonic=1.0)
UNKNOWN = PoolUnknown(why="no answer", since_unix=1.0)
COUNTERS = Counters(launched=3)


def target(generation: int) -> Target:
    """Return a decision."""
    return Target(generation=generation, valid_until_monotonic=9.0, want=0, running=0)


def outcome(slot: int) -> LaunchOutcome:
    """Return an event."""
    return LaunchOutcome(slot=slot, incarnation=1, name=f"p{slot}", outcome=Outcome.DONE, reason=Reason.ROOM)


class Hall:
    """A switchboard, the lives that it believes in, and the workers' ends."""

    def __init__(self, path: Path) -> None:
        """Bind ``path``."""
        self.path = path
        self.lives: dict[str, str] = {}
        self.said: list[tuple[str, Message]] = []
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.board = Switchboard(self.context, path, "ffff", self.lives.get, self._note)
        self._ends: list[WorkerBus] = []

    def _note(self, name: str, envelope: Envelope) -> None:
        self.said.append((name, envelope.message))

    def born(self, name: str, boot: str) -> WorkerBus:
        """Return the end of a new life that hasn't said anything yet."""
        self.lives[boot] = name
        end = WorkerBus(self.path, name, boot)
        self._ends.append(end)
        return end

    def awake(self, name: str, boot: str) -> WorkerBus:
        """Return the end of a new life whose first beat was heard."""
        end = self.born(name, boot)
        beats = len(self.said)
        end.say(Beat(ready=True))
        self.until(lambda: len(self.said) > beats)
        return end

    def died(self, name: str, boot: str) -> None:
        """Have a worker's life be over."""
        del self.lives[boot]
        self.board.lost(name)

    def until(self, fact: Callable[[], object], why: str = "the switchboard heard") -> None:
        """Turn until ``fact`` is true."""

        def turned() -> object:
            self.board.turn()
            return fact()

        wait_for(turned, 20, why)

    def hears(self, end: WorkerBus, count: int) -> list[Message]:
        """Turn until a worker heard ``count`` messages, and return them."""
        heard: list[Message] = []

        def enough() -> bool:
            heard.extend(envelope.message for envelope in end.heard())
            return len(heard) >= count

        self.until(enough, f"{count} messages")
        return heard

    def close(self) -> None:
        """Drop everything."""
        for end in self._ends:
            end.close()
        self.context.destroy(linger=0)


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """Yield a switchboard."""
    hall = Hall(tmp_path / "bus.sock")
    yield hall
    hall.close()


def test_what_one_says_those_that_hear_the_topic_hear_and_nobody_else(hall: Hall) -> None:
    names = ("probe", "scheduler", "launcher", "reaper", "metrics")
    ends = {name: hall.awake(name, name[:4]) for name in names}
    ends["probe"].say(POOL)
    ends["scheduler"].say(target(1))
    for name, count in (("scheduler", 2), ("reaper", 2), ("metrics", 2), ("launcher", 1)):
        heard = hall.hears(ends[name], count)
        assert sorted(map(repr, heard)) == sorted(map(repr, [target(1), *([POOL] if name != "launcher" else [])]))
    assert list(ends["probe"].heard()) == []
    assert ("probe", POOL) in hall.said


def test_a_beat_is_heard_by_the_supervisor_alone(hall: Hall) -> None:
    metrics = hall.awake("metrics", "a1")
    hall.awake("probe", "b1")
    hall.board.say(SETTINGS)
    assert hall.hears(metrics, 1) == [SETTINGS]


def test_a_worker_that_starts_is_told_the_last_word_on_each_topic_that_it_hears(hall: Hall) -> None:
    hall.board.say(SETTINGS)
    probe, scheduler = hall.awake("probe", "a1"), hall.awake("scheduler", "b1")
    probe.say(UNKNOWN)
    probe.say(POOL)
    scheduler.say(target(1))
    scheduler.say(target(2))
    hall.until(lambda: ("scheduler", target(2)) in hall.said and ("probe", POOL) in hall.said)
    reaper = hall.awake("reaper", "c1")
    assert sorted(map(repr, hall.hears(reaper, 3))) == sorted(map(repr, [SETTINGS, POOL, target(2)]))
    assert hall.board.last(Topic.POOL) is not None


def test_a_new_life_is_told_its_former_own_words_first(hall: Hall) -> None:
    hall.board.say(SETTINGS)
    hall.awake("probe", "a1").say(POOL)
    hall.awake("metrics", "b1").say(COUNTERS)
    hall.until(lambda: ("metrics", COUNTERS) in hall.said and ("probe", POOL) in hall.said)
    hall.died("metrics", "b1")
    heard = hall.hears(hall.awake("metrics", "b2"), 3)
    assert heard[0] == COUNTERS
    assert SETTINGS in heard
    assert POOL in heard


def test_events_that_came_while_a_worker_was_away_come_after_the_last_words_and_once(hall: Hall) -> None:
    launcher = hall.awake("launcher", "a1")
    hall.awake("metrics", "b1")
    hall.board.say(SETTINGS)
    hall.died("metrics", "b1")
    for slot in range(3):
        launcher.say(outcome(slot))
    hall.until(lambda: ("launcher", outcome(2)) in hall.said)
    metrics = hall.awake("metrics", "b2")
    assert hall.hears(metrics, 4) == [SETTINGS, outcome(0), outcome(1), outcome(2)]
    hall.died("metrics", "b2")
    assert hall.hears(hall.awake("metrics", "b3"), 1) == [SETTINGS]


def test_of_very_many_events_the_oldest_are_dropped(hall: Hall) -> None:
    for slot in range(1500):
        hall.board.say(outcome(slot))
    heard = hall.hears(hall.awake("metrics", "b1"), 900)
    assert heard[-1] != outcome(0)
    hall.died("metrics", "b1")
    assert outcome(499) not in heard
    assert outcome(500) in heard


def test_what_a_former_life_says_is_dropped(hall: Hall) -> None:
    former = hall.awake("scheduler", "a1")
    hall.died("scheduler", "a1")
    former.say(target(1))
    present = hall.awake("scheduler", "a2")
    present.say(target(2))
    hall.until(lambda: ("scheduler", target(2)) in hall.said)
    assert target(1) not in [message for _, message in hall.said]
    last = hall.board.last(Topic.TARGET)
    assert last is not None
    assert last.message == target(2)


def test_a_stranger_is_not_heard(hall: Hall) -> None:
    stranger = WorkerBus(hall.path, "scheduler", "dead")
    stranger.say(target(1))
    hall.awake("scheduler", "a1").say(target(2))
    hall.until(lambda: ("scheduler", target(2)) in hall.said)
    assert target(1) not in [message for _, message in hall.said]
    stranger.close()


def test_garbage_harms_nothing_and_nobody_hears_it(hall: Hall) -> None:
    scheduler = hall.awake("scheduler", "a1")
    probe = hall.awake("probe", "b1")
    wrong_topic = [b"target", Speaker("probe", "b1").frames(POOL)[1]]
    for garbage in ([b""], [b"beat"], [b"beat", b"x"], [b"a", b"b", b"c"], [b"\xff", b"\xff"], wrong_topic):
        probe.socket.send_multipart(garbage)
    probe.say(POOL)
    assert hall.hears(scheduler, 1) == [POOL]
    with hall.context.socket(zmq.DEALER) as stranger:
        stranger.setsockopt(zmq.ROUTING_ID, b"\xff\x00\xfe")
        stranger.connect(f"ipc://{hall.path}")
        stranger.send_multipart([b"beat", b"x"])
        probe.say(UNKNOWN)
        assert hall.hears(scheduler, 1) == [UNKNOWN]


def test_a_worker_that_does_not_read_delays_no_other(hall: Hall) -> None:
    hall.awake("metrics", "a1")
    scheduler = hall.awake("scheduler", "b1")
    seconds: list[float] = []
    heard: list[Message] = []
    said = [PoolUnknown(why="x" * 2000, since_unix=float(number)) for number in range(4000)]
    # No more at once than fits into the queues of the one that does read, however slow the machine is.
    for batch in (said[begin : begin + 200] for begin in range(0, len(said), 200)):
        for message in batch:
            begun = time.monotonic()
            hall.board.say(message)
            seconds.append(time.monotonic() - begun)
        heard += hall.hears(scheduler, len(batch))
    assert heard == said
    # By then the other's queues have long been full; a single pause may be the machine's.
    assert statistics.median(seconds[-1000:]) < 0.05


def test_the_age_of_a_last_word_is_told(hall: Hall) -> None:
    assert hall.board.age(Topic.SETTINGS) is None
    assert hall.board.last(Topic.SETTINGS) is None
    hall.board.say(SETTINGS)
    age = hall.board.age(Topic.SETTINGS)
    assert age is not None
    assert 0.0 <= age < 5.0
    hall.board.say(outcome(1))
    assert hall.board.last(Topic.LAUNCH_OUTCOME) is None
