"""What a simulation is of, and what came of it."""

import msgspec

from plancton.cli.simulation.traces import Trace
from plancton.common.reasons import Reason
from plancton.common.settings import Settings


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """What is simulated."""

    settings: Settings
    ncpus: int
    ram_bytes: int
    owner: Trace
    seconds: float
    pilot_seconds: float
    """The work of a pilot on average, in seconds with all of its CPUs."""
    pilot_spread: float = 0.5
    """How much more or less than that a pilot's work is at most, as a share of it; all are equally likely."""


class Rising(msgspec.Struct, frozen=True, kw_only=True):
    """How soon the owner's demand was met, each time it rose above what pilots left."""

    met: int
    gone: int
    """Went by themselves before they were met."""
    median_seconds: float
    worst_seconds: float
    """One that isn't met yet at the end counts with the time that it has waited."""
    promised_seconds: float
    """What the settings' timers allow, with the time between two looks and that of a kill."""


class Oracle(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy would have done that knows the future, with the same limits and timers."""

    evictions: int
    occupancy: float


class Stretch(msgspec.Struct, frozen=True):
    """The mean figures of a stretch of time that ended at ``until``, in seconds."""

    until: float
    owner_cpus: float
    pilots_cpus: float
    running: int
    """At its end, as are the suspended."""
    suspended: int


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a simulation. Core-seconds are CPUs times seconds."""

    seconds: float
    ncpus: int
    occupancy: float
    """The share of ``free_core_seconds`` that pilots used."""
    owner_core_seconds: float
    free_core_seconds: float
    """What the owner left, ``max_docks`` or not."""
    pilots_core_seconds: float
    launched: int
    completed: int
    """Pilots that did all of their work."""
    running: int
    """Pilots at the end."""
    evicted: int
    """Asked to end for the owner."""
    asked_to_end: dict[Reason, int]
    suspended: int
    lost_core_seconds: float
    """Work of pilots that were ended before it was done."""
    overlap_core_seconds: float
    """CPUs that both the owner and pilots asked for. The owner has them, as far as the weight protects it."""
    rises: Rising
    oracle: Oracle
    held_seconds: dict[Reason, float]
    """How long each reason held launches, where any did."""
    decisions: int


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """How it went, for a picture."""

    stretches: tuple[Stretch, ...]
    evictions: tuple[float, ...]
    """When each was asked to end."""
    holds: tuple[tuple[float, Reason | None], ...]
    """When each hold began; None where nothing was held from then on."""
