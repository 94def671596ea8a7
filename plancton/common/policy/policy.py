"""The scheduler's decision: facts, what it remembers and now in, the whole wish out. Pure.

This file only puts the parts in order: what is known (``slots``, ``demand``, ``fizzles``), how much room there is
(``room``), who gives way (``ladder``), why nothing is launched (``holds``), and what is.
"""

import msgspec

from plancton.common.decision import Ending, Hold, Suspension, Wish
from plancton.common.messages import HostLook, Mode, PoolLook, Target
from plancton.common.pilot import PilotState
from plancton.common.policy import fizzles, holds, ladder, slots
from plancton.common.policy.demand import after_look, measured_anew, shortage_bytes
from plancton.common.policy.facts import Facts, Moment
from plancton.common.policy.holds import Why
from plancton.common.policy.memory import TARGET_VALID_SECONDS, Memory
from plancton.common.policy.room import Room, Taken, pilot_bytes, room
from plancton.common.policy.slots import Census
from plancton.common.reasons import Reason
from plancton.common.settings import Settings

_CLAIMING_SECONDS = 60.0
"""A pilot younger than this may not have taken its memory yet: what it may still take counts as taken."""


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A decision before it's dressed as a Target."""

    memory: Memory
    launch: tuple[Wish, ...] = ()
    want: int = 0
    hold: Why | None = None
    room: Room | None = None
    drilled: tuple[Suspension, ...] = ()


class _View(msgspec.Struct, frozen=True, kw_only=True):
    """The facts, once they're known to be there."""

    facts: Facts
    settings: Settings
    pool: PoolLook
    look: Census
    moment: Moment


def decide(facts: Facts, memory: Memory, moment: Moment) -> tuple[Target, Memory]:
    """Return the whole wish at ``moment`` and what to remember of it."""
    look = slots.census(facts.pool.pilots if facts.pool else ())
    plan = _plan(facts, memory, look, moment)
    hold = plan.hold
    held_since = moment.unix if hold and hold.reason is not memory.hold_reason else memory.hold_since_unix
    after = msgspec.structs.replace(
        plan.memory,
        generation=memory.generation + 1,
        hold_reason=hold.reason if hold else None,
        hold_since_unix=held_since,
    )
    target = Target(
        generation=after.generation,
        valid_until_monotonic=moment.monotonic + TARGET_VALID_SECONDS,
        want=plan.want,
        running=len(look.alive),
        launch=plan.launch,
        withdrawn=_withdrawn(after.wishes, plan.launch),
        end=after.endings,
        hold=_dressed(hold, held_since) if hold else None,
        room_cpus=plan.room.cpus if plan.room else None,
        owner_cpus=plan.room.figures.owner_cpus if plan.room else None,
        next_incarnation=after.next_incarnation,
        capacity=after.capacity,
        suspend=after.suspensions + plan.drilled,
        deadline_unix=holds.deadline_unix(facts, moment),
        figures=plan.room.figures if plan.room else None,
        breaker=after.breaker,
    )
    return target, after


def _dressed(why: Why, since_unix: float) -> Hold:
    return Hold(reason=why.reason, detail=why.detail, since_unix=since_unix, until_unix=why.until_unix)


def _withdrawn(wishes: tuple[Wish, ...], launch: tuple[Wish, ...]) -> tuple[Wish, ...]:
    # What is launched are the oldest of the wishes.
    return wishes[len(launch) :]


