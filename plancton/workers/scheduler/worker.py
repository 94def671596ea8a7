"""The scheduler process: keeps the last facts, decides when one of them changes, says the whole wish."""

import random
import time
from typing import TypeVar

import msgspec

from plancton.common.codec import Envelope
from plancton.common.engine_types import FailureKind
from plancton.common.freshness import HOST_BOUND_SECONDS, POOL_BOUND_SECONDS
from plancton.common.messages import (
    ActiveSettings,
    HostLook,
    Intent,
    LauncherState,
    LaunchOutcome,
    Message,
    Outcome,
    PoolLook,
    PoolUnknown,
    Target,
)
from plancton.common.policy import slots
from plancton.common.policy.demand import after_look
from plancton.common.policy.facts import Facts, Moment
from plancton.common.policy.fizzles import launch_ended
from plancton.common.policy.memory import Memory, recover
from plancton.common.policy.policy import decide
from plancton.workers.base import Place

_FIRST_FACTS_SECONDS = 3.0
"""How long a scheduler that just started waits for a first look at host and engine before it says that it's blind."""
_REPEAT_SECONDS = 5.0
"""A target is said again after this long, well before it's void; time passing may change it too."""
_DECIDE_SECONDS = 1.0

M = TypeVar("M", bound=Message)


class Scheduler:
    """The worker around the pure policy."""

    def __init__(self, place: Place) -> None:
        """Say targets at ``place``."""
        self._place = place
        self.ready = True
        self._memory = Memory()
        self._heard: dict[type[Message], Envelope] = {}
        self._dirty = False
        self._said: Target | None = None
        self._next_decision = 0.0
        self._next_word = 0.0
        self._silent_until = time.monotonic() + _FIRST_FACTS_SECONDS

    def hear(self, envelope: Envelope) -> None:
        """Take in a fact; what a former scheduler said last is where this one goes on."""
        match envelope.message:
            case Target() as target:
                if self._said is None:
                    self._memory = recover(target)
                return
            case LaunchOutcome(outcome=outcome) as launch if outcome is not Outcome.REFUSED:
                self._launched(launch, failed=outcome is not Outcome.DONE)
            case HostLook() as look:
                # Each counts, though several may come before the next decision.
                self._watch(look, envelope.monotonic)
            case PoolLook():
                self._heard.pop(PoolUnknown, None)
            case PoolUnknown():
                self._heard.pop(PoolLook, None)
        self._heard[type(envelope.message)] = envelope
        self._dirty = True

    def turn(self, now: float) -> float:
        """Decide if a fact changed or time has passed, and say the target if it's another or due again."""
        if ActiveSettings not in self._heard:
            # The settings come after the former scheduler's last word, which mustn't be lost by speaking before.
            return now + _REPEAT_SECONDS
        if not self._dirty and now < self._next_decision:
            return self._next_decision
        self._dirty = False
        facts = self._facts(now)
        if self._said is None and now < self._silent_until and _waits_for_a_look(facts):
            return self._silent_until
        target, self._memory = decide(facts, self._memory, _moment(now))
        if now >= self._next_word or self._said is None or _wish(target) != _wish(self._said):
            self._place.say(target)
            self._said = target
            self._next_word = now + _REPEAT_SECONDS
        # A wait of the policy's may end before the next repetition: decide again each second, say only what's new.
        self._next_decision = now + _DECIDE_SECONDS
        return self._next_decision

    def _watch(self, look: HostLook, at: float) -> None:
        active = self._fresh(ActiveSettings, at)
        if active is not None:
            demand = after_look(self._memory.demand, look, at, active.settings)
            self._memory = msgspec.structs.replace(self._memory, demand=demand)

    def _launched(self, launch: LaunchOutcome, *, failed: bool) -> None:
        now = time.monotonic()
        active = self._fresh(ActiveSettings, now)
        if active is None:
            return
        failure = f"{launch.name}: {launch.detail}" if failed else None
        self._memory = launch_ended(self._memory, active.settings, failure, _moment(now))
        if failed and launch.detail.startswith(FailureKind.CONFLICT):
            wishes = slots.without(self._memory.wishes, launch.slot, launch.incarnation)
            self._memory = msgspec.structs.replace(self._memory, wishes=wishes)

    def _fresh(self, kind: type[M], now: float, bound: float | None = None) -> M | None:
        envelope = self._heard.get(kind)
        if envelope is None or (bound is not None and now - envelope.monotonic > bound):
            return None
        return envelope.message if isinstance(envelope.message, kind) else None

    def _facts(self, now: float) -> Facts:
        active = self._fresh(ActiveSettings, now)
        host = self._fresh(HostLook, now, HOST_BOUND_SECONDS)
        pool = self._fresh(PoolLook, now)
        if pool is not None and now - pool.full_look_monotonic > POOL_BOUND_SECONDS:
            # Events alone don't keep it fresh: some may be missing.
            pool = None
        return Facts(
            settings=active.settings if active else None,
            intent=self._fresh(Intent, now),
            host=host,
            host_monotonic=self._heard[HostLook].monotonic if host else 0.0,
            pool=pool,
            pool_unknown=self._fresh(PoolUnknown, now),
            launcher=self._fresh(LauncherState, now),
        )


def _moment(now: float) -> Moment:
    local = time.localtime()
    return Moment(
        monotonic=now,
        unix=time.time(),
        weekday=local.tm_wday,
        second_of_day=local.tm_hour * 3600.0 + local.tm_min * 60.0 + local.tm_sec,
        luck=random.random(),  # noqa: S311 - no secret
    )


def _waits_for_a_look(facts: Facts) -> bool:
    return facts.settings is None or facts.host is None or (facts.pool is None and facts.pool_unknown is None)


def _wish(target: Target) -> Target:
    """Return what of a target is news: not its number, its validity, nor figures that change all the time."""
    hold = target.hold and msgspec.structs.replace(target.hold, detail="", until_unix=None)
    return msgspec.structs.replace(
        target,
        generation=0,
        valid_until_monotonic=0.0,
        room_cpus=None,
        owner_cpus=None,
        figures=None,
        deadline_unix=target.deadline_unix and round(target.deadline_unix, -1),
        hold=hold,
    )
