"""The one enumeration of reasons."""

from enum import StrEnum


class Reason(StrEnum):
    """Why something is held, launched or ended; status, logs and metrics share these words."""

    DRAINING = "draining"
    STOPPING = "stopping"
    NO_SETTINGS = "no-settings"
    HOST_UNKNOWN = "host-unknown"
    OWNER_CPU_UNKNOWN = "owner-cpu-unknown"
    ENGINE_UNKNOWN = "engine-unknown"
    NO_IMAGE = "no-image"
    NO_LAUNCHER = "no-launcher"
    NO_REAPER = "no-reaper"
    OWNER_CPU = "owner-cpu"
    OWNER_MEMORY = "owner-memory"
    MAX_DOCKS = "max-docks"
    AFTER_EVICTION = "after-eviction"
    GROWTH_LIMIT = "growth-limit"
    LAUNCHES_FAIL = "launches-fail"
    ROOM = "room"
    REPLACEMENT = "replacement"
    EXPIRED = "expired"
    ENDED = "ended"
    NEVER_STARTED = "never-started"
    FORCE_STOP = "force-stop"
    SURPLUS = "surplus"
