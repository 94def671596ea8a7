"""Clean-up: who is ended or removed, how, in what order, and how often it's tried."""

from typing import Any

import pytest

from plancton.common.decision import Ending
from plancton.common.pilot import Pilot, PilotState
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from plancton.workers.reaper.cleanup import Act, Facts, Memory, Order, after, due, next_moment, seen
from tests.support.facts import CREATED, EXITED, RUNNING, pilot, pool, target, wish

NOW, NOW_UNIX = 5000.0, 2000.0
SETTINGS = Settings(max_ttl=300.0, stop_grace=10.0)


def orders(
    *pilots: Pilot,
    memories: dict[str, Memory] | None = None,
    busy: frozenset[str] = frozenset(),
    **changes: Any,  # noqa: ANN401
) -> list[tuple[Act, int, Reason]]:
    """Return what is done at NOW, to which slots and why."""
    known: dict[str, Any] = {"settings": SETTINGS, "target": target(), "pool": pool(*pilots)}
    made = due(Facts(**(known | changes)), memories or {}, busy, NOW, NOW_UNIX)
    return [(order.act, order.pilot.slot, order.reason) for order in made]


def ending(each: Pilot, *, at_once: bool = False) -> Ending:
    return Ending(container_id=each.container_id, name=each.name, reason=Reason.OWNER_CPU, at_once=at_once)


def test_nothing_is_done_while_the_pool_or_the_settings_are_unknown() -> None:
    assert orders(pilot(0, state=EXITED), pool=None) == []
    assert orders(pilot(0, state=EXITED), settings=None) == []


@pytest.mark.parametrize("state", [EXITED, PilotState.DEAD])
def test_what_has_ended_is_removed_after_a_rest(state: PilotState) -> None:
    assert orders(pilot(0, state=state, ended_unix=NOW_UNIX - 1.9)) == []
    assert orders(pilot(0, state=state, ended_unix=NOW_UNIX - 2.0)) == [(Act.REMOVE, 0, Reason.ENDED)]
    assert orders(pilot(0, state=state)) == [(Act.REMOVE, 0, Reason.ENDED)]
    assert orders(pilot(0, state=state, ended_unix=NOW_UNIX + 9.0)) == [(Act.REMOVE, 0, Reason.ENDED)]


def test_many_that_have_ended_are_not_let_rest() -> None:
    fresh = [pilot(slot, state=EXITED, ended_unix=NOW_UNIX) for slot in range(33)]
    assert orders(*fresh[:32]) == []
    assert len(orders(*fresh)) == 33


def test_what_nobody_wishes_to_start_is_debris_after_a_while() -> None:
    old, new = pilot(0, 1, CREATED, created_unix=NOW_UNIX - 20.0), pilot(1, 2, CREATED, created_unix=NOW_UNIX - 19.0)
    assert orders(old, new) == [(Act.REMOVE, 0, Reason.NEVER_STARTED)]
    assert orders(old, new, target=target(wish(0, 1))) == []
    assert orders(old, new, target=target(wish(0, 2))) == [(Act.REMOVE, 0, Reason.NEVER_STARTED)]


@pytest.mark.parametrize("state", [RUNNING, PilotState.PAUSED, PilotState.RESTARTING])
def test_what_has_lived_too_long_is_ended(state: PilotState) -> None:
    each = pilot(0, state=state)
    assert orders(each, target=None, memories={"c0-1": Memory(started_at=NOW - 300.0)}) == []
    assert orders(each, memories={"c0-1": Memory(started_at=NOW - 300.1)}) == [(Act.TERMINATE, 0, Reason.EXPIRED)]


def test_a_wall_clock_that_jumps_ages_nobody() -> None:
    each = pilot(0, started_unix=NOW_UNIX - 10.0)
    first = seen({}, [each], NOW, NOW_UNIX)
    later = seen(first, [each], NOW + 5.0, NOW_UNIX + 1e6)
    assert later["c0-1"].started_at == NOW - 10.0
    facts = Facts(settings=SETTINGS, target=target(), pool=pool(each))
    assert due(facts, later, frozenset(), NOW + 5.0, NOW_UNIX + 1e6) == ()


def test_a_pilot_ages_from_its_start_and_not_from_its_creation() -> None:
    created = seen({}, [pilot(0, state=CREATED, created_unix=1.0)], NOW, NOW_UNIX)
    assert created["c0-1"].started_at is None
    started = seen(created, [pilot(0, created_unix=1.0, started_unix=NOW_UNIX)], NOW, NOW_UNIX)
    assert started["c0-1"].started_at == NOW


