"""Which messages become entries of the journal: what is news is told once, with its reason and its figures."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.decision import Ending, Hold, Suspension
from plancton.common.journal_entries import Entry, Kind
from plancton.common.journal_lines import line
from plancton.common.messages import (
    Counters,
    EndingAction,
    EndingOutcome,
    HostLook,
    LauncherState,
    LaunchOutcome,
    Message,
    Outcome,
    PoolLook,
    PoolUnknown,
    Target,
    Weight,
)
from plancton.common.pilot import PilotState
from plancton.common.reasons import Reason
from plancton.workers.metrics.journal.chronicle import Known, know, tell
from tests.support.any_struct import any_struct
from tests.support.facts import image, pilot, pool, target

NAME = "plancton-worker-0123abcd-3-17"
NOW = 1_700_000_000.0
FIZZLE_SECONDS = 5.0


def hold(reason: Reason = Reason.OWNER_CPU, detail: str = "7.9 of 8", **more: Any) -> Hold:  # noqa: ANN401
    return Hold(reason=reason, detail=detail, since_unix=NOW - 30, **more)


def suspension(container_id: str = "c1", reason: Reason = Reason.OWNER_CPU, detail: str = "5 s") -> Suspension:
    return Suspension(container_id=container_id, name=NAME, reason=reason, detail=detail, since_monotonic=1.0)


def ending(container_id: str = "c1", reason: Reason = Reason.OWNER_CPU, *, at_once: bool = False) -> Ending:
    return Ending(container_id=container_id, name=NAME, reason=reason, at_once=at_once, detail="120 s")


def deed(action: EndingAction = EndingAction.REMOVED, **more: Any) -> EndingOutcome:  # noqa: ANN401
    known: dict[str, Any] = {"container_id": "c1", "name": NAME, "outcome": Outcome.DONE, "reason": Reason.OWNER_CPU}
    return EndingOutcome(action=action, **(known | more))


def told(message: Message, *before: Message) -> tuple[Entry, ...]:
    known = Known()
    for each in before:
        known = know(known, each)
    return tell(message, known, NOW, FIZZLE_SECONDS)


def kinds(message: Message, *before: Message) -> list[str]:
    return [entry.kind for entry in told(message, *before)]


HELD, FREE = target(hold=hold()), target()


def test_a_hold_is_told_when_its_reason_changes_not_its_figures() -> None:
    until = target(hold=hold(until_unix=NOW + 9), generation=4)
    held = Entry(at_unix=NOW, kind=Kind.HELD, reason="owner-cpu", figures="7.9 of 8", until_unix=NOW + 9, generation=4)
    assert told(until) == (held,)
    assert told(until, FREE) == (held,)
    assert told(until, target(hold=hold(Reason.MAX_DOCKS))) == (held,)
    assert told(target(hold=hold(detail="7.5 of 8", until_unix=NOW + 99)), HELD) == ()


def test_the_end_of_a_hold_is_told_with_how_long_it_lasted() -> None:
    assert told(target(generation=5), HELD) == (
        Entry(at_unix=NOW, kind=Kind.RELEASED, reason="owner-cpu", seconds=30.0, generation=5),
    )
    assert told(FREE, FREE) == ()
    assert told(FREE) == ()


def test_a_clock_that_was_set_back_makes_no_negative_length() -> None:
    (entry,) = told(FREE, target(hold=msgspec.structs.replace(hold(), since_unix=NOW + 999)))
    assert entry.seconds == 0.0


def test_a_suspension_is_told_once_with_its_figures() -> None:
    wished = target(suspend=(suspension(),), generation=4)
    assert told(wished) == (
        Entry(
            at_unix=NOW,
            kind=Kind.TO_SUSPEND,
            pilot=NAME,
            slot=3,
            incarnation=17,
            container_id="c1",
            reason="owner-cpu",
            figures="5 s",
            generation=4,
        ),
    )
    assert told(target(suspend=(suspension(detail="9 s"),), generation=5), wished) == ()
    assert kinds(target(suspend=(suspension(), suspension("c2"))), wished) == ["to-suspend"]
    assert kinds(target(suspend=(suspension(reason=Reason.DRILL),)), wished) == ["to-suspend"]


@pytest.mark.parametrize(
    ("message", "there", "news"),
    [
        (FREE, pool(pilot(3, container_id="c1", state=PilotState.PAUSED)), ["to-resume"]),
        (FREE, pool(), []),
        (FREE, pool(pilot(3, container_id="c1", state=PilotState.EXITED)), []),
        (FREE, PoolUnknown(why="away", since_unix=0.0), []),
        (target(end=(ending(),)), pool(pilot(3, container_id="c1", state=PilotState.PAUSED)), ["to-end"]),
        (target(suspend=(suspension(),)), pool(pilot(3, container_id="c1", state=PilotState.PAUSED)), []),
    ],
)
def test_the_end_of_a_suspension_is_told_where_the_pilot_is_to_go_on(
    message: Message, there: Message, news: list[str]
) -> None:
    assert kinds(message, pool(pilot(3, container_id="c1")), target(suspend=(suspension(),)), there) == news


def test_whether_a_pilot_goes_on_has_no_reason_of_its_suspension() -> None:
    (entry,) = told(FREE, pool(pilot(3, container_id="c1")), target(suspend=(suspension(),)))
    assert (entry.pilot, entry.reason, entry.figures) == (NAME, "", "")


def test_an_ending_is_told_once_and_again_where_it_becomes_another() -> None:
    wished = target(end=(ending(),))
    (entry,) = told(wished)
    assert (entry.kind, entry.pilot, entry.reason, entry.figures, entry.detail) == (
        Kind.TO_END, NAME, "owner-cpu", "120 s", ""
    )  # fmt: skip
    assert told(wished, wished) == ()
    assert kinds(target(end=(ending(reason=Reason.EXPIRED),)), wished) == ["to-end"]
    assert [each.detail for each in told(target(end=(ending(at_once=True),)), wished)] == ["at once"]
    assert told(FREE, wished) == ()


def test_one_target_may_tell_much() -> None:
    message = target(hold=hold(), suspend=(suspension("c2"),), end=(ending("c3"), ending("c4")))
    assert kinds(message) == ["held", "to-suspend", "to-end", "to-end"]


def launch(outcome: Outcome, detail: str = "") -> LaunchOutcome:
    return LaunchOutcome(
        slot=3,
        incarnation=17,
        name=NAME,
        outcome=outcome,
        reason=Reason.REPLACEMENT,
        detail=detail,
        seconds=0.25,
        figures="room for 8",
    )


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Outcome.DONE, Kind.LAUNCHED),
        (Outcome.REFUSED, Kind.LAUNCH_REFUSED),
        (Outcome.FAILED, Kind.LAUNCH_FAILED),
        (Outcome.TIMED_OUT, Kind.LAUNCH_FAILED),
    ],
)
def test_each_launch_is_told_with_what_became_of_it(outcome: Outcome, kind: Kind) -> None:
    entry = Entry(
        at_unix=NOW,
        kind=kind,
        pilot=NAME,
        slot=3,
        incarnation=17,
        reason="replacement",
        figures="room for 8",
        detail="words",
        outcome=outcome,
        seconds=0.25,
    )
    assert told(launch(outcome, "words"), launch(outcome, "words")) == (entry,)


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (EndingAction.SUSPENDED, Kind.SUSPENDED),
        (EndingAction.RESUMED, Kind.RESUMED),
        (EndingAction.TERMINATED, Kind.ASKED_TO_END),
        (EndingAction.KILLED, Kind.KILLED),
        (EndingAction.REMOVED, Kind.REMOVED),
    ],
)
def test_each_deed_is_told_with_its_figures(action: EndingAction, kind: Kind) -> None:
    (entry,) = told(deed(action, figures="120 s", uptime_seconds=61.5, exit_code=137, killed=True, seconds=0.5))
    assert entry == Entry(
        at_unix=NOW,
        kind=kind,
        pilot=NAME,
        slot=3,
        incarnation=17,
        container_id="c1",
        reason="owner-cpu",
        figures="120 s",
        outcome="done",
        seconds=0.5,
        uptime_seconds=61.5,
        exit_code=137,
        killed=True,
    )


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, Kind.FIZZLED),
        ({"uptime_seconds": 5.0}, Kind.REMOVED),
        ({"uptime_seconds": None}, Kind.REMOVED),
        ({"reason": Reason.EXPIRED, "killed": True}, Kind.REMOVED),
        ({"outcome": Outcome.FAILED}, Kind.REMOVED),
        ({"started": False}, Kind.REMOVED),
    ],
)
def test_a_pilot_that_ended_too_soon_fizzled_and_only_its_output_is_kept(changes: dict[str, Any], kind: Kind) -> None:
    fizzle = deed(reason=Reason.ENDED, uptime_seconds=4.9, exit_code=1, output="no such file")
    (entry,) = told(msgspec.structs.replace(fizzle, **changes))
    assert (entry.kind, entry.exit_code) == (kind, 1)
    assert entry.output == ("no such file" if kind is Kind.FIZZLED else "")


@pytest.mark.parametrize(
    ("output", "kept"),
    [
        ("".join(f"{number}\n" for number in range(100)), "".join(f"{number}\n" for number in range(80, 100))),
        ("x" * 5000 + "\n", "x" * 4095 + "\n"),
        ("\ufffd" * 5000, "\ufffd" * 1365),
    ],
)
def test_of_a_fizzled_pilots_output_no_more_is_kept_than_tells_why(output: str, kept: str) -> None:
    (entry,) = told(deed(reason=Reason.ENDED, uptime_seconds=4.9, exit_code=1, output=output))
    assert entry.output == kept


WEIGHT = Weight(cpu="cpu.idle=1", io="blkio.weight=10", problems=("oom: denied",))


def test_the_weight_is_told_when_it_changes() -> None:
    weighed = msgspec.structs.replace(image(), weight=WEIGHT)
    assert told(weighed) == (Entry(at_unix=NOW, kind=Kind.WEIGHT, detail="cpu.idle=1, blkio.weight=10; oom: denied"),)
    assert told(msgspec.structs.replace(weighed, in_flight=2), weighed) == ()
    assert kinds(msgspec.structs.replace(weighed, weight=Weight()), weighed) == ["weight"]
    assert told(msgspec.structs.replace(weighed, weight=None), weighed) == ()
    assert told(weighed, weighed, image()) == (), "a launcher that hasn't tried yet has not lost it"


def test_a_container_of_another_name_is_told_without_a_slot() -> None:
    (entry,) = told(deed(name="renamed"))
    assert (entry.pilot, entry.slot, entry.incarnation) == ("renamed", None, None)


def test_other_messages_are_no_news() -> None:
    look = HostLook(
        ncpus=1, interval_seconds=1.0, busy_cpus=0.0, pilots_cpus=0.0, ram_bytes=1, available_bytes=1, swap_bytes=0
    )
    for message in (Counters(), look, pool(), PoolUnknown(why="", since_unix=0.0)):
        assert told(message) == ()


MESSAGES = st.one_of(
    any_struct(Target),
    any_struct(LauncherState),
    any_struct(LaunchOutcome),
    any_struct(EndingOutcome),
    any_struct(PoolLook),
    any_struct(PoolUnknown),
)


@given(st.lists(MESSAGES, max_size=6))
def test_whatever_is_heard_can_be_written_and_a_level_repeated_is_no_news(messages: list[Message]) -> None:
    known = Known()
    for message in messages:
        for entry in tell(message, known, NOW, FIZZLE_SECONDS):
            assert line(entry).endswith(b"\n")
        known = know(known, message)
        if isinstance(message, Target | LauncherState):
            repeated = {entry.kind for entry in tell(message, known, NOW, FIZZLE_SECONDS)}
            # Two suspensions of one pilot make no sense, and are told again.
            assert repeated <= {Kind.TO_SUSPEND}
