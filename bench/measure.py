"""The measurements: each brings its subject up, looks at the engine's events, and takes the subject down again."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from docker import APIClient

from bench.events import Recorder
from bench.footprint import cost
from bench.owner import Job, cpus, demand
from bench.planctond import WORKERS, Planctond
from bench.progress import Progress
from bench.results import Fill, Footprint, Launches, Recovery, Slowdown, Window, Yield
from bench.spans import Event, full_at, gaps, most_at_once, occupancy, running
from bench.subjects import BareEngine, Subject

FILL_SECONDS = 120.0
LOOK_SECONDS = 0.5
RECOVERY_LIMIT_SECONDS = 20.0
LONG_LIFE_SECONDS = 3600
SETTLE_SECONDS = 10.0
BURNING_SECONDS = 0.1
"""How long pilots burn again before the owner's job begins beside them."""
HOST_LOOK_SECONDS = 2.0
"""How often planctond looks at the host."""
YIELD_LIMIT_SECONDS = 30.0
"""How long after their timer pilots are waited for to give way."""
EFFECTS = {"reaper": "destroy"}
"""What the engine tells when a worker has done its part for a pilot that died; ``start`` for those not named."""


class NotMeasuredError(Exception):
    """The subject didn't get to where the measurement begins; the text says what was seen."""


@contextmanager
def kept(url: str, subject: Subject, pilots: int, life_seconds: int) -> Iterator[tuple[Recorder, float]]:
    """Keep the subject at work; give the bench's ear and the moment of the command; end all whatever happens."""
    with Recorder(url, subject.label) as recorder:
        begin = time.time()
        try:
            subject.start(pilots, life_seconds)
            yield recorder, begin
        finally:
            subject.stop()


def wait_full(subject: Subject, recorder: Recorder, pilots: int) -> float:
    """Return the moment at which ``pilots`` ran. Raises `NotMeasuredError` after `FILL_SECONDS`."""
    begin = time.monotonic()
    while subject.failure() is None and time.monotonic() - begin < FILL_SECONDS:
        recorder.wait(lambda events: full_at(events, pilots) is not None, LOOK_SECONDS)
        if (full := full_at(recorder.events(), pilots)) is not None:
            return full
    most, waited = most_at_once(recorder.events()), time.monotonic() - begin
    words = subject.failure() or (f"last: {subject.last_line()}" if isinstance(subject, Planctond) else "")
    msg = f"{most} of {pilots} pilots ran within {waited:.0f} s; {words}"
    raise NotMeasuredError(msg)


def launches(engine: BareEngine, count: int, at_once: int) -> Launches:
    """Time create + start of ``count`` containers, ``at_once`` calls at a time."""
    begin = time.monotonic()
    try:
        with ThreadPoolExecutor(at_once) as lanes:
            seconds = tuple(lanes.map(engine.launch, [LONG_LIFE_SECONDS] * count))
        return Launches(at_once=at_once, seconds=seconds, wall_seconds=time.monotonic() - begin)
    finally:
        engine.stop()


def fill(url: str, subject: Subject, pilots: int) -> Fill:
    """Measure the time from the command to begin until ``pilots`` run."""
    with kept(url, subject, pilots, LONG_LIFE_SECONDS) as (recorder, begin):
        return Fill(subject=subject.name, pilots=pilots, seconds=wait_full(subject, recorder, pilots) - begin)


def window(  # noqa: PLR0913
    url: str, subject: Subject, *, pilots: int, life_seconds: int, seconds: float, progress: Progress
) -> Window:
    """Watch a full node for ``seconds`` from the moment it was full."""
    with kept(url, subject, pilots, life_seconds) as (recorder, _):
        full = wait_full(subject, recorder, pilots)
        end = full + seconds
        while (left := end - time.time()) > 0:
            recorder.wait(lambda _: False, min(1.0, left))
            progress.state(f"{_now_running(recorder.events())} of {pilots} run, {left:.0f} s to go")
        heard = [event for event in recorder.events() if event.moment <= end]
    return Window(
        subject=subject.name,
        pilots=pilots,
        life_seconds=life_seconds,
        window_seconds=seconds,
        occupancy=occupancy(heard, pilots, full, end),
        gaps=gaps(heard, full, end),
        most_at_once=most_at_once(heard),
    )


def _now_running(events: list[Event]) -> int:
    return next((count for _, count in reversed(list(running(events)))), 0)


def recoveries(url: str, planctond: Planctond, pilots: int, progress: Progress) -> tuple[list[Recovery], list[float]]:
    """Kill each worker once, and a pilot with it; also what a status takes while all is well, in seconds."""
    found, looks = [], []
    with kept(url, planctond, pilots, LONG_LIFE_SECONDS) as (recorder, _):
        wait_full(planctond, recorder, pilots)
        for worker in WORKERS:
            if not planctond.wait_ready(RECOVERY_LIMIT_SECONDS):
                msg = f"not all workers run before the {worker} is to be killed"
                raise NotMeasuredError(msg)
            recorder.wait(lambda events: _now_running(events) == pilots, RECOVERY_LIMIT_SECONDS)
            begin = time.monotonic()
            planctond.status()
            looks.append(time.monotonic() - begin)
            progress.state(f"kill -9 of the {worker}")
            found.append(_kill(url, planctond, recorder, worker))
    return found, looks


