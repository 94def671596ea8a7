"""Waiting until a drain is done: until no pilot is left, or planctond has stopped after the last."""

import os
import time

import click

from plancton.cli.contact import Trouble, request, running, status
from plancton.cli.progress import Progress
from plancton.cli.wording import clean, count, date_and_clock, duration
from plancton.common.messages import Mode
from plancton.common.paths import Paths
from plancton.common.pilot import ENDED_STATES, Pilot
from plancton.common.processes import ProcessState
from plancton.common.reasons import Reason
from plancton.common.requests import ShowSettings
from plancton.common.status import StatusReport

EXIT_INTERRUPTED = 130
LOOK_SECONDS = 0.5
AWAY_SECONDS = 10.0
"""How long planctond may be away: it may be restarted meanwhile."""
_ASK_SECONDS = 3.0
_NOTHING_STARTS = frozenset(
    {Reason.DRAINING, Reason.STOPPING, Reason.SNOOZED, Reason.DRAIN_DEADLINE, Reason.OUTSIDE_WINDOWS}
)
"""With these holds the scheduler says that it knows of the drain, or of something that is as good."""


def await_drained(paths: Paths, timeout: float | None, *, stops: bool) -> None:
    """Wait at most ``timeout`` seconds until no pilot is left; with ``stops``, until planctond has stopped after it.

    Says so on standard output, and how it goes meanwhile on standard error. Ctrl-C exits with EXIT_INTERRUPTED.

    Raises:
        Trouble: if that isn't so in time, or somebody ended the drain, or planctond stays away.

    """
    try:
        with Progress() as progress:
            _Wait(paths, progress, stops=stops).until_done(timeout)
    except KeyboardInterrupt:
        click.echo("no longer waiting; the drain stays in force, and planctonctl resume ends it", err=True)
        raise SystemExit(EXIT_INTERRUPTED) from None
    click.echo("planctond stopped; no pilot is left" if stops else "drained: no pilot is left")


class _Wait:
    """A drain that is waited for."""

    def __init__(self, paths: Paths, progress: Progress, *, stops: bool) -> None:
        self._paths = paths
        self._progress = progress
        self._stops = stops
        self._called_off = {Mode.ACTIVE, Mode.DRAINING} if stops else {Mode.ACTIVE}
        self._longest_life = _longest_life(paths)
        self._nothing_starts_since: float | None = None
        self._away_since: float | None = None
        self._last = "how many pilots are left isn't known"

    def until_done(self, timeout: float | None) -> None:
        begun = time.monotonic()
        while not self._done():
            passed = time.monotonic() - begun
            if timeout is not None and passed >= timeout:
                message = f"{self._last} after {duration(timeout)}; the drain stays in force"
                raise Trouble(message)
            time.sleep(LOOK_SECONDS if timeout is None else min(LOOK_SECONDS, timeout - passed))

    def _done(self) -> bool:
        if running(self._paths) is None:
            return self._away()
        self._away_since = None
        try:
            report = status(self._paths, _ASK_SECONDS)
        except Trouble as trouble:
            self._progress.tell(trouble.message)
            return False
        if report.mode in self._called_off:
            message = f"somebody ended the drain: planctond, pid {report.pid}, is {report.mode}"
            raise Trouble(message)
        self._last, fleeting = told(report, self._longest_life)
        self._progress.tell(self._last, fleeting)
        if not nothing_starts(report):
            self._nothing_starts_since = None
        elif self._nothing_starts_since is None:
            self._nothing_starts_since = time.monotonic()
        since = self._nothing_starts_since
        return not self._stops and since is not None and none_left(report, since)

    def _away(self) -> bool:
        """Tell whether planctond's absence means that all is done; for a while it may mean that it's restarted."""
        if self._stops and not os.path.lexists(self._paths.stop_marker):
            return True
        now = time.monotonic()
        self._away_since = self._away_since or now
        if now - self._away_since >= AWAY_SECONDS:
            message = "planctond ended before it was seen that no pilot is left; the drain stays in force"
            raise Trouble(message)
        self._progress.tell("planctond is not running")
        return False


def nothing_starts(report: StatusReport) -> bool:
    """Tell whether no pilot is being started, nor will be: only a look from after that can prove that none is left."""
    target, launcher = report.target, report.launcher
    if target is None or target.hold is None or target.hold.reason not in _NOTHING_STARTS or target.launch:
        return False
    # The last word of one that was given up may be that a start is under way, for ever.
    lost = any(each.name == "launcher" and each.state is ProcessState.FATAL for each in report.processes)
    return lost or launcher is None or launcher.in_flight == 0


def none_left(report: StatusReport, since_monotonic: float) -> bool:
    """Tell whether a full look from after ``since_monotonic`` shows no pilot that hasn't ended."""
    pool = report.pool
    return pool is not None and pool.full_look_monotonic > since_monotonic and not _left(report)


def told(report: StatusReport, longest_life: float | None) -> tuple[str, str]:
    """Return how many pilots are left and until when at most, and how far away that is."""
    if report.pool is None:
        why = f": {clean(report.pool_unknown.why)}" if report.pool_unknown else ""
        return f"how many pilots are left isn't known{why}", ""
    left = _left(report)
    if not left:
        return "no pilot is left; waiting for a last look at the engine", ""
    youngest = max(pilot.created_unix if pilot.started_unix is None else pilot.started_unix for pilot in left)
    lives = None if longest_life is None else youngest + longest_life
    ends = [end for end in (lives, report.drain_deadline_unix) if end is not None]
    if not ends:
        return f"{count(len(left), 'pilot')} left", ""
    until = min(ends)
    text = f"{count(len(left), 'pilot')} left, until {date_and_clock(until, report.now_unix)} at the latest"
    return text, f" (in {duration(until - report.now_unix)})"


def _left(report: StatusReport) -> tuple[Pilot, ...]:
    pool = report.pool
    return tuple(pilot for pilot in pool.pilots if pilot.state not in ENDED_STATES) if pool else ()


def _longest_life(paths: Paths) -> float | None:
    try:
        return float(request(paths, ShowSettings(), _ASK_SECONDS)["settings"]["max_ttl"])
    except (Trouble, KeyError, TypeError, ValueError):
        return None
