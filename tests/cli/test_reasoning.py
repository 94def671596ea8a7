"""``planctonctl why`` in words: each limit in a line, with its figures and its setting; what is unknown says so."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.cli.reason_words import WORDS
from plancton.cli.reasoning import reasoning
from plancton.common.decision import Hold, Wish
from plancton.common.messages import Mode, PoolUnknown
from plancton.common.pilot import PilotState
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from plancton.common.status import StatusReport
from tests.cli.samples import BREAKER, FIGURES, HOLD, crowd, ending, host, saying, suspension, weighed
from tests.fakes.control import NOW, report

SETTINGS = Settings()
WHOLE = """\
1 pilot running, 1 suspended, 3 wanted.
No further pilot is started, because the owner needs the CPUs (owner-cpu).
The figures: the owner uses 7.9 of 8 CPUs.
So it has been for 12 s, and until TIME (in 30 s).
What ends it: room for as long as grace_grow: the owner needs less, or pilots need less each.

CPU         the owner uses 4.80 of 40 CPUs, at most 5.10 in the last 10 s (grace_grow)
            never less than 4.20 in the last 120 s (grace_kill)
            pilots use 30.00; 0 are kept free (reserve_cpus); a hypervisor keeps 0.50
            room to grow to 34 pilots, and to keep 35; CPUs of each (cpus_per_dock): 1
Memory      12.0 GiB available, of which 2.0 GiB stay the owner's (reserve_mem 5 %)
            room for 20 pilots of 1.9 GiB (max_dock_mem)
max_docks   max(1, ncpus - 2): 38 pilots here
Growth      by at most 4 pilots in each 30 s (docks_per_loop, main_sleep)
            taking the place of one that ended is no growth
Windows     pilots may run mon-fri 18:00-08:00, sat
            all pilots end by TIME (in 1 h 0 min)
Orders      draining, since 3 h 0 min
            drained: kernel upgrade
Evictions   after pilots were ended for the owner, none is started for 60 s (grace_spawn)
Fizzles     3 pilots fizzled in a row, 12 s ago; the last: p-1-2 ended after 0.2 s with exit code 1
            no launches until TIME (in 30 s), then one trial pilot; planctonctl clear-fizzles ends that at once
            3 pilots in a row that end within 5 s hold launches, for 10 min 0 s at most
Stalls      the owner's processes waited: cpu 3 %, memory 0 %, io not told: no /proc/pressure/io
            pilots give way for cpu above 25 %, memory above 10 %, io above 40 %
Weight      cpu.idle=1
            not set: io: denied
To suspend  2 pilots: owner-cpu: 5 of 8 CPUs for 5 s
            they are ended after 10 min 0 s (suspend_longest)
