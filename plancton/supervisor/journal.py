"""What happened, in lines for people: kept for ``planctonctl watch`` and written to the log."""

import logging
import time
from collections import deque

from plancton.common.messages import (
    EndingAction,
    EndingOutcome,
    LauncherState,
    LaunchOutcome,
    Message,
    Outcome,
    PoolUnknown,
    Target,
)
from plancton.common.status import Happening

log = logging.getLogger(__name__)
_KEPT = 500


def describe(message: Message, before: Message | None) -> str | None:  # noqa: PLR0911 - one for each kind
    """Return the line that ``message`` is worth, given the last one of its topic; None where it's worth none."""
    match message:
        case LaunchOutcome():
            return _launch(message)
        case EndingOutcome():
            return _ending(message)
        case Target():
            return _target(message, before)
        case LauncherState():
            return _image(message, before)
        case PoolUnknown() if not isinstance(before, PoolUnknown):
            return f"the engine can't be asked: {message.why}"
        case _ if isinstance(before, PoolUnknown) and not isinstance(message, PoolUnknown):
            return "the engine answers again"
    return None


def _launch(outcome: LaunchOutcome) -> str:
    if outcome.outcome is Outcome.DONE:
        return f"started {outcome.name} ({outcome.reason}) in {outcome.seconds:.2f} s"
    if outcome.outcome is Outcome.REFUSED:
        return f"didn't start {outcome.name}: {outcome.detail}"
    return f"couldn't start {outcome.name}: {outcome.outcome}: {outcome.detail}"


def _ending(outcome: EndingOutcome) -> str | None:
    if outcome.outcome is not Outcome.DONE:
        return f"couldn't end or remove {outcome.name} ({outcome.reason}): {outcome.outcome}: {outcome.detail}"
    lived = "" if outcome.uptime_seconds is None else f" after {outcome.uptime_seconds:.0f} s"
    status = "" if outcome.exit_code is None else f" with exit code {outcome.exit_code}"
    if outcome.action is EndingAction.TERMINATED:
        return f"asked {outcome.name} to end: {outcome.reason}"
    if outcome.action is EndingAction.KILLED:
        return f"killed {outcome.name}: {outcome.reason}"
    if not outcome.started:
        return f"removed {outcome.name}, which never started"
    how = "was ended" if outcome.killed else "ended by itself"
    return f"{outcome.name} {how}{lived}{status} and is removed"


def _target(target: Target, before: Message | None) -> str | None:
    hold = target.hold
    held_before = before.hold if isinstance(before, Target) else None
    if hold is not None and (held_before is None or held_before.reason is not hold.reason):
        return f"no further launches: {hold.reason}: {hold.detail}"
    if hold is None and held_before is not None:
        return f"launching again; want {target.want}"
    return None


def _image(image: LauncherState, before: Message | None) -> str | None:
    known = before if isinstance(before, LauncherState) else None
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
