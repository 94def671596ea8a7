"""The scheduler's decision: facts, what it remembers and now in, the whole wish out. Pure.

The full policy towards the owner belongs into ``room`` (how much there is), ``_press`` (when it's too little for too
long) and ``slots.youngest`` (who goes); this file only puts them in order.
"""

import msgspec

from plancton.common.decision import Ending, Hold, Wish
from plancton.common.messages import Mode, PoolLook, Target
from plancton.common.policy import holds, slots
from plancton.common.policy.memory import EVICTIONS, TARGET_VALID_SECONDS, Facts, Memory
from plancton.common.policy.room import Room, room
from plancton.common.reasons import Reason
from plancton.common.settings import Settings


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A decision before it's dressed as a Target."""

    memory: Memory
    launch: tuple[Wish, ...] = ()
    want: int = 0
    hold: tuple[Reason, str] | None = None
    room: Room | None = None


def decide(facts: Facts, memory: Memory, now: float, now_unix: float) -> tuple[Target, Memory]:
    """Return the whole wish at ``now`` (monotonic) and what to remember of it."""
    plan = _plan(facts, memory, now)
    held_since = now_unix if plan.hold and plan.hold[0] is not memory.hold_reason else memory.hold_since_unix
    after = msgspec.structs.replace(
        plan.memory,
        generation=memory.generation + 1,
        hold_reason=plan.hold[0] if plan.hold else None,
        hold_since_unix=held_since,
    )
    pilots = facts.pool.pilots if facts.pool else ()
    target = Target(
        generation=after.generation,
        valid_until_monotonic=now + TARGET_VALID_SECONDS,
        want=plan.want,
        running=len(slots.alive(pilots)),
        launch=plan.launch,
        withdrawn=after.wishes[len(plan.launch) :],
        end=after.endings,
        hold=Hold(reason=plan.hold[0], detail=plan.hold[1], since_unix=held_since) if plan.hold else None,
        room_cpus=plan.room.cpus if plan.room else None,
        owner_cpus=plan.room.owner_cpus if plan.room else None,
        next_incarnation=after.next_incarnation,
        capacity=after.capacity,
    )
    return target, after


def _plan(facts: Facts, memory: Memory, now: float) -> _Plan:
    blindness = holds.blind(facts)
    if blindness is not None:
        # Nothing is known to be over either, so that what was asked to end stays so.
        return _Plan(memory=memory, hold=blindness)
    settings, pool, host = facts.settings, facts.pool, facts.host
    assert settings is not None  # noqa: S101 - ``blind``'s own condition
    assert pool is not None  # noqa: S101
    memory = _remember(memory, pool, now, settings)
    if facts.intent is not None and facts.intent.mode is Mode.FORCE_STOPPING:
        return _end_all(pool, memory)
    if host is None or facts.owner_cpus is None:
        reason = Reason.HOST_UNKNOWN if host is None else Reason.OWNER_CPU_UNKNOWN
        detail = "no fresh look at the host" if host is None else "the pilots' CPU accounting can't be read"
        return _Plan(memory=memory, hold=(reason, detail))
    there = len(slots.alive(pool.pilots))
    space = room(host, facts.owner_cpus, settings, there)
    memory = _press(memory, pool, space, settings, now)
    hold = holds.standing(facts, memory, settings, now)
    if hold is not None:
        want = 0 if hold[0] in {Reason.DRAINING, Reason.STOPPING} else min(there, space.pilots)
        return _Plan(memory=memory, want=want, hold=hold, room=space)
    return _launch(memory, pool, space, settings, now)


def _remember(memory: Memory, pool: PoolLook, now: float, settings: Settings) -> Memory:
    """Bring what is remembered up to what the pool shows."""
    wishes = slots.unmet(memory.wishes, pool.pilots)
    alive = {pilot.container_id for pilot in slots.alive(pool.pilots)}
    endings = tuple(ending for ending in memory.endings if ending.container_id in alive)
    # Those on their way out won't be replaced.
    present = slots.present(pool.pilots, wishes) - len(endings)
    full = present >= memory.capacity
    shrunk = not full and now - memory.full_at > settings.main_sleep
    return msgspec.structs.replace(
        memory,
        next_incarnation=slots.next_incarnation(pool.pilots, memory.next_incarnation),
        wishes=wishes,
        capacity=present if full or shrunk else memory.capacity,
        full_at=now if full or shrunk else memory.full_at,
        grown_at=tuple(moment for moment in memory.grown_at if now - moment < settings.main_sleep),
        endings=endings,
    )


def _end_all(pool: PoolLook, memory: Memory) -> _Plan:
    endings = tuple(
        Ending(container_id=pilot.container_id, name=pilot.name, reason=Reason.FORCE_STOP, at_once=True)
        for pilot in pool.pilots
    )
    memory = msgspec.structs.replace(memory, endings=endings)
    return _Plan(memory=memory, hold=(Reason.STOPPING, f"force-stop; containers left to end: {len(endings)}"))


def _press(memory: Memory, pool: PoolLook, space: Room, settings: Settings, now: float) -> Memory:
    """End the youngest once there have been more pilots than room for ``grace_kill``."""
    leaving = {ending.container_id for ending in memory.endings}
    staying = tuple(pilot for pilot in slots.alive(pool.pilots) if pilot.container_id not in leaving)
    surplus = len(staying) - space.pilots
    if surplus <= 0:
        return msgspec.structs.replace(memory, pressed_since=None)
    since = now if memory.pressed_since is None else memory.pressed_since
    if now - since < settings.grace_kill:
        return msgspec.structs.replace(memory, pressed_since=since)
    reason = Reason.SURPLUS if space.reason is Reason.MAX_DOCKS else space.reason
    endings = tuple(
        Ending(container_id=pilot.container_id, name=pilot.name, reason=reason)
        for pilot in slots.youngest(staying, surplus)
    )
    return msgspec.structs.replace(
        memory,
        endings=memory.endings + endings,
        evicted_at=now if reason in EVICTIONS else memory.evicted_at,
        pressed_since=None,
        capacity=len(staying) - len(endings),
    )


def _launch(memory: Memory, pool: PoolLook, space: Room, settings: Settings, now: float) -> _Plan:
    """Fill the room: replacements at once, growth by ``docks_per_loop`` in each ``main_sleep``."""
    there = len(slots.alive(pool.pilots))
    present = slots.present(pool.pilots, memory.wishes)
    # Wishes beyond the room are held back; those that stay are the oldest.
    beyond = max(0, present - space.pilots)
    kept = memory.wishes[: max(0, len(memory.wishes) - beyond)]
    replacing = max(0, min(memory.capacity, space.pilots) - present)
    allowance = max(0, settings.docks_per_loop - len(memory.grown_at))
    growing = min(max(0, space.pilots - present - replacing), allowance)
    fresh = slots.new_wishes(replacing + growing, replacing, pool.pilots, memory.wishes, memory.next_incarnation)
    want = min(present + len(fresh), space.pilots)
    memory = msgspec.structs.replace(
        memory,
        wishes=memory.wishes + fresh,
        next_incarnation=memory.next_incarnation + len(fresh),
        grown_at=memory.grown_at + (now,) * growing,
        capacity=max(memory.capacity, want),
        full_at=now if want >= memory.capacity else memory.full_at,
    )
    return _Plan(
        memory=memory, launch=kept + fresh, want=want, hold=holds.limit(space, settings, want, there), room=space
    )
