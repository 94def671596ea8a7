"""The supervisor's hands on its workers: have them born, watch their pidfds, signal them, take their exit status."""

import contextlib
import logging
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterable
from random import SystemRandom

from plancton.common.paths import Paths
from plancton.common.processes import ProcessState, ProcessStatus
from plancton.supervisor.machine import (
    WORKERS,
    Beaten,
    Child,
    Do,
    Ended,
    Event,
    Machine,
    Start,
    Stop,
    Tick,
    has_process,
)
from plancton.supervisor.pulse import Pulse
from plancton.supervisor.restart import RestartAt, RestartPolicy, decide, recent
from plancton.supervisor.template import Birth, Template

log = logging.getLogger(__name__)

_TEMPLATE_PATIENCE = RestartPolicy(longest_delay_seconds=30.0, window_seconds=300.0)


class _Life:
    """One life of a worker: from the asking for its birth to its end."""

    def __init__(self, boot: str) -> None:
        self.boot = boot
        self.pid: int | None = None
        self.pidfd: int | None = None
        readable, self.lifeline = os.pipe()
        self.their_lifeline: int | None = readable
        self.terminate = False
        """SIGTERM is due as soon as the pid is known."""

    def close(self) -> None:
        for descriptor in (self.pidfd, self.lifeline, self.their_lifeline):
            if descriptor is not None:
                os.close(descriptor)


