"""The pool: events and full looks in any order lead to the truth, and a late look loses nobody."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.naming import container_name
from plancton.common.pilot import PilotState
from plancton.workers.probe.pool import Pool, after_event, busy_since, from_containers
from tests.workers.probe.history import HISTORIES, INSTANCE, Log, recorded, replay


def at(unix: float) -> object:
    """Return the moment, give or take the nanoseconds by which the fake engine tells its events apart."""
    return pytest.approx(unix, rel=0.0, abs=0.001)


def truth(log: Log) -> dict[str, tuple[str, PilotState]]:
    return {each.container_id: (each.name, each.state) for each in log.listed[-1]}


def shown(pool: Pool) -> dict[str, tuple[str, PilotState]]:
    return {key: (each.name, each.state) for key, each in pool.items()}


@given(HISTORIES)
def test_events_alone_tell_the_truth(history: list[tuple[int, str]]) -> None:
    log = recorded(history)
    assert shown(replay({}, log.happened)) == truth(log)


@given(HISTORIES, st.data())
def test_events_since_any_moment_said_again_change_nothing(history: list[tuple[int, str]], data: st.DataObject) -> None:
    log = recorded(history)
    pool = replay({}, log.happened)
    since = data.draw(st.integers(0, len(log.happened)))
    assert replay(pool, log.happened[since:]) == pool


@given(HISTORIES)
def test_any_old_event_of_a_container_that_is_there_changes_nothing(history: list[tuple[int, str]]) -> None:
    log = recorded(history)
    pool = replay({}, log.happened)
    assert all(after_event(pool, event) == pool for event in log.happened if event.container_id in pool)


@given(HISTORIES, st.data())
def test_a_look_older_than_events_seen_meanwhile_loses_and_revives_nobody(
    history: list[tuple[int, str]], data: st.DataObject
) -> None:
    log = recorded(history)
    asked = data.draw(st.integers(0, len(log.happened)))
    listed = data.draw(st.integers(asked, len(log.happened)))
    pool = replay({}, log.happened)
    pool = replay(from_containers(log.listed[listed], pool), log.happened[asked:])
    assert shown(pool) == truth(log)


@given(HISTORIES, st.data())
def test_a_look_mends_whatever_events_were_lost(history: list[tuple[int, str]], data: st.DataObject) -> None:
    log = recorded(history)
    some = [event for event in log.happened if data.draw(st.booleans())]
    assert shown(from_containers(log.listed[-1], replay({}, some))) == truth(log)


def lived(log: Log) -> Pool:
    return replay({}, log.happened)


def test_an_event_tells_the_moments_and_a_later_look_keeps_them() -> None:
    log = recorded([(0, "create"), (0, "start"), (0, "end")])
    (pilot,) = lived(log).values()
    assert pilot.started_unix == at(1_700_000_001.0)
    assert pilot.ended_unix == at(1_700_000_002.0)
    (looked,) = from_containers(log.listed[-1], lived(log)).values()
    assert (looked.started_unix, looked.ended_unix, looked.exit_code) == (pilot.started_unix, pilot.ended_unix, 137)


def test_an_end_seen_first_by_a_look_still_learns_its_moment() -> None:
    log = recorded([(0, "create"), (0, "start"), (0, "end")])
    seen = from_containers(log.listed[-1], replay({}, log.happened[:2]))
    (pilot,) = seen.values()
    assert (pilot.state, pilot.ended_unix, pilot.exit_code) == (PilotState.EXITED, None, 137)
    (later,) = replay(seen, log.happened[2:]).values()
    assert later.ended_unix is not None


def test_pause_and_unpause() -> None:
    log = recorded([(0, "create"), (0, "start")])
    pool = lived(log)
    (key,) = pool
    start = log.happened[-1]
    paused = after_event(pool, msgspec.structs.replace(start, action="pause"))
    assert paused[key].state is PilotState.PAUSED
    again = after_event(paused, msgspec.structs.replace(start, action="unpause"))
    assert again[key].state is PilotState.RUNNING


@pytest.mark.parametrize("action", ["start", "pause", "unpause", "die"])
def test_one_that_ended_is_changed_by_nothing_that_is_told_again(action: str) -> None:
    log = recorded([(0, "create"), (0, "start"), (0, "end")])
    pool = lived(log)
    late = msgspec.structs.replace(log.happened[-1], action=action, at_nano=log.happened[-1].at_nano + 10**9)
    assert after_event(pool, late) is pool


def test_one_that_runs_has_not_ended() -> None:
    (pilot,) = lived(recorded([(0, "create"), (0, "start")])).values()
    assert (pilot.ended_unix, pilot.exit_code) == (None, None)


@pytest.mark.parametrize("action", ["oom", "kill", "rename", "exec_start", "something-new"])
def test_other_events_change_nothing(action: str) -> None:
    log = recorded([(0, "create"), (0, "start")])
    pool = lived(log)
    assert after_event(pool, msgspec.structs.replace(log.happened[-1], action=action)) is pool


def test_containers_without_our_labels_are_nobodys_pilots() -> None:
    log = recorded([(0, "create")])
    (container,) = log.listed[-1]
    stranger = msgspec.structs.replace(container, labels={"plancton.instance": INSTANCE})
    assert from_containers([stranger], {}) == {}
    assert after_event({}, msgspec.structs.replace(log.happened[0], labels={})) == {}


def test_one_that_is_created_under_another_name_than_its_labels_ask_for_is_left_to_the_next_look() -> None:
    log = recorded([(0, "create")])
    assert after_event({}, msgspec.structs.replace(log.happened[0], name="owners")) == {}
    assert after_event({}, msgspec.structs.replace(log.happened[0], name=container_name(INSTANCE, 0, 2))) == {}


@pytest.mark.parametrize(
    ("said", "believed"), [(1_700_000_005.0, 1_700_000_005.0), (0.0, 1_700_000_001.0), (1e12, 1_700_000_009.0)]
)
def test_a_pilot_is_busy_within_its_life_whatever_it_says(said: float, believed: float) -> None:
    (pilot,) = lived(recorded([(0, "create"), (0, "start")])).values()
    assert pilot.started_unix == at(1_700_000_001.0)
    assert busy_since(pilot, said, 1_700_000_009.0) == at(believed)
    unseen = msgspec.structs.replace(pilot, started_unix=None)
    assert busy_since(unseen, 0.0, 1_700_000_009.0) == pilot.created_unix == at(1_700_000_000.0)
