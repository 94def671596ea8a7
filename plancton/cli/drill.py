"""The verb that plays an owner: a real load outside of the pilots, and how soon and how well it is served."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import click
import msgspec

from plancton.cli.contact import Trouble, happenings, request, status
from plancton.cli.drill_report import Count, Deed, DrillReport, Timers, told
from plancton.cli.drill_verdict import QUIET, Run, verdict
from plancton.cli.load import Load
from plancton.cli.numbers import FiniteRange
from plancton.cli.progress import Progress
from plancton.cli.safeguards import counted
from plancton.cli.wording import duration
from plancton.common.paths import Paths
from plancton.common.requests import Drill, ShowSettings
from plancton.common.status import StatusReport

EXIT_INTERRUPTED = 130
SUSPENDED_SECONDS = 10.0
"""How long to wait until all pilots are suspended for the reference, and afterwards until they go on."""
CALM_SECONDS = 10.0
"""How long to wait until planctond has seen that the reference's load is over."""
_LONGEST_ALONE_SECONDS = 5.0
_LOOK_SECONDS = 0.5
_SOON_SECONDS = 0.1
_ASK_SECONDS = 3.0
_MOST_PROCESSES = 1024


@click.command()
@click.option("--cpus", type=click.IntRange(1, _MOST_PROCESSES), help="Busy processes.  [default: one for each CPU]")
@click.option(
    "--seconds",
    type=FiniteRange(2.0, 3600.0),
    default=60.0,
    show_default=True,
    help="For how long.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def drill(paths: Paths, *, cpus: int | None, seconds: float, as_json: bool) -> None:
    """Play an owner who wants CPUs, and tell how soon they were back and how much pilots slowed the owner down.

    First all pilots are suspended for some seconds, to measure the same load without them. Then it runs beside pilots
    that planctond manages as ever: in a drill longer than grace_kill some are ended. Exits 0 if the drill was done.
    """
    try:
        with _interruptible(), Progress() as progress:
            report = Exercise(paths, progress, cpus or len(os.sched_getaffinity(0)), seconds).run()
    except KeyboardInterrupt:
        click.echo("broken off: the load is over, and the pilots go on", err=True)
        raise SystemExit(EXIT_INTERRUPTED) from None
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2))
        return
    for line in told(report):
        click.echo(line)


