"""When a worker that ended is started again: restart intensity and back-off, after Erlang's supervisor."""

import msgspec


class RestartPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How patient the supervisor is with one worker. All durations in seconds."""

    most_failures: int = 10
    """More ends than this within ``window_seconds`` and the worker is given up."""
    window_seconds: float = 60.0
    first_delay_seconds: float = 0.25
    """Before the second restart; the first is immediate, for most crashes don't repeat."""
    longest_delay_seconds: float = 8.0
    jitter: float = 0.2
    """A delay varies by up to this fraction, so that workers with one common cause don't start as one."""


class RestartAt(msgspec.Struct, frozen=True):
    """Start it again at this moment."""

    monotonic: float


class GiveUp(msgspec.Struct, frozen=True):
    """Don't start it again: it failed too often."""

    failures: int
    window_seconds: float


def recent(failures: tuple[float, ...], now: float, policy: RestartPolicy) -> tuple[float, ...]:
    """Return those of ``failures`` (moments, oldest first) that still count at ``now``."""
    return tuple(moment for moment in failures if now - moment < policy.window_seconds)


def decide(failures: tuple[float, ...], now: float, luck: float, policy: RestartPolicy) -> RestartAt | GiveUp:
    """Decide on a worker whose ends happened at ``failures``, the present one included.

    ``luck`` is a random number from 0 to 1 for the jitter.
    """
    count = len(recent(failures, now, policy))
    if count > policy.most_failures:
        return GiveUp(count, policy.window_seconds)
    if count <= 1:
        return RestartAt(now)
    # The exponent is bounded by most_failures, which keeps the power finite.
    delay = min(policy.first_delay_seconds * 2.0 ** (count - 2), policy.longest_delay_seconds)
    return RestartAt(now + delay * (1.0 + policy.jitter * (2.0 * luck - 1.0)))
