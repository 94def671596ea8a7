"""What a run of the bench found, as values, and which figures the project has set itself as targets. Pure."""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from statistics import mean, median
from typing import TypeVar

import msgspec

from bench.spans import Gaps, middle, percentile

Record = TypeVar("Record")

OCCUPANCY_SHORTFALL = 0.005
"""How far under ``restart=always`` the occupancy may be with pilots of 20 s and more."""
OCCUPANCY_OF_SHORT = 0.88
"""The least occupancy with pilots of 5 s, which the engine's own back-off ruins in ``restart=always``."""
SHORT_SECONDS = 10
RECOVERY_SECONDS = 1.0
PSS_BYTES = 80 * 1024 * 1024
CPU_SECONDS_PER_MINUTE = 0.6
IDLE_PILOTS = 20
SLOWDOWN = 1.03
"""How many times as long the owner's job may take beside pilots of the idle weight."""
NOTCH = 1.57
YIELD_EARLY_SECONDS, YIELD_LATE_SECONDS = 2.0, 3.0
"""How much sooner or later than their timer pilots may give way: a look at the host tells the mean of the 2 s before
it, the next one may be needed, and the engine takes its time."""


class Launches(msgspec.Struct, frozen=True, kw_only=True):
    """Create + start on the bare engine. ``at_once`` calls ran in parallel; ``seconds`` is what each call took."""

    at_once: int
    seconds: tuple[float, ...]
    wall_seconds: float


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """From the command to begin until ``pilots`` ran."""

    subject: str
    pilots: int
    seconds: float


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A full node watched for ``window_seconds`` while its pilots end and are replaced."""

    subject: str
    pilots: int
    life_seconds: int
    window_seconds: float
    occupancy: float
    gaps: Gaps
    most_at_once: int


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """A worker killed with -9, and a pilot with it."""

    worker: str
    seconds: float | None
    """Until ``planctonctl status`` had shown its successor at work, the look's own time included; None: never."""
    effect: str
    effect_seconds: float | None
    """Until the engine told of the ``effect`` on the pilot that was killed with it; None: never."""


class Footprint(msgspec.Struct, frozen=True, kw_only=True):
    """The whole tree of planctond, with ``pilots`` that sleep."""

    pilots: int
    processes: int
    cpu_seconds_per_minute: float
    pss_bytes: int


class Slowdown(msgspec.Struct, frozen=True, kw_only=True):
    """The owner's fixed job, by turns alone and beside pilots that use all CPUs: alone first and last."""

    weight: str
    """The setting ``cpu_weight``."""
    pilots: int
    alone_seconds: tuple[float, ...]
    beside_seconds: tuple[float, ...]
    pilots_share: float
    """Of all CPU time pilots got so much while the job used all CPUs beside them, 0 to 1."""

    @property
    def ratios(self) -> tuple[float, ...]:
        """How many times as long as alone each took, by the mean of the one before and the one after."""
        alone = (mean(pair) for pair in pairwise(self.alone_seconds))
        return tuple(beside / reference for beside, reference in zip(self.beside_seconds, alone, strict=True))


class Yield(msgspec.Struct, frozen=True, kw_only=True):
    """From the moment at which the owner began to use all CPUs until pilots had given way."""

    rung: str
    pilots: int
    timer_seconds: float
    """When the settings have it happen."""
    first_seconds: float | None
    """None: never, as for ``all_seconds``."""
    all_seconds: float | None


class Results(msgspec.Struct, kw_only=True):
    """All that was measured in one run, in the order of measuring."""

    facts: dict[str, str | int | float | None]
    launches: list[Launches] = []
    fills: list[Fill] = []
    windows: list[Window] = []
    recoveries: list[Recovery] = []
    status_seconds: list[float] = []
    """What one ``planctonctl status`` takes while all is well: the grain of the recoveries."""
    footprints: list[Footprint] = []
    slowdowns: list[Slowdown] = []
    yields: list[Yield] = []
    failures: list[str] = []
    """What couldn't be measured, in words."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One target against what was measured."""

    what: str
    target: str
    measured: str
    met: bool


def median_of(records: Iterable[Record], value: Callable[[Record], float | None]) -> float | None:
    """Return the median of one value of the records; None where there is none, or where one of them is unknown."""
    values = [value(record) for record in records]
    known = [number for number in values if number is not None]
    return middle(known) if len(known) == len(values) else None


def pooled_gaps(windows: Sequence[Window]) -> tuple[float, ...]:
    """Join the gaps of several windows as one sample."""
    return tuple(seconds for window in windows for seconds in window.gaps.seconds)


def quantile(values: Sequence[float], fraction: float) -> float | None:
    """Return the `percentile`, or None of nothing."""
    return percentile(values, fraction) if values else None


