"""What the engine does, of the real one and of the fake alike; then what only the real one can show."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plancton.common.engine import Engine
from plancton.common.engine_types import Failure, FailureKind
from plancton.common.naming import cgroup_parent
from plancton.common.pilot import PilotState
from tests.fakes.engine import FakeEngine
from tests.support.black_hole import BlackHole
from tests.support.cgroup_files import has_quota, is_frozen
from tests.support.contract import (
    ENDS_WITH_3,
    FOR_EVER,
    HEEDS_SIGTERM,
    Stage,
    done,
    fake_stage,
    kind_of,
    real_stage,
)
from tests.support.engine import Engine as PrivateEngine
from tests.support.engine import start_dockerd


def test_info_tells_the_engine_and_its_machine(stage: Stage) -> None:
    info = done(stage.engine.info())
    assert info.version
    assert info.engine_id
    assert info.root_dir.startswith("/")
    major, minor = info.api_version.split(".")
    assert (int(major), int(minor)) >= (1, 24)
    assert info.cgroup_driver in {"cgroupfs", "systemd", "none"}
    assert info.cgroup_version in {1, 2}
    assert info.ncpus >= 1
    assert info.memory_bytes > 2**20


def test_a_life_and_its_events_in_order(stage: Stage) -> None:
    with stage.events() as seen:
        name = stage.name()
        container = done(stage.engine.create(stage.body(ENDS_WITH_3), name))
        assert stage.engine.start(container) is None
        stage.wait_for_actions(seen, ["create", "start", "die"])
        assert stage.engine.remove(container) is None
        stage.wait_for_actions(seen, ["create", "start", "die", "destroy"])
    assert {event.container_id for event in seen} == {container}
    assert {event.name for event in seen} == {name}
    assert all(event.labels == stage.labels for event in seen)
    assert [event.exit_code for event in seen] == [None, None, 3, None]
    assert [event.at_nano for event in seen] == sorted(event.at_nano for event in seen)
    assert stage.look() == {}


def test_a_created_container_has_not_started(stage: Stage) -> None:
    container = stage.create()
    seen = done(stage.engine.inspect(container))
    assert (seen.state, seen.exit_code) == (PilotState.CREATED, None)
    assert (seen.started_unix, seen.finished_unix, seen.pid) == (None, None, None)
    assert seen.labels == stage.labels
    assert seen.image_id == stage.engine.image_id("busybox")
    assert done(stage.engine.inspect(seen.name)) == seen


def test_a_running_container_has_a_process_and_a_start(stage: Stage) -> None:
    seen = done(stage.engine.inspect(stage.run()))
    assert (seen.state, seen.exit_code, seen.finished_unix) == (PilotState.RUNNING, None, None)
    assert seen.pid
    assert seen.started_unix is not None
    assert seen.started_unix >= seen.created_unix


def test_an_inspection_tells_the_cgroup_parent_that_was_asked_for(stage: Stage) -> None:
    assert done(stage.engine.inspect(stage.create())).cgroup_parent == ""
    parent = cgroup_parent("0123abcd", done(stage.engine.info()).cgroup_driver)
    container = done(stage.engine.create(stage.body(CgroupParent=parent), stage.name()))
    assert done(stage.engine.inspect(container)).cgroup_parent == parent


def test_an_ended_container_has_an_end_and_an_exit_code(stage: Stage) -> None:
    container = stage.run(ENDS_WITH_3)
    stage.wait_until(lambda: stage.look()[container].state is PilotState.EXITED, "its end")
    seen = done(stage.engine.inspect(container))
    assert (seen.state, seen.exit_code, seen.pid, seen.oom_killed) == (PilotState.EXITED, 3, None, False)
    assert seen.started_unix is not None
    assert seen.finished_unix is not None
    # The engine stamps a start after the process is up, so a short life may seem to end before.
    assert seen.finished_unix > seen.started_unix - 1.0
    assert stage.engine.logs_tail(container, 2, 1000) == "line 3\nline 4\n"
    assert stage.engine.logs_tail(container, 100, 9) == "3\nline 4\n"
    assert b"".join(done(stage.engine.follow_logs(container, 2))) == b"line 3\nline 4\n"


def test_a_list_shows_each_state_but_not_what_only_an_inspection_tells(stage: Stage) -> None:
    created, running, ended = stage.create(), stage.run(), stage.run(ENDS_WITH_3)
    stage.wait_until(lambda: stage.look()[ended].state is PilotState.EXITED, "its end")
    listed = stage.look()
    assert {key: (each.state, each.exit_code) for key, each in listed.items()} == {
        created: (PilotState.CREATED, None),
        running: (PilotState.RUNNING, None),
        ended: (PilotState.EXITED, 3),
    }
    for key, each in listed.items():
        inspected = done(stage.engine.inspect(key))
        assert (each.name, each.labels, each.image_id) == (inspected.name, inspected.labels, inspected.image_id)
        assert each.created_unix == int(inspected.created_unix)
        assert (each.started_unix, each.finished_unix, each.pid, each.oom_killed) == (None, None, None, None)
        assert each.cgroup_parent is None


def test_a_list_and_the_events_show_only_what_carries_all_labels(stage: Stage) -> None:
    others = {**stage.labels, "plancton.test.other": "1"}
    mine, theirs = stage.name(), stage.name()
    with stage.events() as seen:
        container = done(stage.engine.create({**stage.body(), "Labels": others}, theirs))
        stage.engine.create(stage.body(), mine)
        stage.wait_for_actions(seen, ["create", "create"])
    assert [each.container_id for each in done(stage.engine.list_containers(others))] == [container]
    assert done(stage.engine.list_containers({**stage.labels, "plancton.test.other": "2"})) == ()
    stream = done(stage.engine.events(others, seen[0].at_nano))
    assert next(stream).name == theirs
    stream.close()


def test_a_name_is_given_once(stage: Stage) -> None:
    name = stage.name()
    first = done(stage.engine.create(stage.body(), name))
    assert kind_of(stage.engine.create(stage.body(), name)) is FailureKind.CONFLICT
    assert list(stage.look()) == [first]


def test_a_bad_name_is_refused(stage: Stage) -> None:
    assert kind_of(stage.engine.create(stage.body(), "no/name")) is FailureKind.REFUSED


def test_a_missing_image_is_not_found(stage: Stage) -> None:
    missing = {**stage.body(), "Image": "plancton-test/missing"}
    refused = stage.engine.create(missing, stage.name())
    assert isinstance(refused, Failure)
    assert (refused.kind, refused.detail) == (FailureKind.NOT_FOUND, "No such image: plancton-test/missing:latest")
    assert stage.engine.image_id("plancton-test/missing") is None
    assert stage.engine.image_id("localhost:5000/plancton-test/missing:1.2") is None


def test_an_image_is_found_by_name_tag_and_id(stage: Stage) -> None:
    found = done(stage.engine.image_id("busybox"))
    assert found
    assert stage.engine.image_id("busybox:latest") == found
    assert stage.engine.image_id(found) == found
    assert done(stage.engine.create({**stage.body(), "Image": found}, stage.name()))


def test_starting_twice_is_starting_once(stage: Stage) -> None:
    with stage.events() as seen:
        container = stage.run()
        assert stage.engine.start(container) is None
        assert stage.engine.kill(container) is None
        stage.wait_for_actions(seen, ["create", "start", "kill", "die"])


def test_an_ended_container_runs_again_when_it_is_started(stage: Stage) -> None:
    container = stage.run()
    assert stage.engine.kill(container) is None
    assert stage.engine.start(container) is None
    seen = done(stage.engine.inspect(container))
    assert (seen.state, seen.finished_unix, seen.exit_code) == (PilotState.RUNNING, None, None)


def test_what_was_removed_is_not_found_and_removing_it_again_is_done(stage: Stage) -> None:
    container = stage.create()
    assert stage.engine.remove(container) is None
    assert stage.engine.remove(container) is None
    assert stage.engine.remove(container, force=True) is None
    assert kind_of(stage.engine.start(container)) is FailureKind.NOT_FOUND
    assert kind_of(stage.engine.kill(container)) is FailureKind.NOT_FOUND
    assert kind_of(stage.engine.inspect(container)) is FailureKind.NOT_FOUND
    assert kind_of(stage.engine.logs_tail(container, 1, 1)) is FailureKind.NOT_FOUND
    assert kind_of(stage.engine.follow_logs(container, 1)) is FailureKind.NOT_FOUND


def test_what_runs_is_removed_only_by_force(stage: Stage) -> None:
    with stage.events() as seen:
        container = stage.run()
        assert kind_of(stage.engine.remove(container)) is FailureKind.CONFLICT
        assert stage.look()[container].state is PilotState.RUNNING
        assert stage.engine.remove(container, force=True) is None
        assert stage.look() == {}
        stage.wait_for_actions(seen, ["create", "start", "kill", "die", "destroy"])
    assert seen[3].exit_code == 137


def test_a_kill_ends_at_once_and_only_what_runs(stage: Stage) -> None:
    container = stage.create()
    assert kind_of(stage.engine.kill(container)) is FailureKind.CONFLICT
    assert stage.engine.start(container) is None
    assert stage.engine.kill(container) is None
    assert stage.look()[container].exit_code == 137
    assert kind_of(stage.engine.kill(container)) is FailureKind.CONFLICT


def test_sigterm_reaches_a_program_that_heeds_it(stage: Stage) -> None:
    heeds, does_not = stage.run(HEEDS_SIGTERM), stage.run(FOR_EVER)
    stage.wait_until(lambda: stage.engine.logs_tail(heeds, 1, 100) == "ready\n", "its trap")
    assert stage.engine.kill(heeds, "SIGTERM") is None
    assert stage.engine.kill(does_not, "SIGTERM") is None
    stage.wait_until(lambda: stage.look()[heeds].exit_code == 5, "its end")
    assert stage.look()[does_not].state is PilotState.RUNNING


def test_since_brings_back_what_a_broken_stream_missed(stage: Stage) -> None:
    with stage.events() as before:
        container = stage.run()
        stage.wait_for_actions(before, ["create", "start"])
    assert stage.engine.kill(container) is None
    with stage.events(before[-1].at_nano) as after:
        stage.wait_for_actions(after, ["start", "kill", "die"])
    assert after[0] == before[-1]
    with stage.events(after[0].at_nano + 1) as later:
        stage.wait_for_actions(later, ["kill", "die"])


def test_a_closed_stream_stays_ended(stage: Stage) -> None:
    stream = done(stage.engine.events(stage.labels))
    stream.close()
    stream.close()
    assert list(stream) == []


def test_a_pull_that_no_registry_serves_fails_and_what_is_here_stays(stage: Stage) -> None:
    nowhere = "127.0.0.1:1/plancton-test/missing:1"
    assert kind_of(stage.engine.pull(nowhere, deadline=20.0)) is FailureKind.BROKEN
    assert stage.engine.image_id(nowhere) is None
    assert stage.engine.image_id("busybox") is not None


def test_nobody_there(stage: Stage, tmp_path: Path) -> None:
    engine = stage.engine
    if isinstance(engine, FakeEngine):
        engine.stop()
    else:
        engine = Engine(f"unix://{tmp_path}/no.sock")
    assert kind_of(engine.info()) is FailureKind.UNREACHABLE
    assert kind_of(engine.list_containers({})) is FailureKind.UNREACHABLE
    assert kind_of(engine.inspect("x")) is FailureKind.UNREACHABLE
    assert kind_of(engine.image_id("x")) is FailureKind.UNREACHABLE
    assert kind_of(engine.pull("x")) is FailureKind.UNREACHABLE
    assert kind_of(engine.create({"Image": "x"}, "x")) is FailureKind.UNREACHABLE
    assert kind_of(engine.start("x")) is FailureKind.UNREACHABLE
    assert kind_of(engine.kill("x")) is FailureKind.UNREACHABLE
    assert kind_of(engine.pause("x")) is FailureKind.UNREACHABLE
    assert kind_of(engine.unpause("x")) is FailureKind.UNREACHABLE
    assert kind_of(engine.lift_quota("x")) is FailureKind.UNREACHABLE
    assert kind_of(engine.remove("x")) is FailureKind.UNREACHABLE
    assert kind_of(engine.logs_tail("x", 1, 1)) is FailureKind.UNREACHABLE
    assert kind_of(engine.follow_logs("x", 1)) is FailureKind.UNREACHABLE
    assert kind_of(engine.events({})) is FailureKind.UNREACHABLE


def test_a_silent_engine_costs_each_call_its_deadline_and_no_more(stage: Stage, black_hole: BlackHole) -> None:
    engine = stage.engine
    if isinstance(engine, FakeEngine):
        with engine.frozen():
            assert_all_time_out(engine)
    else:
        assert_all_time_out(Engine(f"tcp://127.0.0.1:{black_hole.port}"))


def assert_all_time_out(engine: Engine) -> None:
    """Assert that each call gives up at its deadline."""
    began = time.monotonic()
    results = [
        engine.info(deadline=0.1),
        engine.list_containers({}, deadline=0.1),
        engine.inspect("x", deadline=0.1),
        engine.image_id("x", deadline=0.1),
        engine.pull("x", deadline=0.1),
        engine.create({"Image": "x"}, "x", deadline=0.1),
        engine.start("x", deadline=0.1),
        engine.kill("x", deadline=0.1),
        engine.pause("x", deadline=0.1),
        engine.unpause("x", deadline=0.1),
        engine.lift_quota("x", deadline=0.1),
        engine.remove("x", deadline=0.1),
        engine.logs_tail("x", 1, 1, deadline=0.1),
        engine.follow_logs("x", 1, deadline=0.1),
        engine.events({}, deadline=0.1),
    ]
    seconds = time.monotonic() - began
    assert [kind_of(result) for result in results] == [FailureKind.TIMED_OUT] * len(results)
    assert 0.1 * len(results) <= seconds < 0.25 * len(results)


@contextmanager
def freeze(stage: Stage, private: PrivateEngine | None) -> Iterator[None]:
    """Stop the engine's clock, or SIGSTOP its dockerd, for the duration of the context."""
    if isinstance(stage.engine, FakeEngine):
        with stage.engine.frozen():
            yield
    else:
        assert private is not None
        os.kill(private.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(private.pid, signal.SIGCONT)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.engine)])