def test_one_asked_to_end_is_terminated_and_killed_when_its_grace_is_over() -> None:
    each = pilot(0)
    asked: dict[str, Any] = {"target": target(end=(ending(each),))}
    assert orders(each, **asked) == [(Act.TERMINATE, 0, Reason.OWNER_CPU)]
    memory = Memory(terminated_at=NOW - 9.9, ended_for=Reason.OWNER_CPU)
    assert orders(each, memories={"c0-1": memory}, **asked) == []
    memory = Memory(terminated_at=NOW - 10.0, ended_for=Reason.OWNER_CPU)
    assert orders(each, memories={"c0-1": memory}, **asked) == [(Act.KILL, 0, Reason.OWNER_CPU)]


def test_one_that_was_terminated_is_killed_also_when_nobody_asks_any_more() -> None:
    memory = Memory(terminated_at=NOW - 10.0, ended_for=Reason.OWNER_CPU)
    assert orders(pilot(0), target=None, memories={"c0-1": memory}) == [(Act.KILL, 0, Reason.OWNER_CPU)]


def test_one_that_can_not_be_terminated_is_killed_after_three_tries() -> None:
    each = pilot(0)
    asked: dict[str, Any] = {"target": target(end=(ending(each),))}
    assert orders(each, memories={"c0-1": Memory(tries=2)}, **asked) == [(Act.TERMINATE, 0, Reason.OWNER_CPU)]
    assert orders(each, memories={"c0-1": Memory(tries=3)}, **asked) == [(Act.KILL, 0, Reason.OWNER_CPU)]


@pytest.mark.parametrize("state", list(PilotState))
def test_at_once_means_removal_by_force_whatever_the_state(state: PilotState) -> None:
    each = pilot(0, state=state)
    asked = target(end=(ending(each, at_once=True),))
    assert orders(each, target=asked) == [(Act.REMOVE_FORCED, 0, Reason.OWNER_CPU)]


def test_a_void_target_ends_nobody_new() -> None:
    assert orders(pilot(0), target=None) == []


def test_the_removal_tells_why_it_was_ended() -> None:
    memory = Memory(terminated_at=NOW - 3.0, ended_for=Reason.EXPIRED)
    assert orders(pilot(0, state=EXITED), memories={"c0-1": memory}) == [(Act.REMOVE, 0, Reason.EXPIRED)]


def test_removals_come_last_and_what_is_busy_or_waits_is_left_alone() -> None:
    asked = target(end=(ending(pilot(1)), ending(pilot(3)), ending(pilot(4))))
    there = [pilot(0, state=EXITED), pilot(1), pilot(2, state=EXITED), pilot(3), pilot(4)]
    waits = {"c3-4": Memory(not_before=NOW + 0.1)}
    assert orders(*there, target=asked, memories=waits, busy=frozenset({"c4-5"})) == [
        (Act.TERMINATE, 1, Reason.OWNER_CPU),
        (Act.REMOVE, 0, Reason.ENDED),
        (Act.REMOVE, 2, Reason.ENDED),
    ]


@pytest.mark.parametrize("act", [Act.REMOVE, Act.KILL, Act.REMOVE_FORCED, Act.TERMINATE])
def test_what_fails_is_tried_ever_more_seldom(act: Act) -> None:
    order, memory, now, waits = Order(act=act, pilot=pilot(0), reason=Reason.EXPIRED), Memory(), NOW, []
    for _ in range(8):
        memory = after(order, memory, now, failed=True)
        waits.append(memory.not_before - now)
        now = memory.not_before
    assert waits == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert memory.ended_for is None
    assert memory.terminated_at is None


def test_what_worked_waits_too_until_its_effect_is_seen() -> None:
    killed = after(Order(act=Act.KILL, pilot=pilot(0), reason=Reason.EXPIRED), Memory(), NOW, failed=False)
    assert (killed.not_before, killed.ended_for) == (NOW + 2.0, Reason.EXPIRED)


def test_a_termination_keeps_the_age_and_starts_the_grace() -> None:
    order = Order(act=Act.TERMINATE, pilot=pilot(0), reason=Reason.EXPIRED)
    memory = after(order, Memory(started_at=7.0, tries=2), NOW, failed=False)
    assert memory == Memory(started_at=7.0, terminated_at=NOW, ended_for=Reason.EXPIRED)


def test_those_that_are_gone_are_forgotten() -> None:
    assert seen({"gone": Memory(tries=3)}, [], NOW, NOW_UNIX) == {}


def test_the_next_look_comes_when_a_grace_ends_or_within_a_second() -> None:
    facts = Facts(settings=SETTINGS)
    assert next_moment(facts, {}, NOW) == NOW + 1.0
    assert next_moment(facts, {"a": Memory(terminated_at=NOW - 9.5)}, NOW) == NOW + 0.5
    assert next_moment(facts, {"a": Memory(terminated_at=NOW - 99.0)}, NOW) == NOW + 1.0
