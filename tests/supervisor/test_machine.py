"""The states of a worker: the table of the module as data, and laws that any sequence of events obeys."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plancton.common.processes import ProcessState as State
from plancton.supervisor.machine import (
    FATAL_MEANS,
    WORKERS,
    Beaten,
    Budgets,
    Child,
    Do,
    Ended,
    Event,
    FatalMeans,
    Machine,
    Start,
    Stop,
    Tick,
    has_process,
)
from plancton.supervisor.restart import RestartPolicy

MACHINE = Machine()
BUDGETS = MACHINE.budgets
NOW = 1000.0
OFTEN = (NOW,) * MACHINE.patience.most_failures
"""As many failures as are forgiven."""

STOPPED = Child(name="probe")
STARTING = Child(name="probe", wanted=True, state=State.STARTING, deadline=NOW + 20, starts=1)
RUNNING = msgspec.structs.replace(STARTING, state=State.RUNNING, deadline=NOW + 5)
BACKOFF = msgspec.structs.replace(STARTING, state=State.BACKOFF, deadline=NOW + 2)
LEAVING = Child(name="probe", state=State.STOPPING, deadline=NOW + 3, starts=1)
HUNG = msgspec.structs.replace(LEAVING, wanted=True, deadline=NOW + 1)
FATAL = Child(name="probe", wanted=True, state=State.FATAL, starts=11)
CHILDREN = (STOPPED, STARTING, RUNNING, BACKOFF, LEAVING, HUNG, FATAL)


def failing(child: Child) -> Child:
    """Return the child with as many failures as are forgiven."""
    return msgspec.structs.replace(child, failures=OFTEN)


# What each state does on each event: the child, the event, the next state, what is wanted, what is done, and the
# seconds until the deadline; "kept" where the child's deadline stays as it was.
Row = tuple[Child, Event, State, bool, tuple[Do, ...], float | str | None]
TABLE: tuple[Row, ...] = (
    (STOPPED, Start(), State.STARTING, True, (Do.SPAWN,), BUDGETS.start_seconds),
    (STOPPED, Beaten(ready=True), State.STOPPED, False, (), "kept"),
    (STOPPED, Beaten(ready=False), State.STOPPED, False, (), "kept"),
    (STOPPED, Ended("exited"), State.STOPPED, False, (), "kept"),
    (STOPPED, Stop(), State.STOPPED, False, (), "kept"),
    (STARTING, Start(), State.STARTING, True, (), "kept"),
    (STARTING, Beaten(ready=True), State.RUNNING, True, (), BUDGETS.beat_seconds),
    (STARTING, Beaten(ready=False), State.STARTING, True, (), "kept"),
    (STARTING, Ended("exited"), State.BACKOFF, True, (), 0.0),
    (failing(STARTING), Ended("exited"), State.FATAL, True, (), None),
    (STARTING, Stop(), State.STOPPING, False, (Do.TERMINATE,), BUDGETS.stop_seconds),
    (RUNNING, Start(), State.RUNNING, True, (), "kept"),
    (RUNNING, Beaten(ready=True), State.RUNNING, True, (), BUDGETS.beat_seconds),
    (RUNNING, Beaten(ready=False), State.RUNNING, True, (), BUDGETS.beat_seconds),
    (RUNNING, Ended("exited"), State.BACKOFF, True, (), 0.0),
    (failing(RUNNING), Ended("exited"), State.FATAL, True, (), None),
    (RUNNING, Stop(), State.STOPPING, False, (Do.TERMINATE,), BUDGETS.stop_seconds),
    (BACKOFF, Start(), State.BACKOFF, True, (), "kept"),
    (BACKOFF, Beaten(ready=True), State.BACKOFF, True, (), "kept"),
    (BACKOFF, Beaten(ready=False), State.BACKOFF, True, (), "kept"),
    (BACKOFF, Ended("exited"), State.BACKOFF, True, (), "kept"),
    (BACKOFF, Stop(), State.STOPPED, False, (), None),
    (LEAVING, Start(), State.STOPPING, True, (), "kept"),
    (LEAVING, Beaten(ready=True), State.STOPPING, False, (), "kept"),
    (LEAVING, Beaten(ready=False), State.STOPPING, False, (), "kept"),
    (LEAVING, Ended("exited"), State.STOPPED, False, (), None),
    (LEAVING, Stop(), State.STOPPING, False, (), "kept"),
    (HUNG, Start(), State.STOPPING, True, (), "kept"),
    (HUNG, Beaten(ready=True), State.STOPPING, True, (), "kept"),
    (HUNG, Beaten(ready=False), State.STOPPING, True, (), "kept"),
    (HUNG, Ended("killed"), State.BACKOFF, True, (), 0.0),
    (failing(HUNG), Ended("killed"), State.FATAL, True, (), None),
    (HUNG, Stop(), State.STOPPING, False, (), "kept"),
    (FATAL, Start(), State.FATAL, True, (), "kept"),
    (FATAL, Beaten(ready=True), State.FATAL, True, (), "kept"),
    (FATAL, Beaten(ready=False), State.FATAL, True, (), "kept"),
    (FATAL, Ended("exited"), State.FATAL, True, (), "kept"),
    (FATAL, Stop(), State.STOPPED, False, (), None),
)
PAST_DEADLINE: tuple[tuple[Child, State, tuple[Do, ...], float], ...] = (
    (STARTING, State.STOPPING, (Do.KILL,), BUDGETS.kill_seconds),
    (RUNNING, State.STOPPING, (Do.KILL,), BUDGETS.kill_seconds),
    (BACKOFF, State.STARTING, (Do.SPAWN,), BUDGETS.start_seconds),
    (LEAVING, State.STOPPING, (Do.KILL,), BUDGETS.kill_seconds),
    (HUNG, State.STOPPING, (Do.KILL,), BUDGETS.kill_seconds),
)


@pytest.mark.parametrize("row", TABLE)
def test_each_event_in_each_state(row: Row) -> None:
    child, event, state, wanted, done, within = row
    after, actions = MACHINE.step(child, event, NOW, 0.5)
    assert (after.state, after.wanted, actions) == (state, wanted, done)
    if within == "kept":
        assert after.deadline == child.deadline
    else:
        assert after.deadline == (None if within is None else NOW + float(within))


def test_the_table_has_each_event_in_each_state() -> None:
    events = {Start(), Stop(), Beaten(ready=True), Beaten(ready=False)}
    for child in CHILDREN:
        mine = [row for row in TABLE if msgspec.structs.replace(row[0], failures=()) == child]
        assert {row[1] for row in mine if not isinstance(row[1], Ended)} == events, child.state
        assert any(isinstance(row[1], Ended) for row in mine), child.state
    assert {child.state for child in CHILDREN} == set(State)


@pytest.mark.parametrize(("child", "state", "done", "within"), PAST_DEADLINE)
def test_a_tick_acts_at_the_deadline_and_not_before(
    child: Child, state: State, done: tuple[Do, ...], within: float
) -> None:
    assert child.deadline is not None
    assert MACHINE.step(child, Tick(), child.deadline - 0.001, 0.5) == (child, ())
    after, actions = MACHINE.step(child, Tick(), child.deadline, 0.5)
    assert (after.state, actions, after.deadline) == (state, done, child.deadline + within)
    assert after.wanted == child.wanted


@pytest.mark.parametrize("child", [STOPPED, FATAL])
def test_where_nothing_is_waited_for_a_tick_does_nothing(child: Child) -> None:
    assert child.deadline is None
    assert MACHINE.step(child, Tick(), NOW * 1000, 0.5) == (child, ())


def test_the_second_failure_soon_after_the_first_waits() -> None:
    child = msgspec.structs.replace(RUNNING, failures=(NOW - 1.0,))
    after, _ = MACHINE.step(child, Ended("exited"), NOW, 0.5)
    assert (after.state, after.deadline, after.failures) == (State.BACKOFF, NOW + 0.25, (NOW - 1.0, NOW))


def test_how_a_life_ended_is_kept() -> None:
    assert MACHINE.step(RUNNING, Ended("killed by SIGKILL"), NOW, 0.5)[0].last_end == "killed by SIGKILL"


def test_an_asked_for_end_is_no_failure() -> None:
    assert MACHINE.step(LEAVING, Ended("exited"), NOW, 0.5)[0].failures == ()


def test_each_worker_given_up_means_something_and_the_order_of_starting_is_the_flow_of_facts() -> None:
    assert WORKERS == ("probe", "scheduler", "launcher", "reaper", "metrics")
    assert FATAL_MEANS == {
        "probe": FatalMeans.EXIT,
        "scheduler": FatalMeans.EXIT,
        "launcher": FatalMeans.DRAIN,
        "reaper": FatalMeans.DRAIN,
        "metrics": FatalMeans.DEGRADE,
    }


EVENTS = st.one_of(
    st.just(Start()),
    st.just(Stop()),
    st.builds(Beaten, st.booleans()),
    st.builds(Ended, st.sampled_from(["exited with 1", "killed by SIGKILL"])),
    st.just(Tick()),
    st.just("at the deadline"),
)
STEPS = st.lists(st.tuples(EVENTS, st.floats(0.0, 30.0), st.floats(0.0, 1.0)), max_size=80)
MACHINES = st.builds(
    Machine,
    budgets=st.builds(
        Budgets,
        start_seconds=st.floats(0.1, 30.0),
        beat_seconds=st.floats(0.1, 10.0),
        stop_seconds=st.floats(0.0, 5.0),
        kill_seconds=st.floats(0.1, 2.0),
    ),
    patience=st.builds(RestartPolicy, most_failures=st.integers(1, 6)),
)


def check_step(before: Child, event: Event, after: Child, actions: tuple[Do, ...], now: float) -> None:
    """Assert what holds after any step from any state."""
    assert len(actions) <= 1
    if Do.SPAWN in actions:
        assert not has_process(before)
        assert before.state is not State.FATAL
        assert after.wanted
        assert after.starts == before.starts + 1
    if Do.KILL in actions:
        assert has_process(before)
        assert before.deadline is not None
        assert now >= before.deadline
    if Do.TERMINATE in actions:
        assert event == Stop()
        assert before.state in {State.STARTING, State.RUNNING}
    if before.state is State.FATAL and event != Stop():
        assert after.state is State.FATAL
    if after.wanted and after.state is not State.FATAL:
        assert after.deadline is not None
        assert has_process(after) or after.state is State.BACKOFF
    if not after.wanted:
        assert after.state in {State.STOPPED, State.STOPPING}
    assert (after.deadline is None) == (after.state in {State.STOPPED, State.FATAL})
    # A process ends by its end alone, whatever is wished meanwhile.
    if has_process(before) and not isinstance(event, Ended):
        assert has_process(after)


@settings(max_examples=300)
@given(MACHINES, STEPS)
def test_whatever_happens_the_invariants_hold_after_each_step(
    machine: Machine, steps: list[tuple[Event | str, float, float]]
) -> None:
    child, now = Child(name="probe"), 0.0
    for moment, seconds, luck in steps:
        event = Tick() if isinstance(moment, str) else moment
        now = max(now, child.deadline or now) if isinstance(moment, str) else now + seconds
        before = child
        child, actions = machine.step(before, event, now, luck)
        check_step(before, event, child, actions, now)
    child, _ = machine.step(child, Stop(), now, 0.5)
    child, _ = machine.step(child, Ended("exited with 0"), now, 0.5)
    assert child.state is State.STOPPED
    assert child.deadline is None


@given(MACHINES, st.lists(st.tuples(st.floats(0.0, 3.0), st.booleans(), st.floats(0.0, 1.0)), min_size=1, max_size=60))
def test_a_worker_that_ends_again_and_again_is_started_a_bounded_number_of_times_in_any_minute(
    machine: Machine, lives: list[tuple[float, bool, float]]
) -> None:
    child, _ = machine.step(Child(name="probe"), Start(), 0.0, 0.5)
    now, births = 0.0, [0.0]
    for seconds, ready, luck in lives:
        if ready:
            child, _ = machine.step(child, Beaten(ready=True), now, luck)
        now += seconds
        child, _ = machine.step(child, Ended("exited with 1"), now, luck)
        if child.state is State.FATAL:
            break
        assert child.deadline is not None
        now = child.deadline
        child, actions = machine.step(child, Tick(), now, luck)
        assert actions == (Do.SPAWN,)
        births.append(now)
    window = machine.patience.window_seconds
    for first in births:
        assert sum(first <= birth < first + window for birth in births) <= machine.patience.most_failures + 1


def test_a_worker_that_ends_at_once_is_given_up_after_ten_restarts_that_took_longer_and_longer() -> None:
    child, _ = MACHINE.step(Child(name="probe"), Start(), 0.0, 0.5)
    now, waits = 0.0, []
    while child.state is not State.FATAL:
        child, _ = MACHINE.step(child, Ended("exited with 1"), now, 0.5)
        if child.deadline is not None:
            waits.append(child.deadline - now)
            now = child.deadline
            child, _ = MACHINE.step(child, Tick(), now, 0.5)
    assert waits == [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0]
    assert child.restarts == 10
