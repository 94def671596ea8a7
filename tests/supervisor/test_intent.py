"""What requests and markers ask for, when a stop is done, and what it leaves behind."""

import itertools
import math

import msgspec
import pytest

from plancton.common.decision import Hold, Wish
from plancton.common.markers import Markers, Terms
from plancton.common.messages import Intent, LauncherState, Mode, PoolLook, Target
from plancton.common.pilot import Pilot, PilotState
from plancton.common.reasons import Reason
from plancton.common.requests import ClearFizzles, Drain, Drill, Request, Resume, Snooze, Status, Stop
from plancton.supervisor.intent import (
    date,
    intent_of,
    left,
    markers_after,
    markers_asked,
    mode_of,
    news,
    refusal,
    settled,
)

HELD = Hold(reason=Reason.STOPPING, detail="", since_unix=0.0)
WISH = Wish(slot=0, incarnation=1, reason=Reason.ROOM)
IDLE = LauncherState(image="busybox", image_id="sha256:1")
BUSY = LauncherState(image="busybox", image_id="sha256:1", in_flight=1)
NOW = 1_700_000_000.0
YEAR = 365.25 * 86_400
PLAIN = Terms()
DISK = Terms(reason="disk swap", deadline_unix=NOW + 60)
ACTIVE = Intent(mode=Mode.ACTIVE, since_unix=NOW - 9)
EVERY = [
    Markers(drain=drain, stop=stop, force_stop=force, snooze_until_unix=snooze)
    for drain, stop, force, snooze in itertools.product(
        (None, PLAIN, DISK), (None, PLAIN, DISK), (False, True), (None, NOW + 60)
    )
]


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
        (Markers(snooze_until_unix=NOW), Mode.ACTIVE),
        (Markers(drain=PLAIN), Mode.DRAINING),
        (Markers(stop=PLAIN), Mode.DRAIN_STOPPING),
        (Markers(drain=PLAIN, stop=PLAIN), Mode.DRAIN_STOPPING),
        (Markers(force_stop=True), Mode.FORCE_STOPPING),
        (Markers(drain=PLAIN, stop=PLAIN, force_stop=True), Mode.FORCE_STOPPING),
    ],
)
def test_the_markers_tell_the_mode(markers: Markers, mode: Mode) -> None:
    assert mode_of(markers) is mode


@pytest.mark.parametrize("markers", EVERY)
def test_a_stop_that_was_carried_out_is_not_asked_for_again_and_leaves_a_snooze(markers: Markers) -> None:
    mode = mode_of(markers)
    after = markers_after(mode, markers)
    assert (after.stop, after.force_stop) == (None, False)
    assert after.snooze_until_unix == markers.snooze_until_unix


def test_the_drain_of_a_drain_stop_ends_with_it_and_one_that_stood_before_a_forced_stop_stays() -> None:
    assert markers_after(Mode.DRAIN_STOPPING, Markers(drain=DISK, stop=PLAIN)) == Markers()
    assert markers_after(Mode.FORCE_STOPPING, Markers(drain=DISK, force_stop=True)) == Markers(drain=DISK)
    assert markers_after(Mode.FORCE_STOPPING, Markers(force_stop=True)) == Markers()


@pytest.mark.parametrize("markers", EVERY)
def test_each_request_does_its_own_and_keeps_the_rest(markers: Markers) -> None:
    mode, snooze = mode_of(markers), markers.snooze_until_unix
    standing = None if mode is Mode.DRAIN_STOPPING else markers.drain

    def asked(request: Request) -> Markers:
        return markers_asked(request, mode, markers)

    assert asked(Resume()) == Markers()
    drained = asked(Drain(reason="disk swap", deadline_unix=NOW + 60))
    assert drained == Markers(drain=DISK, snooze_until_unix=snooze)
    assert asked(Drain()) == Markers(drain=PLAIN, snooze_until_unix=snooze)
    stopping = asked(Drain(stop=True, reason="disk swap", deadline_unix=NOW + 60))
    assert stopping == Markers(drain=standing, stop=DISK, snooze_until_unix=snooze)
    assert asked(Stop()) == Markers(drain=standing, snooze_until_unix=snooze)
    assert asked(Stop(force=True)) == Markers(drain=standing, force_stop=True, snooze_until_unix=snooze)
    assert asked(Snooze()) == msgspec.structs.replace(markers, snooze_until_unix=None)
    assert asked(Snooze(until_unix=NOW + 0.1)) == msgspec.structs.replace(markers, snooze_until_unix=NOW + 1)
    for same in (Status(), ClearFizzles(), Drill(seconds=1.0)):
        assert asked(same) == markers


@pytest.mark.parametrize("request_again", [Drain(stop=True), Drain(stop=True, reason="disk swap")])
@pytest.mark.parametrize("before", [Markers(drain=DISK), Markers(stop=DISK), Markers(drain=DISK, stop=PLAIN)])
def test_a_drain_stop_keeps_reason_and_deadline_of_the_drain_that_stands(before: Markers, request_again: Drain) -> None:
    after = markers_asked(request_again, mode_of(before), before)
    assert after.stop == DISK
    intent = intent_of(after, ACTIVE, NOW)
    assert (intent.drain_reason, intent.drain_deadline_unix) == ("disk swap", NOW + 60)


