"""What is worth a line for people, and the numbering of the lines kept."""

import logging
from collections.abc import Callable

import msgspec
import pytest

from plancton.common.decision import Breaker, Hold
from plancton.common.messages import (
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
from plancton.common.reasons import Reason
from plancton.supervisor.journal import Journal, describe

HOST = HostLook(
    ncpus=2, interval_seconds=1.0, busy_cpus=1.0, pilots_cpus=0.0, ram_bytes=1, available_bytes=1, swap_bytes=0
)
POOL = PoolLook(pilots=(), full_look_monotonic=1.0)
UNKNOWN = PoolUnknown(why="no answer within 5 s", since_unix=0.0)
FREE = Target(generation=1, valid_until_monotonic=1.0, want=4, running=1)
IMAGE = LauncherState(image="busybox", image_id="sha256:0123456789abcdef0123")
NO_IMAGE = LauncherState(image="busybox", image_id=None, detail="no such image")


def held(reason: Reason, detail: str = "why") -> Target:
    """Return a target that holds launches."""
    return msgspec.structs.replace(FREE, hold=Hold(reason=reason, detail=detail, since_unix=0.0))


BREAKER = Breaker(fizzles=3, reason=Reason.FIZZLES, last_unix=0.0, last="p-9 ended after 0.2 s")
OPEN = msgspec.structs.replace(BREAKER, open_until_monotonic=9.0)
WEIGHT = Weight(cpu="cpu.idle=1", io="blkio.weight=10")


def fizzling(breaker: Breaker | None, of: Target = FREE) -> Target:
    """Return a target in which pilots fizzle."""
    return msgspec.structs.replace(of, breaker=breaker)


def weighed(weight: Weight | None) -> LauncherState:
    """Return a state in which the weight was set."""
    return msgspec.structs.replace(IMAGE, weight=weight)


def launch(outcome: Outcome, detail: str = "") -> LaunchOutcome:
    """Return what came of a launch."""
    return LaunchOutcome(
        slot=1, incarnation=2, name="p-1-2", outcome=outcome, reason=Reason.ROOM, detail=detail, seconds=0.254
    )


def ending(action: EndingAction, **more: object) -> EndingOutcome:
    """Return what came of an ending."""
    fields: dict[str, object] = {"container_id": "c", "name": "p-1-2", "outcome": "done", "reason": "expired", **more}
    return msgspec.convert({**fields, "action": action}, EndingOutcome)


LINES: list[tuple[Message, Message | None, str | None]] = [
    (launch(Outcome.DONE), None, "started p-1-2 (room) in 0.25 s"),
    (launch(Outcome.TIMED_OUT, "20 s"), None, "couldn't start p-1-2: timed-out: 20 s"),
    (ending(EndingAction.TERMINATED), None, "asked p-1-2 to end: expired"),
    (ending(EndingAction.KILLED), None, "killed p-1-2: expired"),
    (
        msgspec.structs.replace(launch(Outcome.DONE), figures="2 of 8"),
        None,
        "started p-1-2 (room: 2 of 8) in 0.25 s",
    ),
    (
        ending(EndingAction.TERMINATED, reason="owner-cpu", figures="7 of 8 CPUs"),
        None,
        "asked p-1-2 to end: owner-cpu: 7 of 8 CPUs",
    ),
    (
        ending(EndingAction.SUSPENDED, reason="owner-cpu", figures="7 of 8 CPUs"),
        None,
        "suspended p-1-2: owner-cpu: 7 of 8 CPUs",
    ),
    (ending(EndingAction.RESUMED, reason="room-again"), None, "let p-1-2 go on: room-again"),
    (
        ending(EndingAction.SUSPENDED, outcome="failed", detail="gone"),
        None,
        "couldn't suspend p-1-2 (expired): failed: gone",
    ),
    (
        ending(EndingAction.RESUMED, outcome="timed-out", detail="9 s"),
        None,
        "couldn't resume p-1-2 (expired): timed-out: 9 s",
    ),
    (
        ending(EndingAction.REMOVED, uptime_seconds=0.2, exit_code=127, output="trying\nno \x1b[2Jfile\n \n"),
        None,
        "p-1-2 ended by itself after 0 s with exit code 127 and is removed; its last words: no ?[2Jfile",
    ),
    (ending(EndingAction.REMOVED, output="\n \n"), None, "p-1-2 ended by itself and is removed"),
    (
        ending(EndingAction.REMOVED, output="x" * 999),
        None,
        f"p-1-2 ended by itself and is removed; its last words: {'x' * 200}",
    ),
    (
        ending(EndingAction.REMOVED, uptime_seconds=3.0, exit_code=0, output="done"),
        None,
        "p-1-2 ended by itself after 3 s with exit code 0 and is removed",
    ),
    (
        ending(EndingAction.REMOVED, killed=True, uptime_seconds=1.0, exit_code=143, output="interrupted"),
        None,
        "p-1-2 was ended after 1 s with exit code 143 and is removed",
    ),
    (
        ending(EndingAction.REMOVED, uptime_seconds=8.0, exit_code=137, oom_killed=True),
        None,
        "p-1-2 ended by itself after 8 s with exit code 137 for want of memory and is removed",
    ),
    (
        ending(EndingAction.REMOVED, killed=True, uptime_seconds=61.4, exit_code=137),
        None,
        "p-1-2 was ended after 61 s with exit code 137 and is removed",
    ),
    (
        ending(EndingAction.REMOVED, uptime_seconds=0.0, exit_code=0),
        None,
        "p-1-2 ended by itself after 0 s with exit code 0 and is removed",
    ),
    (ending(EndingAction.REMOVED), None, "p-1-2 ended by itself and is removed"),
    (ending(EndingAction.REMOVED, started=False), None, "removed p-1-2, which never started"),
    (
        ending(EndingAction.REMOVED, outcome="failed", detail="busy"),
        None,
        "couldn't end or remove p-1-2 (expired): failed: busy",
    ),
    (FREE, None, None),
    (FREE, FREE, None),
    (held(Reason.MAX_DOCKS), None, "no further launches: max-docks: why"),
    (held(Reason.MAX_DOCKS), FREE, "no further launches: max-docks: why"),
    (held(Reason.MAX_DOCKS, "other figures"), held(Reason.MAX_DOCKS), None),
    (held(Reason.DRAINING), held(Reason.MAX_DOCKS), "no further launches: draining: why"),
    (FREE, held(Reason.DRAINING), "launching again; want 4"),
    (fizzling(BREAKER), FREE, None),
    (fizzling(OPEN), fizzling(BREAKER), "3 fizzles in a row hold launches: p-9 ended after 0.2 s"),
    (fizzling(OPEN), None, "3 fizzles in a row hold launches: p-9 ended after 0.2 s"),
    (fizzling(OPEN), fizzling(OPEN), None),
    (fizzling(OPEN, held(Reason.FIZZLES)), FREE, "no further launches: fizzles: why"),
    (
        fizzling(OPEN, held(Reason.DRAINING)),
        FREE,
        "no further launches: draining: why; 3 fizzles in a row hold launches: p-9 ended after 0.2 s",
    ),
    (FREE, fizzling(OPEN), "no fizzles hold launches any more"),
    (fizzling(BREAKER), fizzling(OPEN), "no fizzles hold launches any more"),
    (FREE, fizzling(BREAKER), None),
    (
        FREE,
        fizzling(OPEN, held(Reason.FIZZLES)),
        "launching again; want 4; no fizzles hold launches any more",
    ),
    (UNKNOWN, None, "the engine can't be asked: no answer within 5 s"),
    (UNKNOWN, POOL, "the engine can't be asked: no answer within 5 s"),
    (UNKNOWN, UNKNOWN, None),
    (POOL, UNKNOWN, "the engine answers again"),
    (POOL, POOL, None),
    (POOL, None, None),
    (HOST, None, None),
    (HOST, HOST, None),
    (IMAGE, None, "image busybox is sha256:0123456789ab"),
    (IMAGE, IMAGE, None),
    (msgspec.structs.replace(IMAGE, in_flight=3), IMAGE, None),
    (NO_IMAGE, IMAGE, "image busybox: no such image"),
    (NO_IMAGE, NO_IMAGE, None),
    (msgspec.structs.replace(NO_IMAGE, pulling=True), NO_IMAGE, "pulling busybox"),
    (msgspec.structs.replace(NO_IMAGE, pulling=True), msgspec.structs.replace(NO_IMAGE, pulling=True), None),
    (msgspec.structs.replace(IMAGE, image_id="sha256:f"), IMAGE, "image busybox is sha256:f"),
    (weighed(WEIGHT), IMAGE, "the weight of pilots: cpu.idle=1, blkio.weight=10"),
    (weighed(WEIGHT), weighed(WEIGHT), None),
    (weighed(None), weighed(WEIGHT), None),
    (weighed(Weight()), IMAGE, "the weight of pilots: the kernel's defaults"),
    (
        weighed(Weight(problems=("io: denied", "cpu: denied"))),
        weighed(WEIGHT),
        "the weight of pilots: the kernel's defaults; not set: io: denied; not set: cpu: denied",
    ),
    (
        msgspec.structs.replace(weighed(WEIGHT), image_id="sha256:f"),
        IMAGE,
        "image busybox is sha256:f; the weight of pilots: cpu.idle=1, blkio.weight=10",
    ),
]


@pytest.mark.parametrize(("message", "before", "line"), LINES)
def test_a_message_is_worth_its_line_where_something_changed(
    message: Message, before: Message | None, line: str | None
) -> None:
    assert describe(message, before, 3.0) == line


@pytest.fixture
def journal() -> Journal:
    """Return a journal in which 600 things happened."""
    journal = Journal()
    for number in range(1, 601):
        journal.add("launcher", f"thing {number}")
    return journal


def numbers(ask: Callable[[int], object], after: int) -> list[int]:
    """Return the numbers of the happenings that are told."""
    happenings = ask(after)
    assert isinstance(happenings, tuple)
    return [happening.number for happening in happenings]


def test_happenings_are_numbered_from_1_and_the_oldest_are_forgotten(journal: Journal) -> None:
    assert numbers(journal.since, 0) == list(range(101, 601))
    assert journal.since(599)[0].text == "thing 600"
    assert numbers(journal.since, 598) == [599, 600]
    assert numbers(journal.since, 600) == []
    assert numbers(journal.since, 10**9) == []


def test_each_happening_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Journal().add("reaper", "killed p-1-2: expired")
    assert caplog.messages == ["reaper: killed p-1-2: expired"]