def select(windows: Iterable[Window], subject: str, life_seconds: int) -> list[Window]:
    """Return the windows of one subject with pilots of one life."""
    return [window for window in windows if (window.subject, window.life_seconds) == (subject, life_seconds)]


def checks(results: Results) -> list[Check]:
    """Compare the targets with what this run has figures for. What couldn't be measured at all is a miss of its own."""
    found = [
        *_occupancies(results),
        *_limits(results),
        *_recoveries(results),
        *_footprints(results),
        *_slowdowns(results),
        *_yields(results),
    ]
    missed = [Check(what="measured", target="all", measured=failure, met=False) for failure in results.failures]
    return found + missed


def _occupancies(results: Results) -> Iterable[Check]:
    for life in sorted({window.life_seconds for window in results.windows}):
        ours = median_of(select(results.windows, "planctond", life), lambda window: window.occupancy)
        reference = median_of(select(results.windows, "restart=always", life), lambda window: window.occupancy)
        least = OCCUPANCY_OF_SHORT if life < SHORT_SECONDS else reference and reference - OCCUPANCY_SHORTFALL
        if ours is not None and least is not None:
            what = f"occupancy, pilots of {life} s"
            yield Check(what=what, target=f">= {least:.3f}", measured=f"{ours:.3f}", met=ours >= least)


def _limits(results: Results) -> Iterable[Check]:
    ours = [window for window in results.windows if window.subject == "planctond"]
    if ours:
        most, limit = max(window.most_at_once for window in ours), ours[0].pilots
        yield Check(what="most pilots at once", target=f"<= {limit}", measured=str(most), met=most <= limit)


def _recoveries(results: Results) -> Iterable[Check]:
    for worker in dict.fromkeys(recovery.worker for recovery in results.recoveries):
        seconds = median_of((each for each in results.recoveries if each.worker == worker), lambda each: each.seconds)
        yield Check(
            what=f"{worker} works again",
            target=f"<= {RECOVERY_SECONDS:.1f} s",
            measured="never" if seconds is None else f"{seconds:.2f} s",
            met=seconds is not None and seconds <= RECOVERY_SECONDS,
        )


def _footprints(results: Results) -> Iterable[Check]:
    idle = [footprint for footprint in results.footprints if footprint.pilots == IDLE_PILOTS]
    pss, cpu = median_of(idle, lambda each: each.pss_bytes), median_of(idle, lambda each: each.cpu_seconds_per_minute)
    if pss is not None:
        measured, target = f"{pss / 1048576:.1f} MiB", f"<= {PSS_BYTES // 1048576} MiB"
        yield Check(what=f"PSS, {IDLE_PILOTS} idle pilots", target=target, measured=measured, met=pss <= PSS_BYTES)
    if cpu is not None:
        target = f"<= {CPU_SECONDS_PER_MINUTE:.2f} s/min"
        met = cpu <= CPU_SECONDS_PER_MINUTE
        yield Check(what=f"CPU, {IDLE_PILOTS} idle pilots", target=target, measured=f"{cpu:.2f} s/min", met=met)


def slowdowns(results: Results, weight: str) -> tuple[float, ...]:
    """Return how many times as long the owner's jobs took beside pilots of this weight, those of all runs."""
    return tuple(ratio for each in results.slowdowns if each.weight == weight for ratio in each.ratios)


def margin(values: Sequence[float]) -> float:
    """Return by how much another median of as many such values may well differ: the notch of a box plot, about 95 %."""
    return NOTCH * (percentile(values, 0.75) - percentile(values, 0.25)) / math.sqrt(len(values))


def _slowdowns(results: Results) -> Iterable[Check]:
    ratios = slowdowns(results, "idle")
    if ratios:
        what, target, measured = "owner's job beside burning pilots", f"<= x{SLOWDOWN:.2f}", f"x{median(ratios):.3f}"
        met = median(ratios) <= SLOWDOWN
        yield Check(what=what, target=target, measured=f"{measured} ± {margin(ratios):.3f}", met=met)


def _yields(results: Results) -> Iterable[Check]:
    for rung in dict.fromkeys(each.rung for each in results.yields):
        these = [each for each in results.yields if each.rung == rung]
        first, last = median_of(these, lambda each: each.first_seconds), median_of(these, lambda each: each.all_seconds)
        timer = these[0].timer_seconds
        soonest, latest = timer - YIELD_EARLY_SECONDS, timer + YIELD_LATE_SECONDS
        yield Check(
            what=f"pilots {rung} for the owner",
            target=f"{soonest:.0f} to {latest:.0f} s",
            measured="never" if first is None or last is None else f"{first:.1f} to {last:.1f} s",
            met=first is not None and last is not None and soonest <= first <= last <= latest,
        )