def own_stage(request: pytest.FixtureRequest) -> Iterator[tuple[Stage, PrivateEngine | None]]:
    """Set a stage whose engine may be broken: the real one is this test's alone."""
    if request.param == "fake":
        with fake_stage() as fake:
            yield fake, None
    else:
        private = request.getfixturevalue("own_engine")
        with real_stage(private.url) as real:
            yield real, private


def test_what_timed_out_may_have_its_effect_later(own_stage: tuple[Stage, PrivateEngine | None]) -> None:
    stage, private = own_stage
    container, name = stage.create(), stage.name()
    with stage.events() as seen:
        with freeze(stage, private):
            # The first call to time out makes the engine doubtful; later ones would ask for its version first.
            assert kind_of(stage.engine.start(container, deadline=0.2)) is FailureKind.TIMED_OUT
            assert kind_of(stage.engine.create(stage.body(), name, deadline=0.2)) is FailureKind.TIMED_OUT
            assert seen == []
        stage.wait_until(lambda: stage.look()[container].state is PilotState.RUNNING, "the late start")
        stage.wait_until(lambda: "start" in [event.action for event in seen], "its event, on the stream as before")


@pytest.mark.engine
def test_an_engine_that_dies_ends_the_stream_and_its_successor_is_spoken_to(own_engine: PrivateEngine) -> None:
    with real_stage(own_engine.url) as stage, stage.events() as seen:
        container = stage.create()
        stage.wait_for_actions(seen, ["create"])
        stream = done(stage.engine.events(stage.labels))
        os.kill(own_engine.pid, signal.SIGKILL)
        assert list(stream) == []
        assert kind_of(stage.engine.list_containers(stage.labels)) is FailureKind.UNREACHABLE
        assert own_engine.directory is not None
        start_dockerd(own_engine.directory)
        assert list(stage.look()) == [container]
        with stage.events(seen[0].at_nano) as replayed:
            assert stage.engine.remove(container) is None
            stage.wait_for_actions(replayed, ["destroy"])


