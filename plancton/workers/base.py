"""The one worker loop: hear, work, beat, and wait until the next deadline.

The loop ends when SIGTERM arrives, or when the lifeline closes because the supervisor is gone. Beats come from the loop
alone, so that a loop that hangs is silent.
"""

import logging
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec
import setproctitle
import zmq

from plancton.common import log as logs
from plancton.common.bus import WorkerBus
from plancton.common.codec import Envelope, ProtocolError
from plancton.common.messages import ActiveSettings, Beat, Message
from plancton.workers.lanes import waker

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
FINISH_SECONDS = 1.0
"""How long a worker that is told to stop has for putting away what would be lost with it: less than it's let live."""
EXIT_BUG = 70


class Place(Protocol):
    """What a worker may use of the loop that runs it."""

    @property
    def rundir(self) -> Path:
        """The run directory, which tells the instance."""

    @property
    def state(self) -> Path:
        """The directory of what outlives planctond, this instance's own."""

    @property
    def wake(self) -> Callable[[], None]:
        """Makes the loop turn soon; callable from any thread."""

    def say(self, message: Message) -> None:
        """Say ``message`` to all that hear its topic."""


class Worker(Protocol):
    """What each worker is to the loop."""

    @property
    def ready(self) -> bool:
        """Whether it does its work; the supervisor waits for it."""

    def hear(self, envelope: Envelope) -> None:
        """Take in a message."""

    def turn(self, now: float) -> float:
        """Do what is due at ``now`` and return when to be called again at the latest (monotonic seconds)."""


@runtime_checkable
class Finisher(Protocol):
    """A worker that has something to put away when it's told to stop."""

    def finish(self, until: float) -> None:
        """Put it away, before ``until`` (monotonic seconds)."""


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """Who a worker is, and where."""

    name: str
    boot: str
    rundir: Path
    bus_socket: Path
    log_file: Path
    state: Path
    lifeline: int
    """A pipe that becomes readable when the supervisor dies."""


class Loop:
    """A worker's loop, and the place that the worker works in."""

    def __init__(self, life: Life) -> None:
        """Connect to the bus and take over the signals."""
        self.rundir = life.rundir
        self.state = life.state
        self._bus = WorkerBus(life.bus_socket, life.name, life.boot)
        self._lifeline = life.lifeline
        self._readable, writable = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.wake = waker(writable)
        self._stopping = False
        self._next_beat = 0.0
        self._late = 0.0
        signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._stop)
        for ignored in (signal.SIGINT, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)

    def say(self, message: Message) -> None:
        """Say ``message``; a bus that takes nothing loses it, and the next one says it again."""
        if not self._bus.say(message):
            log.warning("the bus took no %s", type(message).__name__)

    def run(self, worker: Worker) -> None:
        """Turn until told to stop, or until the supervisor is gone."""
        poller = zmq.Poller()
        poller.register(self._bus.socket, zmq.POLLIN)
        poller.register(self._readable, zmq.POLLIN)
        poller.register(self._lifeline, zmq.POLLIN)
        due = time.monotonic()
        while not self._stopping:
            wait = max(0.0, due - time.monotonic())
            events = dict(poller.poll(int(wait * 1000) + (wait > 0)))
            if self._lifeline in events:
                break
            if self._readable in events:
                self._drain()
            now = time.monotonic()
            # Whatever woke it: while it's held up, messages come in.
            self._late = max(self._late, now - due)
            self._listen(worker)
            deadline = worker.turn(now)
            self._beat(worker)
            # What is long due counts from this turn on, for only now it's known.
            due = max(now, min(deadline, self._next_beat))
        if self._stopping and isinstance(worker, Finisher):
            worker.finish(time.monotonic() + FINISH_SECONDS)
        self._bus.close()

    def _stop(self, _number: int, _frame: object) -> None:
        self._stopping = True

    def _drain(self) -> None:
        try:
            while os.read(self._readable, 4096):
                pass
        except BlockingIOError:
            return

    def _listen(self, worker: Worker) -> None:
        try:
            for envelope in self._bus.heard():
                if isinstance(envelope.message, ActiveSettings):
                    logs.set_level(envelope.message.settings.log_level)
                worker.hear(envelope)
        except ProtocolError as error:
            log.warning("dropped a message: %s", error)

    def _beat(self, worker: Worker) -> None:
        now = time.monotonic()
        if now >= self._next_beat:
            self._bus.say(Beat(ready=worker.ready, late_seconds=self._late))
            self._late = 0.0
            # Until it is ready, the supervisor is told of readiness as soon as it's there.
            self._next_beat = now + (BEAT_SECONDS if worker.ready else BEAT_SECONDS / 20)


def live(life: Life, make: Callable[[Place], Worker]) -> None:
    """Be the worker that ``make`` makes. Never returns, so that what the fork inherited isn't cleaned up twice."""
    setproctitle.setproctitle(f"planctond: {life.name}")
    logs.set_up(life.name, life.log_file, to_stderr=False)
    code = 0
    try:
        loop = Loop(life)
        loop.run(make(loop))
    except Exception:
        log.exception("%s crashed", life.name)
        code = EXIT_BUG
    logs.flush()
    os._exit(code)
