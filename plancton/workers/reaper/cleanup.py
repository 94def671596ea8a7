"""Which containers to suspend, to end and to remove, and how: pure."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from plancton.common.decision import Ending, Suspension
from plancton.common.messages import PoolLook, Target
from plancton.common.pilot import ENDED_STATES, Pilot, PilotState
from plancton.common.reasons import Reason
from plancton.common.settings import Settings

_RETRY_SECONDS = 2.0
"""Before something that failed, or whose effect isn't seen, is tried again; doubled each time."""
_TURN_RETRY_SECONDS = 0.5
"""The same after a suspension failed, or a resumption."""
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

    SUSPEND = "suspend"
    RESUME = "resume"
    TERMINATE = "terminate"
    KILL = "kill"
    REMOVE = "remove"
    REMOVE_FORCED = "remove-forced"


_URGENCY = {
    # It's the quickest, and the owner waits for it.
    Act.SUSPEND: 0,
    Act.TERMINATE: 1,
    Act.KILL: 1,
    Act.REMOVE_FORCED: 1,
    Act.RESUME: 2,
    Act.REMOVE: 3,
}


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to do to one container."""

    act: Act
    pilot: Pilot
    reason: Reason
    figures: str = ""
    """On which figures it was decided."""
    stands: bool = False
    """It is suspended, or may be: it must go on before it can heed SIGTERM."""
    output_bytes: int = 0
    """Before a removal: so much of the end of its output is kept."""
    fizzles_under_seconds: float | None = None
    """If it ran for less than this, some of its output is kept in any case; None: whatever its life was."""


Cause = tuple[Reason, str]
"""A reason, and the figures that it stands on."""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """The last attempt to suspend a pilot, or to let it go on."""

    act: Act
    tries: int = 1
    """In a row."""
    not_before: float


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What the reaper remembers of one container. Moments are monotonic seconds."""

    started_at: float | None = None
    """When it was started. Kept from the first sight of it, so that a wall clock that jumps doesn't age it."""
    terminated_at: float | None = None
    ended_for: Reason | None = None
    """Why it was ended by the reaper; None where it ends by itself."""
    ended_on: str = ""
    """On which figures."""
    tries: int = 0
    """At ending or removing it."""
    not_before: float = 0.0
    """Of the next of these."""
    turned: Turn | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known now; None means unknown."""

    settings: Settings | None = None
    target: Target | None = None
    """None too where it's void."""
    pool: PoolLook | None = None


Memories = Mapping[str, Memory]
"""By container id."""


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a valid target asks for; nothing where there is none."""

    starts: frozenset[tuple[int, int]] = frozenset()
    endings: Mapping[str, Ending] = {}
    suspensions: Mapping[str, Suspension] = {}
    valid: bool = False


def due(facts: Facts, memories: Memories, busy: frozenset[str], now: float, now_unix: float) -> tuple[Order, ...]:
    """Return what to do now, the most pressing first; nothing to containers in ``busy``."""
    if facts.pool is None or facts.settings is None:
        return ()
    resting = sum(pilot.state in ENDED_STATES for pilot in facts.pool.pilots)
    rest = _REST_SECONDS if resting <= _MOST_RESTING else 0.0
    wanted = _wanted(facts.target)
    orders: list[Order] = []
    for pilot in facts.pool.pilots:
        if pilot.container_id in busy:
            continue
        memory = memories.get(pilot.container_id, Memory())
        ending = wanted.endings.get(pilot.container_id)
        order: Order | None
        if ending is not None and ending.at_once:
            order = _remove_at_once(pilot, ending, facts.settings)
        elif pilot.state in ENDED_STATES:
            order = _remove_ended(pilot, memory, facts.settings, now_unix, rest)
        elif pilot.state is PilotState.CREATED:
            order = None if (pilot.slot, pilot.incarnation) in wanted.starts else _remove_debris(pilot, now_unix)
        else:
            cause = _cause(ending, memory, facts.settings, now)
            grace = facts.settings.stop_grace
            order = _end(pilot, cause, memory, now, grace) if cause else _turn(pilot, wanted)
        if order is not None and not _waits(order, memory, now):
            orders.append(order)
    return tuple(sorted(orders, key=lambda order: _URGENCY[order.act]))


def _wanted(target: Target | None) -> _Wanted:
    if target is None:
        return _Wanted()
    return _Wanted(
        starts=frozenset((wish.slot, wish.incarnation) for wish in target.launch),
        endings={ending.container_id: ending for ending in target.end},
        suspensions={suspension.container_id: suspension for suspension in target.suspend},
        valid=True,
    )


def _waits(order: Order, memory: Memory, now: float) -> bool:
    """Tell whether the same was tried too recently. A change of mind, or an end, doesn't wait for a suspension."""
    if order.act in {Act.SUSPEND, Act.RESUME}:
        return memory.turned is not None and memory.turned.act is order.act and now < memory.turned.not_before
    return now < memory.not_before


