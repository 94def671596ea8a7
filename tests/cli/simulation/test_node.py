"""The simulated engine and its pilots."""

from typing import Any

import msgspec

from plancton.cli.simulation.machine import Machine
from plancton.cli.simulation.node import Node
from plancton.common.decision import Ending, Suspension, Wish
from plancton.common.messages import Target
from plancton.common.pilot import PilotState
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from tests.cli.simulation.scenarios import chance_of


def wishes(count: int) -> tuple[Wish, ...]:
    return tuple(Wish(slot=n, incarnation=n + 1, reason=Reason.ROOM) for n in range(count))


def target(*launch: Wish, **changes: Any) -> Target:  # noqa: ANN401
    known: dict[str, Any] = {"generation": 1, "valid_until_monotonic": 1e9, "want": 1, "running": 0}
    return Target(launch=launch, **(known | changes))


class Place:
    """A node with 4 CPUs, whose pilots have 100 seconds of work."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401
        self.machine = Machine(4, 1.0)
        self.node = Node(Settings(**settings), self.machine, lambda: 100.0, 0.0)

    def until(self, moment: float) -> None:
        """Let everything happen that happens until then."""
        while (then := self.node.next_moment()) <= moment:
            self.machine.pass_to(then)
            self.node.happen()
        self.machine.pass_to(moment)
        self.node.happen()

    def states(self) -> list[str]:
        """Return what the pilots are at."""
        return [pilot.state.value for pilot in self.node.look(full=True).pilots]


def test_launches_take_their_time_one_after_the_other() -> None:
    place = Place()
    place.node.obey(target(*wishes(3)))
    found = []
    for moment in (0.39, 0.41, 0.66, 0.91):
        place.until(moment)
        found.append(len(place.states()))
    assert found == [0, 1, 2, 3]


def test_replacements_are_launched_first() -> None:
    place = Place()
    growth, replacement = wishes(2)
    place.node.obey(target(growth, msgspec.structs.replace(replacement, replaces=True)))
    place.until(0.5)
    (pilot,) = place.node.look(full=True).pilots
    assert (pilot.slot, pilot.cpu_cores, pilot.created_unix, pilot.started_unix) == (1, 1.0, 0.0, 0.4)


def test_a_pilot_ends_when_its_work_is_done_and_is_removed_soon_after() -> None:
    place = Place()
    place.node.obey(target(*wishes(1)))
    place.until(1.0)
    place.node.obey(target())
    place.until(100.3)
    assert place.states() == ["running"]
    place.until(100.5)
    assert (place.states(), place.node.tally.completed) == (["exited"], 1)
    place.until(103.0)
    assert place.states() == []


def test_with_half_the_cpu_it_takes_twice_as_long() -> None:
    place = Place()
    place.node.obey(target(*wishes(4)))
    place.until(2.0)
    place.node.obey(target())
    place.machine.set(owner_cpus=2.0)
    place.until(150.0)
    assert place.states() == ["running"] * 4
    place.until(203.0)
    assert (place.states(), place.node.tally.completed) == ([], 4)


def test_a_suspended_pilot_stands_still_and_goes_on_where_it_was() -> None:
    place = Place()
    place.node.obey(target(*wishes(1)))
    place.until(50.4)
    suspension = Suspension(container_id="0-1", name="n", reason=Reason.OWNER_CPU, since_monotonic=0.0)
    place.node.obey(target(suspend=(suspension,)))
    place.until(500.0)
    assert (place.states(), place.machine.running, place.node.paused) == (["paused"], 0, 1)
    assert place.node.look(full=True).pilots[0].cpu_cores == 0.0
    place.node.obey(target())
    place.until(549.0)
    assert place.states() == ["running"]
    place.until(551.0)
    assert (place.states(), place.node.tally.completed) == (["exited"], 1)


def test_one_that_is_to_end_has_its_grace_and_its_work_is_lost() -> None:
    place = Place(stop_grace=10.0)
    place.node.obey(target(*wishes(1)))
    place.until(50.4)
    place.node.obey(target(end=(Ending(container_id="0-1", name="n", reason=Reason.OWNER_CPU),)))
    place.until(60.0)
    assert place.states() == ["running"]
    place.until(61.0)
    assert place.states() == ["exited"]
    assert 59.0 < place.node.tally.lost_core_seconds < 61.0
    assert dict(place.node.tally.asked_to_end) == {Reason.OWNER_CPU: 1}


def test_a_suspended_one_that_is_to_end_goes_on_to_use_its_grace() -> None:
    place = Place(stop_grace=10.0)
    place.node.obey(target(*wishes(1)))
    place.until(95.4)
    suspension = Suspension(container_id="0-1", name="n", reason=Reason.OWNER_CPU, since_monotonic=0.0)
    place.node.obey(target(suspend=(suspension,)))
    place.until(500.0)
    place.node.obey(target(end=(Ending(container_id="0-1", name="n", reason=Reason.SUSPENDED_TOO_LONG),)))
    place.until(504.0)
    assert (place.states(), place.machine.running, place.node.paused) == (["running"], 1, 0)
    place.until(506.0)
    assert (place.states(), place.node.tally.completed, place.node.tally.lost_core_seconds) == (["exited"], 1, 0.0)


def test_one_that_lives_too_long_expires() -> None:
    place = Place(max_ttl=30.0, stop_grace=1.0)
    place.node.obey(target(*wishes(1)))
    place.until(30.0)
    assert place.node.look(full=True).pilots[0].state is PilotState.RUNNING
    place.until(32.0)
    assert (place.states(), dict(place.node.tally.asked_to_end)) == (["exited"], {Reason.EXPIRED: 1})


def test_after_a_year_ends_are_still_reached() -> None:
    chance = chance_of(1)
    for _ in range(100):
        place = Place()
        place.machine.pass_to(366 * 86_400.0 * (1.0 - chance() / 100.0))
        # As after a year in which pilots had but a part of what they asked for.
        place.machine.work = 1.2e7 * chance()
        place.machine.set(owner_cpus=3.9 * chance())
        place.node.obey(target(*wishes(4)))
        turns = 0
        while place.node.tally.completed < 4 and turns < 50:
            place.machine.pass_to(place.node.next_moment())
            place.node.happen()
            turns += 1
        assert place.node.tally.completed == 4
