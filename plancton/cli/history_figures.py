"""What was given and what it cost, over some time: facts."""

import statistics

import msgspec

from plancton.common.series import Exit


class Figures(msgspec.Struct, kw_only=True):
    """Sums over some time. None is what nobody knew at any moment of it; time without a record is in no sum."""

    since_unix: float
    until_unix: float
    recorded_seconds: float = 0.0
    """For how long there is a record."""
    watched_seconds: float = 0.0
    """For how long the machine was watched: what is given, free, the owner's and stalls are of that time."""
    given_core_seconds: float | None = None
    free_core_seconds: float | None = None
    """That the owner left, whether pilots used it or not."""
    owner_core_seconds: float | None = None
    machine_core_seconds: float | None = None
    """Of all CPUs, for as long as the owner's use was known."""
    pilot_seconds: float | None = None
    """Lived by pilots, suspended ones included."""
    suspended_pilot_seconds: float | None = None
    owner_stall_cpu_seconds: float | None = None
    """So long some process of the owner's was stalled for want of CPU while pilots ran."""
    owner_stall_memory_seconds: float | None = None
    owner_stall_io_seconds: float | None = None
    held_seconds: dict[str, float] = {}
    """For how long nothing further might be launched, by reason."""
    launches: dict[str, int] = {}
    """Attempts, by outcome."""
    exits: dict[str, int] = {}
    """Pilots that ended, by what came of them."""
    evictions: dict[str, int] = {}
    """Of these the evicted ones, by reason."""
    lost_core_seconds: float = 0.0
    """Used by pilots that were ended before they had finished."""
    evicted_lost_core_seconds: float = 0.0
    """Of these by those that were ended for the owner's sake."""
    handback_seconds: list[float] = []
    """How long the owner waited for pilots to give way, each time."""

    @property
    def seconds(self) -> float:
        """Return how long the time is."""
        return self.until_unix - self.since_unix

    @property
    def occupancy(self) -> float | None:
        """Return which share of what the owner left pilots used; None where it's unknown or the owner left nothing."""
        if self.given_core_seconds is None or not self.free_core_seconds:
            return None
        return self.given_core_seconds / self.free_core_seconds

    @property
    def evicted(self) -> int:
        """Return how many pilots were ended for the owner's sake."""
        return self.exits.get(Exit.EVICTED, 0)

    @property
    def handback_median_seconds(self) -> float | None:
        """Return how long the owner waited in the middle case; None where nobody had to give way."""
        return statistics.median(self.handback_seconds) if self.handback_seconds else None

    @property
    def handback_worst_seconds(self) -> float | None:
        """Return how long the owner waited at most."""
        return max(self.handback_seconds, default=None)

    def mean(self, seconds: float | None) -> float | None:
        """Return a sum over the time recorded as its mean; None where there is none."""
        return None if seconds is None or self.recorded_seconds <= 0.0 else seconds / self.recorded_seconds

    def watched_mean(self, seconds: float | None) -> float | None:
        """Return a sum over the time watched as its mean; None where there is none."""
        return None if seconds is None or self.watched_seconds <= 0.0 else seconds / self.watched_seconds


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Time without a record: planctond didn't run, or the machine didn't, or it is older than what is kept."""

    since_unix: float
    until_unix: float

    @property
    def seconds(self) -> float:
        """Return how long it is."""
        return self.until_unix - self.since_unix


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The whole time, and the buckets that it is cut into."""

    total: Figures
    buckets: tuple[Figures, ...]
    gaps: tuple[Gap, ...]
