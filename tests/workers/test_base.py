"""The workers' loop, in a real process on a real socket: beats, messages, its ends, and nothing swallowed."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from plancton.common.bus import Speaker, bind_bus, received
from plancton.common.codec import Envelope, decode
from plancton.common.messages import Beat, Message, PoolUnknown
from plancton.workers.base import BEAT_SECONDS, EXIT_BUG, FINISH_SECONDS
from tests.support.facts import host
from tests.support.running import REPOSITORY
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow


class Supervised:
    """A worker's process, and the supervisor's ends of its bus and its lifeline."""

    def __init__(self, directory: Path, what: str) -> None:
        self.directory = directory
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = bind_bus(self.context, directory / "bus.sock")
        self.speaker = Speaker("supervisor", "s")
        readable, self.lifeline = os.pipe()
        command = [sys.executable, "-m", "tests.support.lone_worker", what, str(directory), str(readable)]
        self.process = subprocess.Popen(command, cwd=REPOSITORY, pass_fds=[readable])
        os.close(readable)
        self.identity = b""
        self.heard: list[Envelope] = []
        wait_for(self.of(Beat, 1), 20.0, "the first beat")

    def of(self, kind: type[Message], count: int) -> Callable[[], list[Envelope] | None]:
        """Return what tells whether so many messages of this kind have come."""

        def come() -> list[Envelope] | None:
            for identity, *frames in received(self.socket):
                self.identity = identity
                self.heard.append(decode(*frames))
            found = [envelope for envelope in self.heard if isinstance(envelope.message, kind)]
            return found if len(found) >= count else None

        return come

    def say(self, message: Message) -> None:
        """Say something to the worker."""
        self.send(*self.speaker.frames(message))

    def send(self, *frames: bytes) -> None:
        """Send these bytes to the worker."""
        self.socket.send_multipart([self.identity, *frames])

    def ends(self) -> int:
        """Return its exit code."""
        return self.process.wait(5.0)

    def close(self) -> None:
        """End what is left."""
        self.process.kill()
        self.process.wait()
        if self.lifeline >= 0:
            os.close(self.lifeline)
        self.context.destroy(linger=0)


Start = Callable[[str], Supervised]


@pytest.fixture
def start() -> Iterator[Start]:
    """Return what starts a worker."""
    started: list[Supervised] = []
    with tempfile.TemporaryDirectory(prefix="plancton-", dir="/tmp") as directory:  # Short, for the socket.

        def begin(what: str) -> Supervised:
            started.append(Supervised(Path(directory), what))
            return started[-1]

        yield begin
        for each in started:
            each.close()


def test_it_beats_and_says_that_it_is_ready(start: Start) -> None:
    worker = start("works")
    beats = wait_for(worker.of(Beat, 3), 10.0, "three beats")
    assert beats is not None
    assert all(getattr(beat.message, "ready", False) for beat in beats)
    assert beats[2].monotonic - beats[0].monotonic < 2 * BEAT_SECONDS + 0.5
    assert [beat.sequence for beat in beats] == [1, 2, 3]


def test_one_that_is_not_ready_says_so_and_beats_faster(start: Start) -> None:
    worker = start("waits")
    beats = wait_for(worker.of(Beat, 10), 10.0, "ten beats")
    assert beats is not None
    assert beats[9].monotonic - beats[0].monotonic < 5 * BEAT_SECONDS
    assert not any(getattr(beat.message, "ready", True) for beat in beats)


def test_a_message_is_heard_at_once(start: Start) -> None:
    worker = start("works")
    began = time.monotonic()
    worker.say(host(7))
    answers = wait_for(worker.of(PoolUnknown, 1), 5.0, "an answer")
    assert answers is not None
    assert time.monotonic() - began < BEAT_SECONDS / 2, "the loop waited for its deadline"


def lateness(worker: Supervised) -> list[float]:
    """Return what the beats that came say of it."""
    found = worker.of(Beat, 1)() or []
    return [beat.message.late_seconds for beat in found if isinstance(beat.message, Beat)]


@pytest.mark.slow
@pytest.mark.parametrize("messages", [0, 3])
def test_a_loop_that_was_held_up_says_for_how_long_whatever_came_in_meanwhile_and_says_it_once(
    start: Start, messages: int
) -> None:
    worker = start("works")
    wait_for(worker.of(Beat, 2), 10.0, "it turns")
    stopped_at = time.monotonic()
    worker.process.send_signal(signal.SIGSTOP)
    for _ in range(messages):
        worker.say(host(3))
    wait_for(lambda: time.monotonic() - stopped_at > 3.0 * BEAT_SECONDS, 10.0, "it's held up")
    worker.process.send_signal(signal.SIGCONT)
    held_up = time.monotonic() - stopped_at
    wait_for(lambda: max(lateness(worker)) >= BEAT_SECONDS, 10.0, "it says so")
    count = len(lateness(worker))
    wait_for(lambda: len(lateness(worker)) >= count + 2, 10.0, "it turns again")
    late = lateness(worker)
    # Its deadline was at most a beat after it was stopped.
    assert held_up - 1.5 * BEAT_SECONDS < max(late) < held_up + 5.0
    assert late[late.index(max(late)) + 1] < max(late) / 2


@pytest.mark.slow
def test_a_worker_that_asks_for_what_is_long_due_is_not_late(start: Start) -> None:
    worker = start("hurries")
    wait_for(worker.of(Beat, 3), 10.0, "it turns")
    assert max(lateness(worker)) < 30.0


def test_a_loop_that_hangs_is_silent(start: Start) -> None:
    worker = start("hangs")
    worker.say(host(1))
    silent_since = time.monotonic()

    def silence() -> bool:
        beats = worker.of(Beat, 1)() or []
        return time.monotonic() - max(silent_since, beats[-1].monotonic) > 2.5 * BEAT_SECONDS

    wait_for(silence, 6.0, "no beats come")
    assert worker.process.poll() is None


def test_what_can_not_be_decoded_is_dropped_and_the_rest_heard(start: Start) -> None:
    worker = start("works")
    topic, good = worker.speaker.frames(host(7))
    for bad in ((b"garbage",), (topic, b"garbage"), (b"no.topic", good), (topic, good, b"third"), (topic, b"")):
        worker.send(*bad)
    worker.send(topic, good)
    answers = wait_for(worker.of(PoolUnknown, 1), 5.0, "an answer")
    assert answers is not None
    assert getattr(answers[0].message, "why", "") == "7"
    worker.process.send_signal(signal.SIGTERM)
    assert worker.ends() == 0
    assert (worker.directory / "log").read_text().count("dropped a message") == 5


def test_sigterm_ends_it_at_once(start: Start) -> None:
    worker = start("works")
    began = time.monotonic()
    worker.process.send_signal(signal.SIGTERM)
    assert worker.ends() == 0
    assert time.monotonic() - began < BEAT_SECONDS / 2, "the signal didn't wake the loop"


def test_one_that_is_told_to_stop_puts_away_what_it_has(start: Start) -> None:
    worker = start("works")
    worker.say(host(3))
    wait_for(worker.of(PoolUnknown, 1), 5.0, "it heard")
    worker.process.send_signal(signal.SIGTERM)
    assert worker.ends() == 0
    assert (worker.directory / "finished").read_text() == f"{FINISH_SECONDS} 3"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_signals_meant_for_the_supervisor_do_nothing(start: Start, number: int) -> None:
    worker = start("works")
    worker.process.send_signal(number)
    worker.say(host(3))
    wait_for(worker.of(PoolUnknown, 1), 5.0, "an answer")
    assert worker.process.poll() is None


def test_it_ends_at_once_when_the_supervisor_is_gone(start: Start) -> None:
    worker = start("works")
    began = time.monotonic()
    os.close(worker.lifeline)
    worker.lifeline = -1
    assert worker.ends() == 0
    assert time.monotonic() - began < BEAT_SECONDS / 2
    assert not (worker.directory / "finished").exists()


def test_a_bug_ends_it_with_a_code_of_its_own_and_a_line_in_the_log(start: Start) -> None:
    worker = start("crashes")
    worker.say(host(1))
    assert worker.ends() == EXIT_BUG == 70
    text = (worker.directory / "log").read_text()
    assert "reaper crashed" in text
    assert "ValueError: as told" in text
