"""Starting planctond as a process of its own, and telling what became of it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from plancton.cli.contact import Refused, Trouble, Unreachable, running, status
from plancton.cli.wording import clean, count, duration
from plancton.common.messages import Mode
from plancton.common.paths import PathError, Paths
from plancton.common.processes import ProcessState
from plancton.common.reasons import Reason
from plancton.common.status import StatusReport

READY_SECONDS = 30.0
"""How long planctond may take from its start to being ready."""
_FIRST_DECISION_SECONDS = 2.0
"""How long to wait after that for a first decision, so that ``start`` can tell why nothing is launched."""
_LOOK_SECONDS = 0.05
_ASK_SECONDS = 2.0
_TOLD_LINES = 10
_NOT_DECIDED_YET = {
    Reason.DRAINING,
    Reason.STOPPING,
    Reason.NO_SETTINGS,
    Reason.HOST_UNKNOWN,
    Reason.OWNER_CPU_UNKNOWN,
    Reason.ENGINE_UNKNOWN,
    Reason.NO_IMAGE,
}
"""Holds that pass by themselves once everything was looked at: drained nodes say so by their mode."""


class CantServe(Trouble):
    """planctond ended because it can't serve."""

    exit_code = 69


class Bug(Trouble):
    """planctond ended by a bug of its own."""

    exit_code = 70


class CantCreate(Trouble):
    """planctond ended because a directory or file of its own can't be used."""

    exit_code = 73


class BadSettings(Trouble):
    """planctond ended because its configuration is bad."""

    exit_code = 78


_MEANINGS: dict[int, tuple[type[Trouble], str]] = {
    CantServe.exit_code: (CantServe, " (it can't serve)"),
    Bug.exit_code: (Bug, " (a bug in it)"),
    CantCreate.exit_code: (CantCreate, " (it can't use its directories)"),
    BadSettings.exit_code: (BadSettings, " (its configuration is bad)"),
}
"""Those of planctond's exit codes that say something and are passed on."""


def command(paths: Paths) -> list[str]:
    """Return the command that runs planctond in the foreground with these paths."""
    options = {
        "logdir": paths.logdir,
        "rundir": paths.rundir,
        "pidfile": paths.pidfile,
        "confdir": paths.confdir,
        "statedir": paths.statedir,
    }
    given = (word for name, path in options.items() for word in (f"--{name}", str(path)))
    return [sys.executable, "-m", "plancton.planctond", *given]


def environment() -> dict[str, str]:
    """Return planctond's environment: this one, but ``-m`` imports nothing from the current directory."""
    return {**os.environ, "PYTHONSAFEPATH": "1"}


def prepare(paths: Paths) -> None:
    """Make the run and log directories.

    Raises:
        Trouble: if they can't be had.

    """
    try:
        paths.prepare()
    except (PathError, OSError) as error:
        message = (
            f"{clean(str(error))}; choose others with --rundir, --logdir and --statedir, "
            "or --user for those below ~/.plancton"
        )
        raise Trouble(message) from None


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """Where a file ended before planctond was started: what comes after it is planctond's own."""

    file: Path
    offset: int

    @classmethod
    def from_here(cls, file: Path) -> "Words":
        """Remember where ``file`` ends now."""
        return cls(file=file, offset=file.stat().st_size if file.exists() else 0)

    def since(self) -> list[str]:
        """Return the last lines written since, cleaned."""
        try:
            with self.file.open("rb") as stream:
                stream.seek(self.offset)
                lines = stream.read().decode(errors="replace").splitlines()
        except OSError:
            return []
        return [clean(line) for line in lines if line.strip()][-_TOLD_LINES:]


class _Detached(subprocess.Popen[bytes]):
    """A process that is meant to outlive this one; Popen warns of that when it is forgotten."""

    def __del__(self) -> None:
        """Leave it alone."""


class Started:
    """The planctond that this command started."""

    def __init__(self, paths: Paths) -> None:
        """Start planctond detached: in a session of its own, below /, its own words to a file in the log directory.

        Raises:
            Trouble: if it can't be.

        """
        errors = paths.logdir / "planctond.err"
        try:
            self._words = (Words.from_here(errors), Words.from_here(paths.log_file))
            with errors.open("ab") as stream:
                self._process = _Detached(
                    [*command(paths), "--detached"],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=stream,
                    start_new_session=True,
                    cwd="/",
                    env=environment(),
                )
        except OSError as error:
            message = f"planctond can't be started: {clean(str(error))}"
            raise Trouble(message) from None
        self.pid = self._process.pid

    def ended(self, seconds: float) -> int | None:
        """Wait at most ``seconds`` for its end and return its exit code, None while it runs."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def failure(self, code: int) -> Trouble:
        """Return why it ended with ``code`` before it was ready, in its own words."""
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        kind, meaning = _MEANINGS.get(code, (Trouble, ""))
        lines = self._words[0].since() or self._words[1].since()
        told = "".join(f"\n  {line}" for line in lines) or f"\n  it left no word in {clean(str(self._words[0].file))}"
        return kind(f"planctond {how}{meaning} before it was ready:{told}")


def reports(paths: Paths, started: Started | None, deadline: float) -> Iterator[StatusReport | None]:
    """Yield what planctond tells, None while it doesn't answer, until ``deadline``, its end or another's pid.

    Raises:
        Trouble: if ``started`` ended.

    """
    while time.monotonic() < deadline:
        try:
            yield status(paths, _ASK_SECONDS) if paths.control_socket.exists() else None
        except Refused:
            raise
        except Trouble:
            yield None
        if started is None:
            if running(paths) is None:
                return
            time.sleep(_LOOK_SECONDS)
        elif (code := started.ended(_LOOK_SECONDS)) is not None:
            if running(paths) in {None, started.pid}:
                raise started.failure(code)
            # Somebody else's planctond was faster; that is the state asked for.
            started = None


def await_ready(paths: Paths, started: Started | None) -> StatusReport | None:
    """Wait until planctond is ready and has decided something; None if the one that ran has ended.

    Raises:
        Trouble: if it doesn't become ready in time.

    """
    deadline = time.monotonic() + READY_SECONDS
    last: StatusReport | None = None
    ready_until: float | None = None
    for report in reports(paths, started, deadline):
        last = report or last
        if report is None or not report.ready:
            continue
        now = time.monotonic()
        ready_until = ready_until or min(deadline, now + _FIRST_DECISION_SECONDS)
        if _decided(report) or now >= ready_until:
            return report
    if running(paths) is None:
        return None
    raise not_ready(last)


def _decided(report: StatusReport) -> bool:
    if report.mode is not Mode.ACTIVE:
        return True
    if report.target is None:
        return False
    hold = report.target.hold
    if hold is None or hold.reason not in _NOT_DECIDED_YET:
        return True
    return hold.reason is Reason.ENGINE_UNKNOWN and report.pool_unknown is not None


def not_ready(last: StatusReport | None) -> Trouble:
    """Return what is missing, as the last report tells it."""
    if last is None:
        return Unreachable(f"planctond runs but hasn't answered within {duration(READY_SECONDS)}; it is left running")
    waiting = [
        f"{clean(process.name)} is {process.state}"
        + (f" after {count(process.restarts, 'restart')}" if process.restarts else "")
        + (f"; its last end: {clean(process.last_end)}" if process.last_end else "")
        for process in last.processes
        if process.state is not ProcessState.RUNNING
    ]
    lines = "".join(f"\n  {line}" for line in waiting)
    return Trouble(
        f"planctond, pid {last.pid}, isn't ready after {duration(READY_SECONDS)} and goes on trying:{lines}",
    )