def _plan(facts: Facts, memory: Memory, look: Census, moment: Moment) -> _Plan:
    blindness = holds.blind(facts)
    if blindness is not None:
        # Nothing is known to be over either, so that what was asked to end stays so.
        if blindness.reason is Reason.ENGINE_UNKNOWN:
            memory = fizzles.lost_sight(memory, moment)
        return _Plan(memory=_watched(memory, facts), hold=blindness)
    assert facts.settings is not None  # noqa: S101 - ``blind``'s own conditions
    assert facts.pool is not None  # noqa: S101
    assert facts.intent is not None  # noqa: S101
    view = _View(facts=facts, settings=facts.settings, pool=facts.pool, look=look, moment=moment)
    memory = _remember(fizzles.after_look(_watched(memory, facts), facts, view.pool, look, moment), view)
    if facts.intent.mode is Mode.FORCE_STOPPING:
        return _end_all(view, memory)
    nobody = holds.nobody(facts.intent, view.settings, moment)
    if nobody is not None:
        memory = ladder.end(memory, look.alive, (nobody.reason, nobody.detail), moment)
        standing = holds.standing(facts, memory, view.settings, look, moment)
        # That planctond is on its way to stop must be told: the supervisor waits for the word.
        stops = standing is not None and standing.reason is Reason.STOPPING
        return _Plan(memory=memory, hold=standing if stops else nobody)
    return _with_host(view, memory)


def _with_host(view: _View, memory: Memory) -> _Plan:
    """Decide what the room for pilots decides."""
    facts, settings, look, moment = view.facts, view.settings, view.look, view.moment
    host, there = facts.host, len(look.alive)
    if host is None:
        return _Plan(memory=memory, hold=Why(Reason.HOST_UNKNOWN, "no fresh look at the host"))
    taken = Taken(pilots=slots.present(look, memory.wishes), unclaimed=_unclaimed(look, memory, host, view))
    space = room(host, memory.demand, settings, taken, moment.monotonic)
    if space is None:
        return _Plan(memory=memory, hold=Why(Reason.OWNER_CPU_UNKNOWN, "the pilots' CPU accounting can't be read"))
    memory = ladder.climb(memory, ladder.Scene(settings=settings, host=host, look=look, room=space, moment=moment))
    hold = holds.standing(facts, memory, settings, look, moment)
    if hold is None:
        return _launch(view, memory, space)
    drains = hold.reason in {Reason.DRAINING, Reason.STOPPING}
    drilled = _drilled(view, memory, hold) if hold.reason is Reason.DRILL and not shortage_bytes(host, settings) else ()
    return _Plan(memory=memory, want=0 if drains else min(there, space.keep), hold=hold, room=space, drilled=drilled)


def _watched(memory: Memory, facts: Facts) -> Memory:
    """Fold a new look at the host into what is remembered of the owner's demand."""
    if facts.host is None or facts.settings is None:
        return memory
    demand = after_look(memory.demand, facts.host, facts.host_monotonic, facts.settings)
    return memory if demand is memory.demand else msgspec.structs.replace(memory, demand=demand)


def _remember(memory: Memory, view: _View) -> Memory:
    """Bring what is remembered up to what the pool shows."""
    look, now, settings = view.look, view.moment.monotonic, view.settings
    wishes = slots.unmet(memory.wishes, look)
    alive = {pilot.container_id for pilot in look.alive} if memory.endings or memory.suspensions else set()
    endings = tuple(ending for ending in memory.endings if ending.container_id in alive)
    # Those on their way out won't be replaced.
    present = slots.present(look, wishes) - len(endings)
    # What was seen before they were gone says nothing about whether more must go.
    demand = measured_anew(memory.demand) if len(endings) < len(memory.endings) else memory.demand
    full = present >= memory.capacity
    shrunk = not full and now - memory.full_at > settings.main_sleep
    return msgspec.structs.replace(
        memory,
        demand=demand,
        next_incarnation=max(memory.next_incarnation, 1, look.latest + 1),
        wishes=wishes,
        capacity=present if full or shrunk else memory.capacity,
        full_at=now if full or shrunk else memory.full_at,
        grown_at=tuple(moment for moment in memory.grown_at if now - moment < settings.main_sleep),
        endings=endings,
        suspensions=tuple(each for each in memory.suspensions if each.container_id in alive),
    )


def _end_all(view: _View, memory: Memory) -> _Plan:
    endings = tuple(
        Ending(container_id=pilot.container_id, name=pilot.name, reason=Reason.FORCE_STOP, at_once=True)
        for pilot in view.pool.pilots
    )
    memory = msgspec.structs.replace(memory, endings=endings, suspensions=())
    return _Plan(memory=memory, hold=Why(Reason.STOPPING, f"force-stop; containers left to end: {len(endings)}"))


