"""Each call on the engine is noted with its time and whether it failed, of the real one and of the fake alike."""

import threading

import pytest

from plancton.common.accounting import CallTimes
from plancton.common.engine import Engine
from plancton.common.engine_times import CallBook
from plancton.common.engine_types import Failure, FailureKind
from tests.fakes.engine import FakeEngine
from tests.support.black_hole import BlackHole
from tests.support.contract import Stage, done


def failure(kind: FailureKind) -> Failure:
    return Failure(kind=kind, detail="", seconds=0.0)


def test_a_book_sums_up_what_was_noted_since_it_was_taken() -> None:
    book = CallBook()
    assert book.take() == ()
    book.note("start", 1.0, None)
    book.note("start", 3.0, failure(FailureKind.BROKEN))
    book.note("info", 0.5, "answer")
    book.note("start", 2.0, None)
    assert book.take() == (
        CallTimes(operation="start", calls=3, failures=1, seconds=6.0, longest_seconds=3.0),
        CallTimes(operation="info", calls=1, failures=0, seconds=0.5, longest_seconds=0.5),
    )
    assert book.take() == ()


@pytest.mark.parametrize("kind", list(FailureKind))
def test_an_engine_that_says_no_has_answered(kind: FailureKind) -> None:
    book = CallBook()
    book.note("kill", 0.1, failure(kind))
    (times,) = book.take()
    assert times.failures == (kind not in {FailureKind.NOT_FOUND, FailureKind.CONFLICT})


def test_no_call_is_lost_between_threads() -> None:
    book, stop = CallBook(), threading.Event()
    taken: list[CallTimes] = []

    def take() -> None:
        while not stop.is_set():
            taken.extend(book.take())

    def note() -> None:
        for _ in range(2000):
            book.note("list_containers", 0.5, None)

    taker, noters = threading.Thread(target=take), [threading.Thread(target=note) for _ in range(4)]
    for thread in (taker, *noters):
        thread.start()
    for thread in noters:
        thread.join()
    stop.set()
    taker.join()
    taken += book.take()
    assert sum(times.calls for times in taken) == 8000
    assert sum(times.seconds for times in taken) == 4000.0


def noted(engine: Engine) -> dict[str, tuple[int, int]]:
    """Return the calls and the failures of each operation."""
    return {times.operation: (times.calls, times.failures) for times in engine.times.take()}


def test_each_operation_is_noted_under_its_name(stage: Stage) -> None:
    engine, name = stage.engine, stage.name()
    engine.times.take()
    container = done(engine.create(stage.body(), name))
    engine.create(stage.body(), name)
    engine.inspect("nobody")
    engine.image_id("plancton-test/missing")
    assert noted(engine) == {"create": (2, 0), "inspect": (1, 0), "image_id": (1, 0)}
    engine.start(container)
    engine.pause(container)
    engine.unpause(container)
    engine.lift_quota(container)
    engine.kill(container)
    engine.logs_tail(container, 1, 1)
    engine.remove(container)
    engine.list_containers(stage.labels)
    engine.info()
    once = ("start", "pause", "unpause", "lift_quota", "kill", "logs_tail", "remove", "list_containers", "info")
    assert noted(engine) == dict.fromkeys(once, (1, 0))
    engine.pull("127.0.0.1:1/plancton-test/missing:1", deadline=20.0)
    assert noted(engine) == {"pull": (1, 1)}


def test_a_stream_of_events_is_noted_once_it_is_open_and_not_for_as_long_as_it_lasts(stage: Stage) -> None:
    stage.engine.times.take()
    stream = done(stage.engine.events(stage.labels))
    try:
        assert noted(stage.engine) == {"events": (1, 0)}
        stage.create()
        next(stream)
    finally:
        stream.close()
    assert noted(stage.engine) == {"create": (1, 0)}


def test_a_silent_engine_is_noted_with_the_whole_deadline(stage: Stage, black_hole: BlackHole) -> None:
    engine = stage.engine
    if isinstance(engine, FakeEngine):
        with engine.frozen():
            engine.info(deadline=0.2)
    else:
        engine = Engine(f"tcp://127.0.0.1:{black_hole.port}")
        engine.info(deadline=0.2)
    (times,) = engine.times.take()
    assert (times.operation, times.calls, times.failures) == ("info", 1, 1)
    assert 0.2 <= times.longest_seconds == times.seconds < 2.0


def test_no_operation_is_left_out() -> None:
    methods = {name: each for name, each in vars(Engine).items() if callable(each) and not name.startswith("_")}
    assert {"info", "create", "events"} <= methods.keys()
    assert [name for name, each in methods.items() if not hasattr(each, "__wrapped__")] == []
