"""The ladder by which pilots give way to the owner: suspended, ended, and let go on again. Pure.

The lowest rung, the least weight, isn't decided here: it always holds. Each further rung has its own hold time, and
takes the right number at once: as many as the demand that lasted all that time leaves no room for. What was taken is
counted before more is: those on their way out no longer count, and a stall is measured anew.
"""

import math
from collections.abc import Iterable

import msgspec

from plancton.common.decision import Ending, Suspension
from plancton.common.messages import HostLook
from plancton.common.pilot import Pilot, PilotState
from plancton.common.policy.choice import least_lost, least_lost_for_memory, most_lost
from plancton.common.policy.demand import Demand, Stall, measured_anew, shortage_bytes
from plancton.common.policy.facts import Moment
from plancton.common.policy.history import History, throughout
from plancton.common.policy.memory import Memory
from plancton.common.policy.room import Room, fitting, tolerated
from plancton.common.policy.slots import Census
from plancton.common.reasons import EVICTIONS, Reason
from plancton.common.settings import Settings

Cause = tuple[Reason, str]
"""A reason, and the figures that it stands on."""


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What every rung looks at."""

    settings: Settings
    host: HostLook
    look: Census
    room: Room
    moment: Moment


def climb(memory: Memory, scene: Scene) -> Memory:
    """Return the memory with the suspensions and endings that the owner's demand asks for now."""
    memory = _end(memory, scene)
    memory = _suspend(memory, scene)
    return _resume(memory, scene)


def end(memory: Memory, pilots: Iterable[Pilot], cause: Cause, moment: Moment) -> Memory:
    """Return the memory with endings for ``pilots``; those that are to end already aren't told again."""
    leaving = {ending.container_id for ending in memory.endings}
    endings = tuple(
        Ending(container_id=pilot.container_id, name=pilot.name, reason=cause[0], detail=cause[1])
        for pilot in pilots
        if pilot.container_id not in leaving
    )
    if not endings:
        return memory
    gone = leaving | {ending.container_id for ending in endings}
    return msgspec.structs.replace(
        memory,
        endings=memory.endings + endings,
        suspensions=tuple(each for each in memory.suspensions if each.container_id not in gone),
        evicted_at=moment.monotonic if cause[0] in EVICTIONS else memory.evicted_at,
        capacity=max(0, memory.capacity - len(endings)),
    )


def staying(memory: Memory, look: Census) -> tuple[Pilot, ...]:
    """Return the live pilots that aren't to end."""
    leaving = {ending.container_id for ending in memory.endings}
    return tuple(pilot for pilot in look.alive if pilot.container_id not in leaving) if leaving else look.alive


def active(memory: Memory, look: Census) -> tuple[Pilot, ...]:
    """Return those of them that aren't to be suspended, and so use CPUs."""
    suspended = {each.container_id for each in memory.suspensions}
    there = staying(memory, look)
    return tuple(pilot for pilot in there if pilot.container_id not in suspended) if suspended else there


def memory_is_short(demand: Demand, scene: Scene) -> bool:
    """Tell whether suspended pilots would keep memory that the owner lacks."""
    stalled = _over(demand.stall_memory.suspend, scene.settings.stall_memory, scene.moment.monotonic, 0.0)
    return shortage_bytes(scene.host, scene.settings) > 0 or stalled is not None


def _end(memory: Memory, scene: Scene) -> Memory:
    memory = _end_surplus(memory, scene)
    memory = _end_for_memory(memory, scene)
    memory = _end_long_suspended(memory, scene)
    number, cause = _too_many(memory.demand.end, scene.settings.grace_kill, memory, scene)
    if number > 0:
        chosen = least_lost(active(memory, scene.look), number, scene.moment.unix)
        memory = end(memory, chosen, cause, scene.moment)
    return _end_for_stalls(memory, scene)