@pytest.mark.parametrize(
    ("request_made", "why"),
    [
        (Drain(reason="two\nlines"), "one line of printable text"),
        (Drain(reason="\x1b[2J"), "one line of printable text"),
        (Drain(deadline_unix=math.nan), "the deadline is no moment: nan"),
        (Drain(deadline_unix=math.inf), "the deadline is no moment: inf"),
        (Drain(deadline_unix=-1.0), "the deadline is no moment: -1"),
        (Drain(deadline_unix=1e300), "the deadline is no moment: 1e+300"),
        (Drain(deadline_unix=NOW + 11 * YEAR), "the deadline is more than ten years away"),
        (Drain(stop=True, deadline_unix=NOW - 61), f"the deadline is past: {date(NOW - 61)}"),
        (Drain(deadline_unix=0.0), f"the deadline is past: {date(0.0)}"),
        (Snooze(until_unix=math.nan), "the end of the snooze is no moment: nan"),
        (Snooze(until_unix=-math.inf), "the end of the snooze is no moment: -inf"),
        (Snooze(until_unix=NOW), f"the end of the snooze is past: {date(NOW)}"),
        (Snooze(until_unix=NOW + 11 * YEAR), "the end of the snooze is more than ten years away"),
    ],
)
def test_a_request_that_makes_no_sense_is_told_why(request_made: Request, why: str) -> None:
    assert refusal(request_made, NOW).startswith((why, f"a reason is {why}"))


@pytest.mark.parametrize(
    "request_made",
    [
        Drain(),
        Drain(reason="größer, schöner", deadline_unix=NOW),
        Drain(deadline_unix=NOW - 59),
        Drain(deadline_unix=NOW + 9 * YEAR),
        Snooze(),
        Snooze(until_unix=NOW + 0.5),
        Resume(),
        Stop(),
        Drill(seconds=0.0),
        Status(),
    ],
)
def test_a_request_that_makes_sense_is_not_refused(request_made: Request) -> None:
    assert refusal(request_made, NOW) == ""


def test_the_intent_says_what_the_markers_do_and_keeps_what_they_do_not_know() -> None:
    before = msgspec.structs.replace(ACTIVE, fizzles_cleared_unix=5.0, drill_until_unix=6.0, lost_workers=("reaper",))
    after = intent_of(Markers(drain=DISK, snooze_until_unix=NOW + 1), before, NOW)
    assert after == Intent(
        mode=Mode.DRAINING,
        since_unix=NOW,
        lost_workers=("reaper",),
        drain_reason="disk swap",
        drain_deadline_unix=NOW + 60,
        snooze_until_unix=NOW + 1,
        fizzles_cleared_unix=5.0,
        drill_until_unix=6.0,
    )
    assert intent_of(Markers(drain=DISK, snooze_until_unix=NOW + 1), after, NOW + 0.5) == after
    resumed = intent_of(Markers(), after, NOW + 2)
    assert resumed == msgspec.structs.replace(before, since_unix=NOW + 2)


def test_a_snooze_holds_until_its_moment_and_not_at_it() -> None:
    markers = Markers(snooze_until_unix=NOW)
    assert intent_of(markers, ACTIVE, NOW - 0.1).snooze_until_unix == NOW
    assert intent_of(markers, ACTIVE, NOW).snooze_until_unix is None


def test_a_forced_stop_is_bound_by_no_deadline_and_gives_a_lost_reaper_one_more_life() -> None:
    lost = msgspec.structs.replace(ACTIVE, lost_workers=("launcher", "reaper"))
    forced = intent_of(Markers(drain=DISK, force_stop=True), lost, NOW)
    assert (forced.drain_reason, forced.drain_deadline_unix) == ("", None)
    assert forced.lost_workers == ("launcher",)
    lost_again = msgspec.structs.replace(forced, lost_workers=("launcher", "reaper"))
    assert intent_of(Markers(drain=DISK, force_stop=True), lost_again, NOW + 1) == lost_again


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, []),
        ({"since_unix": 5.0, "lost_workers": ("reaper",)}, []),
        ({"mode": Mode.DRAINING}, ["mode is now draining"]),
        ({"mode": Mode.DRAINING, "drain_reason": "disk swap"}, ["mode is now draining: disk swap"]),
        ({"drain_deadline_unix": NOW}, [f"mode is now active; pilots may run until {date(NOW)}"]),
        ({"snooze_until_unix": NOW}, [f"snoozed until {date(NOW)}"]),
        ({"fizzles_cleared_unix": NOW}, ["what fizzled until now is forgotten"]),
        ({"drill_until_unix": NOW}, ["a drill suspends the pilots"]),
        ({"mode": Mode.DRAIN_STOPPING, "snooze_until_unix": NOW}, ["mode is now drain-stopping", "snoozed until"]),
    ],
)
def test_each_change_of_mind_is_told_once(change: dict[str, object], told: list[str]) -> None:
    after = msgspec.structs.replace(ACTIVE, **change)
    lines = news(ACTIVE, after)
    assert len(lines) == len(told)
    assert all(line.startswith(start) for line, start in zip(lines, told, strict=True))
    assert news(after, after) == []


def test_the_end_of_a_snooze_and_of_a_drill_are_told_too() -> None:
    before = msgspec.structs.replace(ACTIVE, snooze_until_unix=NOW, drill_until_unix=NOW)
    assert news(before, ACTIVE) == ["no longer snoozed", "no drill suspends pilots any more"]
    assert news(before, msgspec.structs.replace(before, drill_until_unix=NOW + 1)) == []


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
