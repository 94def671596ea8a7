"""What stands between pilots and their owner, and how it stands, in plain words: pure. For status, watch and why."""

from collections.abc import Iterable, Iterator

from plancton.cli.wording import clean, count, duration, moment, percent
from plancton.common.decision import Breaker, Suspension
from plancton.common.messages import HostLook, LauncherState
from plancton.common.pilot import LIVE_STATES, PilotState
from plancton.common.reasons import Reason
from plancton.common.status import StatusReport


def counted(report: StatusReport) -> tuple[int, int] | None:
    """Return how many pilots run and how many are suspended; None while planctond doesn't know."""
    if report.pool is None:
        return None
    live = [pilot.state for pilot in report.pool.pilots if pilot.state in LIVE_STATES]
    suspended = live.count(PilotState.PAUSED)
    return len(live) - suspended, suspended


def stalls(host: HostLook) -> str:
    """Return how much of the time the owner's processes waited, and why it isn't told where it isn't."""
    parts = [
        f"{name} {'not told' if share is None else percent(share)}"
        for name, share in (("cpu", host.stall_cpu), ("memory", host.stall_memory), ("io", host.stall_io))
    ]
    return ", ".join(parts) + (f": {clean(host.stall_detail)}" if host.stall_detail else "")


def weight(launcher: LauncherState | None) -> Iterator[str]:
    """Yield what the kernel prefers the owner by, and what couldn't be set."""
    found = launcher.weight if launcher is not None else None
    if found is None:
        yield "not set yet"
        return
    yield ", ".join(clean(each) for each in (found.cpu, found.io) if each) or "the kernel's defaults"
    for problem in found.problems:
        yield f"not set: {clean(problem)}"


def breaker(report: StatusReport) -> Iterator[str]:
    """Yield why pilots that end too soon hold launches, until when, and what helps; nothing while none fizzles."""
    found = report.target.breaker if report.target is not None else None
    if found is None:
        return
    what = "launches failed" if found.reason is Reason.LAUNCHES_FAIL else "pilots fizzled"
    last = f"; the last: {clean(found.last)}" if found.last else ""
    yield f"{found.fizzles} {what} in a row, {duration(report.now_unix - found.last_unix)} ago{last}"
    if found.open_until_monotonic is not None:
        yield f"{_breaker_until(found, report)}; planctonctl clear-fizzles ends that at once"


def _breaker_until(found: Breaker, report: StatusReport) -> str:
    assert found.open_until_monotonic is not None  # noqa: S101 - the caller looked
    left = found.open_until_monotonic - report.now_monotonic
    if not report.now_monotonic:
        return "no launches for a while, then one trial pilot"
    if left <= 0:
        return "one trial pilot at a time is launched"
    return f"no launches until {moment(report.now_unix + left, report.now_unix)}, then one trial pilot"


def suspensions(wished: Iterable[Suspension]) -> Iterator[str]:
    """Yield how many pilots are to be suspended for which reason, with the figures of the first of each."""
    by_reason: dict[Reason, list[Suspension]] = {}
    for each in wished:
        by_reason.setdefault(each.reason, []).append(each)
    for reason, those in by_reason.items():
        yield f"{count(len(those), 'pilot')}: {reason}{figures(those[0].detail)}"


def figures(detail: str) -> str:
    """Return figures as they stand behind a reason; empty where there are none."""
    return f": {clean(detail)}" if detail else ""


def orders(report: StatusReport) -> Iterator[str]:
    """Yield what owner and operator asked for, for how long: a drain's reason and deadline, a snooze, a drill."""
    now = report.now_unix
    if report.drain_reason:
        yield f"drained: {clean(report.drain_reason)}"
    if report.drain_deadline_unix is not None:
        yield f"pilots that still run are ended at {moment(report.drain_deadline_unix, now)}"
    if report.snooze_until_unix is not None and report.snooze_until_unix > now:
        yield f"snoozed until {moment(report.snooze_until_unix, now)}; planctonctl snooze off ends that"
    if report.drill_until_unix is not None and report.drill_until_unix > now:
        yield f"a drill suspends all pilots until {moment(report.drill_until_unix, now)}"


def deadline(report: StatusReport) -> str | None:
    """Return when all pilots must have ended; None where no such moment is known."""
    found = report.target.deadline_unix if report.target is not None else None
    return None if found is None else f"all pilots end by {moment(found, report.now_unix)}"
