"""Reports for tests of what planctonctl says, each with the figures that a test doesn't care about."""

from typing import Any

import msgspec

from plancton.common.decision import Breaker, Ending, Figures, Hold, Suspension
from plancton.common.messages import HostLook, LauncherState, PoolLook, Target, Weight
from plancton.common.pilot import PilotState
from plancton.common.reasons import Reason
from plancton.common.status import StatusReport
from tests.fakes.control import NOW, pilot, report

GIB = 2**30
FIGURES = Figures(
    ncpus=40,
    reserve_cpus=1.0,
    owner_cpus=4.8,
    owner_peak_cpus=5.1,
    owner_sustained_cpus=4.2,
    stolen_cpus=0.0,
    pilots_cpus=30.0,
    available_bytes=12 * GIB,
    reserve_bytes=2 * GIB,
    stall_cpu=0.03,
    stall_memory=0.0,
    stall_io=None,
    may_grow_to=34,
    may_keep=35,
    by_memory=20,
    by_max_docks=38,
)
HOLD = Hold(reason=Reason.OWNER_CPU, detail="the owner uses 7.9 of 8 CPUs", since_unix=NOW - 12)
BREAKER = Breaker(
    fizzles=3,
    reason=Reason.FIZZLES,
    last_unix=NOW - 12,
    last="p-1-2 ended after 0.2 s with exit code 1",
    open_until_monotonic=5030.0,
)
"""It ends in 30 s by the clock of ``report``."""


def host(**changes: Any) -> HostLook:  # noqa: ANN401
    """Return a look at a host of 8 CPUs of which the owner uses one."""
    plain = report().host
    assert plain
    return msgspec.structs.replace(plain, **changes)


def launcher(**changes: Any) -> LauncherState:  # noqa: ANN401
    """Return what a launcher says that has the image and hasn't set the weight yet."""
    plain = report().launcher
    assert plain
    return msgspec.structs.replace(plain, **changes)


def target(**changes: Any) -> Target:  # noqa: ANN401
    """Return a wish for 3 pilots of which 2 run."""
    plain = Target(generation=1, valid_until_monotonic=0.0, want=3, running=2, figures=FIGURES)
    return msgspec.structs.replace(plain, **changes)


def saying(**changes: Any) -> StatusReport:  # noqa: ANN401
    """Return a report in which the target says this."""
    return msgspec.structs.replace(report(), target=target(**changes))


def suspension(number: int, reason: Reason = Reason.OWNER_CPU, detail: str = "5 of 8 CPUs for 5 s") -> Suspension:
    """Return a suspension that was decided."""
    return Suspension(container_id=str(number), name=f"p-{number}", reason=reason, detail=detail, since_monotonic=1.0)


def ending(number: int, reason: Reason = Reason.OWNER_CPU, detail: str = "7 of 8 CPUs for 120 s") -> Ending:
    """Return an ending that was decided."""
    return Ending(container_id=str(number), name=f"p-{number}", reason=reason, detail=detail)


def weighed(*problems: str) -> StatusReport:
    """Return a report in which the pilots' weight was set, but for these problems."""
    weight = Weight(cpu="cpu.idle=1", io="" if problems else "blkio.weight=10", problems=problems)
    return msgspec.structs.replace(report(), launcher=launcher(weight=weight))


def crowd(*states: PilotState) -> PoolLook:
    """Return a look at pilots in these states."""
    return PoolLook(pilots=tuple(pilot(slot, state) for slot, state in enumerate(states)), full_look_monotonic=1.0)
