"""A supervisor of toy workers, run as a process of its own: real templates, births, beats and ends, and no more.

``python -m tests.supervisor.nursery RUNDIR``. The workers do what the file ``does-NAME`` in RUNDIR says at their birth.
The state is written to ``report.json``. The end of standard input asks for all to be stopped.
"""

import os
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import NoReturn

import msgspec

from plancton.common.paths import Paths
from plancton.common.processes import ProcessStatus
from plancton.supervisor.children import Children
from plancton.supervisor.machine import WORKERS, Budgets, Child, Machine
from plancton.supervisor.restart import RestartPolicy
from plancton.supervisor.template import Birth, Template, become_subreaper, serve_anew

MACHINE = Machine(
    budgets=Budgets(start_seconds=1.5, beat_seconds=0.7, stop_seconds=0.7, kill_seconds=0.2),
    patience=RestartPolicy(most_failures=4, first_delay_seconds=0.05, longest_delay_seconds=0.1),
)


def paths_in(directory: Path) -> Paths:
    """Return the paths of a toy planctond."""
    return Paths(
        rundir=directory, logdir=directory, confdir=directory, statedir=directory / "state", pidfile=directory / "pid"
    )


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the tests may know."""

    pid: int
    template: int
    workers: dict[str, ProcessStatus]
    news: dict[str, ProcessStatus]
    boots: dict[str, str | None]
    descriptors: int
    changes: list[str]
    """``NAME STATE`` of each change, in order."""


def run_toy(birth: Birth, lifeline: int) -> None:
    """Be a toy worker."""
    rundir = Path(birth.rundir)
    order = rundir / f"does-{birth.worker}"
    does = order.read_text() if order.exists() else "live"
    if does == "fail":
        os._exit(3)
    if does == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as beats:
        while not select.select([lifeline], [], [], 0.05)[0]:
            if does != "silent":
                beats.sendto(birth.boot.encode(), str(rundir / "beats"))


class Nursery:
    """The supervisor."""

    def __init__(self, rundir: Path) -> None:
        """Start all workers."""
        self.rundir = rundir
        self.changes: list[str] = []
        self.beats = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.beats.bind(str(rundir / "beats"))
        again = (sys.executable, "-m", "tests.supervisor.nursery", "--template")
        self.template = Template(run_toy, again, ())
        self.children = Children(self.template, paths_in(rundir), self._changed, MACHINE)
        self.stopping = False
        self.children.start()

    def _changed(self, _before: Child, after: Child) -> None:
        self.changes.append(f"{after.name} {after.state}")

    def run(self) -> NoReturn:
        """Work until told to stop and all have ended."""
        while not (self.stopping and self.children.all_stopped()):
            self._turn()
            self._report()
        sys.exit(0)

    def _turn(self) -> None:
        descriptors = [self.beats.fileno(), *self.children.pidfds()]
        descriptors += [] if self.stopping else [sys.stdin.fileno()]
        descriptors += [self.template.fileno()] if self.template.fileno() >= 0 else []
        deadline = self.children.next_deadline()
        wait = 0.05 if deadline is None else min(max(0.0, deadline - time.monotonic()), 0.05)
        ready = select.select(descriptors, [], [], wait)[0]
        self._take_beats()
        for descriptor, name in self.children.pidfds().items():
            if descriptor in ready:
                self.children.ended(name)
        if self.template.fileno() in ready:
            self.children.births()
        if not self.stopping and sys.stdin.fileno() in ready:
            self.stopping = True
            for name in WORKERS:
                self.children.stop(name)
        self.children.tick()

    def _take_beats(self) -> None:
        while True:
            try:
                name = self.children.name_of(self.beats.recv(64).decode())
            except BlockingIOError:
                return
            if name is not None:
                self.children.beaten(name, ready=True)

    def _report(self) -> None:
        report = Report(
            pid=os.getpid(),
            template=self.template.pid,
            workers={status.name: status for status in self.children.report()},
            news={status.name: status for status in self.children.news()},
            boots={name: self.children.boot(name) for name in WORKERS},
            descriptors=len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - as text
            changes=self.changes,
        )
        new = self.rundir / "report.new"
        new.write_bytes(msgspec.json.encode(report))
        new.replace(self.rundir / "report.json")


if __name__ == "__main__":
    if sys.argv[1] == "--template":
        serve_anew(int(sys.argv[2]), run_toy)
    become_subreaper()
    Nursery(Path(sys.argv[1])).run()
