"""What protects the owner, in words: what isn't known or not told is said to be so, never zero."""

import msgspec
import pytest

from plancton.cli import safeguards
from plancton.common.messages import Weight
from plancton.common.pilot import PilotState
from plancton.common.reasons import Reason
from plancton.common.status import StatusReport
from tests.cli.samples import BREAKER, crowd, host, launcher, saying, suspension, weighed
from tests.fakes.control import NOW, report


def with_stalls(cpu: float | None, memory: float | None, io: float | None, detail: str = "") -> str:
    return safeguards.stalls(host(stall_cpu=cpu, stall_memory=memory, stall_io=io, stall_detail=detail))


def test_the_suspended_are_counted_apart() -> None:
    running, paused, exited = PilotState.RUNNING, PilotState.PAUSED, PilotState.EXITED
    for states, numbers in (
        ((), (0, 0)),
        ((running, running), (2, 0)),
        ((running, paused, paused, exited, PilotState.CREATED), (1, 2)),
    ):
        assert safeguards.counted(msgspec.structs.replace(report(), pool=crowd(*states))) == numbers
    assert safeguards.counted(msgspec.structs.replace(report(), pool=None)) is None


def test_stalls_are_told_in_percent_and_why_one_is_not() -> None:
    assert with_stalls(0.034, 0.0, 1.0) == "cpu 3 %, memory 0 %, io 100 %"
    assert with_stalls(None, None, None) == "cpu not told, memory not told, io not told"
    assert (
        with_stalls(0.03, 0.0, None, "no\n/proc/pressure/io")
        == "cpu 3 %, memory 0 %, io not told: no /proc/pressure/io"
    )


def test_the_weight_in_force_and_what_could_not_be_set() -> None:
    assert list(safeguards.weight(weighed().launcher)) == ["cpu.idle=1, blkio.weight=10"]
    assert list(safeguards.weight(weighed("io: denied\x07").launcher)) == ["cpu.idle=1", "not set: io: denied\\x07"]
    assert list(safeguards.weight(report().launcher)) == ["not set yet"]
    assert list(safeguards.weight(None)) == ["not set yet"]
    assert list(safeguards.weight(launcher(weight=Weight()))) == ["the kernel's defaults"]


@pytest.mark.parametrize(
    ("changes", "now_monotonic", "second"),
    [
        ({}, 5000.0, ", then one trial pilot; planctonctl clear-fizzles ends that at once"),
        ({"open_until_monotonic": 4999.0}, 5000.0, "one trial pilot at a time is launched; planctonctl clear-fizzles"),
        ({}, 0.0, "no launches for a while, then one trial pilot; planctonctl clear-fizzles"),
        ({"open_until_monotonic": None}, 5000.0, None),
    ],
)
def test_the_breaker_says_why_until_when_and_what_helps(
    changes: dict[str, object], now_monotonic: float, second: str | None
) -> None:
    of = saying(breaker=msgspec.structs.replace(BREAKER, **changes))
    lines = list(safeguards.breaker(msgspec.structs.replace(of, now_monotonic=now_monotonic)))
    assert lines[0] == "3 pilots fizzled in a row, 12 s ago; the last: p-1-2 ended after 0.2 s with exit code 1"
    assert (second in lines[1]) if second else len(lines) == 1
    if second and second.startswith(","):
        assert lines[1].startswith("no launches until ")
        assert "(in 30 s)" in lines[1]


def test_launches_that_fail_are_no_fizzles() -> None:
    of = saying(breaker=msgspec.structs.replace(BREAKER, reason=Reason.LAUNCHES_FAIL, last=""))
    assert next(safeguards.breaker(of)) == "3 launches failed in a row, 12 s ago"


def test_without_fizzles_there_is_nothing_to_say() -> None:
    for of in (saying(), msgspec.structs.replace(report(), target=None)):
        assert list(safeguards.breaker(of)) == []


def test_suspensions_are_told_by_reason_with_the_figures_of_the_first() -> None:
    wished = (suspension(1), suspension(2, detail="other"), suspension(3, Reason.DRILL, ""))
    assert list(safeguards.suspensions(wished)) == ["2 pilots: owner-cpu: 5 of 8 CPUs for 5 s", "1 pilot: drill"]


def orders(**changes: object) -> list[str]:
    of: StatusReport = msgspec.structs.replace(report(), **changes)
    return [line.replace(line[line.find(" at ") : line.find(" (in")], "") for line in safeguards.orders(of)]


def test_what_owner_and_operator_asked_for_says_until_when() -> None:
    assert orders() == []
    assert orders(drain_reason="kernel\x1b[2J", drain_deadline_unix=NOW + 7200) == [
        "drained: kernel\\x1b[2J",
        "pilots that still run are ended (in 2 h 0 min)",
    ]
    (snoozed,) = safeguards.orders(msgspec.structs.replace(report(), snooze_until_unix=NOW + 60))
    assert snoozed.startswith("snoozed until ")
    assert snoozed.endswith("(in 1 min 0 s); planctonctl snooze off ends that")
    (drill,) = safeguards.orders(msgspec.structs.replace(report(), drill_until_unix=NOW + 5))
    assert drill.startswith("a drill suspends all pilots until ")
    assert orders(snooze_until_unix=NOW - 1, drill_until_unix=NOW - 1) == []


def test_a_deadline_that_is_known() -> None:
    found = safeguards.deadline(saying(deadline_unix=NOW + 3600))
    assert found
    assert found.startswith("all pilots end by ")
    assert found.endswith("(in 1 h 0 min)")
    assert safeguards.deadline(saying()) is None
    assert safeguards.deadline(msgspec.structs.replace(report(), target=None)) is None
