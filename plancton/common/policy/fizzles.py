"""The breaker that holds launches while pilots fizzle: pure.

A pilot fizzles if it ends by itself sooner than ``fizzle_seconds``, or can't be started. A few in a row open the
breaker: nothing is launched for a while, then one trial pilot; if that one fizzles too, for twice as long. One that
lives long enough closes it. After the circuit breaker of M. Nygard, Release It!, with the exponential, jittered and
capped waiting time that is usual for retries.
"""

from collections.abc import Iterator

import msgspec

from plancton.common.decision import Breaker
from plancton.common.messages import PoolLook
from plancton.common.pilot import ENDED_STATES, Pilot, PilotState
from plancton.common.policy.facts import Facts, Moment
from plancton.common.policy.memory import Memory
from plancton.common.policy.slots import Census
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from plancton.common.spec import spec_hash

_FIRST_HOLD_SECONDS = 1.0
_JITTER = 0.2
_MOST_DOUBLINGS = 20
_RESTART_SECONDS = 30.0
"""An engine that goes away may have ended pilots for so long before it was noticed."""


def lost_sight(memory: Memory, moment: Moment) -> Memory:
    """Return the memory once the engine can't be asked: what ended just before may have ended because of that."""
    return msgspec.structs.replace(memory, stream_since=None, breaker=_forgiven(memory.breaker, moment))


def after_look(memory: Memory, facts: Facts, pool: PoolLook, look: Census, moment: Moment) -> Memory:
    """Return the memory after the pilots were looked at; each that ended is judged once."""
    assert facts.settings is not None  # noqa: S101 - without settings nothing is decided
    breaker = memory.breaker
    ended = frozenset(pilot.container_id for pilot in look.ended)
    if memory.stream_since != pool.stream_since_monotonic:
        # The engine was away, or this is the first look: what has ended by now may have ended because of that.
        breaker = _forgiven(breaker, moment) if memory.stream_since is not None else breaker
        judged = ended
    else:
        judged = memory.judged & ended
    ours = {ending.container_id for ending in memory.endings}
    fresh = [pilot for pilot in look.ended if pilot.container_id not in judged and pilot.container_id not in ours]
    breaker = _if_still_about_this(breaker, facts)
    if breaker is not None and any(_lasted(pilot, breaker, facts.settings, moment) for pilot in pool.pilots):
        breaker = None
    for pilot, seconds in _fizzled(fresh, facts.settings):
        breaker = _one_more(breaker, pilot, seconds, facts, moment)
    return msgspec.structs.replace(
        memory, breaker=breaker, judged=judged | ended, stream_since=pool.stream_since_monotonic
    )


def launch_ended(memory: Memory, settings: Settings, failure: str | None, moment: Moment) -> Memory:
    """Return the memory after a launch succeeded, or failed with ``failure``: one failure is reason enough to wait."""
    breaker = memory.breaker
    if failure is None:
        starts_again = breaker is not None and breaker.reason is Reason.LAUNCHES_FAIL
        return msgspec.structs.replace(memory, breaker=None) if starts_again else memory
    if breaker is not None and _is_open(breaker, moment):
        # It was under way when the one before failed: several of one cause are one failure.
        return memory
    count = breaker.fizzles + 1 if breaker is not None else 1
    doublings = breaker.fizzles if breaker is not None and breaker.reason is Reason.LAUNCHES_FAIL else 0
    failed = Breaker(
        fizzles=count,
        reason=Reason.LAUNCHES_FAIL,
        last_unix=moment.unix,
        last=failure,
        open_until_monotonic=moment.monotonic + _hold_seconds(doublings, settings, moment),
        subject=breaker.subject if breaker is not None else "",
    )
    return msgspec.structs.replace(memory, breaker=failed)


def holds(memory: Memory, moment: Moment) -> tuple[Reason, str, float | None] | None:
    """Return why the breaker lets nothing be launched, with the figures and until when; None where it doesn't."""
    breaker = memory.breaker
    if breaker is None or not _is_open(breaker, moment):
        return None
    assert breaker.open_until_monotonic is not None  # noqa: S101 - it is open
    what = "launches failed" if breaker.reason is Reason.LAUNCHES_FAIL else "pilots fizzled"
    detail = f"{breaker.fizzles} {what} in a row; the last: {breaker.last}"
    return breaker.reason, detail, moment.unix + breaker.open_until_monotonic - moment.monotonic