@pytest.mark.engine
def test_a_lifted_quota_is_gone_in_the_kernel_whether_it_runs_or_is_suspended(engine_url: str) -> None:
    with real_stage(engine_url) as stage:
        for suspended in (False, True):
            body = stage.body(CpuPeriod=100_000, CpuQuota=20_000)
            container = done(stage.engine.create(body, stage.name()))
            assert stage.engine.start(container) is None
            pid = done(stage.engine.inspect(container)).pid
            assert pid is not None
            assert has_quota(pid)
            if suspended:
                assert stage.engine.pause(container) is None
            assert is_frozen(pid) is suspended
            for _ in range(2):
                assert stage.engine.lift_quota(container) is None
            assert not has_quota(pid)
            assert is_frozen(pid) is suspended


@pytest.mark.parametrize(
    ("url", "environment", "local"),
    [
        (None, "", True),
        ("unix:///run/docker.sock", "tcp://127.0.0.1:2375", True),
        ("tcp://127.0.0.1:2375", "", False),
        (None, "tcp://node2:2376", False),
    ],
)
def test_only_a_unix_socket_is_on_this_machine_for_certain(
    monkeypatch: pytest.MonkeyPatch, url: str | None, environment: str, *, local: bool
) -> None:
    monkeypatch.setenv("DOCKER_HOST", environment)
    assert Engine(url).is_local is local


@pytest.mark.engine
def test_output_is_followed_over_a_silence_that_is_longer_than_the_deadline(engine_url: str) -> None:
    with real_stage(engine_url) as stage:
        container = stage.run(("/bin/sh", "-c", "echo first; sleep 3; echo second"))
        pieces = done(stage.engine.follow_logs(container, 10, deadline=1.0))
        assert b"".join(pieces) == b"first\nsecond\n"
