"""Clean-up: who is ended or removed, how, in what order, and how often it's tried."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.decision import Ending, Suspension
from plancton.common.pilot import Pilot, PilotState
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from plancton.workers.reaper.cleanup import Act, Facts, Memory, Order, Turn, after, due, next_moment, seen
from tests.support.facts import CREATED, EXITED, RUNNING, pilot, pool, target, wish

PAUSED = PilotState.PAUSED

NOW, NOW_UNIX = 5000.0, 2000.0
SETTINGS = Settings(max_ttl=300.0, stop_grace=10.0, fizzle_seconds=7.0, output_size=321)


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


def ending(each: Pilot, *, at_once: bool = False, detail: str = "") -> Ending:
    return Ending(
        container_id=each.container_id, name=each.name, reason=Reason.OWNER_CPU, at_once=at_once, detail=detail
    )


def suspension(each: Pilot, detail: str = "") -> Suspension:
    return Suspension(
        container_id=each.container_id, name=each.name, reason=Reason.OWNER_CPU, detail=detail, since_monotonic=NOW
    )


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


@pytest.mark.parametrize("state", list(PilotState))
def test_only_what_runs_is_suspended(state: PilotState) -> None:
    each = pilot(0, state=state, ended_unix=NOW_UNIX)
    expected = [(Act.SUSPEND, 0, Reason.OWNER_CPU)] if state is RUNNING else []
    assert orders(each, target=target(wish(0, 1), suspend=(suspension(each),))) == expected


@pytest.mark.parametrize("state", list(PilotState))
def test_what_no_valid_target_names_goes_on(state: PilotState) -> None:
    each = pilot(0, state=state, created_unix=NOW_UNIX, ended_unix=NOW_UNIX)
    expected = [(Act.RESUME, 0, Reason.ROOM_AGAIN)] if state is PAUSED else []
    others = target(wish(0, 1), suspend=(suspension(pilot(1)),))
    assert orders(each, target=others) == expected
    assert orders(each, target=None) == []


def test_one_to_end_is_neither_suspended_nor_merely_let_go_on() -> None:
    for state in (RUNNING, PAUSED):
        each = pilot(0, state=state)
        both = target(end=(ending(each),), suspend=(suspension(each),))
        assert orders(each, target=both) == [(Act.TERMINATE, 0, Reason.OWNER_CPU)]


def test_a_pilot_is_suspended_once() -> None:
    each = pilot(0)
    wanted = target(suspend=(suspension(each),))
    (order,) = due(Facts(settings=SETTINGS, target=wanted, pool=pool(each)), {}, frozenset(), NOW, NOW_UNIX)
    memories = {"c0-1": after(order, Memory(), NOW, failed=False)}
    assert orders(each, target=wanted, memories=memories) == []
    assert orders(pilot(0, state=PAUSED), target=wanted, memories=memories) == []
    # Somebody else let it go on.
    later = Facts(settings=SETTINGS, target=wanted, pool=pool(each))
    assert len(due(later, memories, frozenset(), NOW + 2.0, NOW_UNIX)) == 1


@pytest.mark.parametrize("act", [Act.SUSPEND, Act.RESUME])
@pytest.mark.parametrize("failed", [True, False])
def test_a_suspension_is_tried_ever_more_seldom(act: Act, *, failed: bool) -> None:
    order, memory, now, waits = Order(act=act, pilot=pilot(0), reason=Reason.OWNER_CPU), Memory(tries=2), NOW, []
    for _ in range(10):
        memory = after(order, memory, now, failed=failed)
        assert memory.turned is not None
        waits.append(memory.turned.not_before - now)
        now = memory.turned.not_before
    # After a failure the owner still waits; otherwise it's only the effect that isn't seen yet.
    assert waits[:6] == ([0.5, 1.0, 2.0, 4.0, 8.0, 16.0] if failed else [2.0, 4.0, 8.0, 16.0, 32.0, 60.0])
    assert waits[8:] == [60.0, 60.0]
    assert (memory.ended_for, memory.terminated_at, memory.tries, memory.not_before) == (None, None, 2, 0.0)


def test_neither_a_change_of_mind_nor_an_end_waits_for_a_suspension() -> None:
    tried = {"c0-1": Memory(turned=Turn(act=Act.SUSPEND, tries=9, not_before=NOW + 60.0))}
    stands = pilot(0, state=PAUSED)
    assert orders(stands, memories=tried) == [(Act.RESUME, 0, Reason.ROOM_AGAIN)]
    for each in (pilot(0), stands):
        assert orders(each, target=target(end=(ending(each),)), memories=tried) == [
            (Act.TERMINATE, 0, Reason.OWNER_CPU)
        ]
    changed = after(Order(act=Act.RESUME, pilot=stands, reason=Reason.ROOM_AGAIN), tried["c0-1"], NOW, failed=False)
    assert changed.turned == Turn(act=Act.RESUME, tries=1, not_before=NOW + 2.0)


def test_one_that_stands_or_may_stand_goes_on_before_it_gets_sigterm() -> None:
    def stands(each: Pilot, memory: Memory) -> bool:
        facts = Facts(settings=SETTINGS, target=target(end=(ending(each),)), pool=pool(each))
        (order,) = due(facts, {"c0-1": memory}, frozenset(), NOW, NOW_UNIX)
        return order.stands

    turned = [Memory(turned=Turn(act=act, not_before=NOW)) for act in (Act.SUSPEND, Act.RESUME)]
    assert [stands(pilot(0), memory) for memory in (Memory(), *turned)] == [False, True, False]
    assert [stands(pilot(0, state=PAUSED), memory) for memory in (Memory(), *turned)] == [True, True, True]


def test_one_that_stands_after_sigterm_goes_on_for_the_rest_of_its_grace() -> None:
    stands = pilot(0, state=PAUSED)
    memory = Memory(terminated_at=NOW - 9.0, ended_for=Reason.OWNER_CPU)
    assert orders(stands, target=None, memories={"c0-1": memory}) == [(Act.RESUME, 0, Reason.OWNER_CPU)]
    # The pool may show it so for a moment after it went on.
    order = Order(act=Act.TERMINATE, pilot=stands, reason=Reason.OWNER_CPU, stands=True)
    memory = after(order, Memory(), NOW, failed=False)
    assert orders(stands, target=None, memories={"c0-1": memory}) == []
    memory = Memory(terminated_at=NOW - 10.0, ended_for=Reason.OWNER_CPU)
    assert orders(stands, target=None, memories={"c0-1": memory}) == [(Act.KILL, 0, Reason.OWNER_CPU)]


def test_each_order_tells_its_figures() -> None:
    there = [pilot(0), pilot(1), pilot(2), pilot(3), pilot(4, state=EXITED), pilot(5)]
    asked = target(
        end=(ending(there[0], detail="e"), ending(there[5], at_once=True, detail="o")),
        suspend=(suspension(there[1], detail="s"),),
    )
    memories = {
        "c2-3": Memory(started_at=NOW - 301.0),
        "c3-4": Memory(terminated_at=0.0, ended_for=Reason.OWNER_CPU, ended_on="k"),
        "c4-5": Memory(ended_for=Reason.OWNER_CPU, ended_on="r"),
    }
    facts = Facts(settings=SETTINGS, target=asked, pool=pool(*there))
    told = {order.pilot.slot: order.figures for order in due(facts, memories, frozenset(), NOW, NOW_UNIX)}
    assert told == {0: "e", 1: "s", 2: "max_ttl: 300 s", 3: "k", 4: "r", 5: "o"}
    for act in (Act.TERMINATE, Act.KILL):
        order = Order(act=act, pilot=there[0], reason=Reason.OWNER_CPU, figures="e")
        assert after(order, Memory(), NOW, failed=False).ended_on == "e"


def test_why_it_was_ended_stays_so_when_it_grows_too_old_meanwhile() -> None:
    memory = Memory(started_at=NOW - 301.0, terminated_at=NOW - 10.0, ended_for=Reason.OWNER_CPU)
    assert orders(pilot(0), memories={"c0-1": memory}) == [(Act.KILL, 0, Reason.OWNER_CPU)]


def test_the_last_words_are_asked_for_of_all_that_ran_and_those_can_fizzle_that_ended_by_themselves() -> None:
    there = [pilot(0, state=EXITED), pilot(1, state=EXITED), pilot(2, 3, CREATED), pilot(3)]
    wanted = target(end=(ending(there[3], at_once=True),))
    facts = Facts(settings=SETTINGS, target=wanted, pool=pool(*there))
    memories = {"c1-2": Memory(ended_for=Reason.OWNER_CPU)}
    made = due(facts, memories, frozenset(), NOW, NOW_UNIX)
    assert {order.pilot.slot: order.fizzles_under_seconds for order in made} == {0: 7.0, 1: None, 2: None, 3: None}
    assert {order.pilot.slot: order.output_bytes for order in made} == {0: 321, 1: 321, 2: 0, 3: 321}


def test_the_most_pressing_come_first() -> None:
    there = [
        pilot(0, state=EXITED),
        pilot(1, state=PAUSED),
        pilot(2),
        pilot(3),
        pilot(4),
        pilot(5),
    ]
    asked = target(end=(ending(there[2], at_once=True), ending(there[3])), suspend=(suspension(there[5]),))
    memories = {"c4-5": Memory(terminated_at=0.0, ended_for=Reason.EXPIRED)}
    assert [act for act, _slot, _reason in orders(*there, target=asked, memories=memories)] == [
        Act.SUSPEND,
        Act.REMOVE_FORCED,
        Act.TERMINATE,
        Act.KILL,
        Act.RESUME,
        Act.REMOVE,
    ]


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


def test_the_next_look_comes_when_a_grace_ends_or_a_suspension_is_tried_again_or_within_a_second() -> None:
    facts = Facts(settings=SETTINGS)
    assert next_moment(facts, {}, NOW) == NOW + 1.0
    assert next_moment(facts, {"a": Memory(terminated_at=NOW - 9.5)}, NOW) == NOW + 0.5
    assert next_moment(facts, {"a": Memory(terminated_at=NOW - 99.0)}, NOW) == NOW + 1.0
    for moment, expected in ((NOW + 0.5, NOW + 0.5), (NOW, NOW + 1.0), (NOW + 9.0, NOW + 1.0)):
        assert next_moment(facts, {"a": Memory(turned=Turn(act=Act.SUSPEND, not_before=moment))}, NOW) == expected


# Laws.

PILOTS = st.builds(
    pilot,
    st.integers(0, 9),
    state=st.sampled_from(PilotState),
    created_unix=st.sampled_from([NOW_UNIX - 60.0, NOW_UNIX]),
    ended_unix=st.sampled_from([None, NOW_UNIX - 60.0, NOW_UNIX]),
)
MEMORIES = st.builds(
    Memory,
    started_at=st.sampled_from([None, NOW - 301.0, NOW]),
    terminated_at=st.sampled_from([None, NOW - 20.0, NOW]),
    ended_for=st.sampled_from([None, Reason.EXPIRED]),
    tries=st.integers(0, 4),
    not_before=st.sampled_from([0.0, NOW + 1.0]),
    turned=st.none()
    | st.builds(Turn, act=st.sampled_from([Act.SUSPEND, Act.RESUME]), not_before=st.sampled_from([0.0, NOW + 1.0])),
)


@st.composite
def everything(draw: st.DrawFn) -> tuple[Facts, dict[str, Memory], frozenset[str]]:
    """Draw facts whose target may name what isn't there, memories, and what is busy."""
    there = draw(st.lists(PILOTS, unique_by=lambda each: each.slot))
    named = [pilot(slot) for slot in draw(st.frozensets(st.integers(0, 9)))]
    wanted = target(
        end=tuple(ending(each, at_once=draw(st.booleans())) for each in named if draw(st.booleans())),
        suspend=tuple(suspension(each) for each in named if draw(st.booleans())),
    )
    facts = Facts(settings=SETTINGS, target=draw(st.sampled_from([wanted, None])), pool=pool(*there))
    memories = {each.container_id: draw(MEMORIES) for each in named}
    return facts, memories, frozenset(each.container_id for each in there if draw(st.booleans()))


