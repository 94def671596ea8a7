"""Counting: each event once, whatever is repeated, and on from where a former life stopped."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.accounting import SinkState, StoreState
from plancton.common.codec import Envelope
from plancton.common.messages import Counters, EndingAction, EndingOutcome, LaunchOutcome, Message, Outcome
from plancton.common.reasons import Reason
from plancton.common.topics import TOPIC_OF
from plancton.workers.metrics.counters import Memory, count, recall, resume

FIZZLE_SECONDS = 5.0


def launched(name: str = "a", outcome: Outcome = Outcome.DONE) -> LaunchOutcome:
    return LaunchOutcome(slot=0, incarnation=1, name=name, outcome=outcome, reason=Reason.ROOM)


def ended(container_id: str = "1", **what: object) -> EndingOutcome:
    outcome = EndingOutcome(
        container_id=container_id,
        name="a",
        action=EndingAction.REMOVED,
        outcome=Outcome.DONE,
        reason=Reason.ENDED,
        uptime_seconds=10.0,
    )
    return msgspec.structs.replace(outcome, **what)


def envelope(message: Message, boot: str = "b", sequence: int = 1) -> Envelope:
    return Envelope(
        topic=TOPIC_OF[type(message)],
        sender="reaper",
        boot=boot,
        sequence=sequence,
        monotonic=1.0,
        message=message,
    )


def counted(events: Iterable[Envelope]) -> Counters:
    memory, counters = Memory(), Counters()
    for event in events:
        news = recall(memory, event)
        if news is not None:
            memory, counters = news, count(counters, event.message, FIZZLE_SECONDS)
    return counters


@pytest.mark.parametrize(
    ("message", "changes"),
    [
        (launched(), {"launched": 1}),
        (launched(outcome=Outcome.FAILED), {"launch_failures": 1}),
        (launched(outcome=Outcome.TIMED_OUT), {"launch_failures": 1}),
        (launched(outcome=Outcome.REFUSED), {}),
        (
            ended(exit_code=0),
            {
                "ended_by_themselves": 1,
                "ended_by_reason": {"ended": 1},
                "pilot_seconds": 10.0,
                "exits": {"completed": 1},
            },
        ),
        (
            ended(uptime_seconds=None),
            {"ended_by_themselves": 1, "ended_by_reason": {"ended": 1}, "exits": {"failed": 1}},
        ),
        (
            ended(killed=True, reason=Reason.OWNER_CPU),
            {"ended_by_reason": {"owner-cpu": 1}, "pilot_seconds": 10.0, "exits": {"evicted": 1}},
        ),
        (
            ended(started=False, reason=Reason.NEVER_STARTED, uptime_seconds=None),
            {"never_started": 1, "ended_by_reason": {"never-started": 1}, "exits": {"never-started": 1}},
        ),
        (
            ended(started=False, killed=True, reason=Reason.FORCE_STOP, uptime_seconds=None),
            {"never_started": 1, "ended_by_reason": {"force-stop": 1}, "exits": {"never-started": 1}},
        ),
        (ended(outcome=Outcome.FAILED), {}),
        (ended(outcome=Outcome.TIMED_OUT), {}),
        (ended(action=EndingAction.TERMINATED), {}),
        (ended(action=EndingAction.KILLED), {}),
        (ended(action=EndingAction.SUSPENDED), {"suspended": 1}),
        (ended(action=EndingAction.RESUMED), {"resumed": 1}),
        (ended(action=EndingAction.SUSPENDED, outcome=Outcome.FAILED), {}),
        (ended(action=EndingAction.RESUMED, outcome=Outcome.TIMED_OUT), {}),
        (
            ended(uptime_seconds=4.5, exit_code=1),
            {
                "ended_by_themselves": 1,
                "ended_by_reason": {"ended": 1},
                "pilot_seconds": 4.5,
                "fizzled": 1,
                "exits": {"fizzled": 1},
            },
        ),
    ],
)
def test_what_each_event_changes(message: Message, changes: dict[str, object]) -> None:
    assert count(Counters(), message, FIZZLE_SECONDS) == msgspec.structs.replace(Counters(), **changes)


def test_a_pilot_may_be_suspended_more_than_once() -> None:
    suspended = ended(action=EndingAction.SUSPENDED)
    assert counted([envelope(suspended, sequence=1), envelope(suspended, sequence=2)]).suspended == 2


def test_a_thing_done_again_by_a_hand_that_forgot_it_counts_once() -> None:
    deeds = [ended(), ended(), launched(), launched(), ended("2"), launched("b")]
    counters = counted(envelope(deed, str(number)) for number, deed in enumerate(deeds))
    assert (counters.launched, counters.ended_by_reason) == (2, {"ended": 2})


def test_a_failure_repeated_under_a_new_sequence_is_another_failure() -> None:
    failure = launched(outcome=Outcome.FAILED)
    assert counted([envelope(failure, sequence=1), envelope(failure, sequence=2)]).launch_failures == 2


MESSAGES = st.one_of(
    st.builds(launched, st.sampled_from("abc"), st.sampled_from(Outcome)),
    st.builds(
        ended,
        st.sampled_from("123"),
        outcome=st.sampled_from(Outcome),
        action=st.sampled_from(EndingAction),
        killed=st.booleans(),
        started=st.booleans(),
        uptime_seconds=st.none() | st.just(1.0) | st.just(10.0),
    ),
)
HISTORY = st.lists(st.tuples(st.sampled_from(["x", "y"]), MESSAGES), max_size=30)


def numbered(history: list[tuple[str, Message]]) -> list[Envelope]:
    return [envelope(message, boot, sequence) for sequence, (boot, message) in enumerate(history, 1)]


@given(HISTORY, st.data())
def test_counting_with_repetitions_is_counting_once(history: list[tuple[str, Message]], data: st.DataObject) -> None:
    once = numbered(history)
    repeated: list[Envelope] = []
    for event in once:
        repeated.append(event)
        repeated += data.draw(st.lists(st.sampled_from(repeated), max_size=3))
    assert counted(repeated) == counted(once)


@given(HISTORY, st.integers(0, 30))
def test_a_restart_between_two_events_changes_no_total(history: list[tuple[str, Message]], cut: int) -> None:
    memory, whole, former, own = Memory(), Counters(), Counters(), Counters()
    for number, event in enumerate(numbered(history)):
        news = recall(memory, event)
        if news is None:
            continue
        memory, whole = news, count(whole, event.message, FIZZLE_SECONDS)
        if number < cut:
            former = count(former, event.message, FIZZLE_SECONDS)
        else:
            own = count(own, event.message, FIZZLE_SECONDS)
    assert resume(former, own) == whole


def test_a_former_life_s_totals_are_all_gone_on_from() -> None:
    numbers: dict[str, Any] = {
        name: number
        for number, (name, kind) in enumerate(Counters.__annotations__.items(), 1)
        if kind in {int, float, "int", "float"}
    }
    former = Counters(**numbers, ended_by_reason={"ended": 1, "expired": 2}, exits={"failed": 3})
    own = Counters(**numbers, ended_by_reason={"ended": 4}, exits={"failed": 1, "evicted": 5})
    assert len(numbers) >= 14
    assert resume(former, own) == Counters(
        **{name: 2 * number for name, number in numbers.items()},
        ended_by_reason={"ended": 5, "expired": 2},
        exits={"failed": 4, "evicted": 5},
    )


def test_sinks_and_store_stay_this_life_s() -> None:
    sink = SinkState(name="s", written_points=5, waiting_points=3, dropped_points=2)
    store = StoreState(points=1, size_bytes=2)
    assert resume(Counters(), Counters(sinks=(sink,), store=store)) == Counters(sinks=(sink,), store=store)
    assert resume(Counters(sinks=(sink,), store=store), Counters()) == Counters()


def test_the_memory_is_bounded() -> None:
    memory = Memory()
    for number in range(1, 2000):
        memory = recall(memory, envelope(launched(name=str(number)), str(number), number)) or memory
    assert len(memory.last) <= 64
    assert len(memory.deeds) <= 1000
