"""The scheduler's process: the age of facts, recovery, and when it speaks."""

import time

import msgspec
import pytest

from plancton.common.messages import (
    ActiveSettings,
    HostLook,
    Intent,
    LauncherState,
    LaunchOutcome,
    Mode,
    Outcome,
    PoolLook,
    PoolUnknown,
    Target,
)
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from plancton.workers.scheduler.worker import Scheduler
from tests.support.facts import host, image, pool, running, target, wish
from tests.support.place import KeptPlace, tell


class Desk:
    """A scheduler that heard the settings and the intent, and says what it wants of further facts."""

    def __init__(self, former: Target | None = None) -> None:
        self.place = KeptPlace()
        self.scheduler = Scheduler(self.place)
        self.scheduler.turn(time.monotonic())
        if former is not None:
            tell(self.scheduler, former)
        tell(self.scheduler, ActiveSettings(settings=Settings(max_docks="2"), generation=1))
        tell(self.scheduler, Intent(mode=Mode.ACTIVE, since_unix=0.0))

    def facts(self, host_age: float = 0.0, pool_age: float = 0.0, look: HostLook | None = None) -> None:
        """Let it hear all that it needs."""
        tell(self.scheduler, look or host(), age=host_age)
        tell(self.scheduler, pool(at=time.monotonic() - pool_age))
        tell(self.scheduler, image())

    def target(self, after: float = 0.0) -> Target:
        """Let it turn so many seconds from now and return its last target."""
        self.scheduler.turn(time.monotonic() + after)
        return self.place.of(Target)[-1]

    def reason(self) -> Reason | None:
        """Let it turn, later than it would wait for first facts, and return why it holds."""
        hold = self.target(after=4.0).hold
        return hold.reason if hold else None


def test_fresh_facts_lead_to_wishes() -> None:
    desk = Desk()
    desk.facts()
    assert len(desk.target().launch) == 2


def test_it_says_nothing_before_it_has_heard_what_a_former_one_said() -> None:
    place = KeptPlace()
    scheduler = Scheduler(place)
    scheduler.turn(time.monotonic())
    assert place.said == []


def test_it_goes_on_from_the_last_target_of_a_former_one() -> None:
    former = target(wish(0, 41), wish(1, 42), generation=7, next_incarnation=43, until=time.monotonic() + 15.0)
    desk = Desk(former)
    desk.facts()
    said = desk.target()
    assert (said.launch, said.generation, said.next_incarnation) == (former.launch, 8, 43)


def test_its_own_target_that_comes_back_changes_nothing() -> None:
    desk = Desk()
    desk.facts()
    first = desk.target()
    tell(desk.scheduler, msgspec.structs.replace(first, next_incarnation=99))
    assert desk.target(after=6.0).next_incarnation == first.next_incarnation


@pytest.mark.parametrize(
    ("host_age", "pool_age", "reason"),
    [
        (10.0, 20.0, Reason.MAX_DOCKS),
        (16.0, 0.0, Reason.HOST_UNKNOWN),
        (0.0, 26.0, Reason.ENGINE_UNKNOWN),
    ],
)
def test_old_facts_count_as_unknown(host_age: float, pool_age: float, reason: Reason) -> None:
    desk = Desk()
    desk.facts(host_age, pool_age)
    assert desk.reason() is reason


def test_events_alone_do_not_keep_a_pool_fresh() -> None:
    desk = Desk()
    desk.facts(pool_age=100.0)
    assert desk.target(after=4.0).launch == ()


def test_an_unknown_pool_replaces_the_known_one_and_the_other_way_round() -> None:
    desk = Desk()
    desk.facts()
    tell(desk.scheduler, PoolUnknown(why="away", since_unix=0.0))
    assert desk.reason() is Reason.ENGINE_UNKNOWN
    desk.facts()
    assert desk.reason() is Reason.MAX_DOCKS


def test_unknown_accounting_is_not_an_idle_owner() -> None:
    desk = Desk()
    desk.facts(look=host(pilots_cpus=None))
    assert desk.reason() is Reason.OWNER_CPU_UNKNOWN


def test_each_look_at_the_host_counts_though_several_come_before_a_decision() -> None:
    desk = Desk()
    desk.facts(look=host(busy_cpus=8.0), host_age=2.0)
    desk.facts(look=host(busy_cpus=0.0))
    figures = desk.target().figures
    assert figures is not None
    assert (figures.owner_cpus, figures.owner_peak_cpus) == (0.0, 8.0)


@pytest.mark.parametrize(
    ("outcome", "holds"),
    [(Outcome.FAILED, True), (Outcome.TIMED_OUT, True), (Outcome.REFUSED, False), (Outcome.DONE, False)],
)
def test_a_failed_launch_holds_the_next_and_a_refused_one_does_not(outcome: Outcome, *, holds: bool) -> None:
    desk = Desk()
    desk.facts()
    tell(desk.scheduler, LaunchOutcome(slot=0, incarnation=1, name="n", outcome=outcome, reason=Reason.ROOM))
    hold = desk.target().hold
    assert hold is not None
    assert (hold.reason is Reason.LAUNCHES_FAIL) is holds


def test_a_hold_that_time_ends_is_over_within_a_second_though_nothing_is_heard() -> None:
    desk = Desk()
    desk.facts()
    tell(desk.scheduler, LaunchOutcome(slot=0, incarnation=1, name="n", outcome=Outcome.FAILED, reason=Reason.ROOM))
    assert desk.target().launch == ()
    assert desk.scheduler.turn(time.monotonic()) <= time.monotonic() + 1.0
    assert [each.reason for each in desk.target(after=1.3).launch] == [Reason.TRIAL]


def test_a_target_is_said_again_when_it_is_news_and_every_few_seconds() -> None:
    desk = Desk()
    desk.facts()
    desk.target()
    tell(desk.scheduler, host(busy_cpus=0.1))
    desk.target()
    assert len(desk.place.of(Target)) == 1, "the figures alone are no news"
    tell(desk.scheduler, running(2))
    tell(desk.scheduler, PoolLook(pilots=running(2).pilots, full_look_monotonic=time.monotonic()))
    assert desk.target().launch == ()
    assert len(desk.place.of(Target)) == 2
    desk.target(after=6.0)
    assert len(desk.place.of(Target)) == 3


def test_an_image_that_goes_away_holds_launches() -> None:
    desk = Desk()
    desk.facts()
    tell(desk.scheduler, LauncherState(image="busybox", image_id=None))
    assert desk.reason() is Reason.NO_IMAGE
