"""The fake engine's own ways: its clock, and how it fails on demand."""

from plancton.common.engine_types import FailureKind
from tests.fakes.containers import KEPT_EVENTS
from tests.fakes.engine import FakeEngine
from tests.support.contract import done, kind_of


def test_a_fake_fails_and_loses_answers_as_told() -> None:
    engine = FakeEngine()
    engine.fail("create", FailureKind.BROKEN, "disk full")
    assert kind_of(engine.create({"Image": "busybox"}, "pilot")) is FailureKind.BROKEN
    assert engine.list_containers({}) == ()
    engine.lose_answer("create")
    assert kind_of(engine.create({"Image": "busybox"}, "pilot")) is FailureKind.TIMED_OUT
    assert kind_of(engine.create({"Image": "busybox"}, "pilot")) is FailureKind.CONFLICT
    assert [call.name for call in engine.calls] == ["create", "list_containers", "create", "create"]


def test_a_fakes_programs_end_when_their_time_has_come() -> None:
    engine = FakeEngine(now_unix=1000.0)
    stream = done(engine.events({}))
    for name, seconds in (("late", "20"), ("early", "10")):
        body = {"Image": "busybox", "Cmd": ["/bin/sleep", seconds]}
        assert engine.start(done(engine.create(body, name))) is None
    engine.advance(30.0)
    stream.close()
    ends = [(event.name, round(event.at_unix, 3)) for event in stream if event.action == "die"]
    assert ends == [("early", 1010.0), ("late", 1020.0)]
    assert engine.now_unix == 1030.0


def test_a_fake_keeps_as_many_events_as_the_real_one_and_none_over_a_restart() -> None:
    engine = FakeEngine()
    for number in range(KEPT_EVENTS + 10):
        engine.create({"Image": "busybox"}, f"pilot-{number}")
    stream = done(engine.events({}, 0))
    engine.stop()
    assert len(list(stream)) == KEPT_EVENTS
    engine.restart()
    replay = done(engine.events({}, 0))
    replay.close()
    assert list(replay) == []
    assert len(done(engine.list_containers({}))) == KEPT_EVENTS + 10
