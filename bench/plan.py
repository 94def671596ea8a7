"""What is measured in which order: subjects alternate, so that a noisy machine disturbs all alike."""

from collections.abc import Callable, Mapping
from functools import partial
from statistics import median
from typing import Literal

import msgspec
from docker.errors import DockerException

from bench import measure
from bench.events import EventsLostError
from bench.owner import Job, cpus
from bench.planctond import Planctond
from bench.progress import Progress
from bench.results import Results
from bench.subjects import LANES, BareEngine, Pilot, RestartAlways, Subject

MEASURES = ("launch", "fill", "gap", "occupancy", "recovery", "footprint", "owner", "yield")
IDLE_PILOTS = (0, 2, 20)
IDLE_CPUS = 0.05
"""The quota of pilots that only sleep: so small that twenty fit beside the owner of a small machine."""
BURNING_CPUS = 1.0
"""The quota of pilots that burn: as many as there are CPUs use all of these."""
STEADFAST = {
    "start_overlap": 1.0,
    "end_overlap": 1.0,
    "grace_kill": 3600,
    "stall_cpu": 0,
    "stall_memory": 0,
    "stall_io": 0,
}
"""Settings by which pilots give way by their weight alone, and are started although the machine isn't quite idle."""
WEIGHTS = ("idle", "default")
SUSPEND_SECONDS, KILL_SECONDS, STOP_SECONDS = 4.0, 6.0, 2.0
HASTY = {"start_overlap": 0.75, "grace_suspend": SUSPEND_SECONDS, "stop_grace": STOP_SECONDS}
RUNGS = (
    ("suspended", "pause", SUSPEND_SECONDS, {**HASTY, "suspend": True}),
    # What burns there heeds no SIGTERM.
    ("ended", "die", KILL_SECONDS + STOP_SECONDS, {**HASTY, "grace_kill": KILL_SECONDS}),
)
"""What each rung is called, how the engine calls it, when it's due, and the settings for it."""


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How much to measure. A window is a multiple of its pilots' life, so that no place misses a replacement."""

    runs: int
    windows: tuple[tuple[int, float], ...]
    """The pilots' life and how long to watch, both in seconds."""
    idle_seconds: float
    job_seconds: float
    """What the owner's job takes alone."""
    job_repeats: int


