"""Which containers to end and which to remove, and how: pure."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from plancton.common.messages import PoolLook, Target
from plancton.common.pilot import ENDED_STATES, Pilot, PilotState
from plancton.common.reasons import Reason
from plancton.common.settings import Settings

_RETRY_SECONDS = 2.0
"""Before something that failed, or whose effect isn't seen, is tried again; doubled each time."""
_LONGEST_RETRY_SECONDS = 60.0
_REST_SECONDS = 2.0
"""How long an ended container waits for its removal, which would compete with its replacement's start."""
_MOST_RESTING = 32
"""More ended containers than these aren't let wait."""
_MOST_TERMS = 3
"""After as many failed attempts at SIGTERM, SIGKILL is tried."""
_NEVER_STARTED_SECONDS = 20.0
"""How old a container that nobody wishes to start must be to be debris."""


class Act(StrEnum):
    """What is done to a container."""

    TERMINATE = "terminate"
    KILL = "kill"
    REMOVE = "remove"
    REMOVE_FORCED = "remove-forced"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One call to make."""

    act: Act
    pilot: Pilot
    reason: Reason


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What the reaper remembers of one container. Moments are monotonic seconds."""

    started_at: float | None = None
    """When it was started. Kept from the first sight of it, so that a wall clock that jumps doesn't age it."""
    terminated_at: float | None = None
    ended_for: Reason | None = None
    """Why it was ended by the reaper; None where it ends by itself."""
    tries: int = 0
    not_before: float = 0.0


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known now; None means unknown."""

    settings: Settings | None = None
    target: Target | None = None
    """None too where it's void."""
    pool: PoolLook | None = None


Memories = Mapping[str, Memory]
"""By container id."""


def due(facts: Facts, memories: Memories, busy: frozenset[str], now: float, now_unix: float) -> tuple[Order, ...]:
    """Return the calls to make now, the most pressing first; none for containers in ``busy``."""
    if facts.pool is None or facts.settings is None:
        return ()
    resting = sum(pilot.state in ENDED_STATES for pilot in facts.pool.pilots)
    rest = _REST_SECONDS if resting <= _MOST_RESTING else 0.0
    wished = {(wish.slot, wish.incarnation) for wish in facts.target.launch} if facts.target else set()
    endings = {ending.container_id: ending for ending in facts.target.end} if facts.target else {}
    orders: list[Order] = []
    for pilot in facts.pool.pilots:
        memory = memories.get(pilot.container_id, Memory())
        if pilot.container_id in busy or now < memory.not_before:
            continue
        ending = endings.get(pilot.container_id)
        order: Order | None
        if ending is not None and ending.at_once:
            order = Order(act=Act.REMOVE_FORCED, pilot=pilot, reason=ending.reason)
        elif pilot.state in ENDED_STATES:
            order = _remove_ended(pilot, memory, now_unix, rest)
        elif pilot.state is PilotState.CREATED:
            order = None if (pilot.slot, pilot.incarnation) in wished else _remove_debris(pilot, now_unix)
        else:
            expired = memory.started_at is not None and now - memory.started_at > facts.settings.max_ttl
            reason = ending.reason if ending else (Reason.EXPIRED if expired else memory.ended_for)
            order = _end(pilot, reason, memory, now, facts.settings.stop_grace) if reason else None
        if order is not None:
            orders.append(order)
    return tuple(sorted(orders, key=lambda order: order.act is Act.REMOVE))


def _remove_ended(pilot: Pilot, memory: Memory, now_unix: float, rest: float) -> Order | None:
    if pilot.ended_unix is not None and 0.0 <= now_unix - pilot.ended_unix < rest:
        return None
    return Order(act=Act.REMOVE, pilot=pilot, reason=memory.ended_for or Reason.ENDED)


def _remove_debris(pilot: Pilot, now_unix: float) -> Order | None:
    if now_unix - pilot.created_unix < _NEVER_STARTED_SECONDS:
        return None
    return Order(act=Act.REMOVE, pilot=pilot, reason=Reason.NEVER_STARTED)


def _end(pilot: Pilot, reason: Reason, memory: Memory, now: float, grace_seconds: float) -> Order | None:
    if memory.terminated_at is None and memory.tries < _MOST_TERMS:
        return Order(act=Act.TERMINATE, pilot=pilot, reason=reason)
    if memory.terminated_at is None or now - memory.terminated_at >= grace_seconds:
        return Order(act=Act.KILL, pilot=pilot, reason=reason)
    return None


def after(order: Order, memory: Memory, now: float, *, failed: bool) -> Memory:
    """Return the memory after the call of ``order`` came back. One that timed out may have had its effect."""
    if order.act is Act.TERMINATE and not failed:
        return Memory(started_at=memory.started_at, terminated_at=now, ended_for=order.reason)
    tries = memory.tries + 1
    delay = min(_RETRY_SECONDS * 2.0 ** min(tries - 1, 10), _LONGEST_RETRY_SECONDS)
    ended_for = memory.ended_for if failed or order.act is Act.REMOVE else order.reason
    return msgspec.structs.replace(memory, ended_for=ended_for, tries=tries, not_before=now + delay)


def seen(memories: Memories, pilots: Iterable[Pilot], now: float, now_unix: float) -> dict[str, Memory]:
    """Return the memories of the containers that exist, now that ``pilots`` were seen."""
    there: dict[str, Memory] = {}
    for pilot in pilots:
        memory = memories.get(pilot.container_id, Memory())
        if memory.started_at is None and pilot.state is not PilotState.CREATED:
            age = now_unix - (pilot.started_unix or pilot.created_unix)
            memory = msgspec.structs.replace(memory, started_at=now - max(0.0, age))
        there[pilot.container_id] = memory
    return there


def next_moment(facts: Facts, memories: Memories, now: float) -> float:
    """Return when to look again although nothing happened: a grace that ends, a rest, a retry, an expiry."""
    moments = [now + 1.0]
    if facts.settings is not None:
        moments += [
            memory.terminated_at + facts.settings.stop_grace
            for memory in memories.values()
            if memory.terminated_at is not None and memory.terminated_at + facts.settings.stop_grace > now
        ]
    return min(moments)
