"""What the markers ask for, when a stop is done, and what it leaves behind."""

import itertools

import pytest

from plancton.common.decision import Hold, Wish
from plancton.common.messages import LauncherState, Mode, PoolLook, Target
from plancton.common.pilot import Pilot, PilotState
from plancton.common.reasons import Reason
from plancton.supervisor.intent import Markers, left, markers_after, mode_of, settled

HELD = Hold(reason=Reason.STOPPING, detail="", since_unix=0.0)
WISH = Wish(slot=0, incarnation=1, reason=Reason.ROOM)
IDLE = LauncherState(image="busybox", image_id="sha256:1")
BUSY = LauncherState(image="busybox", image_id="sha256:1", in_flight=1)


def target(hold: Hold | None = HELD, launch: tuple[Wish, ...] = ()) -> Target:
    """Return a decision of the scheduler."""
    return Target(generation=1, valid_until_monotonic=9.0, want=0, running=0, launch=launch, hold=hold)


def pool(*states: PilotState) -> PoolLook:
    """Return a look at pilots in these states."""
    pilots = tuple(
        Pilot(container_id=str(slot), name="", slot=slot, incarnation=1, spec="", state=state, created_unix=0.0)
        for slot, state in enumerate(states)
    )
    return PoolLook(pilots=pilots, full_look_monotonic=0.0)


@pytest.mark.parametrize(
    ("markers", "mode"),
    [
        (Markers(), Mode.ACTIVE),
        (Markers(drain=True), Mode.DRAINING),
        (Markers(stop=True), Mode.DRAIN_STOPPING),
        (Markers(drain=True, stop=True), Mode.DRAIN_STOPPING),
        (Markers(force_stop=True), Mode.FORCE_STOPPING),
        (Markers(drain=True, stop=True, force_stop=True), Mode.FORCE_STOPPING),
    ],
)
def test_the_markers_tell_the_mode(markers: Markers, mode: Mode) -> None:
    assert mode_of(markers) is mode


def test_a_stop_that_was_carried_out_is_not_asked_for_again_at_the_next_start() -> None:
    for drain, stop, force_stop in itertools.product((False, True), repeat=3):
        markers = Markers(drain=drain, stop=stop, force_stop=force_stop)
        mode = mode_of(markers)
        if mode in {Mode.DRAIN_STOPPING, Mode.FORCE_STOPPING}:
            after = markers_after(mode, markers)
            assert not after.stop
            assert not after.force_stop


def test_the_drain_of_a_drain_stop_ends_with_it_and_one_that_stood_before_a_forced_stop_stays() -> None:
    assert markers_after(Mode.DRAIN_STOPPING, Markers(drain=True, stop=True)) == Markers()
    assert markers_after(Mode.FORCE_STOPPING, Markers(drain=True, force_stop=True)) == Markers(drain=True)
    assert markers_after(Mode.FORCE_STOPPING, Markers(force_stop=True)) == Markers()


@pytest.mark.parametrize("mode", [Mode.DRAIN_STOPPING, Mode.FORCE_STOPPING])
def test_a_stop_settles_once_the_scheduler_knows_and_no_start_is_under_way(mode: Mode) -> None:
    assert settled(mode, target(), IDLE)
    assert settled(mode, target(), None)
    assert not settled(mode, None, IDLE)
    assert not settled(mode, target(hold=None), IDLE)
    assert not settled(mode, target(Hold(reason=Reason.MAX_DOCKS, detail="", since_unix=0.0)), IDLE)
    assert not settled(mode, target(launch=(WISH,)), IDLE)
    assert not settled(mode, target(), BUSY)


@pytest.mark.parametrize("mode", [Mode.ACTIVE, Mode.DRAINING])
def test_where_no_stop_is_asked_for_nothing_settles(mode: Mode) -> None:
    assert not settled(mode, target(), IDLE)


def test_a_drain_stop_waits_for_live_pilots_and_a_forced_stop_for_every_container() -> None:
    look = pool(*PilotState)
    assert left(Mode.FORCE_STOPPING, look) == len(PilotState)
    assert left(Mode.DRAIN_STOPPING, look) == len(PilotState) - 2
    assert left(Mode.DRAIN_STOPPING, pool(PilotState.EXITED, PilotState.DEAD)) == 0
    assert left(Mode.DRAIN_STOPPING, pool(PilotState.CREATED)) == 1
