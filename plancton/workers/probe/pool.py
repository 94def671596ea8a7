"""The pool as events and full looks make it: pure."""

from collections.abc import Iterable, Mapping

import msgspec

from plancton.common.engine_types import Container, EngineEvent
from plancton.common.naming import is_named_as_labelled, parse_labels
from plancton.common.pilot import ENDED_STATES, Pilot, PilotState

Pool = Mapping[str, Pilot]
"""The containers of this instance by their id."""

_STATE_AFTER = {
    "create": PilotState.CREATED,
    "start": PilotState.RUNNING,
    "unpause": PilotState.RUNNING,
    "pause": PilotState.PAUSED,
    "die": PilotState.EXITED,
}


def from_containers(containers: Iterable[Container], before: Pool) -> Pool:
    """Return the pool that a full look shows; moments that only events tell are kept from ``before``."""
    pool: dict[str, Pilot] = {}
    for container in containers:
        identity = parse_labels(container.labels)
        if identity is None:
            continue
        state = PilotState(container.state)
        # A look may be older than events seen meanwhile; they are told again after it, and must find what it shows.
        known = before.get(container.container_id) if state is not PilotState.CREATED else None
        known_end = known if state in ENDED_STATES else None
        pool[container.container_id] = Pilot(
            container_id=container.container_id,
            name=container.name,
            slot=identity.slot,
            incarnation=identity.incarnation,
            spec=identity.spec,
            state=state,
            created_unix=container.created_unix,
            started_unix=container.started_unix or (known.started_unix if known else None),
            ended_unix=known_end.ended_unix if known_end else None,
            exit_code=known_end.exit_code if known_end and container.exit_code is None else container.exit_code,
        )
    return pool


def after_event(pool: Pool, event: EngineEvent) -> Pool:
    """Return the pool after ``event``; one that was seen already, or is older than what is known, changes nothing."""
    if event.action == "destroy":
        return {key: pilot for key, pilot in pool.items() if key != event.container_id}
    state = _STATE_AFTER.get(event.action)
    if state is None:
        return pool
    known = pool.get(event.container_id)
    if known is None:
        return _appeared(pool, event, state)
    if _is_old(known, event, state):
        return pool
    changes: dict[str, object] = {"state": state}
    if event.action == "start":
        changes["started_unix"] = event.at_unix
    elif event.action == "die":
        changes |= {"ended_unix": event.at_unix, "exit_code": event.exit_code}
    return {**pool, event.container_id: msgspec.structs.replace(known, **changes)}


def busy_since(pilot: Pilot, said_unix: float, now_unix: float) -> float:
    """Return since when a pilot is busy, given what it says itself: within its life, whatever it says."""
    return min(max(said_unix, pilot.begun_unix), now_unix)


def _appeared(pool: Pool, event: EngineEvent, state: PilotState) -> Pool:
    identity = parse_labels(event.labels)
    if identity is None or event.action != "create" or not is_named_as_labelled(event.name, event.labels):
        # Anything but a creation belongs to a container whose removal was seen, or that the next full look shows. So
        # does one under another name, if it's a pilot at all.
        return pool
    pilot = Pilot(
        container_id=event.container_id,
        name=event.name,
        slot=identity.slot,
        incarnation=identity.incarnation,
        spec=identity.spec,
        state=state,
        created_unix=event.at_unix,
    )
    return {**pool, event.container_id: pilot}


def _is_old(known: Pilot, event: EngineEvent, state: PilotState) -> bool:
    """Tell a replayed event: a pilot is created, started and ended once each."""
    if known.state in ENDED_STATES:
        # A look may show an end before its event tells the moment and the exit code.
        return event.action != "die" or known.ended_unix is not None
    return state is PilotState.CREATED or (event.action == "start" and known.started_unix is not None)