def _drilled(view: _View, memory: Memory, hold: Why) -> tuple[Suspension, ...]:
    return tuple(
        Suspension(
            container_id=pilot.container_id,
            name=pilot.name,
            reason=hold.reason,
            detail=hold.detail,
            since_monotonic=view.moment.monotonic,
        )
        for pilot in ladder.active(memory, view.look)
        if pilot.state in {PilotState.RUNNING, PilotState.PAUSED}
    )


def _unclaimed(look: Census, memory: Memory, host: HostLook, view: _View) -> float:
    """Return the memory, in whole pilots, that young pilots and those on their way may still take."""
    each = pilot_bytes(host, view.settings)
    lacking = float(len(slots.unborn(memory.wishes, look)))
    for pilot in look.alive:
        if view.moment.unix - pilot.begun_unix < _CLAIMING_SECONDS:
            lacking += max(0.0, 1.0 - (pilot.memory_bytes or 0) / each)
    return lacking


def _launch(view: _View, memory: Memory, space: Room) -> _Plan:
    """Fill the room: replacements at once, growth by ``docks_per_loop`` in each ``main_sleep``."""
    settings, look = view.settings, view.look
    there, present = len(look.alive), slots.present(look, memory.wishes)
    # Wishes beyond the room are held back; those that stay are the oldest.
    kept = memory.wishes[: max(0, len(memory.wishes) - max(0, present - space.keep))]
    if fizzles.on_trial(memory):
        return _try_one(view, memory, space, kept)
    replacing = max(0, min(memory.capacity, space.keep) - present)
    allowance = max(0, settings.docks_per_loop - len(memory.grown_at))
    growing = min(max(0, space.grow - present - replacing), allowance)
    fits = f"the owner uses at most {space.figures.owner_peak_cpus:.2f} of {space.figures.ncpus} CPUs"
    reasons = (
        *((Reason.REPLACEMENT, f"{fits}; pilots that fit: {space.keep}"),) * replacing,
        *((Reason.ROOM, f"{fits}; pilots that fit: {space.grow}"),) * growing,
    )
    fresh = slots.new_wishes(reasons, look, memory.wishes, memory.next_incarnation)
    want = min(present + len(fresh), space.keep)
    memory = msgspec.structs.replace(
        memory,
        wishes=memory.wishes + fresh,
        next_incarnation=memory.next_incarnation + len(fresh),
        grown_at=memory.grown_at + (view.moment.monotonic,) * growing,
        capacity=max(memory.capacity, want),
        full_at=view.moment.monotonic if want >= memory.capacity else memory.full_at,
    )
    return _Plan(
        memory=memory, launch=kept + fresh, want=want, hold=holds.limit(space, settings, want, there), room=space
    )


def _try_one(view: _View, memory: Memory, space: Room, kept: tuple[Wish, ...]) -> _Plan:
    """Launch one pilot, to see whether it fizzles too."""
    breaker, there = memory.breaker, len(view.look.alive)
    assert breaker is not None  # noqa: S101 - it is on trial
    fresh: tuple[Wish, ...] = ()
    detail = f"after {breaker.fizzles} fizzles; the last: {breaker.last}"
    if not memory.wishes and there < space.keep:
        fresh = slots.new_wishes([(Reason.TRIAL, detail)], view.look, (), memory.next_incarnation)
    launch = tuple(msgspec.structs.replace(wish, reason=Reason.TRIAL, detail=detail) for wish in (kept + fresh)[:1])
    memory = msgspec.structs.replace(
        memory, wishes=memory.wishes + fresh, next_incarnation=memory.next_incarnation + len(fresh)
    )
    hold = Why(breaker.reason, f"{breaker.fizzles} in a row; one pilot is tried, the last before it: {breaker.last}")
    return _Plan(memory=memory, launch=launch, want=min(there + len(launch), space.keep), hold=hold, room=space)
