"""What the counters in ``status`` count, and which events are news: pure."""

from collections.abc import Mapping

import msgspec

from plancton.common.codec import Envelope
from plancton.common.messages import Counters, EndingAction, EndingOutcome, LaunchOutcome, Message, Outcome
from plancton.workers.metrics.points.exits import exit_of, fizzled, is_end

_BOOTS = 64
_DEEDS = 1000
"""How many senders' lives and how many launches and removals are remembered."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What tells a repetition from news."""

    last: dict[str, int] = {}
    """The sequence of the last event of each boot id."""
    deeds: tuple[str, ...] = ()
    """The last launches and removals that succeeded."""


def recall(memory: Memory, envelope: Envelope) -> Memory | None:
    """Return the memory with this event in it; None if it, or what it tells, was heard before.

    A sender's events arrive in order, so one that isn't newer than the last of its boot is a repetition. A hand that
    lost its own memory may also do a thing again that was done: a container is launched once and removed once.
    """
    if envelope.sequence <= memory.last.get(envelope.boot, 0):
        return None
    deed = _deed(envelope.message)
    if deed is not None and deed in memory.deeds:
        return None
    last = {boot: sequence for boot, sequence in memory.last.items() if boot != envelope.boot}
    last[envelope.boot] = envelope.sequence
    return Memory(
        last=dict(list(last.items())[-_BOOTS:]),
        deeds=memory.deeds if deed is None else (*memory.deeds, deed)[-_DEEDS:],
    )


def _deed(message: Message) -> str | None:
    match message:
        case LaunchOutcome(outcome=Outcome.DONE, name=name):
            return f"launched {name}"
        case EndingOutcome(action=EndingAction.REMOVED, outcome=Outcome.DONE, container_id=container_id):
            return f"removed {container_id}"
        case _:
            return None


def count(counters: Counters, message: Message, fizzle_seconds: float) -> Counters:
    """Return the counters with this event counted; whatever isn't to be counted changes nothing.

    A launch that was refused because nobody wished for it any more is neither a launch nor a failure. A pilot has ended
    once its container is removed; if it did so by itself before ``fizzle_seconds``, it fizzled.
    """
    match message:
        case LaunchOutcome(outcome=Outcome.DONE):
            return msgspec.structs.replace(counters, launched=counters.launched + 1)
        case LaunchOutcome(outcome=Outcome.FAILED | Outcome.TIMED_OUT):
            return msgspec.structs.replace(counters, launch_failures=counters.launch_failures + 1)
        case EndingOutcome() as end if is_end(end):
            return _count_end(counters, end, fizzle_seconds)
        case EndingOutcome(action=EndingAction.SUSPENDED, outcome=Outcome.DONE):
            return msgspec.structs.replace(counters, suspended=counters.suspended + 1)
        case EndingOutcome(action=EndingAction.RESUMED, outcome=Outcome.DONE):
            return msgspec.structs.replace(counters, resumed=counters.resumed + 1)
        case _:
            return counters


def _count_end(counters: Counters, end: EndingOutcome, fizzle_seconds: float) -> Counters:
    reason, exit_ = end.reason.value, exit_of(end, fizzle_seconds).value
    return msgspec.structs.replace(
        counters,
        ended_by_themselves=counters.ended_by_themselves + (end.started and not end.killed),
        never_started=counters.never_started + (not end.started),
        ended_by_reason={**counters.ended_by_reason, reason: counters.ended_by_reason.get(reason, 0) + 1},
        pilot_seconds=counters.pilot_seconds + (end.uptime_seconds or 0.0 if end.started else 0.0),
        fizzled=counters.fizzled + fizzled(end, fizzle_seconds),
        exits={**counters.exits, exit_: counters.exits.get(exit_, 0) + 1},
    )


def resume(former: Counters, own: Counters) -> Counters:
    """Return the totals of a former life and this one. Sinks and store stay this one's."""
    return Counters(
        launched=former.launched + own.launched,
        launch_failures=former.launch_failures + own.launch_failures,
        ended_by_themselves=former.ended_by_themselves + own.ended_by_themselves,
        never_started=former.never_started + own.never_started,
        ended_by_reason=_sums(former.ended_by_reason, own.ended_by_reason),
        pilot_seconds=former.pilot_seconds + own.pilot_seconds,
        sinks=own.sinks,
        suspended=former.suspended + own.suspended,
        resumed=former.resumed + own.resumed,
        fizzled=former.fizzled + own.fizzled,
        journal_dropped=former.journal_dropped + own.journal_dropped,
        given_core_seconds=former.given_core_seconds + own.given_core_seconds,
        free_core_seconds=former.free_core_seconds + own.free_core_seconds,
        lost_core_seconds=former.lost_core_seconds + own.lost_core_seconds,
        owner_stall_cpu_seconds=former.owner_stall_cpu_seconds + own.owner_stall_cpu_seconds,
        owner_stall_memory_seconds=former.owner_stall_memory_seconds + own.owner_stall_memory_seconds,
        owner_stall_io_seconds=former.owner_stall_io_seconds + own.owner_stall_io_seconds,
        exits=_sums(former.exits, own.exits),
        store=own.store,
    )


def _sums(former: Mapping[str, int], own: Mapping[str, int]) -> dict[str, int]:
    return {key: former.get(key, 0) + own.get(key, 0) for key in (*former, *own)}
