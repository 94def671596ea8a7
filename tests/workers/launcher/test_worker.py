"""The launcher's process on a fake engine."""

import time

import pytest

from plancton.common.engine_types import FailureKind
from plancton.common.messages import ActiveSettings, LauncherState, LaunchOutcome, Outcome, Target
from plancton.common.settings import Settings
from plancton.workers.launcher.worker import Launcher
from tests.fakes.engine import FakeEngine
from tests.support.facts import target, wish
from tests.support.fake_engine import use
from tests.support.place import KeptPlace, tell
from tests.support.waiting import wait_for


class Yard:
    """A launcher, its engine and what it says."""

    def __init__(self, engine: FakeEngine, former: LauncherState | None = None, **settings: str) -> None:
        self.engine = engine
        self.place = KeptPlace()
        self.launcher = Launcher(self.place)
        self.launcher.turn(time.monotonic())
        if former is not None:
            tell(self.launcher, former)
        tell(self.launcher, ActiveSettings(settings=Settings(**settings), generation=1))  # type: ignore[arg-type]

    def state(self, **known: object) -> LauncherState:
        """Let it turn until it says this of the image."""

        def said() -> LauncherState | None:
            self.launcher.turn(time.monotonic())
            states = self.place.of(LauncherState)[-1:]
            right = states and all(getattr(states[0], name) == value for name, value in known.items())
            return states[0] if right else None

        found = wait_for(said, 5.0, f"the launcher says {known}")
        assert found is not None
        return found

    def wants(self, *slots: int) -> Target:
        """Let it hear wishes for these slots."""
        wishes = target(*(wish(slot, slot + 1) for slot in slots), until=time.monotonic() + 15.0)
        tell(self.launcher, wishes)
        return wishes

    def outcomes(self, count: int) -> list[LaunchOutcome]:
        """Let it turn until it has said so many."""

        def said() -> bool:
            self.launcher.turn(time.monotonic())
            return len(self.place.of(LaunchOutcome)) >= count

        wait_for(said, 5.0, f"{count} outcomes")
        return self.place.of(LaunchOutcome)

    def called(self, name: str) -> int:
        """Return how often the engine was asked for this."""
        return sum(call.name == name for call in self.engine.calls)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """Return the engine that each launcher finds."""
    fake = FakeEngine()
    use(monkeypatch, "launcher", fake)
    return fake


def test_wishes_are_started(engine: FakeEngine) -> None:
    yard = Yard(engine)
    yard.wants(0, 1, 2, 3, 4, 5)
    assert {outcome.outcome for outcome in yard.outcomes(6)} == {Outcome.DONE}
    assert yard.state(in_flight=0).image_id == engine.images["busybox:latest"]


def test_a_wish_that_is_said_again_is_not_started_again(engine: FakeEngine) -> None:
    yard = Yard(engine)
    yard.wants(0)
    yard.outcomes(1)
    yard.wants(0, 1)
    assert [outcome.slot for outcome in yard.outcomes(2)] == [0, 1]
    assert yard.called("create") == 2


def test_a_failed_launch_is_not_tried_again_before_the_scheduler_says_so(engine: FakeEngine) -> None:
    yard = Yard(engine)
    engine.fail("start", FailureKind.BROKEN)
    yard.wants(0)
    yard.outcomes(1)
    yard.wants(0, 1)
    assert [outcome.slot for outcome in yard.outcomes(2)] == [0, 1]
    yard.wants()
    yard.wants(0)
    last = yard.outcomes(3)[-1]
    assert (last.slot, last.outcome) == (0, Outcome.DONE)


def test_what_is_wished_no_more_while_it_is_created_is_not_started(engine: FakeEngine) -> None:
    yard = Yard(engine)
    with engine.frozen("create"):
        yard.wants(0)
        yard.state(in_flight=1)
        yard.wants()
    (outcome,) = yard.outcomes(1)
    assert outcome.outcome is Outcome.REFUSED
    assert engine.list_containers({}) == ()


def test_nothing_is_started_without_an_image(engine: FakeEngine) -> None:
    engine.images.clear()
    yard = Yard(engine)
    yard.wants(0)
    state = yard.state(detail="can't be pulled: no registry has busybox:latest")
    assert (state.image_id, yard.called("create")) == (None, 0)


def test_an_image_that_is_missing_is_pulled(engine: FakeEngine) -> None:
    engine.images.clear()
    engine.registry["busybox:latest"] = "sha256:pulled"
    state = Yard(engine).state(image_id="sha256:pulled")
    assert state.pulled_unix is not None


def test_a_failed_pull_leaves_the_local_image_in_use(engine: FakeEngine) -> None:
    yard = Yard(engine)
    yard.state(detail="can't be pulled: no registry has busybox:latest; going on with the local image")
    yard.wants(0)
    assert yard.outcomes(1)[0].outcome is Outcome.DONE


def test_a_new_launcher_does_not_pull_what_a_former_one_has_just_pulled(engine: FakeEngine) -> None:
    former = LauncherState(image="busybox", image_id="x", pulled_unix=time.time() - 60.0)
    yard = Yard(engine, former)
    yard.state(image_id=engine.images["busybox:latest"])
    yard.wants(0)
    yard.outcomes(1)
    assert yard.called("pull") == 0


def test_a_pull_that_hangs_delays_neither_launches_nor_another_image(engine: FakeEngine) -> None:
    engine.images["other:latest"] = "sha256:o"
    with engine.frozen("pull"):
        yard = Yard(engine)
        yard.state(pulling=True)
        yard.wants(0)
        assert yard.outcomes(1)[0].outcome is Outcome.DONE
        tell(yard.launcher, ActiveSettings(settings=Settings(docker_image="other"), generation=2))
        yard.state(image="other", image_id="sha256:o")


def test_an_image_that_was_removed_is_noticed_at_the_next_launch(engine: FakeEngine) -> None:
    yard = Yard(engine)
    yard.state(pulling=False, image_id=engine.images["busybox:latest"])
    engine.images.clear()
    yard.wants(0)
    yard.outcomes(1)
    yard.state(image_id=None)


def test_a_void_target_starts_nothing(engine: FakeEngine) -> None:
    yard = Yard(engine)
    tell(yard.launcher, target(wish(0, 1), until=time.monotonic() - 1.0))
    yard.state(image_id=engine.images["busybox:latest"])
    yard.launcher.turn(time.monotonic())
    assert yard.called("create") == 0
