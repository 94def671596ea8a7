"""What the operator wants: markers and requests come to one Intent, whatever the files and the clocks do."""

import os
from pathlib import Path

import pytest

from plancton.common.markers import Markers, Terms
from plancton.common.messages import Intent, Mode
from plancton.supervisor.journal import Journal
from plancton.supervisor.wishes import Clock, Wishes
from tests.supervisor.nursery import paths_in

NOW = 1_700_000_000.0


class SetClock(Clock):
    """Clocks that the test sets."""

    def __init__(self) -> None:
        """Start at some moment."""
        self.monotonic_seconds = 100.0
        self.unix_seconds = NOW

    def monotonic(self) -> float:
        """Return what was set."""
        return self.monotonic_seconds

    def unix(self) -> float:
        """Return what was set."""
        return self.unix_seconds

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.monotonic_seconds += seconds
        self.unix_seconds += seconds


class Office:
    """Wishes in a run directory, and what they say."""

    def __init__(self, directory: Path) -> None:
        """Look for the first time."""
        self.paths = paths_in(directory)
        self.clock = SetClock()
        self.restart()

    def restart(self) -> None:
        """Be another planctond in the same directory."""
        self.said: list[Intent] = []
        self.journal = Journal()
        self.wishes = Wishes(self.paths, self.journal, self.said.append, self.clock)
        self.wishes.begin()
        self.wishes.look()

    def look(self) -> Intent:
        """Look, and return the Intent."""
        self.wishes.look()
        return self.wishes.intent

    def told(self) -> list[str]:
        """Return the journal's lines."""
        return [happening.text for happening in self.journal.since(0)]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Return an office that was looked at once."""
    return Office(tmp_path)


def test_an_intent_is_said_at_first_and_whenever_it_changes(office: Office) -> None:
    assert office.said == [Intent(mode=Mode.ACTIVE, since_unix=NOW)]
    office.look()
    assert len(office.said) == 1
    office.wishes.mark(Markers(drain=Terms(reason="disk swap"), snooze_until_unix=NOW + 60))
    office.look()
    office.look()
    assert len(office.said) == 2
    assert office.said[-1] == office.wishes.intent
    assert (office.said[-1].drain_reason, office.said[-1].snooze_until_unix) == ("disk swap", NOW + 60)


def test_a_snooze_ends_by_itself_and_its_marker_with_it(office: Office) -> None:
    office.wishes.mark(Markers(drain=Terms(), snooze_until_unix=NOW + 60))
    assert office.look().snooze_until_unix == NOW + 60
    office.clock.pass_by(59.9)
    assert office.look().snooze_until_unix == NOW + 60
    office.clock.pass_by(0.1)
    assert office.look().snooze_until_unix is None
    assert not office.paths.snooze_marker.exists()
    assert office.wishes.intent.mode is Mode.DRAINING
    assert office.told()[-1] == "no longer snoozed"


def test_a_snooze_and_a_drain_outlive_planctond(office: Office) -> None:
    wanted = Markers(drain=Terms(reason="disk swap", deadline_unix=NOW + 9), snooze_until_unix=NOW + 60)
    office.wishes.mark(wanted)
    office.restart()
    assert office.wishes.markers == wanted
    intent = office.wishes.intent
    assert (intent.snooze_until_unix, intent.drain_reason, intent.drain_deadline_unix) == (
        NOW + 60,
        "disk swap",
        NOW + 9,
    )
    office.clock.pass_by(60)
    office.restart()
    assert office.wishes.intent.snooze_until_unix is None
    assert not office.paths.snooze_marker.exists()


def test_a_forced_stop_of_then_is_forgotten_and_nothing_else(office: Office) -> None:
    office.wishes.mark(Markers(drain=Terms(reason="disk swap"), force_stop=True, snooze_until_unix=NOW + 60))
    office.paths.stop_marker.write_text("garbage")
    office.restart()
    assert office.wishes.intent.mode is Mode.DRAIN_STOPPING
    assert office.paths.stop_marker.read_text() == "garbage"


def test_the_wall_clock_may_jump_and_a_snooze_keeps_its_moment(office: Office) -> None:
    office.wishes.mark(Markers(snooze_until_unix=NOW + 60))
    office.clock.unix_seconds -= 86_400
    assert office.look().snooze_until_unix == NOW + 60
    office.clock.unix_seconds += 2 * 86_400
    assert office.look().snooze_until_unix is None


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0, 0.0])
def test_a_drill_lasts_as_long_as_was_asked_whatever_the_wall_clock_does(office: Office, jump: float) -> None:
    office.wishes.drill(5.0)
    assert office.said[-1].drill_until_unix == NOW + 5
    office.clock.unix_seconds += jump
    office.clock.pass_by(4.9)
    assert office.look().drill_until_unix == NOW + 5
    office.clock.pass_by(0.1)
    assert office.look().drill_until_unix is None
    assert office.said[-1].drill_until_unix is None


def test_a_drill_can_be_ended_and_prolonged_and_is_forgotten_with_planctond(office: Office) -> None:
    office.wishes.drill(5.0)
    office.clock.pass_by(4.0)
    office.wishes.drill(5.0)
    office.clock.pass_by(4.0)
    assert office.look().drill_until_unix == NOW + 9
    office.wishes.drill(0.0)
    assert office.said[-1].drill_until_unix is None
    office.wishes.drill(100.0)
    office.restart()
    assert office.said[-1].drill_until_unix is None


def test_cleared_fizzles_are_said_and_outlive_every_other_change(office: Office) -> None:
    office.clock.pass_by(5)
    office.wishes.clear_fizzles()
    assert office.said[-1].fizzles_cleared_unix == NOW + 5
    office.wishes.mark(Markers(drain=Terms()))
    office.look()
    office.wishes.lost("launcher")
    assert office.said[-1].fizzles_cleared_unix == NOW + 5
    assert office.said[-1].lost_workers == ("launcher",)
    assert office.look() == office.said[-1]


def test_what_is_not_understood_is_told_once_and_stays_where_it_is(office: Office) -> None:
    office.paths.snooze_marker.write_text("2h")
    office.paths.drain_marker.write_text("because")
    office.look()
    office.look()
    intent = office.look()
    assert (intent.snooze_until_unix, intent.mode) == (None, Mode.DRAINING)
    assert office.told() == [
        f"the marker {office.paths.drain_marker} holds 'because', which isn't understood",
        f"the marker {office.paths.snooze_marker} holds '2h', where the end's Unix seconds should be",
        "mode is now draining",
    ]
    assert office.paths.snooze_marker.read_text() == "2h"
    office.paths.snooze_marker.write_text(f"{NOW + 60:.0f}")
    assert office.look().snooze_until_unix == NOW + 60
    office.paths.snooze_marker.write_text("2h")
    office.look()
    assert sum("holds '2h'" in line for line in office.told()) == 2


def test_a_fifo_in_place_of_each_marker_holds_up_nobody(office: Office) -> None:
    for marker in (office.paths.drain_marker, office.paths.snooze_marker, office.paths.stop_marker):
        os.mkfifo(marker)
    assert office.look().mode is Mode.DRAIN_STOPPING
    assert office.wishes.intent.snooze_until_unix is None


def test_a_snooze_that_is_over_but_can_not_be_removed_is_over(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.wishes.mark(Markers(snooze_until_unix=NOW + 1))
    office.look()

    def stuck(_: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(missing_ok))

    monkeypatch.setattr(Path, "unlink", stuck)
    office.clock.pass_by(1)
    assert office.look().snooze_until_unix is None
    assert len(office.said) == 3
    office.look()
    assert len(office.said) == 3


def test_a_stop_that_can_not_be_forgotten_is_logged(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    (office.paths.stop_marker / "full").mkdir(parents=True)
    office.look()
    office.wishes.forget_stop()
    assert "the next planctond stops too" in caplog.text
