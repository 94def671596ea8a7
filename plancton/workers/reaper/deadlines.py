"""Which deadlines pilots are to be told, and which of their directories nobody needs any more: pure.

Directories and deadlines go by the name that the launcher gave the container: one renamed by hand keeps its directory.
"""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from plancton.common.messages import PoolLook, Target
from plancton.common.naming import container_name
from plancton.common.pilot import LIVE_STATES, Pilot
from plancton.workers.reaper.cleanup import Facts, Memories, Memory

_SLACK_SECONDS = 1.0
"""A deadline that moves by less isn't told anew."""
_PATIENCE_SECONDS = 1.0
"""How long SIGTERM waits for the deadline to be written."""
_RETRY_SECONDS = 60.0
_ORPHANED_SECONDS = 60.0
"""How long a directory must have been without a container: its launch may be under way."""


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """A deadline that was given to be written."""

    deadline_unix: float
    asked_at: float
    written: bool = False
    failed: bool = False


Tellings = Mapping[str, Telling]
"""The last one of each pilot."""
Deadlines = Mapping[str, float]
"""Of each pilot, in seconds since the epoch."""


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What deadlines are made of."""

    facts: Facts
    last: Target | None
    """The last target, be it void: what it said of deadlines and launches isn't taken back by silence."""
    memories: Memories
    busy: Collection[str]
    """The containers that something is being done to, by id."""
    instance: str
    now: float
    now_unix: float


def deadlines(scene: Scene, terminating: Collection[str]) -> dict[str, float]:
    """Return until when live pilots may run; those whose container ids are in ``terminating`` are to get SIGTERM now.

    One that something is being done to is left out: it may be getting SIGTERM.
    """
    if scene.facts.pool is None or scene.facts.settings is None:
        return {}
    found = {}
    for pilot in scene.facts.pool.pilots:
        if pilot.state not in LIVE_STATES or pilot.container_id in scene.busy:
            continue
        memory = scene.memories.get(pilot.container_id, Memory())
        ends_at = scene.now if pilot.container_id in terminating else memory.terminated_at
        moment = (
            _unix(ends_at + scene.facts.settings.stop_grace, scene) if ends_at is not None else _last(memory, scene)
        )
        if moment is not None:
            found[name_of(pilot, scene.instance)] = moment
    return found


def _last(memory: Memory, scene: Scene) -> float | None:
    """Return until when a pilot may run that nobody wants to end yet; None where that isn't known."""
    if memory.started_at is None or scene.last is None or scene.facts.settings is None:
        return None
    expires = _unix(memory.started_at + scene.facts.settings.max_ttl, scene)
    return expires if scene.last.deadline_unix is None else min(expires, scene.last.deadline_unix)


def _unix(moment: float, scene: Scene) -> float:
    return scene.now_unix + (moment - scene.now)


def name_of(pilot: Pilot, instance: str) -> str:
    """Return what a pilot's directory is called."""
    return container_name(instance, pilot.slot, pilot.incarnation)


def to_write(wanted: Deadlines, tellings: Tellings, now: float) -> dict[str, float]:
    """Return the deadlines that are to be written now. Each pilot's are written one after the other."""
    return {name: moment for name, moment in wanted.items() if _is_due(moment, tellings.get(name), now)}


def _is_due(moment: float, told: Telling | None, now: float) -> bool:
    if told is None:
        return True
    if not told.written:
        return False
    if told.failed and now - told.asked_at >= _RETRY_SECONDS:
        return True
    return abs(moment - told.deadline_unix) > _SLACK_SECONDS


def waits(told: Telling | None, now: float) -> bool:
    """Tell whether SIGTERM still waits for a deadline. A disk that hangs must not keep pilots alive."""
    return told is not None and not told.written and now - told.asked_at < _PATIENCE_SECONDS


def orphans(names: Iterable[str], pool: PoolLook, target: Target | None, instance: str) -> frozenset[str]:
    """Return those of the directories ``names`` that no container has, and none that is wished for will have."""
    wishes = (*target.launch, *target.withdrawn) if target else ()
    needed = {name_of(pilot, instance) for pilot in pool.pilots}
    needed |= {container_name(instance, wish.slot, wish.incarnation) for wish in wishes}
    return frozenset(names) - needed


def to_remove(found: Iterable[str], since: Mapping[str, float], now: float) -> tuple[frozenset[str], dict[str, float]]:
    """Return which of the orphans ``found`` go now, and since when the others are known to be orphans.

    ``since`` is the same of the look before.
    """
    known = {name: since.get(name, now) for name in found}
    old = frozenset(name for name, moment in known.items() if now - moment >= _ORPHANED_SECONDS)
    return old, {name: moment for name, moment in known.items() if name not in old}
