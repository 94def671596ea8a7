"""planctonctl's contact with one planctond: whether it runs, and what it answers."""

import time
from typing import Any, TypeVar

import click
import msgspec

from plancton.cli.wording import clean
from plancton.common.control import NoAnswer, Silence, ask
from plancton.common.lock import holder
from plancton.common.messages import PoolLook
from plancton.common.paths import Paths
from plancton.common.pilot import LIVE_STATES
from plancton.common.requests import Answer, Happenings, Request, Status
from plancton.common.status import Happening, HappeningsReport, StatusReport

EXIT_USAGE = 2
ANSWER_SECONDS = 10.0
_FIRST_PATIENCE_SECONDS = 0.5

Data = TypeVar("Data")


class Trouble(click.ClickException):
    """Why a verb can't do its work. Printed to standard error; the class's exit code goes with it."""

    def show(self, _file: Any = None) -> None:  # noqa: ANN401 - click's signature
        """Print it the way every message of planctonctl looks."""
        click.echo(f"planctonctl: {self.format_message()}", err=True)


class NotRunning(Trouble):
    """No planctond has the run directory."""

    def __init__(self, paths: Paths) -> None:
        super().__init__(f"planctond is not running (run directory {clean(str(paths.rundir))})")


class Unreachable(Trouble):
    """Whether planctond runs, or what it does, can't be told."""


class Refused(Trouble):
    """planctond answered that it won't, or can't."""


def running(paths: Paths) -> int | None:
    """Return the pid of the planctond that has the run directory, 0 where it can't be read, None where none has it.

    Raises:
        Unreachable: if this user may not look.

    """
    try:
        return holder(paths.lock_file)
    except PermissionError:
        raise _denied(paths) from None
    except OSError as error:
        message = f"can't look at {clean(str(paths.lock_file))}: {error.strerror}"
        raise Unreachable(message) from None


def request(paths: Paths, what: Request, seconds: float | None = None) -> Any:  # noqa: ANN401 - each verb has its own
    """Have planctond do ``what`` and return the answer's data, waiting at most ``seconds``.

    Raises:
        NotRunning: if there is no planctond.
        Unreachable: if it doesn't answer, or in words that aren't understood, or this user may not ask.
        Refused: if it refuses.

    """
    answer = _answer(paths, what, ANSWER_SECONDS if seconds is None else seconds)
    if not answer.ok:
        message = f"planctond answered: {clean(answer.error) or 'no, without a reason'}"
        raise Refused(message)
    return answer.data


def status(paths: Paths, seconds: float | None = None) -> StatusReport:
    """Return what planctond tells of itself. Raises as ``request`` does."""
    return understood(request(paths, Status(), seconds), StatusReport)


def happenings(paths: Paths, after: int, seconds: float | None = None) -> tuple[Happening, ...]:
    """Return what happened after the happening numbered ``after``. Raises as ``request`` does."""
    return understood(request(paths, Happenings(after=after), seconds), HappeningsReport).happenings


def understood(data: object, kind: type[Data]) -> Data:
    """Return an answer's data as ``kind``.

    Raises:
        Unreachable: if it's none.

    """
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        message = f"planctond's answer isn't understood (is it of another version?): {clean(str(error))}"
        raise Unreachable(message) from None


def live_pilots(report: StatusReport) -> int | None:
    """Return how many pilots run; None while planctond doesn't know."""
    if not isinstance(report.pool, PoolLook):
        return None
    return sum(pilot.state in LIVE_STATES for pilot in report.pool.pilots)


def _answer(paths: Paths, what: Request, seconds: float) -> Answer:
    """Ask, again and again while there is silence: every request may be repeated, and planctond may just be going."""
    end = time.monotonic() + seconds
    patience = _FIRST_PATIENCE_SECONDS
    while True:
        pid = running(paths)
        if pid is None:
            raise NotRunning(paths)
        now = time.monotonic()
        try:
            return ask(paths.control_socket, what, max(0.0, min(patience, end - now)))
        except PermissionError:
            raise _denied(paths) from None
        except (NoAnswer, OSError) as error:
            silent = isinstance(error, Silence)
            if silent and time.monotonic() < end:
                patience *= 2
                continue
            why = f"no answer within {seconds:g} s" if silent else clean(str(error))
            message = f"planctond, pid {pid or 'unknown'}, holds the run directory but can't be asked: {why}"
            raise Unreachable(message) from None


def _denied(paths: Paths) -> Unreachable:
    return Unreachable(
        f"permission denied on {clean(str(paths.rundir))}: it is another user's; "
        "run planctonctl as that user or as root, or with --user for a planctond of your own",
    )
