"""planctond's own loop: signals, bus, workers, control socket, configuration and markers, in this order, every turn.

Nothing here waits but the one poll, which lasts until the next deadline.
"""

import logging
import os
import secrets
import signal
import time
from collections.abc import Callable
from typing import TypeVar

import zmq

from plancton.common import log as logs
from plancton.common.codec import Envelope
from plancton.common.markers import Markers
from plancton.common.messages import Beat, LauncherState, Message, Mode, PoolLook, Processes, Target
from plancton.common.paths import Paths
from plancton.common.processes import ProcessState, ProcessStatus
from plancton.common.topics import TOPIC_OF
from plancton.supervisor.children import Children
from plancton.supervisor.desk import Desk
from plancton.supervisor.intent import left, settled
from plancton.supervisor.journal import Journal, describe
from plancton.supervisor.machine import FATAL_MEANS, WORKERS, Child, FatalMeans, Machine
from plancton.supervisor.pulse import Pulse
from plancton.supervisor.settings_file import SettingsFile
from plancton.supervisor.signals import Signals
from plancton.supervisor.switchboard import Switchboard
from plancton.supervisor.template import Template
from plancton.supervisor.wishes import Wishes

log = logging.getLogger(__name__)

EXIT_ASKED = 0
EXIT_UNAVAILABLE = 69
"""A worker without which planctond can't serve was given up."""
_MARKERS_SECONDS = 0.5
"""How soon a marker made by hand is seen."""
_PROCESSES_SECONDS = 10.0
_LONGEST_POLL_SECONDS = 5.0

M = TypeVar("M", bound=Message)