def _remove_ended(pilot: Pilot, memory: Memory, settings: Settings, now_unix: float, rest: float) -> Order | None:
    if pilot.ended_unix is not None and 0.0 <= now_unix - pilot.ended_unix < rest:
        return None
    order = Order(act=Act.REMOVE, pilot=pilot, reason=Reason.ENDED, output_bytes=settings.output_size)
    if memory.ended_for is not None:
        return msgspec.structs.replace(order, reason=memory.ended_for, figures=memory.ended_on)
    return msgspec.structs.replace(order, fizzles_under_seconds=settings.fizzle_seconds)


def _remove_at_once(pilot: Pilot, ending: Ending, settings: Settings) -> Order:
    return Order(
        act=Act.REMOVE_FORCED,
        pilot=pilot,
        reason=ending.reason,
        figures=ending.detail,
        output_bytes=settings.output_size,
    )


def _remove_debris(pilot: Pilot, now_unix: float) -> Order | None:
    if now_unix - pilot.created_unix < _NEVER_STARTED_SECONDS:
        return None
    return Order(act=Act.REMOVE, pilot=pilot, reason=Reason.NEVER_STARTED)


def _cause(ending: Ending | None, memory: Memory, settings: Settings, now: float) -> Cause | None:
    """Return why a live pilot must end, None where it may live on. A suspended one grows old like any other."""
    if ending is not None:
        return ending.reason, ending.detail
    if memory.ended_for is not None:
        return memory.ended_for, memory.ended_on
    if memory.started_at is not None and now - memory.started_at > settings.max_ttl:
        return Reason.EXPIRED, f"max_ttl: {settings.max_ttl:g} s"
    return None


def _end(pilot: Pilot, cause: Cause, memory: Memory, now: float, grace_seconds: float) -> Order | None:
    reason, figures = cause
    if memory.terminated_at is None and memory.tries < _MOST_TERMS:
        # The pool may not show a suspension yet.
        suspending = memory.turned is not None and memory.turned.act is Act.SUSPEND
        stands = pilot.state is PilotState.PAUSED or suspending
        return Order(act=Act.TERMINATE, pilot=pilot, reason=reason, figures=figures, stands=stands)
    if memory.terminated_at is None or now - memory.terminated_at >= grace_seconds:
        return Order(act=Act.KILL, pilot=pilot, reason=reason, figures=figures)
    if pilot.state is PilotState.PAUSED:
        # Somebody else suspended it, or a suspension came late: it must not spend its time to finish so.
        return Order(act=Act.RESUME, pilot=pilot, reason=reason, figures=figures)
    return None


def _turn(pilot: Pilot, wanted: _Wanted) -> Order | None:
    suspension = wanted.suspensions.get(pilot.container_id)
    if suspension is not None and pilot.state is PilotState.RUNNING:
        return Order(act=Act.SUSPEND, pilot=pilot, reason=suspension.reason, figures=suspension.detail)
    if suspension is None and pilot.state is PilotState.PAUSED and wanted.valid:
        return Order(act=Act.RESUME, pilot=pilot, reason=Reason.ROOM_AGAIN)
    return None


def after(order: Order, memory: Memory, now: float, *, failed: bool) -> Memory:
    """Return the memory after the call of ``order`` came back. One that timed out may have had its effect."""
    if order.act in {Act.SUSPEND, Act.RESUME}:
        before = memory.turned if memory.turned is not None and memory.turned.act is order.act else None
        tries = before.tries + 1 if before else 1
        return msgspec.structs.replace(memory, turned=_turned(order.act, tries, now, failed=failed))
    if order.act is Act.TERMINATE and not failed:
        return Memory(
            started_at=memory.started_at,
            terminated_at=now,
            ended_for=order.reason,
            ended_on=order.figures,
            turned=_turned(Act.RESUME, 1, now, failed=False) if order.stands else memory.turned,
        )
    tries = memory.tries + 1
    memory = msgspec.structs.replace(memory, tries=tries, not_before=now + _delay(tries))
    if failed or order.act is Act.REMOVE:
        return memory
    return msgspec.structs.replace(memory, ended_for=order.reason, ended_on=order.figures)


def _turned(act: Act, tries: int, now: float, *, failed: bool) -> Turn:
    first = _TURN_RETRY_SECONDS if failed else _RETRY_SECONDS
    return Turn(act=act, tries=tries, not_before=now + _delay(tries, first))


def _delay(tries: int, first: float = _RETRY_SECONDS) -> float:
    return min(first * 2.0 ** min(tries - 1, 10), _LONGEST_RETRY_SECONDS)


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
    moments = [memory.turned.not_before for memory in memories.values() if memory.turned is not None]
    if facts.settings is not None:
        grace = facts.settings.stop_grace
        moments += [memory.terminated_at + grace for memory in memories.values() if memory.terminated_at is not None]
    return min((moment for moment in moments if now < moment < now + 1.0), default=now + 1.0)
