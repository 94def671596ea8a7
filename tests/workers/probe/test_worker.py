"""The probe's process on a fake engine: what it says of the pool and the host, and when."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from plancton.common.engine_types import Container, Failure, FailureKind
from plancton.common.messages import HostLook, Intent, Mode, PoolLook, PoolUnknown
from plancton.common.naming import container_name, instance_id
from plancton.common.pilot import Pilot, PilotState
from plancton.workers.probe.accounts import PilotUse
from plancton.workers.probe.churn import Churn
from plancton.workers.probe.worker import Probe
from tests.fakes.engine import INFO, FakeEngine
from tests.support.decisions import Run, full
from tests.support.fake_engine import use
from tests.support.place import KeptPlace, tell
from tests.support.waiting import wait_for
from tests.workers.probe.post import Post, SeenPilots, create


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Post]:
    """Return a probe that has settings."""
    engine = FakeEngine()
    use(monkeypatch, "probe", engine)
    yield Post(engine, tmp_path)
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
    post.follows()
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


def test_the_second_look_at_the_host_comes_soon_for_the_first_says_nothing(post: Post) -> None:
    now = time.monotonic()
    wait_for(lambda: post.looked_at(now) == now, 5.0, "a look at the engine, and then at the host")
    assert post.probe.turn(now) == now + 0.5
    assert post.place.of(HostLook) == []
    assert post.probe.turn(now + 0.5) == now + 2.5
    assert len(post.place.of(HostLook)) == 1


@pytest.mark.parametrize(
    ("mode", "seconds"),
    [(Mode.ACTIVE, 5.0), (Mode.DRAINING, 5.0), (Mode.DRAIN_STOPPING, 1.0), (Mode.FORCE_STOPPING, 1.0)],
)
def test_the_engine_is_asked_more_often_while_planctond_waits_for_the_last_pilots(
    post: Post, mode: Mode, seconds: float
) -> None:
    now = time.monotonic()
    tell(post.probe, Intent(mode=mode, since_unix=0.0))
    wait_for(lambda: post.looked_at(now) == now, 5.0, "a look")
    post.looked_at(now + seconds - 0.1)
    wait_for(lambda: post.looked_at(now + seconds) == now + seconds, 5.0, "the next look, in time and not before")


def test_the_engine_is_asked_again_at_once_when_the_stream_ends(post: Post) -> None:
    now = time.monotonic()
    post.follows()
    wait_for(lambda: post.looked_at(now) == now, 5.0, "a look")
    post.engine.stop()
    wait_for(lambda: post.looked_at(now) and post.place.of(PoolUnknown), 5.0, "another one, at the same moment")


def test_no_news_is_not_told(post: Post) -> None:
    now = time.monotonic()
    post.follows()
    wait_for(lambda: post.looked_at(now) == now, 5.0, "a look")
    post.create(0)
    # By then it was told that the stream is open, too.
    post.shows(PilotState.RUNNING)
    said = len(post.place.of(PoolLook))
    post.looked_at(now)
    post.looked_at(now)
    assert len(post.place.of(PoolLook)) == said


class LateAnswers(FakeEngine):
    """An engine whose lists are true when it makes them, and arrive when they may."""

    def __init__(self) -> None:
        super().__init__()
        self.made, self.may_arrive = threading.Event(), threading.Event()
        self.may_arrive.set()

    def list_containers(self, labels: Mapping[str, str], *, deadline: float = 10.0) -> tuple[Container, ...] | Failure:
        """Return what was there at the call."""
        made = super().list_containers(labels, deadline=deadline)
        self.made.set()
        self.may_arrive.wait(deadline)
        return made


def test_a_pilot_that_was_started_while_an_older_look_was_on_its_way_is_not_forgotten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = LateAnswers()
    use(monkeypatch, "probe", engine)
    post, now = Post(engine, tmp_path), time.monotonic()
    post.follows()
    wait_for(lambda: post.looked_at(now) == now, 5.0, "a look")
    engine.may_arrive.clear()
    engine.made.clear()
    post.looked_at(now + 6.0)
    assert engine.made.wait(5.0)
    post.create(0)
    post.shows(PilotState.RUNNING)
    engine.may_arrive.set()
    wait_for(lambda: post.looked_at(now + 6.0) == now + 6.0, 5.0, "the older look")
    assert [pilot.state for pilot in post.place.of(PoolLook)[-1].pilots] == [PilotState.RUNNING]
    engine.stop()


def test_it_never_spins_while_a_look_is_under_way(post: Post) -> None:
    with post.engine.frozen("list_containers"):
        tell(post.probe, Intent(mode=Mode.FORCE_STOPPING, since_unix=0.0))
        now = time.monotonic()
        post.probe.turn(now)
        tell(post.probe, Intent(mode=Mode.FORCE_STOPPING, since_unix=0.0))
        assert post.probe.turn(now) > now


def test_an_engine_that_restarts_faster_than_a_look_fails_is_told_by_the_streams_moment(post: Post) -> None:
    post.follows()
    post.create(0)
    first = post.shows(PilotState.RUNNING)
    post.engine.stop()
    post.engine.restart()
    with post.engine.frozen("list_containers"):
        # It's told with the last known pool, not only with the next look.
        wait_for(lambda: post.says(PoolLook).stream_since_monotonic > first.stream_since_monotonic, 5.0, "a later one")
    ended = post.place.of(PoolLook)[-1].stream_since_monotonic
    post.follows(2)
    wait_for(lambda: post.says(PoolLook).stream_since_monotonic > ended, 5.0, "a yet later moment")
    assert post.place.of(PoolUnknown) == []
    moments = [look.stream_since_monotonic for look in post.place.of(PoolLook)]
    assert moments == sorted(moments)
    assert moments[-1] <= time.monotonic()


def test_pilots_that_ended_with_an_engine_that_was_back_before_a_look_failed_do_not_fizzle(post: Post) -> None:
    post.says(PoolLook)
    post.follows()
    for slot in range(4):
        post.create(slot)
    looks = [post.shows(*[PilotState.RUNNING] * 4)]
    for slot in range(4):
        post.engine.finish(container_name(post.instance, slot, slot + 1))
    looks.append(post.shows(*[PilotState.EXITED] * 4))
    with post.engine.frozen("list_containers"):
        post.engine.stop()
        post.engine.restart()
        since = looks[-1].stream_since_monotonic
        wait_for(lambda: post.says(PoolLook).stream_since_monotonic > since, 5.0, "the stream's end is told")
    looks.append(post.place.of(PoolLook)[-1])
    run = Run(full(4))
    breakers = [run.decide(after=0.1, pool=look).breaker for look in looks]
    assert [breaker is not None for breaker in breakers] == [False, True, False]


def test_another_engine_is_followed_since_a_later_moment(post: Post) -> None:
    post.create(0)
    first = post.shows(PilotState.RUNNING).stream_since_monotonic
    with post.engine.frozen("events"):
        # Its looks may come before its events are followed.
        post.settings("tcp://elsewhere:2375")
        assert post.says(PoolLook, len(post.place.of(PoolLook)) + 1).stream_since_monotonic > first


def pilot_after(post: Post, fact: Callable[[Pilot], bool], why: str) -> Pilot:
    """Let the probe look at the host, and not at the engine, until the only pilot is so."""

    def is_so() -> Pilot | None:
        post.probe.turn(time.monotonic())
        (pilot,) = post.place.of(PoolLook)[-1].pilots
        return pilot if fact(pilot) else None

    with post.engine.frozen("list_containers"):
        found = wait_for(is_so, 5.0, why)
    assert found is not None
    return found


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the host be looked at often."""
    monkeypatch.setattr("plancton.workers.probe.worker._HOST_SECONDS", 0.1)