def _end_surplus(memory: Memory, scene: Scene) -> Memory:
    """End pilots beyond ``max_docks``, which isn't the owner's doing, once they have been too many for long."""
    there, now = staying(memory, scene.look), scene.moment.monotonic
    surplus = len(there) - scene.room.by_max_docks
    if surplus <= 0:
        return msgspec.structs.replace(memory, surplus_since=None) if memory.surplus_since is not None else memory
    since = now if memory.surplus_since is None else memory.surplus_since
    memory = msgspec.structs.replace(memory, surplus_since=since)
    if now - since < scene.settings.grace_kill:
        return memory
    detail = f"max_docks ({scene.settings.max_docks}) is {scene.room.by_max_docks} here, and {len(there)} pilots are"
    memory = msgspec.structs.replace(memory, surplus_since=None)
    return end(memory, least_lost(there, surplus, scene.moment.unix), (Reason.SURPLUS, detail), scene.moment)


def _end_for_memory(memory: Memory, scene: Scene) -> Memory:
    """End pilots whose memory the owner's reserve has lacked for ``grace_mem``: the kernel wouldn't choose so well."""
    settings, now = scene.settings, scene.moment.monotonic
    lacking = throughout(memory.demand.shortage, now, settings.grace_mem)
    if not lacking:
        return memory
    leaving = {ending.container_id for ending in memory.endings}
    freed = sum(pilot.anonymous_bytes or 0 for pilot in scene.look.alive if pilot.container_id in leaving)
    wanted = shortage_bytes(scene.host, settings) - freed
    unknown_leave = any(pilot.anonymous_bytes is None and pilot.container_id in leaving for pilot in scene.look.alive)
    if wanted <= 0 or unknown_leave:
        # Those on their way out may free enough; look again when they're gone.
        return memory
    chosen = least_lost_for_memory(staying(memory, scene.look), wanted, scene.moment.unix)
    detail = (
        f"{scene.host.available_bytes >> 20} MiB of memory are available, and {scene.room.figures.reserve_bytes >> 20} "
        f"are kept for the owner; short for {settings.grace_mem:g} s"
    )
    return end(memory, chosen, (Reason.OWNER_MEMORY, detail), scene.moment)


def _end_long_suspended(memory: Memory, scene: Scene) -> Memory:
    now, longest = scene.moment.monotonic, scene.settings.suspend_longest
    late = {each.container_id for each in memory.suspensions if now - each.since_monotonic >= longest}
    if not late:
        return memory
    chosen = (pilot for pilot in scene.look.alive if pilot.container_id in late)
    return end(memory, chosen, (Reason.SUSPENDED_TOO_LONG, f"suspended for {longest:g} s"), scene.moment)


def _end_for_stalls(memory: Memory, scene: Scene) -> Memory:
    settings, demand = scene.settings, memory.demand
    if memory.endings:
        # Whether the owner is still stalled is to be seen once they're gone.
        return memory
    for reason, stall, most, grace in (
        (Reason.OWNER_STALL_MEMORY, demand.stall_memory, settings.stall_memory, settings.grace_mem),
        (Reason.OWNER_STALL_CPU, demand.stall_cpu, settings.stall_cpu, settings.grace_kill),
        (Reason.OWNER_STALL_IO, demand.stall_io, settings.stall_io, settings.grace_kill),
    ):
        share = _over(stall.end, most, scene.moment.monotonic, grace)
        if share is None:
            continue
        # A suspended pilot waits for nothing, but keeps its memory.
        there = staying(memory, scene.look) if reason is Reason.OWNER_STALL_MEMORY else active(memory, scene.look)
        chosen = least_lost(there, math.ceil(len(there) * share), scene.moment.unix)
        memory = end(memory, chosen, (reason, _stalled(share, most, grace)), scene.moment)
        return msgspec.structs.replace(memory, demand=measured_anew(demand)) if chosen else memory
    return memory


