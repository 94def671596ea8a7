"""What the exporter keeps of what was said: the last of each fact, and sums of events."""

import pytest

from plancton.common.accounting import CallTimes
from plancton.common.codec import Envelope
from plancton.common.messages import (
    EngineCalls,
    HostLook,
    Intent,
    LauncherState,
    LaunchOutcome,
    Message,
    Mode,
    Outcome,
    PoolLook,
    PoolUnknown,
    Processes,
    Target,
)
from plancton.common.points import Point
from plancton.common.processes import ProcessState, ProcessStatus
from plancton.common.prometheus_metrics import BUCKETS
from plancton.common.reasons import Reason
from plancton.common.topics import TOPIC_OF
from plancton.workers.metrics.prometheus.exposed_facts import Facts, Tally, heard, pointed

HOST = HostLook(
    ncpus=4, interval_seconds=2.0, busy_cpus=1.0, pilots_cpus=0.5, ram_bytes=1, available_bytes=1, swap_bytes=0
)
POOL = PoolLook(pilots=(), full_look_monotonic=0.0)
UNKNOWN = PoolUnknown(why="it is away", since_unix=1.0)
TARGET = Target(generation=1, valid_until_monotonic=9.0, want=3, running=2)
PROCESS = ProcessStatus(name="probe", state=ProcessState.RUNNING, pid=7, restarts=0, since_unix=1.0)


def told(*messages: Message, sender: str = "probe", at: float = 5.0) -> Facts:
    facts = Facts()
    for message in messages:
        facts = heard(
            facts,
            Envelope(topic=TOPIC_OF[type(message)], sender=sender, boot="b", sequence=1, monotonic=at, message=message),
        )
    return facts


def launch(seconds: float, outcome: Outcome = Outcome.DONE) -> LaunchOutcome:
    return LaunchOutcome(slot=1, incarnation=1, name="p", outcome=outcome, reason=Reason.ROOM, seconds=seconds)


def handback(seconds: float, by: str = "ended") -> Point:
    return Point(
        series="handback",
        tags={"hostname": "h", "by": by, "reason": "owner-cpu"},
        fields={"seconds": seconds, "first_seconds": 0.1, "pilots": 2.0},
        time_unix_ns=1,
    )


def test_the_last_of_each_fact_is_known_with_its_time() -> None:
    facts = told(HOST, POOL, TARGET, Intent(mode=Mode.DRAINING, since_unix=0.0), Processes(processes=(PROCESS,)))
    assert facts == Facts(
        host=HOST, host_at=5.0, pool=POOL, pool_at=5.0, target=TARGET, mode=Mode.DRAINING, processes=(PROCESS,)
    )


def test_an_engine_that_cannot_be_asked_takes_the_place_of_what_it_showed() -> None:
    assert told(POOL, UNKNOWN).pool == UNKNOWN
    assert told(UNKNOWN, POOL).pool == POOL


def test_what_is_not_exposed_changes_nothing() -> None:
    assert told(LauncherState(image="i", image_id=None)) == Facts()


def test_calls_are_summed_for_each_process_and_operation() -> None:
    first = CallTimes(operation="list", calls=2, failures=1, seconds=0.5, longest_seconds=0.4)
    second = CallTimes(operation="list", calls=1, failures=0, seconds=0.25, longest_seconds=0.25)
    facts = told(EngineCalls(calls=(first,)), EngineCalls(calls=(second,)))
    assert dict(facts.calls) == {
        ("probe", "list"): CallTimes(operation="list", calls=3, failures=1, seconds=0.75, longest_seconds=0.4)
    }


def test_launches_are_counted_by_their_outcome_and_how_long_they_took() -> None:
    facts = told(launch(0.05), launch(0.3), launch(0.2, Outcome.FAILED))
    done = facts.launches["done"]
    assert done.count == 2
    assert done.seconds == pytest.approx(0.35)
    assert facts.launches["failed"].count == 1


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [(0.0, 0), (BUCKETS[0], 0), (BUCKETS[0] + 0.001, 1), (BUCKETS[-1], len(BUCKETS) - 1), (1e9, len(BUCKETS))],
)
def test_a_duration_is_in_the_first_bucket_that_holds_it(seconds: float, bucket: int) -> None:
    tally = told(launch(seconds)).launches["done"]
    assert [index for index, number in enumerate(tally.buckets) if number] == [bucket]
    assert sum(tally.buckets) == tally.count == 1


def test_a_negative_duration_is_none_at_all() -> None:
    assert told(launch(-1.0)).launches["done"].seconds == 0.0


def test_hand_backs_come_from_their_points_alone() -> None:
    other = Point(series="launch", tags={"hostname": "h"}, fields={"seconds": 9.0}, time_unix_ns=1)
    facts = pointed(Facts(), [handback(3.0), handback(1.0), handback(0.02, "suspended"), other])
    assert {by: (tally.count, tally.seconds) for by, tally in facts.handbacks.items()} == {
        "ended": (2, 4.0),
        "suspended": (1, 0.02),
    }


def test_a_hand_back_of_unknown_length_is_not_counted() -> None:
    nameless = Point(series="handback", tags={"hostname": "h", "by": "ended"}, fields={"pilots": 1.0}, time_unix_ns=1)
    assert pointed(Facts(), [nameless]) == Facts()


def test_facts_that_were_published_do_not_change_any_more() -> None:
    before = told(launch(0.3))
    after = heard(
        before,
        Envelope(
            topic=TOPIC_OF[LaunchOutcome], sender="launcher", boot="b", sequence=2, monotonic=6.0, message=launch(0.3)
        ),
    )
    assert before.launches["done"] == Tally(count=1, seconds=0.3, buckets=before.launches["done"].buckets)
    assert after.launches["done"].count == 2
