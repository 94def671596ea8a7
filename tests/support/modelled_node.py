"""A whole node in one thread: the four workers that act, over a fake engine, with every wait and message in one's hand.

Nothing happens by itself. Each blocking call stops before the engine and goes on when told to, with the outcome that it
is told; messages, events and looks arrive when they're let through; time stands still until ``pass_time``.
"""

import tempfile
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import gmtime, struct_time
from unittest import mock

from plancton.common.bus import HEARS
from plancton.common.codec import Envelope
from plancton.common.engine_types import Container, EngineEvent, Failure, FailureKind
from plancton.common.messages import ActiveSettings, HostLook, Intent, Message, Mode
from plancton.common.naming import LABEL_INSTANCE, instance_id
from plancton.common.pilot import PilotState
from plancton.common.settings import Settings
from plancton.common.topics import EVENT_TOPICS, TOPIC_OF, Topic
from plancton.workers.base import Place, Worker
from plancton.workers.launcher.worker import Launcher
from plancton.workers.probe.accounts import PilotUse
from plancton.workers.probe.host import Pilots
from plancton.workers.probe.watch import FullLook, StreamEnded, StreamOpened
from plancton.workers.probe.worker import Probe
from plancton.workers.reaper.worker import Reaper
from plancton.workers.scheduler.worker import Scheduler
from tests.fakes.containers import Program
from tests.fakes.engine import FakeEngine
from tests.fakes.weights import Weights
from tests.support.modelled_watch import Watch
from tests.support.stepped_calls import Asking, Call, How, Lanes

RUNDIR = Path("/run/modelled")
INSTANCE = instance_id(str(RUNDIR))
WORKERS: dict[str, Callable[[Place], Worker]] = {
    "probe": Probe,
    "scheduler": Scheduler,
    "launcher": Launcher,
    "reaper": Reaper,
}
CALLS = ("create", "list_containers", "start", "kill", "pause", "unpause", "lift_quota", "logs_tail", "remove")
STUCK = (*WORKERS, "events", "looks", "answers", "late", *CALLS)
"""What may be stuck: a worker's loop, the way to the probe, and calls on the engine."""
GIB = 2**30
DEFIANT, OBEDIENT = ("defiant",), ("obedient",)
"""Programs that outlive SIGTERM, and that don't."""


class Host:
    """Stands for the probe's eyes on the host."""

    def __init__(self, node: "Node") -> None:
        """Look at ``node``'s host."""
        self._node = node

    def look(self, _now: float, _driver: str, seen: Pilots) -> tuple[HostLook, dict[str, PilotUse]]:
        """Return what the model says."""
        pilots = float(len(seen.running))
        look = HostLook(
            ncpus=self._node.ncpus,
            interval_seconds=2.0,
            busy_cpus=min(self._node.ncpus, self._node.owner_cpus + pilots),
            pilots_cpus=pilots if self._node.accounting else None,
            ram_bytes=64 * GIB,
            available_bytes=40 * GIB,
            swap_bytes=0,
        )
        return look, {}


class Engine(FakeEngine):
    """The engine, with the events that nobody has seen yet."""

    def __init__(self) -> None:
        """Have no container."""
        super().__init__()
        self.programs = {DEFIANT: Program(), OBEDIENT: Program(exit_code_on_sigterm=0)}
        self.waiting: deque[EngineEvent] = deque()

    def _happen(self, container: Container, action: str, exit_code: int | None = None) -> None:
        super()._happen(container, action, exit_code)
        if container.labels.get(LABEL_INSTANCE) == INSTANCE:
            self.waiting.append(self._events[-1])


class Life:
    """One life of a worker, and the place that it works in."""

    def __init__(self, node: "Node", name: str, number: int) -> None:
        """Begin; like the real loop, it turns once before anything can have reached it."""
        self.rundir = RUNDIR
        self.state = node.state
        self.name = name
        self.inbox: deque[Envelope] = deque()
        self._node = node
        self._boot = f"{name}-{number}"
        self._sequence = 0
        self.worker = WORKERS[name](self)

    def wake(self) -> None:
        """Do nothing: it turns when it's told to."""

    def say(self, message: Message) -> None:
        """Give a message to the supervisor."""
        self._sequence += 1
        envelope = Envelope(
            topic=TOPIC_OF[type(message)],
            sender=self.name,
            boot=self._boot,
            sequence=self._sequence,
            monotonic=self._node.now,
            message=message,
        )
        self._node.publish(envelope)

    @property
    def calls(self) -> list[Call]:
        """What its threads are at."""
        held = [
            each
            for value in vars(self.worker).values()
            for each in (value.values() if isinstance(value, dict) else [value])
        ]
        lanes = [each for each in held if isinstance(each, Lanes)]
        return [call for each in lanes for call in each.calls if call.asks is not None]