@pytest.mark.usefixtures("often")
def test_what_a_pilot_says_of_itself_is_told_at_once_and_only_within_its_life(post: Post) -> None:
    post.says(PoolLook)
    post.create(0)
    pilot = post.shows(PilotState.RUNNING).pilots[0]
    assert (pilot.busy_since_unix, pilot.safe_to_stop) == (None, False)
    post.word(0, "safe\n")
    pilot_after(post, lambda pilot: pilot.safe_to_stop, "safe")
    post.word(0, "busy 1700000900\n")
    pilot = pilot_after(post, lambda pilot: pilot.busy_since_unix is not None, "busy")
    assert (pilot.busy_since_unix, pilot.safe_to_stop) == (1_700_000_900.0, False)
    post.word(0, "busy 3\n")
    pilot = pilot_after(post, lambda pilot: pilot.busy_since_unix != 1_700_000_900.0, "busy since another moment")
    assert pilot.busy_since_unix == pilot.started_unix


@pytest.mark.usefixtures("often")
def test_of_a_pilot_that_ended_nothing_is_said_any_more(post: Post) -> None:
    post.says(PoolLook)
    post.create(0)
    post.shows(PilotState.RUNNING)
    post.word(0, "safe\n")
    pilot_after(post, lambda pilot: pilot.safe_to_stop, "safe")
    post.engine.finish(container_name(post.instance, 0, 1))
    (pilot,) = post.shows(PilotState.EXITED).pilots
    assert not pilot.safe_to_stop