def on_trial(memory: Memory) -> bool:
    """Tell whether only one pilot may be started, to see what becomes of it."""
    return memory.breaker is not None and memory.breaker.open_until_monotonic is not None


def trial_runs(memory: Memory, look: Census) -> bool:
    """Tell whether that pilot is there already."""
    breaker = memory.breaker
    return breaker is not None and any(
        pilot.state is not PilotState.CREATED and pilot.begun_unix > breaker.last_unix for pilot in look.alive
    )


def _is_open(breaker: Breaker, moment: Moment) -> bool:
    return breaker.open_until_monotonic is not None and moment.monotonic < breaker.open_until_monotonic


def _forgiven(breaker: Breaker | None, moment: Moment) -> Breaker | None:
    if breaker is None or breaker.reason is Reason.LAUNCHES_FAIL:
        return breaker
    return None if moment.unix - breaker.last_unix <= _RESTART_SECONDS else breaker


def _if_still_about_this(breaker: Breaker | None, facts: Facts) -> Breaker | None:
    """Return the breaker unless the operator cleared it, or image or settings are others than those that fizzled."""
    if breaker is None:
        return None
    if facts.intent is not None and facts.intent.fizzles_cleared_unix >= breaker.last_unix:
        return None
    subject = _subject(facts)
    if breaker.subject and subject and breaker.subject != subject:
        return None
    return msgspec.structs.replace(breaker, subject=subject or breaker.subject)


def _subject(facts: Facts) -> str:
    if facts.settings is None or facts.launcher is None or facts.launcher.image_id is None:
        return ""
    return f"{facts.launcher.image_id} {spec_hash(facts.settings)}"


def _lasted(pilot: Pilot, breaker: Breaker, settings: Settings, moment: Moment) -> bool:
    """Tell a pilot that was started after the last fizzle and lived long enough."""
    if pilot.started_unix is None or pilot.started_unix <= breaker.last_unix:
        return False
    until = pilot.ended_unix if pilot.state in ENDED_STATES else moment.unix
    return until is not None and until - pilot.started_unix >= settings.fizzle_seconds


def _fizzled(pilots: list[Pilot], settings: Settings) -> Iterator[tuple[Pilot, float]]:
    for pilot in pilots:
        if pilot.ended_unix is None:
            # How long it lived isn't known, which isn't zero.
            continue
        seconds = max(0.0, pilot.ended_unix - pilot.begun_unix)
        if seconds < settings.fizzle_seconds:
            yield pilot, seconds


def _one_more(breaker: Breaker | None, pilot: Pilot, seconds: float, facts: Facts, moment: Moment) -> Breaker:
    assert facts.settings is not None  # noqa: S101 - as above
    if breaker is not None and _counted_already(breaker, pilot, moment):
        # Started before the breaker opened: several of one cause count once.
        return breaker
    count = breaker.fizzles + 1 if breaker is not None else 1
    code = "" if pilot.exit_code is None else f" with exit code {pilot.exit_code}"
    allowed = facts.settings.fizzles_allowed
    opens = count >= allowed
    until = moment.monotonic + _hold_seconds(count - allowed, facts.settings, moment) if opens else None
    return Breaker(
        fizzles=count,
        reason=Reason.FIZZLES,
        last_unix=moment.unix,
        last=f"{pilot.name} ended after {seconds:.1f} s{code}",
        open_until_monotonic=until,
        subject=_subject(facts),
    )


def _counted_already(breaker: Breaker, pilot: Pilot, moment: Moment) -> bool:
    """Tell whether the breaker was open already when ``pilot`` was started, or is now."""
    if breaker.open_until_monotonic is None:
        return False
    return _is_open(breaker, moment) or pilot.begun_unix <= breaker.last_unix


def _hold_seconds(doublings: int, settings: Settings, moment: Moment) -> float:
    longest = settings.fizzle_longest_hold
    seconds = _FIRST_HOLD_SECONDS * 2.0 ** min(max(0, doublings), _MOST_DOUBLINGS)
    return float(min(longest, seconds * (1.0 + _JITTER * (2.0 * moment.luck - 1.0))))
