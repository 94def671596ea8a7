"""The two looks at the engine: neither waits for the other, and what breaks is told."""

import threading
import time
from collections.abc import Iterator

import pytest

from plancton.common.engine_types import EngineEvent, Failure, FailureKind
from plancton.common.naming import cgroup_parent, container_name, labels
from plancton.workers.probe.watch import Brought, EngineWatch, FullLook, StreamEnded, StreamOpened
from tests.fakes.engine import FakeEngine
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

INSTANCE = "0123abcd"
OURS, THEIRS = (container_name(instance, 0, 1) for instance in (INSTANCE, "ffffffff"))


class Watching:
    """A watch, its engine, and what it brought."""

    def __init__(self) -> None:
        self.engine = FakeEngine()
        others = set(threading.enumerate())
        self.watch = EngineWatch(self.engine, INSTANCE, lambda: None)
        self.threads = set(threading.enumerate()) - others
        self.items: list[Brought] = []
        self.looks: list[FullLook | Failure] = []

    def create(self, name: str, instance: str = INSTANCE, parent: str = "") -> None:
        """Create a container."""
        host_config = {"CgroupParent": parent}
        body = {"Image": "busybox", "Labels": labels(instance, 0, 1, "s"), "HostConfig": host_config}
        self.engine.create(body, name)

    def follows(self, streams: int = 1) -> None:
        """Wait until the event stream was opened so often."""
        wait_for(lambda: self.opened() >= streams, 5.0, "the stream is open")

    def opened(self) -> int:
        """Return how often the event stream was opened."""
        return sum(call.name == "events" for call in self.engine.calls)

    def took(self, count: int) -> list[Brought]:
        """Take until there is so much, besides the word that the first stream is open."""

        def taken() -> bool:
            self.items += self.watch.take()
            return len(self.items) > count

        wait_for(taken, 5.0, f"{count} items")
        assert isinstance(self.items[0], StreamOpened)
        return self.items[1:]

    def look(self) -> FullLook | Failure:
        """Look in full."""
        self.looks.clear()
        self.watch.look(self.looks.append)

        def looked() -> bool:
            self.watch.collect()
            return bool(self.looks)

        wait_for(looked, 5.0, "a look")
        return self.looks[0]


@pytest.fixture
def watching() -> Iterator[Watching]:
    """Return a watch that follows the events."""
    made = Watching()
    made.follows()
    yield made
    made.watch.close()


def test_events_of_this_instance_arrive(watching: Watching) -> None:
    watching.create(THEIRS, "ffffffff")
    watching.create(OURS)
    (event,) = watching.took(1)
    assert isinstance(event, EngineEvent)
    assert (event.action, event.name) == ("create", OURS)


def test_a_full_look_shows_this_instance_alone(watching: Watching) -> None:
    watching.create(THEIRS, "ffffffff")
    watching.create(OURS)
    look = watching.look()
    assert isinstance(look, FullLook)
    assert [each.name for each in look.containers] == [OURS]
    assert look.info.version == "20.10.24"
    assert "inspect" not in [call.name for call in watching.engine.calls]


@pytest.mark.parametrize("driver", ["cgroupfs", "systemd"])
def test_of_those_whose_name_disagrees_with_their_labels_only_a_pilots_cgroup_tells_a_pilot(
    watching: Watching, driver: str
) -> None:
    watching.create("renamed", parent=cgroup_parent(INSTANCE, driver))
    watching.create("owners")
    watching.create("elsewhere", parent=cgroup_parent("ffffffff", driver))
    watching.engine.create({"Image": "busybox", "Labels": {"plancton.instance": INSTANCE}}, "garbage")
    look = watching.look()
    assert isinstance(look, FullLook)
    assert [each.name for each in look.containers] == ["renamed"]
    assert sum(call.name == "inspect" for call in watching.engine.calls) == 3


def test_one_that_can_not_be_told_from_a_pilot_makes_the_look_fail_unless_it_is_gone(watching: Watching) -> None:
    watching.create("owners")
    watching.engine.fail("inspect", FailureKind.TIMED_OUT)
    assert isinstance(watching.look(), Failure)
    watching.engine.fail("inspect", FailureKind.NOT_FOUND)
    look = watching.look()
    assert isinstance(look, FullLook)
    assert look.containers == ()


@pytest.mark.parametrize("call", ["info", "list_containers"])
def test_a_look_that_fails_is_a_failure_and_no_empty_pool(watching: Watching, call: str) -> None:
    watching.engine.fail(call, FailureKind.BROKEN)
    assert isinstance(watching.look(), Failure)
    assert isinstance(watching.look(), FullLook)


def test_the_engine_is_asked_what_it_is_only_once_and_again_after_a_failure(watching: Watching) -> None:
    def asked() -> int:
        return sum(call.name == "info" for call in watching.engine.calls)

    watching.look()
    watching.look()
    assert asked() == 1
    watching.engine.fail("list_containers", FailureKind.UNREACHABLE)
    watching.look()
    watching.look()
    assert asked() == 2


def test_events_go_on_while_a_look_hangs(watching: Watching) -> None:
    with watching.engine.frozen("list_containers"):
        watching.watch.look(watching.looks.append)
        watching.create(OURS)
        assert len(watching.took(1)) == 1
    watching.watch.collect()


def test_a_stream_that_ends_is_told_and_opened_again_from_the_last_event(watching: Watching) -> None:
    watching.create("one")
    (first,) = watching.took(1)
    assert isinstance(first, EngineEvent)
    watching.engine.stop()
    assert isinstance(watching.took(2)[1], StreamEnded)
    watching.engine.restart()
    watching.follows(2)
    wait_for(lambda: _since(watching.engine) == first.at_nano, 5.0, "the stream goes on where it ended")


def test_each_stream_is_told_with_its_moment_and_each_is_later_than_all_before(watching: Watching) -> None:
    watching.create(OURS)
    before = time.monotonic()
    watching.engine.stop()
    wait_for(lambda: watching.opened() >= 3, 5.0, "it tries again while the engine is away")
    watching.engine.restart()
    wait_for(lambda: isinstance(watching.took(3)[-1], StreamOpened), 5.0, "the stream is open again")
    ends = [item for item in watching.items if not isinstance(item, EngineEvent)]
    assert [type(item) for item in ends] == [StreamOpened, *[StreamEnded] * (len(ends) - 2), StreamOpened]
    moments = [item.at_monotonic for item in ends]
    assert moments == sorted(set(moments))
    assert moments[0] <= before <= moments[1]
    assert moments[-1] <= time.monotonic()


def _since(engine: FakeEngine) -> int | None:
    since: int | None = [call for call in engine.calls if call.name == "events"][-1].arguments[1]
    return since


def test_a_closed_watch_ends_its_threads(watching: Watching) -> None:
    assert len(watching.threads) == 2
    watching.watch.close()
    wait_for(lambda: not any(thread.is_alive() for thread in watching.threads), 5.0, "both threads end")
    assert watching.opened() == 1


def test_one_closed_while_its_stream_is_being_opened_ends_too(watching: Watching) -> None:
    with watching.engine.frozen("events"):
        watching.engine.stop()
        watching.engine.restart()
        watching.follows(2)
        watching.watch.close()
    wait_for(lambda: not any(thread.is_alive() for thread in watching.threads), 5.0, "both threads end")