To end      p-7, because the owner needs the memory (owner-memory): 1 GiB lacks"""


def told(of: StatusReport, settings: Settings = SETTINGS) -> str:
    return "\n".join(reasoning(of, settings))


def whole() -> StatusReport:
    """Return a report with everything in it that can be told."""
    of = saying(
        hold=msgspec.structs.replace(HOLD, until_unix=NOW + 30),
        figures=msgspec.structs.replace(FIGURES, stolen_cpus=0.5),
        breaker=BREAKER,
        suspend=(suspension(1), suspension(2)),
        end=(ending(7, Reason.OWNER_MEMORY, "1 GiB lacks"),),
        deadline_unix=NOW + 3600,
    )
    return msgspec.structs.replace(
        of,
        host=host(stall_cpu=0.03, stall_memory=0.0, stall_detail="no /proc/pressure/io"),
        launcher=weighed("io: denied").launcher,
        pool=crowd(PilotState.RUNNING, PilotState.PAUSED),
        mode=Mode.DRAINING,
        drain_reason="kernel upgrade",
    )


def test_everything_that_is_known_is_told() -> None:
    settings = msgspec.structs.replace(SETTINGS, windows=("mon-fri 18:00-08:00", "sat"), fizzle_seconds=5.0)
    text = told(whole(), settings)
    assert re.sub(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d (?=\()", "TIME ", text) == WHOLE


@pytest.mark.parametrize("reason", Reason)
def test_every_hold_has_a_sentence_and_says_what_ends_it(reason: Reason) -> None:
    text = told(saying(hold=Hold(reason=reason, detail="2 of 8", since_unix=NOW - 90)))
    words = WORDS[reason]
    assert f"No further pilot is started, because {words.why} ({reason}).\nThe figures: 2 of 8.\n" in text
    assert "So it has been for 1 min 30 s.\n" in text
    assert (f"\nWhat ends it: {words.ends}.\n" in text) == bool(words.ends)


def test_a_hold_for_the_engine_s_sake_tells_what_the_engine_said() -> None:
    hold = Hold(reason=Reason.ENGINE_UNKNOWN, detail="", since_unix=NOW)
    of = msgspec.structs.replace(saying(hold=hold), pool=None, pool_unknown=PoolUnknown(why="refused", since_unix=NOW))
    assert "How many pilots run isn't known, 3 wanted.\n" in told(of)
    assert "The figures: refused.\n" in told(of)


def test_nothing_is_held() -> None:
    assert told(saying()).splitlines()[:2] == ["2 pilots running, 3 wanted.", "Nothing holds further launches."]
    wishes = (Wish(slot=3, incarnation=1, reason=Reason.ROOM),)
    assert told(saying(launch=wishes)).splitlines()[1] == "1 more are to be started now."


def test_nothing_is_known() -> None:
    of = msgspec.structs.replace(report(), host=None, pool=None, launcher=None, target=None)
    text = told(of)
    assert text.startswith("How many pilots run isn't known.\nNothing is decided yet.\n")
    for label in ("CPU", "Memory", "Fizzles", "Stalls"):
        assert f"\n{label:<12}not known\n" in text
    assert "max(1, ncpus - 2): not known" in text
    assert "Weight      not set yet" in text


def test_what_was_seen_is_told_even_if_nothing_was_decided_on_it() -> None:
    text = told(msgspec.structs.replace(report(), target=None))
    assert "CPU         the owner uses 1.00 of 8 CPUs\n" in text
    assert "Memory      12.0 GiB available\n" in text


def test_what_was_watched_too_briefly_says_so() -> None:
    figures = msgspec.structs.replace(FIGURES, owner_sustained_cpus=None)
    assert "watched for less than 120 s (grace_kill): nothing is ended for CPUs yet" in told(saying(figures=figures))


def test_stalls_that_do_not_count_are_not_said_to() -> None:
    some = msgspec.structs.replace(SETTINGS, stall_cpu=0.0)
    assert "pilots give way for memory above 10 %, io above 40 %" in told(saying(), some)
    none = msgspec.structs.replace(some, stall_memory=0.0, stall_io=0.0)
    assert "pilots don't give way for that" in told(saying(), none)


def test_where_no_life_is_too_short_only_failed_starts_hold_launches() -> None:
    settings = msgspec.structs.replace(SETTINGS, fizzle_seconds=0.0)
    assert "none lately\n            no life is too short (fizzle_seconds); starts that fail" in told(
        saying(), settings
    )


def test_pilots_may_run_always_where_there_are_no_windows() -> None:
    assert "Windows     pilots may run always\n" in told(saying())


def test_many_endings_are_cut() -> None:
    text = told(saying(end=tuple(map(ending, range(12)))))
    assert "p-9, because" in text
    assert "p-10" not in text
    assert text.endswith("and 2 more")


@given(st.text(max_size=30))
def test_no_word_of_others_controls_the_terminal(word: str) -> None:
    of = saying(
        hold=Hold(reason=Reason.NO_IMAGE, detail=word, since_unix=0),
        breaker=msgspec.structs.replace(BREAKER, last=word),
        suspend=(suspension(1, detail=word),),
        end=(msgspec.structs.replace(ending(1, detail=word), name=word),),
    )
    of = msgspec.structs.replace(of, drain_reason=word, launcher=weighed(word).launcher)
    of = msgspec.structs.replace(of, host=host(stall_detail=word))
    for line in reasoning(of, msgspec.structs.replace(SETTINGS, windows=(word,))):
        assert line.isprintable()
