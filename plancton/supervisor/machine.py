"""The states of one supervised worker: an event in, the next state and what to do out.

| state    | start    | beat (ready)      | end           | stop                  | tick past the deadline |
|----------|----------|-------------------|---------------|-----------------------|------------------------|
| STOPPED  | STARTING | ignored           | ignored       | STOPPED               | never                  |
| STARTING | ignored  | STARTING or RUNNING | BACKOFF/FATAL | STOPPING, terminate | STOPPING, kill         |
| RUNNING  | ignored  | RUNNING           | BACKOFF/FATAL | STOPPING, terminate   | STOPPING, kill         |
| BACKOFF  | ignored  | ignored           | ignored       | STOPPED               | STARTING, spawn        |
| STOPPING | wanted again | ignored       | STOPPED, or BACKOFF/FATAL where it is wanted | STOPPING | kill again |
| FATAL    | ignored  | ignored           | ignored       | STOPPED               | never                  |

What is wanted is stored apart from what is observed: a worker killed because it hung is STOPPING and still wanted.
A failure that makes BACKOFF may be restarted at once; it passes through BACKOFF with a deadline of now.
"""

from enum import StrEnum

import msgspec

from plancton.common.processes import ProcessState
from plancton.supervisor.restart import GiveUp, RestartPolicy, decide, recent


class Budgets(msgspec.Struct, frozen=True, kw_only=True):
    """How long a worker may be silent, in seconds."""

    start_seconds: float = 20.0
    """From its spawning to its first ready beat."""
    beat_seconds: float = 5.0
    """Between beats once it is ready."""
    stop_seconds: float = 3.0
    """From SIGTERM to its end; then it is killed."""
    kill_seconds: float = 1.0
    """Between SIGKILLs of one that won't go."""


class Do(StrEnum):
    """What the hands must do to the process."""

    SPAWN = "spawn"
    TERMINATE = "terminate"
    KILL = "kill"


class Start(msgspec.Struct, frozen=True):
    """The worker is wanted."""


class Stop(msgspec.Struct, frozen=True):
    """The worker is no longer wanted."""


class Beaten(msgspec.Struct, frozen=True):
    """Its loop gave a sign of life."""

    ready: bool


class Ended(msgspec.Struct, frozen=True):
    """Its process is gone; ``how`` in words."""

    how: str


class Tick(msgspec.Struct, frozen=True):
    """Time passed."""


Event = Start | Stop | Beaten | Ended | Tick


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """One worker as the supervisor knows it. Moments are monotonic seconds."""

    name: str
    wanted: bool = False
    state: ProcessState = ProcessState.STOPPED
    since: float = 0.0
    deadline: float | None = None
    """When a tick does something; None while nothing is waited for."""
    failures: tuple[float, ...] = ()
    starts: int = 0
    last_end: str = ""

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return max(0, self.starts - 1)


Step = tuple[Child, tuple[Do, ...]]
_HAS_PROCESS = frozenset({ProcessState.STARTING, ProcessState.RUNNING, ProcessState.STOPPING})


def has_process(child: Child) -> bool:
    """Tell whether a process of this child exists or is being made."""
    return child.state in _HAS_PROCESS


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The rules, with the budgets and the patience that they apply."""

    budgets: Budgets = Budgets()
    patience: RestartPolicy = RestartPolicy()

    def step(self, child: Child, event: Event, now: float, luck: float) -> Step:
        """Return the child after ``event`` and what must be done. The only place where a child's state changes."""
        match event:
            case Start():
                return self._start(child, now)
            case Stop():
                return self._stop(child, now)
            case Beaten(ready=ready):
                return self._beaten(child, now, ready=ready), ()
            case Ended(how=how):
                return self._ended(child, how, now, luck), ()
            case Tick():
                return self._tick(child, now)

    def _enter(self, child: Child, state: ProcessState, now: float, within: float | None) -> Child:
        deadline = None if within is None else now + within
        return msgspec.structs.replace(child, state=state, since=now, deadline=deadline)

    def _spawn(self, child: Child, now: float) -> Step:
        child = self._enter(child, ProcessState.STARTING, now, self.budgets.start_seconds)
        return msgspec.structs.replace(child, starts=child.starts + 1), (Do.SPAWN,)

    def _start(self, child: Child, now: float) -> Step:
        child = msgspec.structs.replace(child, wanted=True)
        return self._spawn(child, now) if child.state is ProcessState.STOPPED else (child, ())

    def _stop(self, child: Child, now: float) -> Step:
        child = msgspec.structs.replace(child, wanted=False)
        if child.state in {ProcessState.STARTING, ProcessState.RUNNING}:
            return self._enter(child, ProcessState.STOPPING, now, self.budgets.stop_seconds), (Do.TERMINATE,)
        if child.state in {ProcessState.BACKOFF, ProcessState.FATAL}:
            return self._enter(child, ProcessState.STOPPED, now, None), ()
        return child, ()

    def _beaten(self, child: Child, now: float, *, ready: bool) -> Child:
        if child.state is ProcessState.STARTING and ready:
            return self._enter(child, ProcessState.RUNNING, now, self.budgets.beat_seconds)
        if child.state is ProcessState.RUNNING:
            return msgspec.structs.replace(child, deadline=now + self.budgets.beat_seconds)
        return child

    def _ended(self, child: Child, how: str, now: float, luck: float) -> Child:
        if not has_process(child):
            return child
        child = msgspec.structs.replace(child, last_end=how)
        if not child.wanted:
            return self._enter(child, ProcessState.STOPPED, now, None)
        failures = (*recent(child.failures, now, self.patience), now)
        child = msgspec.structs.replace(child, failures=failures)
        verdict = decide(failures, now, luck, self.patience)
        if isinstance(verdict, GiveUp):
            return self._enter(child, ProcessState.FATAL, now, None)
        return self._enter(child, ProcessState.BACKOFF, now, max(0.0, verdict.monotonic - now))

    def _tick(self, child: Child, now: float) -> Step:
        if child.deadline is None or now < child.deadline:
            return child, ()
        if child.state is ProcessState.BACKOFF:
            return self._spawn(child, now)
        return self._enter(child, ProcessState.STOPPING, now, self.budgets.kill_seconds), (Do.KILL,)


class FatalMeans(StrEnum):
    """What a worker's being given up means for the node."""

    DEGRADE = "degrade"
    DRAIN = "drain"
    EXIT = "exit"


FATAL_MEANS = {
    "probe": FatalMeans.EXIT,
    "scheduler": FatalMeans.EXIT,
    "launcher": FatalMeans.DRAIN,
    "reaper": FatalMeans.DRAIN,
    "metrics": FatalMeans.DEGRADE,
}
"""Blind or brainless, planctond can't serve: init decides. With a hand lost nothing new starts. Without a voice it goes
on working.
"""

WORKERS = tuple(FATAL_MEANS)
"""In the order of their starting; they're stopped in reverse."""