def _suspend(memory: Memory, scene: Scene) -> Memory:
    settings, demand, now = scene.settings, memory.demand, scene.moment.monotonic
    if not settings.suspend or memory_is_short(demand, scene):
        return memory
    number, cause = _too_many(demand.suspend, settings.grace_suspend, memory, scene)
    running = [pilot for pilot in active(memory, scene.look) if pilot.state is PilotState.RUNNING]
    stalled = False
    for reason, stall, most in (
        (Reason.OWNER_STALL_CPU, demand.stall_cpu, settings.stall_cpu),
        (Reason.OWNER_STALL_IO, demand.stall_io, settings.stall_io),
    ):
        share = _over(stall.suspend, most, now, settings.grace_suspend)
        if number <= 0 and share is not None:
            number, stalled = math.ceil(len(running) * share), True
            cause = (reason, _stalled(share, most, settings.grace_suspend))
    if number <= 0:
        return memory
    suspensions = tuple(
        Suspension(
            container_id=pilot.container_id, name=pilot.name, reason=cause[0], detail=cause[1], since_monotonic=now
        )
        for pilot in least_lost(running, number, scene.moment.unix)
    )
    return msgspec.structs.replace(
        memory,
        suspensions=memory.suspensions + suspensions,
        demand=_without_suspend_stalls(demand) if stalled else demand,
    )


def _resume(memory: Memory, scene: Scene) -> Memory:
    """Let suspended pilots go on where there has been room for ``grace_grow``, those first that would lose most."""
    if not memory.suspensions:
        return memory
    if not scene.settings.suspend:
        return msgspec.structs.replace(memory, suspensions=())
    now = scene.moment.monotonic
    if any(
        _is_stall(each.reason) and now - each.since_monotonic < scene.settings.grace_spawn
        for each in memory.suspensions
    ):
        # While they're suspended nobody can tell whether the owner would be stalled again.
        return memory
    room = scene.room.may_grow_to - len(active(memory, scene.look))
    suspended = {each.container_id for each in memory.suspensions}
    waiting = [pilot for pilot in scene.look.alive if pilot.container_id in suspended]
    again = {pilot.container_id for pilot in most_lost(waiting, room, scene.moment.unix)}
    if not again:
        return memory
    kept = tuple(each for each in memory.suspensions if each.container_id not in again)
    return msgspec.structs.replace(memory, suspensions=kept)


def _too_many(history: History, grace: float, memory: Memory, scene: Scene) -> tuple[int, Cause]:
    """Return how many of the active pilots the demand of the last ``grace`` seconds leaves no room for."""
    settings, host = scene.settings, scene.host
    nothing = (0, (Reason.OWNER_CPU, ""))
    lasting = throughout(history, scene.moment.monotonic, grace)
    if lasting is None:
        return nothing
    there = len(active(memory, scene.look))
    fit = fitting(lasting, host, settings, tolerated(settings))
    if there <= fit:
        return nothing
    detail = (
        f"the owner has used {lasting:.2f} of {host.ncpus} CPUs or more for {grace:g} s; "
        f"pilots of {settings.cpus_per_dock:g} that fit: {fit}; {there} were running"
    )
    return there - fit, (Reason.OWNER_CPU, detail)


def _over(history: History, most_percent: float, now: float, grace: float) -> float | None:
    """Return the owner's stall if it was above the threshold throughout; None where it wasn't, or isn't known."""
    share = throughout(history, now, grace)
    return share if share is not None and most_percent > 0 and share * 100.0 > most_percent else None


def _stalled(share: float, most_percent: float, grace: float) -> str:
    return (
        f"the owner was stalled for {share:.0%} of the time or more during {grace:g} s; {most_percent:g} % are allowed"
    )


def _is_stall(reason: Reason) -> bool:
    return reason in {Reason.OWNER_STALL_CPU, Reason.OWNER_STALL_IO}


def _without_suspend_stalls(demand: Demand) -> Demand:
    return msgspec.structs.replace(
        demand, stall_cpu=Stall(end=demand.stall_cpu.end), stall_io=Stall(end=demand.stall_io.end)
    )
