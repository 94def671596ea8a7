"""The scheduler's decision: facts, what it remembers and now in, the whole wish out. Pure.

The full policy towards the owner belongs into ``room`` (how much there is), ``pressed`` (when it's too little for too
long) and ``slots.youngest`` (who goes); this file only puts them in order.
"""

import msgspec

from plancton.common.messages import (
    Ending,
    Hold,
    HostLook,
    Intent,
    LauncherState,
    Mode,
    PoolLook,
    PoolUnknown,
    Target,
    Wish,
)
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from plancton.workers.scheduler import slots
from plancton.workers.scheduler.room import Room, room

TARGET_VALID_SECONDS = 15.0
"""How long hands may act on a target. Longer than its repetition, shorter than an owner's patience."""
_LONGEST_RETRY_SECONDS = 60.0
_FOR_THE_OWNER = frozenset({Reason.OWNER_CPU, Reason.OWNER_MEMORY})
"""Endings for these reasons are evictions."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known now. None means unknown or too old to be relied on, never zero."""

    settings: Settings | None = None
    intent: Intent | None = None
    host: HostLook | None = None
    owner_cpus: float | None = None
    """Smoothed; None while the pilots' own use is unknown."""
    pool: PoolLook | None = None
    pool_unknown: PoolUnknown | None = None
    launcher: LauncherState | None = None


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What one decision leaves to the next. Moments are monotonic seconds."""

    generation: int = 0
    next_incarnation: int = 1
    capacity: int = 0
    """The number of pilots that the node has grown to; filling up to here is replacing, not growth."""
    full_at: float = 0.0
    """When that many were last present."""
    grown_at: tuple[float, ...] = ()
    """The moments of the growth that still counts against ``docks_per_loop``."""
    wishes: tuple[Wish, ...] = ()
    """Those whose pilot was never seen, oldest first. One that is held back stays here and keeps its slot: a launch
    under way may fulfil it yet."""
    pressed_since: float | None = None
    """Since when there are more pilots than room."""
    endings: tuple[Ending, ...] = ()
    evicted_at: float | None = None
    launch_failures: int = 0
    """In a row."""
    retry_at: float = 0.0
    hold_reason: Reason | None = None
    hold_since_unix: float = 0.0


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


def recover(target: Target) -> Memory:
    """Return what a scheduler remembers that starts after another one which said ``target`` last."""
    said_at = target.valid_until_monotonic - TARGET_VALID_SECONDS
    hold = target.hold
    evicted = any(ending.reason in _FOR_THE_OWNER for ending in target.end)
    return Memory(
        generation=target.generation,
        next_incarnation=target.next_incarnation,
        capacity=target.capacity,
        full_at=said_at,
        grown_at=(said_at,) * sum(not wish.replaces for wish in target.launch),
        wishes=target.launch + target.withdrawn,
        endings=target.end,
        evicted_at=said_at if evicted or (hold and hold.reason is Reason.AFTER_EVICTION) else None,
        hold_reason=hold.reason if hold else None,
        hold_since_unix=hold.since_unix if hold else 0.0,
    )


def launch_failed(memory: Memory, now: float, *, failed: bool) -> Memory:
    """Return the memory after a launch ended: failures in a row hold further launches for longer and longer."""
    if not failed:
        return msgspec.structs.replace(memory, launch_failures=0, retry_at=0.0)
    if now < memory.retry_at:
        # It was under way when the one before failed: several of one cause are one failure.
        return memory
    failures = memory.launch_failures + 1
    delay = min(2.0 ** min(failures - 1, 10), _LONGEST_RETRY_SECONDS)
    return msgspec.structs.replace(memory, launch_failures=failures, retry_at=now + delay)


def _plan(facts: Facts, memory: Memory, now: float) -> _Plan:
    blind = _blind(facts)
    if blind is not None:
        # Nothing is known to be over either, so that what was asked to end stays so.
        return _Plan(memory=memory, hold=blind)
    settings, pool, host = facts.settings, facts.pool, facts.host
    assert settings is not None  # noqa: S101 - _blind's own condition
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
    hold = _hold(facts, memory, settings, now)
    if hold is not None:
        want = 0 if hold[0] in {Reason.DRAINING, Reason.STOPPING} else min(there, space.pilots)
        return _Plan(memory=memory, want=want, hold=hold, room=space)
    return _launch(memory, pool, space, settings, now)


def _blind(facts: Facts) -> tuple[Reason, str] | None:
    if facts.settings is None or facts.intent is None:
        return Reason.NO_SETTINGS, "no settings yet"
    if facts.pool is None:
        why = facts.pool_unknown.why if facts.pool_unknown else "no fresh look at the engine"
        return Reason.ENGINE_UNKNOWN, why
    return None


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
        evicted_at=now if reason in _FOR_THE_OWNER else memory.evicted_at,
        pressed_since=None,
        capacity=len(staying) - len(endings),
    )


def _hold(  # noqa: PLR0911 - one for each reason
    facts: Facts, memory: Memory, settings: Settings, now: float
) -> tuple[Reason, str] | None:
    """Return why nothing is launched whatever the room, None where nothing stands against it."""
    intent, launcher = facts.intent, facts.launcher
    assert intent is not None  # noqa: S101 - _blind's own condition
    if intent.mode is Mode.DRAINING:
        return Reason.DRAINING, "drained by the operator; resume ends it"
    if intent.mode is Mode.DRAIN_STOPPING:
        return Reason.STOPPING, "stopping once the last pilot has ended"
    for worker, reason in (("launcher", Reason.NO_LAUNCHER), ("reaper", Reason.NO_REAPER)):
        if worker in intent.lost_workers:
            return reason, f"the {worker} was given up after repeated failures; see the log, then restart planctond"
    if launcher is None or launcher.image_id is None or launcher.image != settings.docker_image:
        return Reason.NO_IMAGE, _image_detail(launcher, settings)
    if memory.evicted_at is not None and now - memory.evicted_at < settings.grace_spawn:
        return Reason.AFTER_EVICTION, f"grace_spawn: {settings.grace_spawn:g} s after pilots were ended for the owner"
    if now < memory.retry_at:
        return Reason.LAUNCHES_FAIL, f"{memory.launch_failures} launches failed in a row; trying again"
    return None


def _image_detail(launcher: LauncherState | None, settings: Settings) -> str:
    if launcher is None or launcher.image != settings.docker_image:
        return f"{settings.docker_image} is being looked for"
    if launcher.pulling and not launcher.detail:
        return f"pulling {launcher.image}"
    return f"{launcher.image} is neither here nor to be had: {launcher.detail}"


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
    return _Plan(memory=memory, launch=kept + fresh, want=want, hold=_limit(space, settings, want, there), room=space)


def _limit(space: Room, settings: Settings, want: int, there: int) -> tuple[Reason, str] | None:
    """Say which limit keeps the number of pilots where it is."""
    if want < space.pilots:
        return Reason.GROWTH_LIMIT, f"at most {settings.docks_per_loop} more in each {settings.main_sleep:g} s"
    if space.reason is Reason.MAX_DOCKS:
        return Reason.MAX_DOCKS, f"max_docks ({settings.max_docks}) is {space.by_max_docks} here"
    if space.reason is Reason.OWNER_MEMORY:
        return (
            Reason.OWNER_MEMORY,
            f"memory for {space.by_memory} pilots of {settings.max_dock_mem} bytes; {there} there",
        )
    detail = (
        f"the owner uses {space.owner_cpus:.2f} CPUs; {space.cpus:.2f} are left to pilots of {settings.cpus_per_dock:g}"
    )
    return Reason.OWNER_CPU, detail