class Node:
    """The supervisor, the four workers and the engine."""

    def __init__(self, settings: Settings, *, ncpus: int = 8) -> None:
        """Start all of it."""
        self.now, self.ncpus, self.owner_cpus, self.accounting = 1000.0, ncpus, 0.0, True
        self.engine = Engine()
        self.settings = settings
        self.mode = Mode.ACTIVE
        self.late: list[Callable[[], object]] = []
        """Calls that timed out and whose effect is to come."""
        self.on_said: Callable[[Envelope], None] = lambda _envelope: None
        self.on_start: Callable[[float], None] = lambda _asked_at: None
        self._last: dict[Topic, Envelope] = {}
        self._boots = 0
        self.lives: dict[str, Life] = {}
        self._patches = ExitStack()
        self.state = Path(self._patches.enter_context(tempfile.TemporaryDirectory(prefix="plancton-")))
        self._patch()
        self.start_supervisor()

    def _patch(self) -> None:
        package = "plancton.workers."
        for module in (
            "scheduler.worker",
            "launcher.worker",
            "launcher.launch",
            "reaper.worker",
            "reaper.end",
            "probe.worker",
        ):
            self._patches.enter_context(mock.patch(f"{package}{module}.time", self))
        for module in ("launcher.worker", "reaper.worker"):
            self._patches.enter_context(mock.patch(f"{package}{module}.Engine", self._asking))
        for module in ("launcher.worker", "reaper.worker", "reaper.directories"):
            self._patches.enter_context(mock.patch(f"{package}{module}.Lanes", Lanes))
        self._patches.enter_context(mock.patch(f"{package}launcher.worker.Weights", Weights))
        self._patches.enter_context(mock.patch(f"{package}probe.worker.Engine", self._asking))
        self._patches.enter_context(mock.patch(f"{package}probe.worker.EngineWatch", self._watching))
        self._patches.enter_context(mock.patch(f"{package}probe.worker.Host", self._at_host))

    def _asking(self, _url: str | None) -> Asking:
        return Asking(self)

    def _watching(self, *_arguments: object) -> Watch:
        return Watch()

    def _at_host(self, _instance: str) -> Host:
        return Host(self)

    def close(self) -> None:
        """End all threads."""
        for life in self.lives.values():
            self._abandon(life)
        self._patches.close()

    # The clock, in the place of the time module.

    def monotonic(self) -> float:
        """Return the model's CLOCK_MONOTONIC."""
        return self.now

    def time(self) -> float:
        """Return the model's wall clock."""
        return self.engine.now_unix

    def localtime(self) -> struct_time:
        """Return the model's wall clock as the machine's calendar, which is that of Greenwich."""
        return gmtime(self.time())

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self.engine.advance(seconds)

    # The supervisor.

    def start_supervisor(self) -> None:
        """Start planctond anew; a former one was killed, and its workers ended with it."""
        for life in self.lives.values():
            self._abandon(life)
        self.lives, self._last = {}, {}
        self.say(ActiveSettings(settings=self.settings, generation=1))
        self.say(Intent(mode=self.mode, since_unix=self.time()))
        for name in WORKERS:
            self.start(name)

    def start(self, name: str) -> None:
        """Start a worker's next life; a former one was killed."""
        if name in self.lives:
            self._abandon(self.lives.pop(name))
        self._boots += 1
        life = Life(self, name, self._boots)
        # With its first word the supervisor tells it the last ones, its own first.
        last = [envelope for envelope in self._last.values() if envelope.topic in HEARS[name]]
        life.worker.turn(self.now)
        self.lives[name] = life
        life.inbox.extend(sorted(last, key=lambda envelope: envelope.sender != name))
        if name == "probe":
            self.engine.waiting.clear()

    def say(self, message: Message) -> None:
        """Say something as the supervisor."""
        self.publish(
            Envelope(
                topic=TOPIC_OF[type(message)],
                sender="supervisor",
                boot="supervisor",
                sequence=1,
                monotonic=self.now,
                message=message,
            )
        )

    def publish(self, envelope: Envelope) -> None:
        """Forward a message to all that hear it."""
        self.on_said(envelope)
        if envelope.topic not in EVENT_TOPICS:
            self._last[envelope.topic] = envelope
        for life in self.lives.values():
            if envelope.topic in HEARS[life.name]:
                life.inbox.append(envelope)

    def last(self, topic: Topic) -> Message | None:
        """Return the last word on a topic."""
        envelope = self._last.get(topic)
        return envelope.message if envelope else None

    # What happens when one lets it.

    def turn(self, name: str, messages: int = 1000) -> None:
        """Let a worker hear at most so many messages and do its turn."""
        life = self.lives[name]
        for _ in range(min(messages, len(life.inbox))):
            life.worker.hear(life.inbox.popleft())
        life.worker.turn(self.now)

    def calls(self) -> list[Call]:
        """Return all calls that stand before the engine."""
        return [call for life in self.lives.values() for call in life.calls]

    def go_on(self, call: Call, how: How = How.DONE) -> None:
        """Let a call's next step come to this."""
        effect = self._effect(call)
        timed_out = Failure(kind=FailureKind.TIMED_OUT, detail="modelled", seconds=0.0)
        match how:
            case How.DONE:
                call.answer(effect())
            case How.FAILED:
                call.answer(Failure(kind=FailureKind.BROKEN, detail="modelled", seconds=0.0))
            case How.ANSWER_LOST:
                effect()
                call.answer(timed_out)
            case How.LATE:
                self.late.append(effect)
                call.answer(timed_out)

    def _effect(self, call: Call) -> Callable[[], object]:
        assert call.asks is not None
        (name, arguments), keywords, asked_at = call.asks, call.keywords, call.asked_at

        def effect() -> object:
            before = len(self.live())
            result = getattr(self.engine, name)(*arguments, **keywords)
            if len(self.live()) > before:
                self.on_start(asked_at)
            return result

        return effect

    def _abandon(self, life: Life) -> None:
        for call in life.calls:
            # What it asked of the engine may come about all the same.
            self.late.append(self._effect(call))
            call.abandon()

    @property
    def _watch(self) -> Watch | None:
        probe = self.lives["probe"].worker
        return next((value for value in vars(probe).values() if isinstance(value, Watch)), None)

    def let_events(self, most: int = 1000) -> None:
        """Let at most so many events reach the probe."""
        watch = self._watch
        if watch is not None:
            watch.came.extend(self.engine.waiting.popleft() for _ in range(min(most, len(self.engine.waiting))))

    def break_stream(self) -> None:
        """Lose the events that have not arrived, and end the stream."""
        self.engine.waiting.clear()
        if self._watch is not None:
            self._watch.came.append(StreamEnded(why="modelled", at_monotonic=self.now))
            self._watch.came.append(StreamOpened(at_monotonic=self.now))

    def list_for_look(self, *, fails: bool = False) -> None:
        """Let the engine answer the look that was asked for; the answer is still on its way."""
        watch = self._watch
        if watch is None or watch.asked is None or watch.seen is not None:
            return
        if fails:
            watch.seen = Failure(kind=FailureKind.TIMED_OUT, detail="modelled", seconds=5.0)
        else:
            containers = self.engine.list_containers({LABEL_INSTANCE: INSTANCE})
            assert not isinstance(containers, Failure)
            watch.seen = FullLook(containers=containers, info=self.engine.engine_info)

    def let_look(self) -> None:
        """Let the answer arrive."""
        if self._watch is not None:
            self._watch.arrived = self._watch.seen is not None

    def calm(self, seconds: float, step: float = 0.5, stuck: frozenset[str] = frozenset()) -> None:
        """Let everything work as it should for a while, except what is ``stuck``: see ``STUCK``."""
        end = self.now + seconds
        while self.now < end:
            self.pass_time(step)
            while self.late and "late" not in stuck:
                self.late.pop(0)()
            for name in self.lives:
                if "events" not in stuck:
                    self.let_events()
                if "looks" not in stuck:
                    self.list_for_look()
                if "answers" not in stuck:
                    self.let_look()
                if name not in stuck:
                    self.turn(name)
                for call in self.calls():
                    if call.asks is not None and call.asks[0] not in stuck:
                        self.go_on(call)

    # What is so.

    def containers(self) -> list[Container]:
        """Return this instance's containers."""
        found = self.engine.list_containers({LABEL_INSTANCE: INSTANCE})
        assert not isinstance(found, Failure)
        return list(found)

    def live(self) -> list[Container]:
        """Return those that run or are suspended."""
        return [each for each in self.containers() if each.state in {PilotState.RUNNING, PilotState.PAUSED}]

    def running(self) -> list[Container]:
        """Return those that run."""
        return [container for container in self.containers() if container.state is PilotState.RUNNING]
