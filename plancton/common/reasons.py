"""The one enumeration of reasons."""

from enum import StrEnum


class Reason(StrEnum):
    """Why something is held, launched, suspended or ended; status, logs, journal and metrics share these words."""

    DRAINING = "draining"
    STOPPING = "stopping"
    SNOOZED = "snoozed"
    OUTSIDE_WINDOWS = "outside-windows"
    DRAIN_DEADLINE = "drain-deadline"
    NO_SETTINGS = "no-settings"
    HOST_UNKNOWN = "host-unknown"
    OWNER_CPU_UNKNOWN = "owner-cpu-unknown"
    ENGINE_UNKNOWN = "engine-unknown"
    NO_IMAGE = "no-image"
    NO_LAUNCHER = "no-launcher"
    NO_REAPER = "no-reaper"
    OWNER_CPU = "owner-cpu"
    OWNER_MEMORY = "owner-memory"
    OWNER_STALL_CPU = "owner-stall-cpu"
    OWNER_STALL_MEMORY = "owner-stall-memory"
    OWNER_STALL_IO = "owner-stall-io"
    MAX_DOCKS = "max-docks"
    AFTER_EVICTION = "after-eviction"
    GROWTH_LIMIT = "growth-limit"
    LAUNCHES_FAIL = "launches-fail"
    FIZZLES = "fizzles"
    SUSPENDED_FIRST = "suspended-first"
    """Nothing new is started while pilots wait suspended: they come first."""
    SUSPENDED_TOO_LONG = "suspended-too-long"
    ROOM = "room"
    REPLACEMENT = "replacement"
    TRIAL = "trial"
    """The one pilot that is started after a hold for fizzles, to see whether they go on."""
    ROOM_AGAIN = "room-again"
    DRILL = "drill"
    EXPIRED = "expired"
    ENDED = "ended"
    NEVER_STARTED = "never-started"
    FORCE_STOP = "force-stop"
    SURPLUS = "surplus"


EVICTIONS = frozenset(
    {
        Reason.OWNER_CPU,
        Reason.OWNER_MEMORY,
        Reason.OWNER_STALL_CPU,
        Reason.OWNER_STALL_MEMORY,
        Reason.OWNER_STALL_IO,
        Reason.SUSPENDED_TOO_LONG,
    }
)
"""Endings for these reasons are the owner's doing: ``grace_spawn`` holds launches after them."""