QUICK = Size(runs=2, windows=((5, 20.0), (20, 40.0), (60, 60.0)), idle_seconds=30.0, job_seconds=0.5, job_repeats=60)
FULL = Size(runs=3, windows=((5, 60.0), (20, 120.0), (60, 240.0)), idle_seconds=120.0, job_seconds=0.5, job_repeats=150)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to measure, on what."""

    url: str
    pilot: Pilot
    pilots: int
    chosen: frozenset[str]
    subject: Literal["all", "references", "planctond"]
    runs: int
    windows: tuple[tuple[int, float], ...]
    idle_seconds: float
    job_seconds: float
    job_repeats: int

    @property
    def with_references(self) -> bool:
        """Whether the references are measured."""
        return self.subject != "planctond"

    @property
    def with_planctond(self) -> bool:
        """Whether planctond is measured."""
        return self.subject != "references"

    def keepers(self) -> list[Subject]:
        """Make new ones of those that replace their pilots."""
        references: list[Subject] = [RestartAlways(self.url, self.pilot)] if self.with_references else []
        return [*references, Planctond(self.url, self.pilot)] if self.with_planctond else references


def run(order: Order, facts: dict[str, str | int | float | None], progress: Progress) -> Results:
    """Measure all that was ordered. What fails is noted and the rest goes on."""
    results = Results(
        facts={**facts, **{f"pilot_{name}": value for name, value in msgspec.to_builtins(order.pilot).items()}}
    )
    for number in range(1, order.runs + 1):
        name = f"run {number} of {order.runs}"
        _Round(order, results, progress, name, (number - 1) / order.runs).measure()
    return results


class _Round:
    """One run through everything."""

    def __init__(self, order: Order, results: Results, progress: Progress, name: str, phase: float) -> None:
        self._order = order
        self._results = results
        self._progress = progress
        self._name = name
        self._phase = phase
        """At which part of the time between two looks an owner comes, 0 to 1: another in each run."""
        self._job: Job | None = None

    def measure(self) -> None:
        chosen, order = self._order.chosen, self._order
        if "launch" in chosen and order.with_references:
            self._launches()
        if "fill" in chosen:
            self._fills()
        if chosen & {"gap", "occupancy"}:
            self._windows()
        if "recovery" in chosen and order.with_planctond:
            self._try("recovery from kill -9", self._recoveries)
        if "footprint" in chosen and order.with_planctond:
            for pilots in IDLE_PILOTS:
                self._try(f"footprint with {pilots} idle pilots", partial(self._footprint, pilots))
        if order.with_planctond:
            self._owners()

    def _owners(self) -> None:
        if "owner" in self._order.chosen:
            for weight in WEIGHTS:
                self._try(f"owner's job beside burning pilots, weight {weight}", partial(self._slowdown, weight))
        if "yield" in self._order.chosen:
            for rung, action, seconds, settings in RUNGS:
                what = f"pilots {rung} for the owner"
                self._try(what, partial(self._yielding, rung, action, seconds, settings))

    def _try(self, what: str, act: Callable[[], str]) -> None:
        what = f"{self._name}: {what}"
        self._progress.step(what)
        try:
            self._progress.say(f"{what}: {act()}")
        except (measure.NotMeasuredError, EventsLostError, DockerException, OSError) as error:
            self._results.failures.append(f"{what}: {error}")
            self._progress.say(f"{what}: not measured: {error}")

    def _launches(self) -> None:
        for at_once in (1, LANES):
            self._try(f"bare launches, {at_once} at once", partial(self._launch, at_once))

    def _launch(self, at_once: int) -> str:
        order = self._order
        found = measure.launches(BareEngine(order.url, order.pilot), order.pilots, at_once)
        self._results.launches.append(found)
        return f"{found.wall_seconds:.2f} s for {order.pilots}"

    def _fills(self) -> None:
        bare: list[Subject] = [BareEngine(self._order.url, self._order.pilot)] if self._order.with_references else []
        for subject in [*bare, *self._order.keepers()]:
            self._try(f"fill by {subject.name}", partial(self._fill, subject))

    def _fill(self, subject: Subject) -> str:
        found = measure.fill(self._order.url, subject, self._order.pilots)
        self._results.fills.append(found)
        return f"{found.seconds:.2f} s to {found.pilots}"

    def _windows(self) -> None:
        for life, seconds in self._order.windows:
            for subject in self._order.keepers():
                what = f"{subject.name} with pilots of {life} s, for {seconds:.0f} s"
                self._try(what, partial(self._window, subject, life, seconds))

    def _window(self, subject: Subject, life: int, seconds: float) -> str:
        order = self._order
        found = measure.window(
            order.url, subject, pilots=order.pilots, life_seconds=life, seconds=seconds, progress=self._progress
        )
        self._results.windows.append(found)
        return f"occupancy {found.occupancy:.3f}, {len(found.gaps.seconds)} replaced"

    def _recoveries(self) -> str:
        planctond = Planctond(self._order.url, self._order.pilot)
        found, looks = measure.recoveries(self._order.url, planctond, self._order.pilots, self._progress)
        self._results.recoveries.extend(found)
        self._results.status_seconds.extend(looks)
        times = (f"{each.worker} {'never' if each.seconds is None else f'{each.seconds:.2f} s'}" for each in found)
        return ", ".join(times)

    def _footprint(self, pilots: int) -> str:
        planctond = Planctond(self._order.url, msgspec.structs.replace(self._order.pilot, cpus=IDLE_CPUS))
        found = measure.footprint(self._order.url, planctond, pilots, self._order.idle_seconds, self._progress)
        self._results.footprints.append(found)
        return f"{found.pss_bytes / 1048576:.1f} MiB, {found.cpu_seconds_per_minute:.2f} CPU-s a minute"

    def _burning(self, settings: Mapping[str, object]) -> Planctond:
        pilot = msgspec.structs.replace(self._order.pilot, cpus=BURNING_CPUS, burns=True)
        return Planctond(self._order.url, pilot, settings)

    def _slowdown(self, weight: str) -> str:
        planctond = self._burning({**STEADFAST, "cpu_weight": weight, "io_weight": weight})
        self._job = self._job or Job(self._order.job_seconds)
        found = measure.slowdown(
            self._order.url,
            planctond,
            weight,
            pilots=cpus(),
            job=self._job,
            repeats=self._order.job_repeats,
            progress=self._progress,
        )
        self._results.slowdowns.append(found)
        ratio, alone = median(found.ratios), median(found.alone_seconds)
        return f"x{ratio:.3f} of {alone:.2f} s; pilots got {found.pilots_share:.1%}"

    def _yielding(self, rung: str, action: str, seconds: float, settings: Mapping[str, object]) -> str:
        planctond = self._burning(settings)
        found = measure.yielding(
            self._order.url,
            planctond,
            rung,
            action=action,
            pilots=cpus(),
            timer_seconds=seconds,
            phase=self._phase,
        )
        self._results.yields.append(found)
        times = ("never" if each is None else f"{each:.1f} s" for each in (found.first_seconds, found.all_seconds))
        return f"first {next(times)}, all {next(times)}, due after {seconds:.0f} s"
