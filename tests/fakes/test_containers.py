"""What suspension and a want of memory do to containers, the real ones and the fake ones alike."""

from plancton.common.engine_types import FailureKind
from plancton.common.pilot import PilotState
from tests.fakes.engine import FakeEngine
from tests.support.contract import HEEDS_SIGTERM, Stage, done, kind_of


def test_a_suspended_container_stands_still_until_it_goes_on(stage: Stage) -> None:
    with stage.events() as seen:
        stands = stage.run(("/bin/sleep", "1"))
        for _ in range(2):
            assert stage.engine.pause(stands) is None
        goes = stage.run(("/bin/sleep", "1"))
        stage.wait_until(lambda: stage.look()[goes].state is PilotState.EXITED, "the end of one that goes on")
        there = done(stage.engine.inspect(stands))
        assert (there.state, there.exit_code, there.finished_unix) == (PilotState.PAUSED, None, None)
        assert there.pid
        assert stage.look()[stands].state is PilotState.PAUSED
        assert stage.engine.unpause(stands) is None
        stage.wait_until(lambda: stage.look()[stands].exit_code == 0, "its end")
        stage.wait_until(lambda: [event.action for event in seen].count("die") == 2, "both ends' events")
    actions = [event.action for event in seen if event.container_id == stands]
    assert actions == ["create", "start", "pause", "unpause", "die"]


def test_only_what_runs_is_suspended_and_goes_on(stage: Stage) -> None:
    container = stage.create()
    assert kind_of(stage.engine.pause(container)) is FailureKind.CONFLICT
    assert kind_of(stage.engine.unpause(container)) is FailureKind.CONFLICT
    assert stage.engine.start(container) is None
    assert stage.engine.unpause(container) is None
    assert stage.engine.kill(container) is None
    assert kind_of(stage.engine.pause(container)) is FailureKind.CONFLICT
    assert kind_of(stage.engine.unpause(container)) is FailureKind.CONFLICT
    assert stage.engine.lift_quota(container) is None
    assert stage.engine.remove(container) is None
    assert kind_of(stage.engine.pause(container)) is FailureKind.NOT_FOUND
    assert kind_of(stage.engine.unpause(container)) is FailureKind.NOT_FOUND
    assert kind_of(stage.engine.lift_quota(container)) is FailureKind.NOT_FOUND


def test_a_suspended_container_is_started_by_nobody_and_removed_only_by_force(stage: Stage) -> None:
    with stage.events() as seen:
        container = stage.run()
        assert stage.engine.pause(container) is None
        assert kind_of(stage.engine.start(container)) is FailureKind.CONFLICT
        assert kind_of(stage.engine.remove(container)) is FailureKind.CONFLICT
        assert stage.engine.remove(container, force=True) is None
        assert stage.look() == {}
        stage.wait_for_actions(seen, ["create", "start", "pause", "kill", "die", "destroy"])
    assert seen[4].exit_code == 137


def test_a_signal_lets_a_suspended_container_go_on(stage: Stage) -> None:
    heeds, does_not = stage.run(HEEDS_SIGTERM), stage.run()
    stage.wait_until(lambda: stage.engine.logs_tail(heeds, 1, 100) == "ready\n", "its trap")
    with stage.events() as seen:
        for container in (heeds, does_not):
            assert stage.engine.pause(container) is None
            assert stage.engine.kill(container, "SIGTERM") is None
        stage.wait_until(lambda: stage.look()[heeds].exit_code == 5, "its end")
        stage.wait_until(lambda: stage.look()[does_not].state is PilotState.RUNNING, "that the other goes on")
        stage.wait_until(lambda: any(event.action == "die" for event in seen), "the end's event")
    assert [event.action for event in seen if event.container_id == heeds] == ["pause", "kill", "unpause", "die"]


def test_a_kill_ends_a_suspended_container(stage: Stage) -> None:
    container = stage.run()
    assert stage.engine.pause(container) is None
    assert stage.engine.kill(container) is None
    assert stage.look()[container].exit_code == 137


def test_one_that_wanted_more_memory_than_it_may_have_is_shown_as_such(stage: Stage) -> None:
    body = stage.body(("tail", "/dev/zero"), Memory=16 * 2**20, MemorySwap=16 * 2**20)
    container = done(stage.engine.create(body, stage.name()))
    assert stage.engine.start(container) is None
    if isinstance(stage.engine, FakeEngine):
        stage.engine.finish(container, 137, oom=True)
    stage.wait_until(lambda: stage.look()[container].state is PilotState.EXITED, "its end")
    seen = done(stage.engine.inspect(container))
    assert (seen.exit_code, seen.oom_killed) == (137, True)