def _kill(url: str, planctond: Planctond, recorder: Recorder, worker: str) -> Recovery:
    pid = planctond.worker_pid(worker)
    if pid is None:
        msg = f"no process is titled planctond: {worker}"
        raise NotMeasuredError(msg)
    victim = _youngest(recorder.events())
    effect = EFFECTS.get(worker, "start")
    client = APIClient(base_url=url, version="auto")
    killed_unix, killed = time.time(), time.monotonic()
    os.kill(pid, signal.SIGKILL)
    client.kill(victim)
    seconds = _wait_back(planctond, worker, pid, killed)

    def told(events: list[Event]) -> list[float]:
        own = effect == "destroy"
        matching = (event for event in events if event.action == effect and (not own or event.container == victim))
        return [event.moment for event in matching if event.moment > killed_unix]

    recorder.wait(lambda events: bool(told(events)), RECOVERY_LIMIT_SECONDS)
    moments = told(recorder.events())
    after = moments[0] - killed_unix if moments else None
    return Recovery(worker=worker, seconds=seconds, effect=effect, effect_seconds=after)


def _youngest(events: list[Event]) -> str:
    dead = {event.container for event in events if event.action == "die"}
    started = (event.container for event in reversed(events) if event.action == "start")
    return next(container for container in started if container not in dead)


def _wait_back(planctond: Planctond, worker: str, old_pid: int, killed: float) -> float | None:
    while time.monotonic() - killed < RECOVERY_LIMIT_SECONDS:
        pid = planctond.worker_pid(worker)
        if pid is not None and pid != old_pid and planctond.works(worker, pid):
            return time.monotonic() - killed
    return None


def footprint(url: str, planctond: Planctond, pilots: int, seconds: float, progress: Progress) -> Footprint:
    """Measure CPU over ``seconds`` and memory at their end of the whole tree, with ``pilots`` that sleep."""
    with kept(url, planctond, pilots, LONG_LIFE_SECONDS) as (recorder, _):
        if pilots:
            wait_full(planctond, recorder, pilots)
        if not planctond.wait_ready(RECOVERY_LIMIT_SECONDS):
            msg = f"not all workers run; last: {planctond.last_line()}"
            raise NotMeasuredError(msg)
        progress.state("settling")
        _pass(SETTLE_SECONDS, lambda left: progress.state(f"settling, {left:.0f} s to go"))
        before, begin = cost(planctond.tree()), time.monotonic()
        _pass(seconds, lambda left: progress.state(f"{left:.0f} s to go"))
        after, took = cost(planctond.tree()), time.monotonic() - begin
    return Footprint(
        pilots=pilots,
        processes=after.processes,
        cpu_seconds_per_minute=(after.cpu_seconds - before.cpu_seconds) * 60 / took,
        pss_bytes=after.pss_bytes,
    )


def _pass(seconds: float, say: Callable[[float], None]) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        say(left)
        time.sleep(min(1.0, left))


def slowdown(  # noqa: PLR0913
    url: str, planctond: Planctond, weight: str, *, pilots: int, job: Job, repeats: int, progress: Progress
) -> Slowdown:
    """Time the owner's job by turns alone and beside ``pilots`` that use all CPUs, ``repeats`` times beside them.

    Many short turns, so that whatever else the machine does disturbs both alike. For the job alone all processes of
    planctond and of the pilots are stopped.
    """
    with kept(url, planctond, pilots, LONG_LIFE_SECONDS) as (recorder, _):
        wait_full(planctond, recorder, pilots)
        burning = planctond.pilots()

        def used() -> float:
            return sum(times.user + times.system for times in (process.cpu_times() for process in burning))

        with planctond.standing_still(burning):
            alone, beside = [job.run().seconds], []
        for number in range(1, repeats + 1):
            progress.state(f"{number} of {repeats}")
            time.sleep(BURNING_SECONDS)
            beside.append(job.run(used))
            with planctond.standing_still(burning):
                alone.append(job.run().seconds)
        if any(event.action in {"pause", "die"} for event in recorder.events()):
            msg = "pilots gave way while the job was timed"
            raise NotMeasuredError(msg)
    return Slowdown(
        weight=weight,
        pilots=pilots,
        alone_seconds=tuple(alone),
        beside_seconds=tuple(each.seconds for each in beside),
        pilots_share=sum(each.meanwhile for each in beside) / (cpus() * sum(each.abreast_seconds for each in beside)),
    )


def yielding(  # noqa: PLR0913
    url: str, planctond: Planctond, rung: str, *, action: str, pilots: int, timer_seconds: float, phase: float
) -> Yield:
    """Let the owner want all CPUs, and time the engine's ``action`` on the first and on the last of all pilots.

    Pilots are started right after a look at the host; ``phase`` is the part of the time to the next at which the owner
    comes, 0 to 1.
    """
    with kept(url, planctond, pilots, LONG_LIFE_SECONDS) as (recorder, _):
        wait_full(planctond, recorder, pilots)
        _pass(phase * HOST_LOOK_SECONDS, lambda _: None)
        with demand() as begin:

            def given_way(events: list[Event]) -> list[float]:
                first = {event.container: event.moment for event in reversed(events) if event.action == action}
                return sorted(first.values())

            recorder.wait(lambda events: len(given_way(events)) == pilots, timer_seconds + YIELD_LIMIT_SECONDS)
            moments = given_way(recorder.events())
    return Yield(
        rung=rung,
        pilots=pilots,
        timer_seconds=timer_seconds,
        first_seconds=moments[0] - begin if moments else None,
        all_seconds=moments[-1] - begin if len(moments) == pilots else None,
    )
