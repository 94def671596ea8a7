"""Starts and ends are counted from what changed in the pool, each once; and what they cost the engine."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.pilot import Pilot, PilotState
from plancton.workers.probe.churn import Churn, churn_between, engine_cpus
from plancton.workers.probe.pool import Pool, from_containers
from tests.workers.probe.history import HISTORIES, recorded, replay


def pool(**states: PilotState) -> Pool:
    return {
        key: Pilot(container_id=key, name=key, slot=0, incarnation=1, spec="s", state=state, created_unix=1.0)
        for key, state in states.items()
    }


S = PilotState


@pytest.mark.parametrize(
    ("before", "after", "starts", "ends"),
    [
        (pool(), pool(a=S.CREATED), 0, 0),
        (pool(a=S.CREATED), pool(), 0, 0),
        (pool(a=S.CREATED), pool(a=S.RUNNING), 1, 0),
        (pool(), pool(a=S.RUNNING), 1, 0),
        (pool(), pool(a=S.EXITED), 1, 1),
        (pool(a=S.CREATED), pool(a=S.EXITED), 1, 1),
        (pool(a=S.RUNNING), pool(a=S.EXITED), 0, 1),
        (pool(a=S.RUNNING), pool(), 0, 1),
        (pool(a=S.PAUSED), pool(a=S.REMOVING), 0, 1),
        (pool(a=S.REMOVING), pool(), 0, 0),
        (pool(a=S.RUNNING), pool(a=S.PAUSED), 0, 0),
        (pool(a=S.EXITED), pool(), 0, 0),
        (pool(a=S.RUNNING, b=S.CREATED), pool(b=S.RUNNING, c=S.RUNNING), 2, 1),
    ],
)
def test_what_happened_between_two_states_of_the_pool(before: Pool, after: Pool, starts: int, ends: int) -> None:
    assert churn_between(before, after) == Churn(starts=starts, ends=ends)


@given(HISTORIES, st.data())
def test_each_start_and_each_end_is_counted_once_however_often_it_is_told_and_whatever_looks_are_late(
    history: list[tuple[int, str]], data: st.DataObject
) -> None:
    log = recorded(history)
    now: Pool = {}
    counted = Churn()
    for number, event in enumerate(log.happened, 1):
        changes = [replay(now, [event])]
        # A new stream begins with the last event of the one before.
        changes.append(replay(changes[-1], [event]))
        # A look may be older than events that were seen since it was asked for; they are folded in again.
        asked = data.draw(st.integers(0, number))
        listed = data.draw(st.integers(asked, number))
        changes.append(replay(from_containers(log.listed[listed], changes[-1]), log.happened[asked:number]))
        for then in changes:
            counted += churn_between(now, then)
            now = then
    actions = [event.action for event in log.happened]
    assert counted == Churn(starts=actions.count("start"), ends=actions.count("die"))


COUNTS = st.integers(0, 1000)


@given(COUNTS, COUNTS, st.floats(0.1, 10.0), st.floats(-1.0, 64.0))
def test_the_engine_is_never_said_to_use_less_than_nothing_or_more_than_there_is(
    starts: int, ends: int, seconds: float, most: float
) -> None:
    used = engine_cpus(Churn(starts=starts, ends=ends), seconds, most)
    assert 0.0 <= used <= max(0.0, most)
    assert used <= engine_cpus(Churn(starts=starts + 1, ends=ends), seconds, most)


def test_nothing_happened_costs_nothing_and_a_launch_a_fifth_of_a_second_in_all() -> None:
    assert engine_cpus(Churn(), 2.0, 64.0) == 0.0
    assert engine_cpus(Churn(starts=1, ends=1), 2.0, 64.0) == pytest.approx(0.105)


def test_what_happened_before_and_after_is_what_happened_in_all() -> None:
    assert Churn(starts=1, ends=2) + Churn(starts=30, ends=40) == Churn(starts=31, ends=42)


def test_only_what_changed_is_looked_at() -> None:
    (pilot,) = pool(a=S.RUNNING).values()
    same = msgspec.structs.replace(pilot, started_unix=5.0)
    assert churn_between({"a": pilot}, {"a": same}) == Churn()
