"""Facts for tests of decisions, each with the figures that a test doesn't care about."""

from typing import Any

from plancton.common.decision import Wish
from plancton.common.messages import HostLook, LauncherState, PoolLook, Target
from plancton.common.pilot import Pilot, PilotState
from plancton.common.reasons import Reason

GIB = 2**30
RUNNING, CREATED, EXITED = PilotState.RUNNING, PilotState.CREATED, PilotState.EXITED


def pilot(slot: int, incarnation: int = 0, state: PilotState = RUNNING, **changes: Any) -> Pilot:  # noqa: ANN401
    """Return a pilot; its incarnation is one above its slot unless given; the higher it is, the younger."""
    incarnation = incarnation or slot + 1
    known: dict[str, Any] = {
        "container_id": f"c{slot}-{incarnation}",
        "name": f"n{slot}-{incarnation}",
        "spec": "",
        "created_unix": 1000.0 + incarnation,
        "started_unix": None if state is CREATED else 1000.5 + incarnation,
    }
    return Pilot(slot=slot, incarnation=incarnation, state=state, **(known | changes))


def pool(*pilots: Pilot, at: float = 0.0) -> PoolLook:
    """Return what the probe says where these are all pilots."""
    return PoolLook(pilots=pilots, full_look_monotonic=at)


def running(count: int) -> PoolLook:
    """Return a pool of so many running pilots."""
    return pool(*(pilot(slot) for slot in range(count)))


def host(ncpus: int = 8, **changes: Any) -> HostLook:  # noqa: ANN401
    """Return a look at a host with much memory of which half is used."""
    known: dict[str, Any] = {
        "interval_seconds": 2.0,
        "busy_cpus": 0.0,
        "pilots_cpus": 0.0,
        "ram_bytes": ncpus * 8 * GIB,
        "available_bytes": ncpus * 4 * GIB,
        "swap_bytes": 0,
    }
    return HostLook(ncpus=ncpus, **(known | changes))


def image(name: str = "busybox", image_id: str | None = "sha256:b") -> LauncherState:
    """Return what the launcher says where the image is here."""
    return LauncherState(image=name, image_id=image_id)


def wish(slot: int, incarnation: int, *, replaces: bool = False) -> Wish:
    """Return a wish for a pilot."""
    return Wish(slot=slot, incarnation=incarnation, reason=Reason.ROOM, replaces=replaces)


def target(*wishes: Wish, until: float = 100.0, **changes: Any) -> Target:  # noqa: ANN401
    """Return a target that wishes for these."""
    known: dict[str, Any] = {"generation": 1, "want": len(wishes), "running": 0}
    return Target(valid_until_monotonic=until, launch=wishes, **(known | changes))