@given(everything())
def test_each_container_there_gets_one_order_at_most_and_the_same_facts_give_the_same(
    drawn: tuple[Facts, dict[str, Memory], frozenset[str]],
) -> None:
    facts, memories, busy = drawn
    assert facts.pool is not None
    made = due(facts, memories, busy, NOW, NOW_UNIX)
    assert made == due(facts, dict(memories), busy, NOW, NOW_UNIX)
    ids = [order.pilot.container_id for order in made]
    assert len(set(ids)) == len(ids)
    assert set(ids) <= {each.container_id for each in facts.pool.pilots} - busy


@given(everything())
def test_what_was_just_done_is_not_done_again(drawn: tuple[Facts, dict[str, Memory], frozenset[str]]) -> None:
    facts, memories, _busy = drawn
    first = due(facts, memories, frozenset(), NOW, NOW_UNIX)
    known = {
        order.pilot.container_id: after(order, memories.get(order.pilot.container_id, Memory()), NOW, failed=False)
        for order in first
    }
    again = due(facts, memories | known, frozenset(), NOW, NOW_UNIX)
    assert {(order.act, order.pilot.container_id) for order in first}.isdisjoint(
        (order.act, order.pilot.container_id) for order in again
    )


@given(everything())
def test_without_a_valid_target_nothing_is_suspended_and_only_what_was_to_end_ends(
    drawn: tuple[Facts, dict[str, Memory], frozenset[str]],
) -> None:
    facts, memories, busy = drawn
    void = Facts(settings=facts.settings, target=None, pool=facts.pool)
    for order in due(void, memories, busy, NOW, NOW_UNIX):
        memory = memories.get(order.pilot.container_id, Memory())
        assert order.act not in {Act.SUSPEND, Act.REMOVE_FORCED}
        if order.act is not Act.REMOVE:
            assert memory.ended_for is not None or order.reason is Reason.EXPIRED