class Supervisor:
    """One planctond, from its first worker's start to its last worker's end."""

    def __init__(
        self, paths: Paths, template: Template, settings: SettingsFile, machine: Machine | None = None
    ) -> None:
        """Bind the sockets and take over the signals. The lock is held and ``settings`` was read once."""
        self.paths = paths
        self.settings = settings
        self.journal = Journal()
        self.started_unix = time.time()
        self._template = template
        self._exit_code: int | None = None
        """Not None once planctond is on its way out."""
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.children = Children(template, paths, self._child_changed, machine)
        self.switchboard = Switchboard(
            self._context,
            paths.bus_socket,
            secrets.token_hex(6),
            self.children.name_of,
            self._message,
        )
        self.wishes = Wishes(paths, self.journal, self.switchboard.say)
        self.desk: Desk | None = None
        self.still_ours: Callable[[], bool] = lambda: True
        """Whether the run directory is this planctond's: once it was deleted, nobody finds its sockets any more."""
        self._signals = Signals()
        self._settled_at: float | None = None
        """Since when nothing is started any more, on the way to a stop; None while something may be."""
        self._next_settings = 0.0
        self._next_markers = 0.0
        self._next_processes = 0.0
        self._pulse = Pulse()

    def open_desk(self, desk: Desk) -> None:
        """Answer requests at ``desk`` from the next turn on."""
        self.desk = desk

    @property
    def context(self) -> "zmq.Context[zmq.Socket[bytes]]":
        """The process's one ZeroMQ context."""
        return self._context

    @property
    def ready(self) -> bool:
        """Whether every worker runs, or was given up though planctond can serve without it."""
        fine = {ProcessState.RUNNING, ProcessState.FATAL}
        return self._exit_code is None and all(self.children.child(name).state in fine for name in WORKERS)

    def run(self) -> int:
        """Work until asked to stop or unable to serve; return the exit code."""
        self.wishes.begin()
        self._say_settings()
        self._look_at_markers()
        self.children.start()
        while not (self._exit_code is not None and self.children.all_stopped()):
            self._turn()
        self._template.close()
        self._context.destroy(linger=0)
        log.info("planctond ends with exit code %s", self._exit_code)
        assert self._exit_code is not None  # noqa: S101 - the loop's own condition
        return self._exit_code

    def leave(self, exit_code: int) -> None:
        """Stop the workers and exit; pilots run on."""
        if self._exit_code is None:
            self._exit_code = exit_code

    def reload(self) -> bool:
        """Read the configuration because the operator says so; True if it is in force as the file has it.

        The settings are said again even where they're the same, so that what failed for want of something is retried.
        """
        if not self._refresh():
            self._say_settings()
        return not self.settings.errors

    def _refresh(self) -> bool:
        """Read the configuration, and say the settings if they are others."""
        self._next_settings = time.monotonic() + self.settings.settings.updateconfig
        changed = self.settings.read()
        if changed:
            self._say_settings()
            self.journal.add("planctond", f"new settings from {self.paths.config_file}")
        return changed

    def mark(self, markers: Markers) -> None:
        """Set the marker files and act on them at once.

        Raises:
            OSError: if they can't be written.

        """
        self.wishes.mark(markers)
        self._look_at_markers()

    def last(self, kind: type[M]) -> M | None:
        """Return the last message of this kind, None if there was none or if its topic says something else now."""
        envelope = self.switchboard.last(TOPIC_OF[kind])
        return envelope.message if envelope is not None and isinstance(envelope.message, kind) else None

    def _turn(self) -> None:
        self._poll()
        self._act_on_signals()
        # Before any worker's end: its last words count, and whoever spoke while this loop was held up isn't silent.
        self.switchboard.turn()
        for descriptor, name in self.children.pidfds().items():
            if descriptor in self._ready:
                self.switchboard.lost(name)
                self.children.ended(name)
        if self._template.fileno() in self._ready:
            self.children.births()
        if self.desk is not None:
            self.desk.turn()
        now = time.monotonic()
        if now >= self._next_settings:
            # Nobody asked: an empty file may be one that an editor is just about to fill.
            if self.settings.just_written():
                self._next_settings = now + _MARKERS_SECONDS
            else:
                self._refresh()
        if now >= self._next_markers:
            self._look_at_markers()
        self.children.tick()
        if now >= self._next_processes:
            self._say_processes(now)
        self._wind_down()

    def _poll(self) -> None:
        poller = zmq.Poller()
        poller.register(self.switchboard.socket, zmq.POLLIN)
        if self.desk is not None:
            poller.register(self.desk.socket, zmq.POLLIN)
        for descriptor in (self._signals.fileno(), self._template.fileno(), *self.children.pidfds()):
            if descriptor >= 0:
                poller.register(descriptor, zmq.POLLIN)
        deadlines = [self._next_settings, self._next_markers, self._next_processes]
        child_deadline = self.children.next_deadline()
        if child_deadline is not None:
            deadlines.append(child_deadline)
        began = time.monotonic()
        due = min(max(began, min(deadlines)), began + _LONGEST_POLL_SECONDS)
        self._ready = {what for what, _ in poller.poll(int((due - began) * 1000) + 1) if isinstance(what, int)}
        now = time.monotonic()
        self._pulse.beaten(max(0.0, now - due), now)

    def _act_on_signals(self) -> None:
        for number in self._signals.take():
            log.info("received %s", signal.Signals(number).name)
            if number == signal.SIGHUP:
                self.reload()
            else:
                self.leave(EXIT_ASKED)

    def _say_settings(self) -> None:
        logs.set_level(self.settings.settings.log_level)
        self._next_settings = time.monotonic() + self.settings.settings.updateconfig
        self.switchboard.say(self.settings.active())

    def _say_processes(self, now: float) -> None:
        self._next_processes = now + _PROCESSES_SECONDS
        own = ProcessStatus(
            name="supervisor",
            state=ProcessState.RUNNING,
            pid=os.getpid(),
            restarts=0,
            since_unix=self.started_unix,
            beats=self._pulse.beats,
            late_seconds=self._pulse.take(),
        )
        self.switchboard.say(Processes(processes=(own, *self.children.news())))

    def _look_at_markers(self) -> None:
        self._next_markers = time.monotonic() + _MARKERS_SECONDS
        if not self.still_ours():
            # Another planctond may work there already. And no marker is no resume, where the directory is gone.
            if self._exit_code is None:
                self.journal.add("planctond", f"{self.paths.rundir} or its lock was taken away: it can't serve")
            self.leave(EXIT_UNAVAILABLE)
            return
        if self._exit_code is not None:
            return
        lost = self.wishes.intent.lost_workers
        self.wishes.look()
        for name in set(lost).difference(self.wishes.intent.lost_workers):
            self.children.stop(name)
            self.children.start((name,))

    def _message(self, name: str, envelope: Envelope) -> None:
        message = envelope.message
        if isinstance(message, Beat):
            self.children.beaten(name, ready=message.ready, late_seconds=message.late_seconds)
            return
        last = self.switchboard.last(envelope.topic)
        text = describe(message, last.message if last else None, self.settings.settings.fizzle_seconds)
        if text is not None:
            self.journal.add(name, text)

    def _child_changed(self, before: Child, after: Child) -> None:
        name, self._next_processes = after.name, 0.0
        if after.state in {ProcessState.BACKOFF, ProcessState.FATAL}:
            given_up = after.state is ProcessState.FATAL
            self.journal.add(name, f"{after.last_end}; {'given up' if given_up else 'restarting'}")
        elif before.state is ProcessState.RUNNING and after.state is ProcessState.STOPPING and after.wanted:
            self.journal.add(name, "its loop is silent; killed")
        else:
            log.debug("%s: %s", name, after.state)
        if after.state is not ProcessState.FATAL:
            return
        if FATAL_MEANS[name] is FatalMeans.EXIT or (
            name == "reaper" and self.wishes.intent.mode is Mode.FORCE_STOPPING
        ):
            self.leave(EXIT_UNAVAILABLE)
        elif FATAL_MEANS[name] is FatalMeans.DRAIN:
            self.wishes.lost(name)

    def _finished(self) -> bool:
        """Tell whether a drain-stop or a forced stop is done: a full look since all settled shows no pilot left."""
        mode = self.wishes.intent.mode
        target = self.last(Target)
        # The last word of one that was given up may be that a start is under way, for ever.
        launcher = None if "launcher" in self.wishes.intent.lost_workers else self.last(LauncherState)
        if not settled(mode, target, launcher):
            self._settled_at = None
            return False
        if self._settled_at is None:
            self._settled_at = time.monotonic()
        pool = self.last(PoolLook)
        return pool is not None and pool.full_look_monotonic > self._settled_at and left(mode, pool) == 0

    def _wind_down(self) -> None:
        """Leave once a drain-stop or a forced stop is done; then stop the workers one by one, last started first."""
        if self._exit_code is None:
            if self._finished():
                self.wishes.forget_stop()
                self.leave(EXIT_ASKED)
            return
        for name in reversed(WORKERS):
            if self.children.child(name).wanted:
                self.children.stop(name)
            if self.children.child(name).state is not ProcessState.STOPPED:
                return
