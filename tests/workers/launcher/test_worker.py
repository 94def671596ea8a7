"""The launcher's process on a fake engine."""

import threading
import time
from pathlib import Path
from typing import ClassVar

import pytest

from plancton.common.engine_types import FailureKind
from plancton.common.messages import ActiveSettings, LauncherState, LaunchOutcome, Outcome, Target, Weight
from plancton.common.naming import container_name, instance_id
from plancton.common.pilot_directory import mounts
from plancton.common.settings import Settings
from plancton.workers.launcher.worker import Launcher
from tests.fakes.engine import FakeEngine
from tests.fakes.weights import Weights
from tests.support.facts import target, wish
from tests.support.fake_engine import use
from tests.support.place import KeptPlace, tell
from tests.support.waiting import wait_for


class Yard:
    """A launcher, its engine and what it says."""

    rundir: ClassVar[Path]
    """Of each launcher of one test."""

    def __init__(self, engine: FakeEngine, former: LauncherState | None = None, **settings: object) -> None:
        self.engine = engine
        self.place = KeptPlace(self.rundir)
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

    def wants(self, *slots: int, **changes: object) -> Target:
        """Let it hear wishes for these slots."""
        wishes = target(*(wish(slot, slot + 1) for slot in slots), until=time.monotonic() + 15.0, **changes)
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
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeEngine:
    """Return the engine that each launcher finds."""
    fake = FakeEngine()
    use(monkeypatch, "launcher", fake)
    monkeypatch.setattr(Yard, "rundir", tmp_path, raising=False)
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


# The weight.


def test_the_weight_in_force_is_told(engine: FakeEngine) -> None:
    yard = Yard(engine, io_weight="30")
    assert yard.state(weight=Weight(cpu="idle", io="30")).image_id is not None


def test_no_pilot_starts_before_the_weight_is_set(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = [], threading.Event()

    def keep(_weights: Weights, *asked: str) -> Weight:
        begun.append(asked)
        assert go_on.wait(10.0)
        return Weight(problems=("no cgroups",))

    monkeypatch.setattr(Weights, "keep", keep)
    yard = Yard(engine)
    yard.wants(0)
    yard.state(image_id=engine.images["busybox:latest"], weight=None)
    for seconds in (0.0, 60.0):
        yard.launcher.turn(time.monotonic() + seconds)
    assert yard.place.of(LauncherState)[-1].in_flight == 0
    go_on.set()
    assert yard.outcomes(1)[0].outcome is Outcome.DONE
    yard.state(weight=Weight(problems=("no cgroups",)))
    assert len(begun) == 1, "what is under way isn't begun again"


def test_the_weight_is_looked_after_at_each_change_and_every_ten_seconds(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def keep(_weights: Weights, *what: str) -> Weight:
        asked.append(what)
        return Weight(cpu=str(len(asked)))

    monkeypatch.setattr(Weights, "keep", keep)
    yard = Yard(engine)
    yard.state(weight=Weight(cpu="1"))
    for seconds in (1.0, 9.0):
        yard.launcher.turn(time.monotonic() + seconds)
    yard.launcher.turn(time.monotonic() + 10.5)
    yard.state(weight=Weight(cpu="2"))
    changed = Settings(cpu_weight="50", io_weight="default")
    tell(yard.launcher, ActiveSettings(settings=changed, generation=2))
    yard.state(weight=Weight(cpu="3"))
    assert asked == [("cgroupfs", "idle", "idle")] * 2 + [("cgroupfs", "50", "default")]


def test_until_the_weight_is_known_what_a_former_launcher_said_is_said_again(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()
    monkeypatch.setattr(Weights, "keep", lambda *_asked: never.wait(10.0))
    former = LauncherState(image="busybox", image_id="x", weight=Weight(cpu="cpu.idle=1"))
    yard = Yard(engine, former)
    yard.state(image_id=engine.images["busybox:latest"], weight=Weight(cpu="cpu.idle=1"))
    yard.wants(0)
    assert yard.outcomes(1)[0].outcome is Outcome.DONE, "pilots needn't wait for what a former launcher has set"
    never.set()


# The directories.


def directory_in(yard: Yard) -> Path:
    """Return the directory of the pilot in slot 0."""
    return yard.place.state / "pilots" / container_name(instance_id(str(yard.rundir)), 0, 1)


def test_each_pilot_gets_a_directory_with_its_deadline(engine: FakeEngine) -> None:
    yard = Yard(engine, max_ttl=1000.0)
    before = time.time()
    yard.wants(0)
    yard.outcomes(1)
    directory = directory_in(yard)
    assert before + 999 <= int((directory / "deadline").read_text()) <= time.time() + 1000
    (body,) = engine.bodies.values()
    assert body["HostConfig"]["Binds"] == mounts(directory, "/plancton")


def test_its_deadline_is_that_of_all_where_that_comes_sooner(engine: FakeEngine) -> None:
    yard = Yard(engine, max_ttl=3e8)
    yard.wants(0, deadline_unix=1_900_000_000.0)
    yard.outcomes(1)
    assert (directory_in(yard) / "deadline").read_text() == "1900000000\n"


def binds_of(engine: FakeEngine) -> list[list[str]]:
    """Return what was bound into each container."""
    return [body["HostConfig"]["Binds"] for body in engine.bodies.values()]


def test_a_directory_that_can_not_be_made_keeps_no_pilot_from_starting_and_is_logged_once(
    engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    yard = Yard(engine)
    yard.place.state.mkdir()
    (yard.place.state / "pilots").write_text("a file")
    yard.wants(0, 1)
    assert {outcome.outcome for outcome in yard.outcomes(2)} == {Outcome.DONE}
    assert binds_of(engine) == [[], []]
    assert len([record for record in caplog.records if "without a directory" in record.message]) == 1


def test_pilots_of_a_remote_engine_and_those_that_are_to_have_none_get_no_directory(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    yard = Yard(engine, pilot_directory="")
    yard.wants(0)
    yard.outcomes(1)
    monkeypatch.setattr(FakeEngine, "is_local", False)
    tell(yard.launcher, ActiveSettings(settings=Settings(), generation=2))
    yard.wants(0, 1)
    yard.outcomes(2)
    assert binds_of(engine) == [[], []]
    assert not yard.place.state.exists()
