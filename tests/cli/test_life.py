"""A pilot's life in words: each step with its reason, figures said once, its end, its last words."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.cli.life import Life, matching, of_pilot, tell
from plancton.common.journal_entries import Entry, Kind
from plancton.common.pilot import PilotState
from tests.fakes.control import NOW, pilot

NAME = "plancton-worker-0123abcd-3-17"
OWNER: dict[str, Any] = {"reason": "owner-cpu", "figures": "5 of 8 CPUs for 120 s"}
KNOWN = {
    "plancton-worker-0123abcd-3-12": "4f5a",
    "plancton-worker-0123abcd-3-17": "4f77",
    "plancton-worker-0123abcd-12-18": "12ab",
    "plancton-worker-0123abcd-1-112": "",
    "12": "77",
}


def entry(kind: str, after: float = 0.0, **what: Any) -> Entry:  # noqa: ANN401
    """Return an entry about the pilot, ``after`` so many seconds of its life; what is said is done."""
    return Entry(at_unix=NOW + after, kind=kind, **{"pilot": NAME, "outcome": "done", **what})


def told(*entries: Entry, **more: Any) -> list[str]:  # noqa: ANN401
    """Return what is told of the pilot, without the times."""
    life = Life(name=NAME, entries=entries, **more)
    return [re.sub(r"^(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d  ", "", line) for line in tell(life, NOW + 900)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("plancton-worker-0123abcd-3-17", ("plancton-worker-0123abcd-3-17",)),
        ("17", ("plancton-worker-0123abcd-3-17",)),
        ("3-17", ("plancton-worker-0123abcd-3-17",)),
        ("12", ("12",)),
        ("3-12", ("plancton-worker-0123abcd-3-12",)),
        ("112", ("plancton-worker-0123abcd-1-112",)),
        ("77", ("12",)),
        ("4f", ("plancton-worker-0123abcd-3-12", "plancton-worker-0123abcd-3-17")),
        ("4f7", ("plancton-worker-0123abcd-3-17",)),
        ("12a", ("plancton-worker-0123abcd-12-18",)),
        ("7", ("12",)),
        ("x", ()),
        ("", ()),
        ("plancton", ()),
    ],
)
def test_a_pilot_is_meant_by_its_name_its_last_numbers_or_its_container(wanted: str, found: tuple[str, ...]) -> None:
    assert matching(wanted, KNOWN) == found


def test_a_whole_life() -> None:
    life = (
        entry(Kind.LAUNCHED, seconds=0.25, reason="room", figures="room for 8"),
        entry(Kind.TO_SUSPEND, 60, outcome="", **OWNER),
        entry(Kind.SUSPENDED, 60.1, **OWNER),
        entry(Kind.TO_RESUME, 90, outcome=""),
        entry(Kind.RESUMED, 90.1, reason="room-again"),
        entry(Kind.TO_END, 200, outcome="", **OWNER),
        entry(Kind.ASKED_TO_END, 200.1, **OWNER),
        entry(Kind.KILLED, 210.1, **OWNER),
        entry(Kind.REMOVED, 212, **OWNER, uptime_seconds=210.1, exit_code=137, killed=True),
    )
    assert told(*life, container_id="4f" * 32, absence="not known") == [
        f"{NAME}, container 4f4f4f4f4f4f: it is gone",
        "started in 0.25 s, because there was room for one more (room): room for 8",
        "suspended, because the owner needs the CPUs (owner-cpu): 5 of 8 CPUs for 120 s",
        "goes on, because there is room again (room-again)",
        "asked to end by SIGTERM, because the owner needs the CPUs (owner-cpu): 5 of 8 CPUs for 120 s",
        "killed by SIGKILL",
        "was ended after 3 min 30 s with exit code 137, and is removed",
    ]


def test_a_fizzle_shows_its_last_words_and_no_more_than_a_line_each() -> None:
    fizzle = entry(Kind.FIZZLED, reason="ended", uptime_seconds=0.2, exit_code=1, output="one\n\x1b[2J\ttwo\n")
    assert told(fizzle)[1:] == [
        "fizzled: it ended by itself after 0.2 s with exit code 1, and is removed",
        "    the last lines of its output:",
        "    | one",
        "    | \\x1b[2J    two",
    ]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (entry(Kind.TO_SUSPEND, outcome="", reason="drill"), "is to be suspended, because a drill"),
        (entry(Kind.TO_RESUME, outcome=""), "is to go on"),
        (entry(Kind.TO_END, outcome="", detail="at once", reason="snoozed"), "is to end, at once, because the owner"),
        (entry(Kind.LAUNCH_FAILED, outcome="timed-out", detail="20 s"), "couldn't be started: timed-out: 20 s"),
        (entry(Kind.LAUNCH_REFUSED, outcome="refused", detail="withdrawn"), "not started: withdrawn"),
        (entry(Kind.SUSPENDED, outcome="failed", detail="gone"), "couldn't be suspended: failed: gone"),
        (entry(Kind.RESUMED, outcome="failed"), "couldn't be resumed: failed"),
        (entry(Kind.KILLED, outcome="timed-out", detail="30 s"), "couldn't be killed: timed-out: 30 s"),
        (entry(Kind.REMOVED, outcome="failed", detail="busy"), "couldn't be removed: failed: busy"),
        (entry(Kind.REMOVED, started=False, reason="never-started"), "removed; it never ran, because it was made and"),
        (entry(Kind.REMOVED, uptime_seconds=60, reason="ended"), "ended by itself after 1 min 0 s, and is removed"),
        (entry("married", detail="to another"), "married: to another"),
        (entry(Kind.LAUNCHED, reason="full-moon"), "started, because full-moon (full-moon)"),
        (entry(Kind.LOST, pilot="", detail="entries that weren't written: 5"), "the journal lacks something here: "),
    ],
)
def test_each_step_in_words(step: Entry, words: str) -> None:
    (line,) = told(entry(Kind.LAUNCHED), step)[2:]
    assert line.startswith(words)


def test_a_decision_is_told_by_itself_where_the_deed_failed_was_late_or_is_missing() -> None:
    wish = entry(Kind.TO_END, outcome="", **OWNER)
    assert len(told(wish)) == 2
    assert len(told(wish, entry(Kind.ASKED_TO_END, 10, **OWNER))) == 3
    assert len(told(wish, entry(Kind.ASKED_TO_END, 1, outcome="failed", **OWNER))) == 3
    assert len(told(wish, entry(Kind.KILLED, 1, **OWNER))) == 3
    assert len(told(wish, entry(Kind.ASKED_TO_END, 1, **OWNER))) == 2


def test_other_figures_of_one_reason_are_told() -> None:
    lines = told(entry(Kind.SUSPENDED, **OWNER), entry(Kind.ASKED_TO_END, 9, reason="owner-cpu", figures="8 of 8"))
    assert lines[2] == "asked to end by SIGTERM, because the owner needs the CPUs (owner-cpu): 8 of 8"


@pytest.mark.parametrize(
    ("state", "changes", "words"),
    [
        (PilotState.RUNNING, {}, "running for 16 min 0 s"),
        (PilotState.PAUSED, {}, "suspended for 16 min 0 s"),
        (PilotState.RUNNING, {"busy_since_unix": NOW + 800}, "running for 16 min 0 s, busy 1 min 40 s"),
        (PilotState.RUNNING, {"safe_to_stop": True}, "running for 16 min 0 s, safe to stop"),
        (PilotState.EXITED, {"exit_code": 1, "ended_unix": NOW}, "exited (1) after 1 min 0 s"),
    ],
)
def test_what_it_does_now(state: PilotState, changes: dict[str, Any], words: str) -> None:
    present = msgspec.structs.replace(pilot(3, state), **changes)
    assert told(entry(Kind.LAUNCHED), present=present)[0] == f"{NAME}: {words}"


def test_whether_it_is_gone_is_known_from_its_end_even_if_nobody_can_look() -> None:
    absence = "whether it still runs isn't known: planctond is not running"
    assert told(entry(Kind.LAUNCHED), absence=absence)[0] == f"{NAME}: {absence}"
    assert told(entry(Kind.FIZZLED), absence=absence)[0] == f"{NAME}: it is gone"
    assert told(entry(Kind.REMOVED, outcome="failed"), absence=absence)[0] == f"{NAME}: {absence}"


def test_a_pilot_of_which_nothing_is_written_says_so() -> None:
    assert told(present=pilot(3))[1] == "the journal tells nothing of it: it is older, or is yet to be written"


def test_of_the_journal_only_its_own_entries_count_and_the_gaps_in_its_life() -> None:
    gap = entry(Kind.LOST, pilot="")
    launched, removed = entry(Kind.LAUNCHED), entry(Kind.REMOVED, reason="ended")
    hold = Entry(at_unix=NOW, kind=Kind.HELD, reason="max-docks")
    other = entry(Kind.LAUNCHED, pilot="other")
    life = (gap, hold, launched, other, gap, entry(Kind.REMOVED, outcome="failed"), gap, removed, gap)
    assert [each.kind for each in of_pilot(life, NAME)] == ["launched", "lost", "removed", "lost", "removed"]


WORDS = st.text(max_size=20)


@given(
    st.lists(
        st.builds(
            entry,
            st.sampled_from(Kind) | WORDS,
            st.floats(-1e9, 1e11),
            reason=WORDS,
            figures=WORDS,
            detail=WORDS,
            outcome=st.just("done") | WORDS,
            output=WORDS,
            container_id=WORDS,
        ),
        max_size=5,
    ),
    WORDS,
)
def test_no_word_of_others_controls_the_terminal(entries: list[Entry], word: str) -> None:
    life = Life(name=word, container_id=word, entries=tuple(entries), absence="?")
    for line in tell(life, NOW):
        assert line.isprintable()
