"""The reaper's process on a fake engine."""

import time

import pytest

from plancton.common.decision import Ending
from plancton.common.messages import ActiveSettings, EndingOutcome, PoolLook, PoolUnknown, Target
from plancton.common.naming import labels
from plancton.common.pilot import PilotState
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from plancton.workers.probe.pool import from_containers
from plancton.workers.reaper.worker import Reaper
from tests.fakes.engine import FakeEngine
from tests.support.facts import target
from tests.support.fake_engine import use
from tests.support.place import KeptPlace, tell
from tests.support.waiting import wait_for


class Ward:
    """A reaper, its engine and what it says."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.place = KeptPlace()
        self.reaper = Reaper(self.place)
        tell(self.reaper, ActiveSettings(settings=Settings(stop_grace=0.0), generation=1))

    def look(self) -> PoolLook:
        """Show it the pool."""
        containers = self.engine.list_containers({"plancton.instance": "00000000"})
        assert isinstance(containers, tuple)
        look = PoolLook(pilots=tuple(from_containers(containers, {}).values()), full_look_monotonic=time.monotonic())
        tell(self.reaper, look)
        return look

    def outcomes(self, count: int) -> list[EndingOutcome]:
        """Let it turn until it has said so much."""

        def said() -> bool:
            self.reaper.turn(time.monotonic())
            return len(self.place.of(EndingOutcome)) >= count

        wait_for(said, 5.0, f"{count} outcomes")
        return self.place.of(EndingOutcome)


@pytest.fixture
def ward(monkeypatch: pytest.MonkeyPatch) -> Ward:
    """Return a reaper whose engine has six pilots and a neighbour."""
    engine = FakeEngine(now_unix=time.time())
    use(monkeypatch, "reaper", engine)
    for slot in range(6):
        created = engine.create({"Image": "busybox", "Labels": labels("00000000", slot, slot + 1, "s")}, f"p{slot}")
        assert isinstance(created, str)
        engine.start(created)
    engine.create({"Image": "busybox"}, "neighbour")
    engine.start("neighbour")
    return Ward(engine)


def ends(look: PoolLook, *, at_once: bool) -> Target:
    return target(
        until=time.monotonic() + 15.0,
        end=tuple(
            Ending(container_id=each.container_id, name=each.name, reason=Reason.FORCE_STOP, at_once=at_once)
            for each in look.pilots
        ),
    )


def test_force_stop_leaves_only_what_is_somebody_elses(ward: Ward) -> None:
    tell(ward.reaper, ends(ward.look(), at_once=True))
    assert len(ward.outcomes(6)) == 6
    left = ward.engine.list_containers({})
    assert isinstance(left, tuple)
    assert [each.name for each in left] == ["neighbour"]


def test_those_that_heed_no_sigterm_are_killed_and_then_removed(ward: Ward) -> None:
    tell(ward.reaper, ends(ward.look(), at_once=False))
    done = [outcome.action for outcome in ward.outcomes(12)]
    assert done.count(done[0]) == 6
    ward.engine.advance(3.0)
    states = {each.state for each in ward.look().pilots}
    assert states == {PilotState.EXITED}


def test_ended_pilots_are_removed(ward: Ward) -> None:
    ward.engine.finish("p3", 1)
    ward.look()
    (outcome,) = ward.outcomes(1)
    assert (outcome.name, outcome.reason, outcome.exit_code) == ("p3", Reason.ENDED, 1)


def test_a_void_target_is_not_obeyed(ward: Ward) -> None:
    look = ward.look()
    tell(ward.reaper, target(until=time.monotonic() - 1.0, end=ends(look, at_once=True).end))
    ward.engine.finish("p3")
    ward.look()
    assert [outcome.name for outcome in ward.outcomes(1)] == ["p3"]
    assert len([call for call in ward.engine.calls if call.name in {"kill", "remove"}]) == 1


def test_nothing_is_touched_while_the_pool_is_unknown(ward: Ward) -> None:
    look = ward.look()
    tell(ward.reaper, PoolUnknown(why="", since_unix=0.0))
    tell(ward.reaper, ends(look, at_once=True))
    ward.reaper.turn(time.monotonic())
    tell(ward.reaper, target(until=time.monotonic() + 15.0))
    ward.engine.finish("p3")
    ward.look()
    assert [outcome.name for outcome in ward.outcomes(1)] == ["p3"]
    assert len([call for call in ward.engine.calls if call.name in {"kill", "remove"}]) == 1


def test_before_it_has_settings_it_waits() -> None:
    now = time.monotonic()
    assert Reaper(KeptPlace()).turn(now) == now + 1.0
