"""Scenarios for tests of the simulation, and how to play them."""

import random
from collections.abc import Callable
from typing import Any

from plancton.cli.simulation.result import Result, Scenario
from plancton.cli.simulation.run import Run
from plancton.cli.simulation.synthetic import DEFAULT_LOADS, synthetic
from plancton.cli.simulation.traces import Trace, trace
from plancton.common.settings import Settings

HOUR, DAY = 3600.0, 86_400.0


def scenario(owner: str | Trace = "idle", seconds: float = HOUR, ncpus: int = 8, **changes: Any) -> Scenario:  # noqa: ANN401
    """Return a scenario; ``changes`` are settings, ``seed`` and ``pilot_seconds``."""
    chance = chance_of(changes.pop("seed", 1))
    if isinstance(owner, str):
        owner = synthetic(owner, ncpus, seconds, DEFAULT_LOADS.get(owner, 0.0), chance)
    return Scenario(
        ncpus=ncpus,
        ram_bytes=ncpus * 8 * 2**30,
        owner=owner,
        seconds=seconds,
        pilot_seconds=changes.pop("pilot_seconds", 600.0),
        settings=Settings(**({"max_docks": "10000"} | changes)),
    )


def steps(*changes: tuple[float, float], seconds: float = HOUR) -> Trace:
    """Return the trace of an owner who asks for so many CPUs from each moment on."""
    return trace(changes, seconds)


def chance_of(seed: int) -> Callable[[], float]:
    """Return the same sequence of random numbers for the same seed."""
    return random.Random(seed).random  # noqa: S311 - no secret


def chances() -> Callable[[], float]:
    """Return the same sequence of random numbers each time."""
    return chance_of(7)


def played(what: Scenario) -> Run:
    """Return the run once it has been played."""
    run = Run(what, chances)
    for _ in run.play():
        pass
    return run


def result(owner: str | Trace = "idle", seconds: float = HOUR, ncpus: int = 8, **changes: Any) -> Result:  # noqa: ANN401
    """Play such a scenario, and return what came of it."""
    return played(scenario(owner, seconds, ncpus, **changes)).result()
