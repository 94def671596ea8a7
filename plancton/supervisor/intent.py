"""What the operator wants, as the marker files in the run directory say it: pure.

The markers are the original's: ``drain`` (launch no more), ``stop`` beside it (exit once the last pilot has ended) and
``force-stop`` (kill the pilots, then exit). They may be made by planctonctl or by hand, and outlive planctond.
"""

import msgspec

from plancton.common.messages import Mode


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


def finished(mode: Mode, live_pilots: int | None) -> bool:
    """Tell whether ``mode`` asks planctond to exit now, given the number of live pilots (None while unknown)."""
    return mode in {Mode.DRAIN_STOPPING, Mode.FORCE_STOPPING} and live_pilots == 0
