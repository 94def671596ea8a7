"""The probe's process on a fake engine: what it says of the pool and the host, and when."""

import time
from collections.abc import Iterator
from typing import TypeVar

import pytest

from plancton.common.engine_types import FailureKind
from plancton.common.messages import ActiveSettings, HostLook, Intent, Message, Mode, PoolLook, PoolUnknown
from plancton.common.naming import container_name, instance_id, labels
from plancton.common.pilot import PilotState
from plancton.common.settings import Settings
from plancton.workers.probe.worker import Probe
from tests.fakes.engine import FakeEngine
from tests.support.fake_engine import use
from tests.support.place import KeptPlace, tell
from tests.support.waiting import wait_for

M = TypeVar("M", bound=Message)


class Post:
    """A probe, its engine and what it says."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.place = KeptPlace()
        self.instance = instance_id(str(self.place.rundir))
        self.probe = Probe(self.place)
        self.settings(None)

    def settings(self, url: str | None) -> None:
        """Tell it where the engine is."""
        tell(self.probe, ActiveSettings(settings=Settings(docker_url=url), generation=1))

    def create(self, slot: int) -> None:
        """Create and start a pilot."""
        name = container_name(self.instance, slot, slot + 1)
        self.engine.create({"Image": "busybox", "Labels": labels(self.instance, slot, slot + 1, "s")}, name)
        self.engine.start(name)

    def says(self, kind: type[M], count: int = 1, after: float = 0.0) -> M:
        """Let it turn, so many seconds from now, until it has said this so often."""

        def said() -> bool:
            self.probe.turn(time.monotonic() + after)
            return len(self.place.of(kind)) >= count

        wait_for(said, 5.0, f"{count} of {kind.__name__}")
        return self.place.of(kind)[-1]

    def shows(self, *states: PilotState) -> PoolLook:
        """Let it turn until the pool has these states."""

        def shown() -> bool:
            self.probe.turn(time.monotonic())
            looks = self.place.of(PoolLook)[-1:]
            return bool(looks) and [pilot.state for pilot in looks[0].pilots] == list(states)

        wait_for(shown, 5.0, f"a pool of {states}")
        return self.place.of(PoolLook)[-1]


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    """Return a probe that has settings."""
    engine = FakeEngine()
    use(monkeypatch, "probe", engine)
    yield Post(engine)
    engine.stop()


def test_before_it_has_settings_it_is_not_ready_and_says_nothing() -> None:
    place = KeptPlace()
    probe = Probe(place)
    probe.turn(time.monotonic())
    assert not probe.ready
    assert place.said == []


def test_the_first_full_look_makes_it_ready(post: Post) -> None:
    look = post.says(PoolLook)
    assert (look.pilots, look.engine_version, look.api_version) == ((), "20.10.24", "1.41")
    assert post.probe.ready


def test_an_event_is_told_without_another_look(post: Post) -> None:
    first = post.says(PoolLook)
    wait_for(lambda: any(call.name == "events" for call in post.engine.calls), 5.0, "the stream is open")
    post.create(0)
    shown = post.shows(PilotState.RUNNING)
    assert shown.full_look_monotonic == first.full_look_monotonic
    post.engine.finish(container_name(post.instance, 0, 1), 5)
    (pilot,) = post.shows(PilotState.EXITED).pilots
    assert pilot.exit_code == 5


def test_an_engine_that_does_not_answer_leaves_the_pool_unknown(post: Post) -> None:
    post.says(PoolLook)
    post.engine.fail("list_containers", FailureKind.TIMED_OUT, "no answer", times=2)
    unknown = post.says(PoolUnknown, after=6.0)
    assert unknown.why == "timed-out: no answer"
    again = post.says(PoolUnknown, 2, after=60.0)
    assert again.since_unix == unknown.since_unix
    post.says(PoolLook, 2, after=120.0)


def test_events_say_nothing_while_the_pool_is_unknown(post: Post) -> None:
    post.says(PoolLook)
    post.engine.fail("list_containers", FailureKind.BROKEN)
    post.says(PoolUnknown, after=6.0)
    post.create(0)
    post.probe.turn(time.monotonic())
    assert isinstance(post.place.said[-1], PoolUnknown | HostLook)
    post.shows(PilotState.RUNNING)


def test_another_engine_is_unknown_until_it_was_looked_at(post: Post) -> None:
    post.says(PoolLook)
    post.settings("tcp://elsewhere:2375")
    assert isinstance(post.place.of(PoolUnknown)[-1], PoolUnknown)
    post.create(0)
    look = post.shows(PilotState.RUNNING)
    assert look.full_look_monotonic > 0.0


def test_the_same_engine_again_changes_nothing(post: Post) -> None:
    post.says(PoolLook)
    post.settings(None)
    assert post.place.of(PoolUnknown) == []


def test_the_host_is_looked_at_every_few_seconds(post: Post) -> None:
    post.says(PoolLook)
    post.says(HostLook, 1, after=3.0)
    post.says(HostLook, 2, after=6.0)


def test_it_never_spins_while_a_look_is_under_way(post: Post) -> None:
    with post.engine.frozen("list_containers"):
        tell(post.probe, Intent(mode=Mode.FORCE_STOPPING, since_unix=0.0))
        now = time.monotonic()
        post.probe.turn(now)
        tell(post.probe, Intent(mode=Mode.FORCE_STOPPING, since_unix=0.0))
        assert post.probe.turn(now) > now