class Exercise:
    """One drill, from its first look to its report."""

    def __init__(self, paths: Paths, progress: Progress, processes: int, seconds: float) -> None:
        """Play an owner with so many busy ``processes`` for so long to the planctond of ``paths``."""
        self._paths = paths
        self._progress = progress
        self.processes = processes
        self.seconds = seconds
        self._notes: list[str] = []
        self._counts: list[Count] = []

    def run(self) -> DrillReport:
        """Do it. Whatever ends it, no load and no suspension is left.

        Raises:
            Trouble: if planctond can't be asked, or has no pilots.

        """
        report = status(self._paths)
        pilots = counted(report)
        if pilots == (0, 0):
            message = "no pilot runs, so that there is nothing to drill; planctonctl why tells the reason"
            raise Trouble(message)
        alone = self._alone(report) if pilots is not None else None
        if pilots is None:
            self._notes.append("planctond doesn't know its pilots now, so that they can't be suspended for a reference")
        number = max((each.number for each in happenings(self._paths, 0)), default=0)
        run, begun_unix = self._load(self.seconds, "an owner's load beside the pilots", self._count)
        ncpus = len(os.sched_getaffinity(0))
        cpus = min(self.processes, ncpus)
        found = verdict(run, alone, cpus)
        if found.alone_cpus is not None and found.alone_cpus < QUIET * cpus:
            self._notes.append(
                f"even without pilots the load had {found.alone_cpus:.2f} of {cpus} CPUs: "
                "other programs are busy too, and the figures say little"
            )
        return DrillReport(
            processes=self.processes,
            ncpus=ncpus,
            seconds=self.seconds,
            alone_seconds=None if alone is None else alone.seconds,
            verdict=found,
            pilots=tuple(self._counts),
            deeds=self._deeds(number, begun_unix),
            timers=self._timers(report),
            notes=tuple(self._notes),
        )

    def _alone(self, report: StatusReport) -> Run | None:
        """Measure the load while all pilots are suspended; None where that can't be had, with a note why."""
        seconds = min(_LONGEST_ALONE_SECONDS, self.seconds / 2.0)
        self._progress.tell("suspending the pilots, to measure an owner's load without them")
        disturbed: list[StatusReport] = []

        def look(_seconds: float, seen: StatusReport) -> None:
            if not _all_suspended(seen):
                disturbed.append(seen)

        suspension = Drill(seconds=SUSPENDED_SECONDS + seconds)
        try:
            request(self._paths, suspension)
            if not self._await(_all_suspended, SUSPENDED_SECONDS):
                why = f": {report.target.hold.reason}" if report.target and report.target.hold else ""
                self._notes.append(f"the pilots weren't suspended within {duration(SUSPENDED_SECONDS)}{why}")
                return None
            # Anew, so that it lasts however long that took.
            request(self._paths, suspension)
            run, _ = self._load(seconds, "an owner's load without pilots", look)
        finally:
            # If planctond can't be asked now, it ends the drill by itself.
            with suppress(Trouble):
                request(self._paths, Drill(seconds=0.0))
        self._calm_down(time.monotonic())
        if disturbed:
            self._notes.append("some pilots ran while the load was measured without them: the drill is of no use")
        return run

    def _calm_down(self, since: float) -> None:
        """Wait until pilots go on, and planctond's last look at the host is wholly from after ``since``."""
        self._progress.tell("waiting until the pilots go on")
        if not self._await(lambda seen: not _drilled(seen), SUSPENDED_SECONDS):
            self._notes.append(f"pilots were still suspended {duration(SUSPENDED_SECONDS)} after the reference")

        def calm(seen: StatusReport) -> bool:
            if seen.host is None or seen.host_age_seconds is None:
                return False
            return time.monotonic() - seen.host_age_seconds - seen.host.interval_seconds >= since

        if not self._await(calm, CALM_SECONDS):
            self._notes.append("planctond may have counted the load of the reference as the drill's")

    def _load(self, seconds: float, what: str, look: Callable[[float, StatusReport], None]) -> tuple[Run, float]:
        """Run the load, look at planctond meanwhile, and return what it did and when it began."""
        with Load(self.processes, seconds) as load:
            load.go()
            begun, begun_unix = time.monotonic(), time.time()
            while not load.done:
                with suppress(Trouble):
                    look(time.monotonic() - begun, status(self._paths, _ASK_SECONDS))
                left = max(0.0, seconds - (time.monotonic() - begun))
                self._progress.tell(what, f": {duration(int(left))} to go")
                load.wait(_LOOK_SECONDS)
            assert load.begun is not None  # noqa: S101 - it went
            return Run(begun=load.begun, seconds=seconds, samples=tuple(load.samples)), begun_unix

    def _count(self, seconds: float, seen: StatusReport) -> None:
        pilots = counted(seen)
        if pilots is None:
            return
        last = self._counts[-1] if self._counts else None
        if last is None or (last.running, last.suspended) != pilots:
            when = 0.0 if last is None else round(seconds, 2)
            self._counts.append(Count(seconds=when, running=pilots[0], suspended=pilots[1]))

    def _await(self, fact: Callable[[StatusReport], bool], seconds: float) -> bool:
        """Look until ``fact`` is true of a report; False where it isn't in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(Trouble):
                if fact(status(self._paths, _ASK_SECONDS)):
                    return True
            time.sleep(_SOON_SECONDS)
        return False

    def _deeds(self, number: int, begun_unix: float) -> tuple[Deed, ...]:
        try:
            found = happenings(self._paths, number)
        except Trouble:
            self._notes.append("planctond didn't tell what it did meanwhile")
            return ()
        return tuple(
            Deed(seconds=round(each.at_unix - begun_unix, 2), who=each.what, text=each.text)
            for each in found
            if each.at_unix >= begun_unix
        )

    def _timers(self, report: StatusReport) -> Timers | None:
        weight = report.launcher.weight if report.launcher is not None else None
        try:
            settings = request(self._paths, ShowSettings())["settings"]
            return Timers(
                weight=weight.cpu if weight is not None else "",
                suspend=bool(settings["suspend"]),
                grace_suspend=float(settings["grace_suspend"]),
                grace_kill=float(settings["grace_kill"]),
            )
        except (Trouble, KeyError, TypeError, ValueError):
            return None


def _all_suspended(report: StatusReport) -> bool:
    pilots = counted(report)
    return pilots is not None and pilots[0] == 0


def _drilled(report: StatusReport) -> bool:
    """Tell whether pilots are suspended that the owner's demand doesn't want to be."""
    pilots, target = counted(report), report.target
    return pilots is not None and pilots[1] > (len(target.suspend) if target is not None else 0)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Have SIGTERM and SIGHUP unwind as Ctrl-C does, so that nothing is left behind."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
