"""The parts of the live view: what is not known is a question mark, and never nothing."""

import msgspec
import pytest

from plancton.cli.top_keys import Sort
from plancton.cli.top_model import Seen, Usage
from plancton.cli.top_panels import (
    events,
    graphs,
    header,
    memory,
    ordered,
    pilots,
    processes,
    processes_in_short,
    reasons,
)
from plancton.common.decision import Hold
from plancton.common.messages import PoolUnknown
from plancton.common.pilot import PilotState
from plancton.common.processes import ProcessState, ProcessStatus
from plancton.common.reasons import Reason
from plancton.common.status import Happening, StatusReport
from tests.cli.samples import GIB, crowd, host, saying
from tests.fakes.control import NOW, pilot, report


def seen(told: StatusReport | None, **changes: object) -> Seen:
    plain = Seen(hostname="node17", now_unix=NOW, now_monotonic=1000.0, interval=1.0, report=told, ncpus=8)
    return msgspec.structs.replace(plain, **changes)


def test_a_hold_is_told_in_plain_words_with_reason_figures_and_end() -> None:
    hold = Hold(reason=Reason.AFTER_EVICTION, detail="2 ended", since_unix=NOW - 12, until_unix=NOW + 48)
    _, line = reasons(seen(saying(hold=hold)), 200, 4)
    assert line.plain.startswith(
        "Held   no more, because pilots were ended for the owner just now (after-eviction), for 12 s, until "
    )
    assert line.plain.endswith("(in 48 s): 2 ended")


def test_reasons_take_no_more_lines_than_they_may_and_each_has_one() -> None:
    told = msgspec.structs.replace(
        saying(hold=Hold(reason=Reason.NO_IMAGE, detail="x " * 200, since_unix=NOW)),
        drain_reason="y",
        snooze_until_unix=NOW + 60,
    )
    for most in range(1, 8):
        assert len(reasons(seen(told), 80, most)) <= most
    assert [line.plain[:6].strip() for line in reasons(seen(told), 80, 5)] == ["Pilots", "Held", "", "Orders", "Orders"]
    assert [line.plain[:6].strip() for line in reasons(seen(told), 80, 4)] == ["Pilots", "Held", "Orders", "Orders"]


def test_an_engine_that_cannot_be_asked_is_told_also_where_nothing_is_held() -> None:
    told = msgspec.structs.replace(saying(), pool=None, pool_unknown=PoolUnknown(why="timed out", since_unix=NOW))
    assert reasons(seen(told), 80, 4)[-1].plain == "Engine can't be asked: timed out"


def test_the_header_has_the_time_where_there_is_room() -> None:
    assert header(seen(report()), 80).plain.startswith("plancton 1.0.0 on node17  active  up 3 h 0 min  pid ")
    assert header(seen(report()), 80).plain.count(":") == 2
    assert header(seen(report()), 30).plain.count(":") == 0


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"available_bytes": 12 * GIB}, "memory [##--------] 4.0 GiB of 16.0 GiB used"),
        ({"available_bytes": 0}, "memory [##########] 16.0 GiB of 16.0 GiB used"),
        ({"available_bytes": 17 * GIB}, "memory [----------] 0.0 MiB of 16.0 GiB used"),
        ({"ram_bytes": 0}, "memory not known"),
    ],
)
def test_memory_is_a_bar_and_numbers(changes: dict[str, int], shown: str) -> None:
    told = msgspec.structs.replace(report(), host=host(**changes))
    line = memory(seen(told), len(shown))
    assert (line.plain, line.cell_len) == (shown, len(shown))


def test_processes_of_which_little_is_known() -> None:
    crashed = ProcessStatus(name="metrics", state=ProcessState.BACKOFF, pid=None, restarts=3, since_unix=NOW)
    told = msgspec.structs.replace(report(), pid=77, processes=(*report().processes[:1], crashed))
    usage = {77: Usage(cpu_percent=0.04, memory_bytes=900 << 10), 1000: Usage(memory_bytes=3 * GIB)}
    lines = [line.plain.split() for line in processes(seen(told, usage=usage))]
    assert lines == [
        ["PROCESS", "STATE", "PID", "AGAIN", "CPU%", "MEM", "LATE"],
        ["supervisor", "running", "77", "-", "0.0", "900K", "-"],
        ["probe", "running", "1000", "0x", "?", "3.0G", "0.00"],
        ["metrics", "backoff", "-", "3x", "?", "?", "0.00"],
    ]
    assert processes_in_short(told).plain == "processes: 1 of 2 workers run, metrics is backoff (3x again)"
    assert processes_in_short(report()).plain == "processes: 5 of 5 workers run"


def test_pilots_are_sorted_by_what_they_use_and_the_unknown_come_last() -> None:
    found = [
        msgspec.structs.replace(pilot(slot), cpu_cores=cores, memory_bytes=memory_bytes)
        for slot, cores, memory_bytes in ((3, 0.5, 1), (1, None, 9), (2, 1.5, None), (0, 0.0, 5))
    ]
    assert [each.slot for each in ordered(found, Sort.SLOT)] == [0, 1, 2, 3]
    assert [each.slot for each in ordered(found, Sort.CPU)] == [2, 3, 0, 1]
    assert [each.slot for each in ordered(found, Sort.MEMORY)] == [1, 0, 3, 2]


@pytest.mark.parametrize(
    ("height", "rows", "more"), [(0, 0, ""), (1, 0, ""), (2, 0, "5"), (3, 1, "4"), (5, 3, "2"), (6, 5, ""), (60, 5, "")]
)
def test_as_many_pilots_as_fit_and_a_count_of_the_others(height: int, rows: int, more: str) -> None:
    lines = [line.plain for line in pilots(seen(report(5)), Sort.SLOT, height)]
    assert len(lines) <= height
    assert sum("plancton-worker" in line for line in lines) == rows
    assert [line for line in lines if line.startswith("and ")] == ([f"and {more} more pilots, by slot"] if more else [])


def test_states_are_words_and_work_is_told() -> None:
    told = msgspec.structs.replace(report(), pool=crowd(PilotState.PAUSED, PilotState.DEAD))
    _, paused, dead = (line.plain for line in pilots(seen(told), Sort.SLOT, 9))
    assert "suspended" in paused
    assert "dead" in dead
    busy = msgspec.structs.replace(pilot(0), busy_since_unix=NOW - 30)
    told = msgspec.structs.replace(told, pool=msgspec.structs.replace(crowd(), pilots=(busy,)))
    assert "busy 30 s" in pilots(seen(told), Sort.SLOT, 9)[1].plain


def test_the_newest_event_is_last() -> None:
    told = tuple(Happening(number=number, at_unix=NOW, what="probe", text=str(number)) for number in range(5))
    assert [line.plain.split(": ")[1] for line in events(seen(None, happenings=told), 2)] == ["3", "4"]
    assert events(seen(None, happenings=told), 0) == []
    assert events(seen(None, happenings=told), -1) == []


def test_graphs_fill_their_width_whatever_is_known() -> None:
    for height, lines in ((0, 2), (3, 8)):
        for told in (None, report()):
            drawn = graphs(seen(told), 40, height, ascii_only=False)
            assert len(drawn) == lines
            assert all(line.cell_len == 40 for line in drawn)
