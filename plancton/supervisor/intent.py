"""What the operator wants, as the marker files in the run directory say it: pure.

The markers are the original's: ``drain`` (launch no more), ``stop`` beside it (exit once the last pilot has ended) and
``force-stop`` (kill the pilots, then exit). They may be made by planctonctl or by hand, and outlive planctond.
"""

import msgspec

from plancton.common.messages import LauncherState, Mode, PoolLook, Target
from plancton.common.pilot import ENDED_STATES
from plancton.common.reasons import Reason


class Markers(msgspec.Struct, frozen=True, kw_only=True):
    """Which marker files exist."""

    drain: bool = False
    stop: bool = False
    force_stop: bool = False


def mode_of(markers: Markers) -> Mode:
    """Return the mode that the markers ask for. ``stop`` says when to exit, so it drains even without ``drain``."""
    if markers.force_stop:
        return Mode.FORCE_STOPPING
    if markers.stop:
        return Mode.DRAIN_STOPPING
    if markers.drain:
        return Mode.DRAINING
    return Mode.ACTIVE


def markers_after(mode: Mode, markers: Markers) -> Markers:
    """Return the markers to leave once planctond has done what ``mode`` asked for.

    A stop that was carried out is forgotten with the drain that was part of it, so that the next start isn't drained;
    a drain that stood before a forced stop stays.
    """
    if mode is Mode.DRAIN_STOPPING:
        return Markers()
    return Markers(drain=markers.drain)


STOPPING_MODES = frozenset({Mode.DRAIN_STOPPING, Mode.FORCE_STOPPING})


def settled(mode: Mode, target: Target | None, launcher: LauncherState | None) -> bool:
    """Tell whether nothing is started any more: the scheduler knows that the node stops, and no start is under way.

    Only a full look at the engine from after that moment can prove that no pilot is left.
    """
    return (
        mode in STOPPING_MODES
        and target is not None
        and target.hold is not None
        and target.hold.reason is Reason.STOPPING
        and not target.launch
        and (launcher is None or launcher.in_flight == 0)
    )


def left(mode: Mode, pool: PoolLook) -> int:
    """Return how many containers ``mode`` has to wait for: live ones, or any after a forced stop."""
    if mode is Mode.FORCE_STOPPING:
        return len(pool.pilots)
    return sum(pilot.state not in ENDED_STATES for pilot in pool.pilots)
