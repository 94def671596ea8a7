"""What happened, in lines for people: kept for ``planctonctl watch`` and written to the log."""

import logging
import time
from collections import deque
from collections.abc import Iterator

from plancton.common.decision import Breaker
from plancton.common.messages import (
    EndingAction,
    EndingOutcome,
    LauncherState,
    LaunchOutcome,
    Message,
    Outcome,
    PoolUnknown,
    Target,
    Weight,
)
from plancton.common.reasons import Reason
from plancton.common.status import Happening

log = logging.getLogger(__name__)
_KEPT = 500
_LONGEST_WORD = 200
"""Characters of a pilot's own output in a line."""


def describe(message: Message, before: Message | None, fizzle_seconds: float) -> str | None:  # noqa: PLR0911 - one for each kind
    """Return the line that ``message`` is worth, given the last one of its topic; None where it's worth none.

    Of a pilot that ended by itself sooner than ``fizzle_seconds`` the last words are told.
    """
    match message:
        case LaunchOutcome():
            return _launch(message)
        case EndingOutcome():
            return _ending(message, fizzle_seconds)
        case Target():
            return _target(message, before)
        case LauncherState():
            return _launcher(message, before if isinstance(before, LauncherState) else None)
        case PoolUnknown() if not isinstance(before, PoolUnknown):
            return f"the engine can't be asked: {message.why}"
        case _ if isinstance(before, PoolUnknown) and not isinstance(message, PoolUnknown):
            return "the engine answers again"
    return None


def _launch(outcome: LaunchOutcome) -> str:
    if outcome.outcome is Outcome.DONE:
        return f"started {outcome.name} ({outcome.reason}{_figures(outcome.figures)}) in {outcome.seconds:.2f} s"
    if outcome.outcome is Outcome.REFUSED:
        return f"didn't start {outcome.name}: {outcome.detail}"
    return f"couldn't start {outcome.name}: {outcome.outcome}: {outcome.detail}"


_DEEDS = {
    EndingAction.SUSPENDED: "suspended {}",
    EndingAction.RESUMED: "let {} go on",
    EndingAction.TERMINATED: "asked {} to end",
    EndingAction.KILLED: "killed {}",
}


def _ending(outcome: EndingOutcome, fizzle_seconds: float) -> str:
    because = f"{outcome.reason}{_figures(outcome.figures)}"
    if outcome.outcome is not Outcome.DONE:
        what = {EndingAction.SUSPENDED: "suspend", EndingAction.RESUMED: "resume"}.get(outcome.action, "end or remove")
        return f"couldn't {what} {outcome.name} ({outcome.reason}): {outcome.outcome}: {outcome.detail}"
    if outcome.action in _DEEDS:
        return f"{_DEEDS[outcome.action].format(outcome.name)}: {because}"
    if not outcome.started:
        return f"removed {outcome.name}, which never started"
    lived = "" if outcome.uptime_seconds is None else f" after {outcome.uptime_seconds:.0f} s"
    status = "" if outcome.exit_code is None else f" with exit code {outcome.exit_code}"
    if outcome.oom_killed:
        status += " for want of memory"
    how = "was ended" if outcome.killed else "ended by itself"
    too_soon = not outcome.killed and (outcome.uptime_seconds is None or outcome.uptime_seconds < fizzle_seconds)
    return f"{outcome.name} {how}{lived}{status} and is removed{_last_word(outcome.output) if too_soon else ''}"


def _figures(figures: str) -> str:
    return f": {figures}" if figures else ""


def _last_word(output: str) -> str:
    """Return a pilot's last line, fit for a line of the log whatever the pilot wrote."""
    last = next((line for line in reversed(output.splitlines()) if line.strip()), "")
    printable = "".join(char if char.isprintable() else "?" for char in last.strip())
    return f"; its last words: {printable[:_LONGEST_WORD]}" if printable else ""


def _target(target: Target, before: Message | None) -> str | None:
    known = before if isinstance(before, Target) else None
    return "; ".join((*_hold(target, known), *_breaker(target, known))) or None


def _hold(target: Target, known: Target | None) -> Iterator[str]:
    hold, held_before = target.hold, known.hold if known else None
    if hold is not None and (held_before is None or held_before.reason is not hold.reason):
        yield f"no further launches: {hold.reason}: {hold.detail}"
    elif hold is None and held_before is not None:
        yield f"launching again; want {target.want}"


def _breaker(target: Target, known: Target | None) -> Iterator[str]:
    """Tell that fizzles hold launches from now on, unless the hold itself says so, and that they don't any more."""
    breaker, before = _open(target), _open(known)
    told_by_hold = target.hold is not None and target.hold.reason in {Reason.FIZZLES, Reason.LAUNCHES_FAIL}
    if breaker is not None and before is None and not told_by_hold:
        yield f"{breaker.fizzles} fizzles in a row hold launches: {breaker.last}"
    elif breaker is None and before is not None:
        yield "no fizzles hold launches any more"


def _open(target: Target | None) -> Breaker | None:
    breaker = target.breaker if target is not None else None
    return breaker if breaker is not None and breaker.open_until_monotonic is not None else None


def _launcher(state: LauncherState, known: LauncherState | None) -> str | None:
    lines = (_image(state, known), _weight(state.weight, known.weight if known else None))
    return "; ".join(line for line in lines if line) or None


def _weight(weight: Weight | None, known: Weight | None) -> str | None:
    if weight is None or weight == known:
        return None
    in_force = ", ".join(filter(None, (weight.cpu, weight.io))) or "the kernel's defaults"
    return "; ".join((f"the weight of pilots: {in_force}", *(f"not set: {problem}" for problem in weight.problems)))


def _image(image: LauncherState, known: LauncherState | None) -> str | None:
    if image.pulling and image.image_id is None and not (known and known.pulling):
        return f"pulling {image.image}"
    if image.detail and (known is None or known.detail != image.detail):
        return f"image {image.image}: {image.detail}"
    if image.image_id and (known is None or known.image_id != image.image_id):
        return f"image {image.image} is {image.image_id[:19]}"
    return None


class Journal:
    """The last happenings, numbered from 1."""

    def __init__(self) -> None:
        """Start with none."""
        self._happenings: deque[Happening] = deque(maxlen=_KEPT)
        self._number = 0

    def add(self, what: str, text: str) -> None:
        """Remember that ``what`` (a worker's or planctond's name) had ``text`` happen, and log it."""
        self._number += 1
        self._happenings.append(Happening(number=self._number, at_unix=time.time(), what=what, text=text))
        log.info("%s: %s", what, text)

    def since(self, number: int) -> tuple[Happening, ...]:
        """Return those after ``number``, oldest first."""
        return tuple(happening for happening in self._happenings if happening.number > number)
