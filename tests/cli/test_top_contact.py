"""The live view's contact: looks that go on, orders that are carried out between them, and nobody who waits for it."""

import os
import select
import threading
from typing import TypeVar

import pytest

from plancton.cli import top_contact, watch
from plancton.cli.top_contact import Correspondent, Outcome, Sight
from plancton.cli.top_keys import Order, Press, State
from plancton.common.journal import directory_below
from plancton.common.journal_entries import Entry, Kind
from plancton.common.journal_lines import line
from plancton.common.paths import Paths
from plancton.common.requests import Answer, Drain, Happenings, Request, Resume, ShowSettings, Snooze, Status
from plancton.common.settings import Settings
from plancton.common.status import Happening
from plancton.workers.metrics.journal.segments import append
from tests.fakes.control import FakePlanctond, Reply
from tests.support.waiting import wait_for

Post = TypeVar("Post", Sight, Outcome)


def order(which: Order, seconds: float = 0.0) -> Press:
    return Press(state=State(), order=which, seconds=seconds)


def next_of(post: Correspondent, kind: type[Post]) -> Post:
    """Return the next post of a kind."""

    def look() -> Post | None:
        select.select([post], [], [], 1.0)
        return next((each for each in post.take() if isinstance(each, kind)), None)

    found = wait_for(look, 20, f"a {kind.__name__}")
    assert found is not None
    return found


def no_thread_is_left() -> bool:
    return "top's contact" not in {thread.name for thread in threading.enumerate()}


def test_looks_bring_the_report_and_what_processes_use(planctond: FakePlanctond) -> None:
    with Correspondent(planctond.paths, 0.05) as post:
        sight = next_of(post, Sight)
        assert sight.look.report == planctond.report
        assert set(sight.usage) >= {os.getpid()}
        assert sight.settings is None
        assert next_of(post, Sight).at_monotonic > sight.at_monotonic
    assert ShowSettings() not in planctond.asked
    assert no_thread_is_left()


@pytest.mark.parametrize(
    ("which", "told", "asked"),
    [
        (Order.DRAIN, "drained: ", Drain()),
        (Order.RESUME, "resumed: ", Resume()),
        (Order.SNOOZE_OFF, "not snoozed any more", Snooze()),
    ],
)
def test_an_order_is_carried_out_at_once_and_seen_at_once(
    planctond: FakePlanctond, which: Order, told: str, asked: Request
) -> None:
    with Correspondent(planctond.paths, 3600.0) as post:
        next_of(post, Sight)
        post.order(order(which))
        assert next_of(post, Outcome).text.startswith(told)
        next_of(post, Sight)
    assert asked in planctond.asked


def test_a_snooze_begins_when_it_is_ordered(planctond: FakePlanctond) -> None:
    with Correspondent(planctond.paths, 3600.0) as post:
        post.order(order(Order.SNOOZE, 7200.0))
        assert "snoozed until " in next_of(post, Outcome).text
    (snooze,) = (each for each in planctond.asked if isinstance(each, Snooze))
    assert snooze.until_unix is not None


def test_what_is_refused_and_what_is_not_known_differ(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(top_contact, "_ORDER_SECONDS", 0.1)
    monkeypatch.setattr(watch, "_ASK_SECONDS", 0.1)
    with Correspondent(paths, 3600.0) as post:
        post.order(order(Order.DRAIN))
        assert next_of(post, Outcome).text.startswith("not done: planctond is not running")
        with FakePlanctond(paths, lambda _: Answer(ok=False, error="no")):
            post.order(order(Order.DRAIN))
            assert next_of(post, Outcome).text == "not done: planctond answered: no"
        with FakePlanctond(paths, lambda _: None):
            post.order(order(Order.DRAIN))
            assert next_of(post, Outcome).text.startswith("whether that is done isn't known: ")
    wait_for(no_thread_is_left, 20, "the thread has ended")


def test_settings_come_where_they_are_wanted_and_their_want_is_told(paths: Paths) -> None:
    def reply(request: Request) -> Reply:
        if isinstance(request, Status | Happenings) or answers:
            return planctond.obliging(request)
        return Answer(ok=False, error="not yet")

    answers: list[bool] = []
    with FakePlanctond(paths, reply) as planctond, Correspondent(paths, 3600.0) as post:
        next_of(post, Sight)
        post.wants_settings = True
        post.look_now()
        assert next_of(post, Sight).settings_absence == "planctond answered: not yet"
        answers.append(True)
        post.look_now()
        sight = next_of(post, Sight)
        assert (sight.settings, sight.settings_absence) == (Settings(), "")


def test_the_first_look_brings_the_journals_past_too(planctond: FakePlanctond) -> None:
    started = planctond.report.started_unix
    old, new = (
        Entry(at_unix=moment, kind=Kind.WEIGHT, detail=f"at {moment:g}") for moment in (started - 1, started + 1)
    )
    planctond.paths.state.mkdir(parents=True, exist_ok=True)
    append(directory_below(planctond.paths.state), [line(each) for each in (*[old] * 60, new)], 1 << 20)
    planctond.happenings = (Happening(number=1, at_unix=started, what="probe", text="here"),)
    with Correspondent(planctond.paths, 0.05) as post:
        *past, present = next_of(post, Sight).look.happenings
        assert next_of(post, Sight).look.happenings == ()
    assert {(each.at_unix, each.what, each.text) for each in past} == {
        (started - 1, "journal", f"the pilots' weight: at {started - 1:g}")
    }
    assert (len(past), present) == (50, planctond.happenings[0])


def test_without_planctond_the_journal_is_all_there_is(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    append(directory_below(paths.state), [line(Entry(at_unix=1.0, kind=Kind.WEIGHT, detail="x"))], 1 << 20)
    with Correspondent(paths, 0.05) as post:
        assert [each.text for each in next_of(post, Sight).look.happenings] == ["the pilots' weight: x"]


def test_an_error_that_nobody_thought_of_is_raised_where_it_is_seen(
    planctond: FakePlanctond, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plancton.cli.watch.Eyes.look", lambda _: 1 / 0)
    with Correspondent(planctond.paths, 0.05) as post:
        assert select.select([post], [], [], 20.0)[0]
        with pytest.raises(ZeroDivisionError):
            post.take()
    assert no_thread_is_left()


def test_nobody_waits_for_a_look_that_takes_long(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(top_contact, "_END_SECONDS", 0.01)
    monkeypatch.setattr(watch, "_ASK_SECONDS", 1.0)
    with FakePlanctond(paths, lambda _: None) as planctond:
        with Correspondent(paths, 3600.0):
            wait_for(lambda: planctond.asked, 20, "it asks")
        # It left, though the thread still waits for an answer.
        assert not no_thread_is_left()
        wait_for(no_thread_is_left, 20, "the thread has ended")