def test_starts_and_ends_are_counted_once_and_those_of_adopted_pilots_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    eyes = SeenPilots(monkeypatch)
    engine = FakeEngine()
    use(monkeypatch, "probe", engine)
    create(engine, instance_id(str(tmp_path)), 0)
    post = Post(engine, tmp_path)
    post.says(PoolLook)
    post.follows()
    post.create(1)
    post.shows(PilotState.RUNNING, PilotState.RUNNING)
    engine.pause(container_name(post.instance, 0, 1))
    post.shows(PilotState.PAUSED, PilotState.RUNNING)
    engine.finish(container_name(post.instance, 1, 2))
    post.shows(PilotState.PAUSED, PilotState.EXITED)
    looks = len(post.place.of(PoolLook))
    post.says(PoolLook, looks + 1, after=6.0)
    post.probe.turn(time.monotonic() + 20.0)
    counted = sum((pilots.churn for pilots in eyes.seen), Churn())
    assert counted == Churn(starts=1, ends=1)
    assert (eyes.seen[-1].running, len(eyes.seen[-1].suspended)) == ((), 1)
    engine.stop()


def test_where_only_looks_tell_starts_and_ends_they_are_counted_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    eyes = SeenPilots(monkeypatch)
    engine = FakeEngine()
    use(monkeypatch, "probe", engine)
    with engine.frozen("events"):
        post, now = Post(engine, tmp_path), time.monotonic()
        wait_for(lambda: post.looked_at(now) == now, 5.0, "a look")
        post.create(0)
        wait_for(lambda: post.looked_at(now + 6.0) == now + 6.0, 5.0, "another look")
    post.probe.turn(now + 20.0)
    assert sum((pilots.churn for pilots in eyes.seen), Churn()) == Churn(starts=1)
    engine.stop()


def test_the_pilots_cgroups_are_where_the_engines_driver_puts_them_once_that_is_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    eyes = SeenPilots(monkeypatch)
    engine = FakeEngine(info=msgspec.structs.replace(INFO, cgroup_driver="systemd"))
    engine.fail("info", FailureKind.UNREACHABLE)
    use(monkeypatch, "probe", engine)
    post = Post(engine, tmp_path)
    post.says(PoolUnknown)
    assert set(eyes.drivers) == {"cgroupfs"}
    post.says(PoolLook, after=2.0)
    post.probe.turn(time.monotonic() + 20.0)
    assert eyes.drivers[-1] == "systemd"
    engine.stop()


def test_what_happened_while_the_engine_was_away_costs_nothing_now(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    eyes = SeenPilots(monkeypatch)
    engine = FakeEngine()
    use(monkeypatch, "probe", engine)
    create(engine, instance_id(str(tmp_path)), 0)
    post = Post(engine, tmp_path)
    post.says(PoolLook)
    engine.stop()
    post.says(PoolUnknown)
    engine.finish(container_name(post.instance, 0, 1))
    engine.restart()
    looks = len(post.place.of(PoolLook))
    post.says(PoolLook, looks + 1, after=20.0)
    post.shows(PilotState.EXITED)
    post.probe.turn(time.monotonic() + 60.0)
    assert sum((pilots.churn for pilots in eyes.seen), Churn()) == Churn()
    engine.stop()


def test_what_a_pilot_had_used_is_told_until_it_is_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    eyes = SeenPilots(monkeypatch)
    engine = FakeEngine()
    use(monkeypatch, "probe", engine)
    for slot in range(2):
        create(engine, instance_id(str(tmp_path)), slot)
    post, now = Post(engine, tmp_path), time.monotonic()
    post.follows()
    wait_for(lambda: post.looked_at(now) == now, 5.0, "a look")
    eyes.use = PilotUse(cpu_cores=0.9, memory_bytes=70, anonymous_bytes=50, cpu_seconds=4.5, memory_peak_bytes=90)
    post.probe.turn(now + 3.0)
    engine.finish(container_name(post.instance, 0, 1))
    (ended, runs) = post.shows(PilotState.EXITED, PilotState.RUNNING).pilots
    assert [(each.cpu_seconds, each.memory_peak_bytes) for each in (ended, runs)] == [(4.5, 90)] * 2
    for seconds in (6.0, 9.0, 12.0):
        post.probe.turn(now + seconds)
    looks = len(post.place.of(PoolLook))
    (ended, runs) = post.says(PoolLook, looks + 1, after=20.0).pilots
    assert (ended.cpu_seconds, ended.memory_peak_bytes) == (4.5, 90)
    assert (ended.cpu_cores, ended.memory_bytes, ended.anonymous_bytes) == (None, None, None)
    assert (runs.cpu_cores, runs.memory_bytes, runs.anonymous_bytes) == (0.9, 70, 50)
    engine.remove(container_name(post.instance, 0, 1))
    post.shows(PilotState.RUNNING)
    post.probe.turn(now + 40.0)
    assert len(vars(post.probe)["_uses"]) == 1
    engine.stop()