def describe_end(status: int) -> str:
    """Say in words how a process ended, given its wait status."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return (
            f"killed by {signal.Signals(number).name}"
            if number in set(signal.Signals)
            else f"killed by signal {number}"
        )
    return f"exited with {os.WEXITSTATUS(status)}"


class Children:
    """All workers, their states and their processes."""

    def __init__(
        self,
        template: Template,
        paths: Paths,
        on_change: Callable[[Child, Child], None],
        machine: Machine | None = None,
    ) -> None:
        """Work with ``template``; tell ``on_change`` a child before and after each change of its state."""
        self._template = template
        self._paths = paths
        self._on_change = on_change
        self._machine = machine or Machine()
        self._random = SystemRandom()
        self._children = {name: Child(name=name) for name in WORKERS}
        self._lives: dict[str, _Life] = {}
        self._changed_unix = dict.fromkeys(WORKERS, time.time())
        self._pulses = {name: Pulse() for name in WORKERS}
        self._template_restarts = 0
        self._template_changed_unix = time.time()
        self._template_losses: tuple[float, ...] = ()
        self._template_due: float | None = None
        """When another template is to be started; None while there is one."""

    def child(self, name: str) -> Child:
        """Return the worker's state."""
        return self._children[name]

    def boot(self, name: str) -> str | None:
        """Return the boot id of the worker's present life."""
        life = self._lives.get(name)
        return life.boot if life else None

    def name_of(self, boot: str) -> str | None:
        """Return which worker lives under this boot id, None for a former life."""
        return next((name for name, life in self._lives.items() if life.boot == boot), None)

    def pidfds(self) -> dict[int, str]:
        """Return the descriptors that become readable when their worker ends."""
        return {life.pidfd: name for name, life in self._lives.items() if life.pidfd is not None}

    def next_deadline(self) -> float | None:
        """Return when ``tick`` has something to do, in monotonic seconds."""
        deadlines = [child.deadline for child in self._children.values()]
        return min((moment for moment in (*deadlines, self._template_due) if moment is not None), default=None)

    def all_stopped(self) -> bool:
        """Tell whether no worker has a process, nor is to get one."""
        return all(
            child.state in {ProcessState.STOPPED, ProcessState.FATAL} and not has_process(child)
            for child in self._children.values()
        )

    def report(self) -> tuple[ProcessStatus, ...]:
        """Return what status tells of each worker; late is what its loop was in the last 10 to 20 seconds."""
        now = time.monotonic()
        return tuple(self._status(name, pulse.recent(now)) for name, pulse in self._pulses.items())

    def news(self) -> tuple[ProcessStatus, ...]:
        """Return the same of the template and each worker; late is what its loop was since this was last asked."""
        template = ProcessStatus(
            name="template",
            state=ProcessState.RUNNING if self._template_due is None else ProcessState.BACKOFF,
            pid=self._template.pid if self._template_due is None else None,
            restarts=self._template_restarts,
            since_unix=self._template_changed_unix,
        )
        return template, *(self._status(name, pulse.take()) for name, pulse in self._pulses.items())

    def _status(self, name: str, late_seconds: float) -> ProcessStatus:
        child = self._children[name]
        return ProcessStatus(
            name=name,
            state=child.state,
            pid=self._lives[name].pid if name in self._lives else None,
            restarts=child.restarts,
            since_unix=self._changed_unix[name],
            last_end=child.last_end,
            beats=self._pulses[name].beats,
            late_seconds=late_seconds,
        )

    def start(self, names: Iterable[str] = WORKERS) -> None:
        """Have these workers, in this order."""
        for name in names:
            self._event(name, Start())

    def stop(self, name: str) -> None:
        """No longer have this worker."""
        self._event(name, Stop())

    def beaten(self, name: str, *, ready: bool, late_seconds: float = 0.0) -> None:
        """Take in a sign of life from the worker's present life, whose loop woke so late at most since the last one."""
        self._pulses[name].beaten(late_seconds, time.monotonic())
        self._event(name, Beaten(ready))

    def tick(self) -> None:
        """Act on the deadlines that have passed."""
        for name in WORKERS:
            self._event(name, Tick())
        if self._template_due is not None and time.monotonic() >= self._template_due:
            self._renew_template()
        self._reap_stray()

    def _reap_stray(self) -> None:
        """Reap a child that is no worker's present life: a dead template, what it left behind, one born too late."""
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        known = {life.pid for life in self._lives.values()}
        if found is not None and found.si_pid not in known:
            os.waitpid(found.si_pid, os.WNOHANG)

    def ended(self, name: str) -> None:
        """Take the exit status of a worker whose pidfd became readable."""
        life = self._lives[name]
        assert life.pid is not None  # noqa: S101 - it has a pidfd
        try:
            pid, status = os.waitpid(life.pid, os.WNOHANG)
        except ChildProcessError:
            pid, status = life.pid, 0
        if pid == 0:
            return
        self._bury(name, describe_end(status))

    def births(self) -> None:
        """Take in the births that the template tells, or its end."""
        births = self._template.births()
        if births is None:
            self._template_ended()
            return
        for born in births:
            name = self.name_of(born.boot)
            if name is not None:
                self._born(name, born.pid)

    def _born(self, name: str, pid: int) -> None:
        life = self._lives[name]
        try:
            life.pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            # It was killed as soon as it was born, and reaped as a stray.
            self._bury(name, "ended before it began")
            return
        life.pid = pid
        if life.their_lifeline is not None:
            os.close(life.their_lifeline)
            life.their_lifeline = None
        # Where it has ended already nobody reads this; its pidfd tells.
        with contextlib.suppress(BrokenPipeError):
            os.write(life.lifeline, b"!")
        if life.terminate:
            os.kill(pid, signal.SIGTERM)

    def _template_ended(self) -> None:
        """Have another template soon; one that can't start is tried for ever, more and more seldom."""
        self._template.close()
        self._template_changed_unix = time.time()
        now = time.monotonic()
        self._template_losses = (*recent(self._template_losses, now, _TEMPLATE_PATIENCE), now)
        verdict = decide(self._template_losses, now, self._random.random(), _TEMPLATE_PATIENCE)
        self._template_due = verdict.monotonic if isinstance(verdict, RestartAt) else now + 60.0
        log.error("the template process is gone; another is due in %.1f s", self._template_due - now)

    def _renew_template(self) -> None:
        self._template_due = None
        try:
            self._template.renew()
        except OSError as error:
            log.error("no template process can be started: %s", error)  # noqa: TRY400 - the machine's fault, not ours
            self._template_ended()
            return
        self._template_restarts += 1
        self._template_changed_unix = time.time()
        for name, unborn in [(name, life) for name, life in self._lives.items() if life.pid is None]:
            # A life of its own: what the dead template may have forked for the old one finds its lifeline closed.
            unborn.close()
            life = self._lives[name] = _Life(secrets.token_hex(6))
            life.terminate = unborn.terminate
            self._ask(name, life)

    def _event(self, name: str, event: Event) -> None:
        before = self._children[name]
        now = time.monotonic()
        after, actions = self._machine.step(before, event, now, self._random.random())
        self._children[name] = after
        if after.state is not before.state:
            self._changed_unix[name] = time.time()
            self._on_change(before, after)
        # Last, for what is done may lead to the next event.
        for action in actions:
            self._do(name, action)

    def _do(self, name: str, action: Do) -> None:
        if action is Do.SPAWN:
            life = self._lives[name] = _Life(secrets.token_hex(6))
            self._ask(name, life)
            return
        life = self._lives[name]
        if life.pid is not None:
            os.kill(life.pid, signal.SIGTERM if action is Do.TERMINATE else signal.SIGKILL)
        elif action is Do.TERMINATE:
            life.terminate = True
        else:
            # Only a template that hangs keeps a worker unborn for so long; its successor won't hear of this birth.
            self._template.kill()
            self._bury(name, "was never born")

    def _ask(self, name: str, life: _Life) -> None:
        if life.their_lifeline is None:
            return
        birth = Birth(
            worker=name,
            boot=life.boot,
            rundir=str(self._paths.rundir),
            logdir=str(self._paths.logdir),
            state=str(self._paths.state),
            supervisor_pid=os.getpid(),
        )
        self._template.ask(birth, life.their_lifeline)

    def _bury(self, name: str, how: str) -> None:
        self._lives.pop(name).close()
        self._event(name, Ended(how))
        self.tick()
