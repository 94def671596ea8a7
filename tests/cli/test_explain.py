"""A report in plain words: what is unknown is said to be unknown, and every hold says why and since when."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.cli.explain import explain, notes
from plancton.common.accounting import SinkState
from plancton.common.decision import Ending, Hold, Wish
from plancton.common.messages import Counters, LauncherState, Mode, PoolLook, PoolUnknown
from plancton.common.pilot import PilotState
from plancton.common.processes import ProcessState, ProcessStatus
from plancton.common.reasons import Reason
from plancton.common.status import ConfigStatus, StatusReport
from tests.cli.samples import BREAKER, HOLD, crowd, ending, host, suspension, target, weighed
from tests.fakes.control import NOW, report

EMPTY = msgspec.structs.replace(
    report(),
    host=None,
    host_age_seconds=None,
    pool=None,
    pool_age_seconds=None,
    launcher=None,
    target=None,
)


def told(of: StatusReport, **changes: object) -> str:
    return "\n".join(explain(msgspec.structs.replace(of, **changes)))


def test_all_is_well() -> None:
    text = told(report())
    for part in (
        "planctond 1.0.0, instance 0123abcd, runs: pid",
        "up 3 h 0 min, ready",
        "Mode       active",
        "Pilots     2 running, 2 wanted",
        "uses 1.00 of 8 CPUs, pilots 2.00; 5.00 left to pilots, seen 0.4 s ago",
        "12.0 GiB of 16.0 GiB memory available",
        "stalled: cpu not told, memory not told, io not told",
        "Weight     not set yet",
        "version 20.10.24, API 1.41, at unix:///var/run/docker.sock, seen 0.2 s ago",
        "busybox: sha256:0123456789ab",
        "/etc/plancton/config.yaml; read 1 min 0 s ago, generation 1",
        "Counters   not known yet",
        "scheduler  running       1001         0  1 min 0 s",
    ):
        assert part in text


def test_the_unknown_is_not_zero() -> None:
    text = told(EMPTY)
    assert "how many run isn't known; nothing is decided yet" in text
    for label in ("Owner", "Engine", "Image", "Counters"):
        assert f"{label:<11}not known yet" in text


def test_a_hold_says_why_and_since_when() -> None:
    assert "held: owner-cpu: the owner uses 7.9 of 8 CPUs (since 12 s)" in told(report(), target=target(hold=HOLD))


def test_a_hold_says_when_it_ends() -> None:
    hold = msgspec.structs.replace(HOLD, until_unix=NOW + 30)
    assert re.search(r"\(since 12 s, until \S+ \(in 30 s\)\)", told(report(), target=target(hold=hold)))


def test_suspended_pilots_are_counted_apart_and_what_is_to_be_suspended_says_why() -> None:
    of = msgspec.structs.replace(report(), pool=crowd(*[PilotState.RUNNING] * 6, *[PilotState.PAUSED] * 2))
    text = told(of, target=target(want=8, suspend=(suspension(1), suspension(2)), end=(ending(3),)))
    assert "Pilots     6 running, 2 suspended, 8 wanted, 1 to end\n" in text
    assert "to suspend: 2 pilots: owner-cpu: 5 of 8 CPUs for 5 s\n" in text
    assert "to end: p-3: owner-cpu: 7 of 8 CPUs for 120 s\n" in text


def test_fizzles_weight_stalls_and_the_deadline_are_told() -> None:
    of = msgspec.structs.replace(weighed("io: denied"), target=target(breaker=BREAKER, deadline_unix=NOW + 3600))
    of = msgspec.structs.replace(of, host=host(stall_cpu=0.03))
    text = told(of)
    for part in (
        "Fizzles    3 pilots fizzled in a row, 12 s ago; the last: p-1-2 ended after 0.2 s with exit code 1\n",
        "(in 30 s), then one trial pilot; planctonctl clear-fizzles ends that at once\n",
        "stalled: cpu 3 %, memory not told, io not told\n",
        "Weight     cpu.idle=1\n           not set: io: denied\n",
        "all pilots end by ",
    ):
        assert part in text
    assert "Fizzles" not in told(report()), "nothing is said of fizzles while there are none"


def test_a_drain_says_why_and_a_snooze_until_when() -> None:
    text = told(report(), mode=Mode.DRAINING, drain_reason="kernel upgrade", snooze_until_unix=NOW + 60)
    assert "           drained: kernel upgrade\n           snoozed until " in text
    note = list(notes(msgspec.structs.replace(report(), mode=Mode.DRAINING, drain_reason="kernel upgrade")))
    assert note == ["it launches no pilots: drained; planctonctl resume ends that (kernel upgrade)"]


def test_an_unreachable_engine_says_why_and_since_when() -> None:
    unknown = PoolUnknown(why="connection refused", since_unix=NOW - 90)
    text = told(report(), pool=None, pool_unknown=unknown, engine_url="tcp://me:secret@h:1")
    assert "can't be asked at tcp://me:***@h:1 (since 1 min 30 s): connection refused" in text
    assert "how many run isn't known" in text


def test_a_hold_for_the_engines_sake_tells_what_the_engine_said() -> None:
    hold = Hold(reason=Reason.ENGINE_UNKNOWN, detail="no fresh look at the engine", since_unix=NOW)
    unknown = PoolUnknown(why="connection refused", since_unix=NOW)
    text = told(report(), target=target(hold=hold), pool=None, pool_unknown=unknown)
    assert "held: engine-unknown: no fresh look at the engine: connection refused (since 0 s)" in text
    hold = msgspec.structs.replace(hold, detail="connection refused")
    text = told(report(), target=target(hold=hold), pool=None, pool_unknown=unknown)
    assert "held: engine-unknown: connection refused (since 0 s)" in text


def test_launches_and_endings_are_told_the_latter_with_reasons_and_a_bound() -> None:
    wishes = (Wish(slot=3, incarnation=1, reason=Reason.ROOM),)
    endings = tuple(Ending(container_id=str(n), name=f"pilot-{n}", reason=Reason.EXPIRED) for n in range(7))
    text = told(report(), target=target(launch=wishes, end=endings))
    assert "3 wanted, 1 to launch, 7 to end" in text
    assert "to end: pilot-4: expired" in text
    assert "pilot-5" not in text
    assert "to end: 2 more" in text


def test_the_image_tells_its_pull_and_its_trouble() -> None:
    state = LauncherState(image="reg:5000/a", image_id=None, detail="no such host", pulling=True, pulled_unix=NOW - 5)
    text = told(report(), launcher=state)
    assert "reg:5000/a: being pulled; not to be had, pulled 5 s ago" in text
    assert "no such host" in text


def test_a_bad_file_shows_what_is_wrong_and_that_the_old_one_stays() -> None:
    config = ConfigStatus(
        file="/c", exists=False, loaded_unix=NOW, generation=4, warnings=("w1",), errors=("line 3: max_ttl",)
    )
    text = told(report(), config=config)
    for part in ("/c, which doesn't exist: the defaults", "warning: w1", "error: line 3: max_ttl", "stay in force"):
        assert part in text


def test_counters_and_sinks() -> None:
    sinks = (
        SinkState(
            name="h:8086", written_points=5, waiting_points=2, dropped_points=1, error="refused", error_unix=NOW - 3
        ),
        SinkState(name="other", written_points=0, waiting_points=0, dropped_points=0),
        SinkState(name="third", written_points=0, waiting_points=0, dropped_points=0, error="bad"),
    )
    counters = Counters(
        launched=9,
        launch_failures=1,
        ended_by_themselves=4,
        ended_by_reason={"expired": 2},
        pilot_seconds=7200,
        sinks=sinks,
        suspended=3,
        resumed=2,
        fizzled=1,
        journal_dropped=5,
    )
    text = told(report(), counters=counters)
    for part in (
        "9 launched, 1 launches failed, 4 ended by themselves, 0 never started",
        "ended: expired 2",
        "1 fizzled, 3 times suspended, 2 times resumed",
        "2 h 0 min of pilots' time",
        "entries that couldn't be written to the journal: 5",
        "h:8086: points: 5 written, 2 waiting, 1 dropped; error (3 s ago): refused",
        "other: points: 0 written, 0 waiting, 0 dropped\n",
        "third: points: 0 written, 0 waiting, 0 dropped; error: bad",
    ):
        assert part in text


def test_a_process_in_trouble_shows_its_restarts_and_last_end() -> None:
    process = ProcessStatus(
        name="reaper",
        state=ProcessState.BACKOFF,
        pid=None,
        restarts=3,
        since_unix=NOW - 2,
        last_end="killed by SIGKILL",
    )
    text = told(report(), processes=(process,), ready=False)
    assert "reaper     backoff          -         3  2 s         killed by SIGKILL" in text
    assert "not ready" in text


@pytest.mark.parametrize(
    ("late_seconds", "last_end", "words"),
    [
        (0.9, "", ""),
        (1.5, "", "its loop was up to 1.5 s late in the last seconds"),
        (4.0, "exited with 70", "exited with 70; its loop was up to 4 s late in the last seconds"),
    ],
)
def test_a_process_whose_loop_was_held_up_says_so(late_seconds: float, last_end: str, words: str) -> None:
    process = ProcessStatus(
        name="probe",
        state=ProcessState.RUNNING,
        pid=7,
        restarts=0,
        since_unix=NOW - 2,
        last_end=last_end,
        late_seconds=late_seconds,
    )
    assert (
        f"probe      running          7         0  2 s         {words}".rstrip()
        in told(report(), processes=(process,)).splitlines()
    )


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (Mode.DRAINING, "it launches no pilots: drained; planctonctl resume ends that"),
        (Mode.DRAIN_STOPPING, "stops once the last has ended"),
        (Mode.FORCE_STOPPING, "it ends its pilots, then itself"),
    ],
)
def test_each_mode_says_what_it_means(mode: Mode, words: str) -> None:
    drained = msgspec.structs.replace(report(), mode=mode, target=target(hold=HOLD))
    assert words in told(drained)
    assert [words in note for note in notes(drained)] == [True]


def test_whoever_starts_it_hears_why_nothing_is_launched_and_what_is_wrong_with_the_file() -> None:
    config = ConfigStatus(file="/c", exists=True, loaded_unix=NOW, generation=1, warnings=("w",), errors=("e",))
    assert list(notes(msgspec.structs.replace(report(), target=target(hold=HOLD), config=config))) == [
        "it wants 3 pilots and no more: owner-cpu: the owner uses 7.9 of 8 CPUs (since 12 s)",
        "the configuration is bad, and the last good one in force: e",
        "warning: w",
    ]


def test_nothing_to_note() -> None:
    assert list(notes(report())) == []
    assert list(notes(EMPTY)) == []


@given(st.text())
def test_no_word_of_others_controls_the_terminal(word: str) -> None:
    dirty = msgspec.structs.replace(
        report(),
        version=word,
        instance=word,
        engine_url=word,
        config=ConfigStatus(file=word, exists=True, loaded_unix=0, generation=0, warnings=(word,), errors=(word,)),
        processes=(ProcessStatus(name=word, state=ProcessState.FATAL, pid=1, restarts=0, since_unix=0, last_end=word),),
        pool=PoolLook(pilots=(), full_look_monotonic=0, engine_version=word, api_version=word),
        launcher=LauncherState(image=word, image_id=word, detail=word),
        target=target(
            hold=Hold(reason=Reason.NO_IMAGE, detail=word, since_unix=0),
            end=(Ending(container_id=word, name=word, reason=Reason.SURPLUS),),
        ),
        counters=Counters(
            ended_by_reason={word: 1},
            sinks=(SinkState(name=word, written_points=0, waiting_points=0, dropped_points=0, error=word),),
        ),
    )
    for line in (*explain(dirty), *notes(dirty)):
        assert line.isprintable()
