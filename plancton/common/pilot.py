"""A pilot as the engine shows it."""

from enum import StrEnum

import msgspec


class PilotState(StrEnum):
    """A container's state in the engine's own words."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"


ENDED_STATES = frozenset({PilotState.EXITED, PilotState.DEAD})
LIVE_STATES = frozenset({PilotState.RUNNING, PilotState.PAUSED, PilotState.RESTARTING, PilotState.REMOVING})


class Pilot(msgspec.Struct, frozen=True, kw_only=True):
    """One container of this instance as the engine last showed it."""

    container_id: str
    name: str
    slot: int
    incarnation: int
    spec: str
    state: PilotState
    created_unix: float
    started_unix: float | None = None
    """None until the start was seen; the creation's time then serves as a lower bound."""
    ended_unix: float | None = None
    """None until it ended, or where its end wasn't seen."""
    exit_code: int | None = None
    cpu_cores: float | None = None
    """Mean number of CPUs used over the last sampling interval; None while unknown."""
    cpu_seconds: float | None = None
    """CPU time that it has used so far; once it has ended, up to the last sample. None while unknown."""
    memory_bytes: int | None = None
    """Page cache included, as its limit counts it."""
    anonymous_bytes: int | None = None
    """Of its memory what can't simply be dropped: what its end would make available. None while unknown."""
    memory_peak_bytes: int | None = None
    """The most memory that it had at a time, as far as the kernel or the samples tell; None while unknown."""
    busy_since_unix: float | None = None
    """Since when it has worked on what would be lost, as it says itself; None where it says nothing."""
    safe_to_stop: bool = False
    """It says itself that nothing would be lost."""

    @property
    def begun_unix(self) -> float:
        """Return when it was started, or while that wasn't seen when it was created, which is no later."""
        return self.created_unix if self.started_unix is None else self.started_unix
