"""Which deadlines pilots are told, and which directories nobody needs any more."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.naming import container_name
from plancton.common.pilot import ENDED_STATES, Pilot, PilotState
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from plancton.workers.reaper.cleanup import Facts, Memory
from plancton.workers.reaper.deadlines import Scene, Telling, deadlines, orphans, to_remove, to_write, waits
from tests.support.facts import CREATED, RUNNING, pilot, pool, target, wish

NOW, NOW_UNIX = 5000.0, 2_000_000.0
SETTINGS = Settings(max_ttl=300.0, stop_grace=10.0)
INSTANCE = "0123abcd"


def name(slot: int) -> str:
    """Return the name of that slot's pilot, as ``pilot`` makes it."""
    return container_name(INSTANCE, slot, slot + 1)


def told(
    *pilots: Pilot,
    memories: dict[str, Memory],
    terminating: frozenset[str] = frozenset(),
    **changes: Any,  # noqa: ANN401
) -> dict[str, float]:
    """Return the deadlines at NOW, as seconds from now on the wall clock."""
    scene: dict[str, Any] = {
        "facts": Facts(settings=SETTINGS, target=None, pool=pool(*pilots)),
        "last": target(),
        "memories": memories,
        "busy": frozenset(),
        "instance": INSTANCE,
        "now": NOW,
        "now_unix": NOW_UNIX,
    }
    found = deadlines(Scene(**(scene | changes)), terminating)
    return {key: moment - NOW_UNIX for key, moment in found.items()}


@pytest.mark.parametrize("state", list(PilotState))
def test_a_live_pilot_may_run_until_its_max_ttl_however_its_container_is_called_now(state: PilotState) -> None:
    expected = {} if state is CREATED or state in ENDED_STATES else {name(0): 200.0}
    assert told(pilot(0, state=state, name="renamed"), memories={"c0-1": Memory(started_at=NOW - 100.0)}) == expected


def test_a_deadline_for_all_comes_before_their_own_if_it_is_earlier_and_stays_when_the_target_is_void() -> None:
    memories = {"c0-1": Memory(started_at=NOW - 100.0), "c1-2": Memory(started_at=NOW - 250.0)}
    last = target(until=0.0, deadline_unix=NOW_UNIX + 60.0)
    assert told(pilot(0), pilot(1), memories=memories, last=last) == {name(0): 60.0, name(1): 50.0}


def test_one_that_is_ended_may_run_until_sigkill_comes() -> None:
    memories = {"c0-1": Memory(started_at=NOW, terminated_at=NOW - 4.0, ended_for=Reason.OWNER_CPU)}
    last = target(deadline_unix=NOW_UNIX + 1.0)
    assert told(pilot(0), memories=memories, last=last) == {name(0): 6.0}
    memories = {"c0-1": Memory(started_at=NOW - 301.0)}
    assert told(pilot(0), memories=memories, terminating=frozenset({"c0-1"}), last=last) == {name(0): 10.0}
    assert told(pilot(0), memories=memories, terminating=frozenset({"c0-1"}), last=None) == {name(0): 10.0}


def test_nothing_is_told_where_it_is_not_known() -> None:
    memories = {"c0-1": Memory(started_at=NOW)}
    assert told(pilot(0), memories=memories, last=None) == {}
    assert told(pilot(0), memories={}) == {}
    assert told(pilot(0), memories=memories, facts=Facts(settings=None, pool=pool(pilot(0)))) == {}
    assert told(pilot(0), memories=memories, facts=Facts(settings=SETTINGS, pool=None)) == {}


def test_one_that_something_is_being_done_to_is_left_out() -> None:
    memories = {each: Memory(started_at=NOW) for each in ("c0-1", "c1-2")}
    assert told(pilot(0), pilot(1), memories=memories, busy=frozenset({"c0-1"})) == {name(1): 300.0}


def test_a_deadline_is_written_when_it_moved_by_more_than_a_second() -> None:
    known = {"a": Telling(deadline_unix=100.0, asked_at=NOW - 9.0, written=True)}
    wanted = [{"a": moment} for moment in (98.9, 99.0, 101.0, 101.1)]
    assert [to_write(each, known, NOW) for each in wanted] == [wanted[0], {}, {}, wanted[3]]
    assert to_write({"b": 1.0}, known, NOW) == {"b": 1.0}


def test_while_one_is_being_written_the_next_one_waits() -> None:
    assert to_write({"a": 200.0}, {"a": Telling(deadline_unix=100.0, asked_at=NOW - 999.0)}, NOW) == {}


def test_one_that_could_not_be_written_is_tried_again_after_a_minute() -> None:
    failed = Telling(deadline_unix=100.0, asked_at=NOW - 59.9, written=True, failed=True)
    assert to_write({"a": 100.0}, {"a": failed}, NOW) == {}
    assert to_write({"a": 100.0}, {"a": failed}, NOW + 0.1) == {"a": 100.0}


def test_sigterm_waits_for_a_deadline_that_is_being_written_but_not_for_long() -> None:
    under_way = Telling(deadline_unix=100.0, asked_at=NOW - 0.9)
    assert waits(under_way, NOW)
    assert not waits(under_way, NOW + 0.1)
    for over in ({"written": True}, {"written": True, "failed": True}):
        assert not waits(Telling(deadline_unix=100.0, asked_at=NOW, **over), NOW)
    assert not waits(None, NOW)


def test_an_orphan_belongs_neither_to_a_container_nor_to_a_wish() -> None:
    there = pool(pilot(0, name="renamed"), pilot(1, state=CREATED))
    wished = target(wish(2, 3), withdrawn=(wish(3, 4),))
    names = [name(slot) for slot in range(6)]
    assert orphans(names, there, wished, INSTANCE) == {name(4), name(5)}
    assert orphans(names, there, None, INSTANCE) == set(names[2:])
    other = container_name(INSTANCE, 0, 9)
    assert orphans([other], there, wished, INSTANCE) == {other}


def test_an_orphan_goes_after_a_minute_in_every_look() -> None:
    old, since = to_remove(["a", "b"], {}, NOW)
    assert (old, since) == (frozenset(), {"a": NOW, "b": NOW})
    old, since = to_remove(["a"], since, NOW + 59.9)
    assert (old, since) == (frozenset(), {"a": NOW})
    old, since = to_remove(["a", "b"], since, NOW + 60.0)
    assert (old, since) == (frozenset({"a"}), {"b": NOW + 60.0})


@given(st.frozensets(st.integers(0, 9)), st.lists(st.frozensets(st.integers(0, 9)), max_size=6))
def test_what_has_a_container_is_never_removed(alive: frozenset[int], looks: list[frozenset[int]]) -> None:
    """The directories of ``alive`` are listed at each look, and those of others now and then."""
    there = pool(*(pilot(slot, state=RUNNING) for slot in alive))
    since: dict[str, float] = {}
    for number, others in enumerate(looks):
        names = {name(slot) for slot in alive | others}
        old, since = to_remove(orphans(names, there, None, INSTANCE), since, NOW + 30.0 * number)
        assert old.isdisjoint({name(slot) for slot in alive})
        assert old.isdisjoint(since)
