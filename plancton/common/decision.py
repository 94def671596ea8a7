"""What the scheduler's target is made of: wishes, suspensions, endings, the hold, and the figures behind them."""

import msgspec

from plancton.common.reasons import Reason


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A pilot that should run and doesn't yet. Said again until it is seen; starting it twice is starting it once."""

    slot: int
    incarnation: int
    reason: Reason
    replaces: bool = False
    """True where it takes the place of one that ended by itself, which isn't growth."""
    detail: str = ""
    """The figures that it stands on, in words."""


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """A pilot that should end. Said again until it is gone; ending it twice is ending it once."""

    container_id: str
    name: str
    reason: Reason
    at_once: bool = False
    """Kill without SIGTERM and without its time to finish."""
    detail: str = ""
    """The figures that it stands on, in words."""


class Suspension(msgspec.Struct, frozen=True, kw_only=True):
    """A pilot that should be suspended. A suspended pilot that isn't named in a valid target should go on."""

    container_id: str
    name: str
    reason: Reason
    detail: str = ""
    """The figures that it stands on, in words."""
    since_monotonic: float
    """When this was decided first; how long a suspension may last is counted from here."""


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Why no further pilot is launched, and on which figures."""

    reason: Reason
    detail: str
    since_unix: float
    until_unix: float | None = None
    """When it ends by itself; None where that isn't known."""


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """How pilots fare that end too soon or can't be started, as far as it holds launches."""

    fizzles: int
    """In a row."""
    reason: Reason
    """Of the last of them: FIZZLES or LAUNCHES_FAIL."""
    last_unix: float
    """When the last of them was noticed."""
    last: str = ""
    """The last one in words: which pilot, and what became of it."""
    open_until_monotonic: float | None = None
    """Until then nothing is launched, after it one trial pilot; None while it isn't open."""
    subject: str = ""
    """What fizzled: image and settings of the pilots. Of another one nothing bad is known."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The inputs of a decision and what they came to. CPUs may be fractions; pilots are counts."""

    ncpus: int
    reserve_cpus: float
    owner_cpus: float
    """In the last look."""
    owner_peak_cpus: float
    """The most within ``grace_grow``, which growth and replacement go by."""
    owner_sustained_cpus: float | None
    """The least within ``grace_kill``, which evictions go by; None until that long was watched."""
    stolen_cpus: float
    """What a hypervisor kept from this machine, counted with the owner's use."""
    pilots_cpus: float | None
    available_bytes: int
    reserve_bytes: int
    stall_cpu: float | None
    """Share of time in which the owner's processes were stalled for want of CPU, 0 to 1; None where nobody can tell."""
    stall_memory: float | None
    stall_io: float | None
    may_grow_to: int
    """Pilots for which there is CPU, with ``start_overlap``."""
    may_keep: int
    """Pilots for which there is CPU, with ``end_overlap``."""
    by_memory: int
    by_max_docks: int
