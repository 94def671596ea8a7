"""The breaker: when it opens, for how long, and what closes it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.decision import Breaker
from plancton.common.messages import Intent, Mode, PoolUnknown, Target
from plancton.common.pilot import Pilot
from plancton.common.policy.fizzles import launch_ended
from plancton.common.policy.memory import Memory
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from tests.support.decisions import UNIX, Run, full, moment
from tests.support.facts import CREATED, EXITED, image, pilot, pool, running

SETTINGS = Settings(max_docks="4", docks_per_loop=100, fizzle_seconds=5.0)


def short(slot: int, incarnation: int, at: float, seconds: float = 1.0, **changes: Any) -> Pilot:  # noqa: ANN401
    """Return a pilot that ended at ``at`` (monotonic) after so many seconds."""
    moments = {"started_unix": UNIX + at - seconds, "ended_unix": UNIX + at}
    return pilot(slot, incarnation, EXITED, **(moments | {"exit_code": 1} | changes))


def held(target: Target) -> Reason | None:
    return target.hold.reason if target.hold else None


def fizzling(run: Run, count: int, **changes: Any) -> Target:  # noqa: ANN401
    """Let so many pilots fizzle one after the other, and return the last target."""
    for _ in range(count - 1):
        fizzling(run, 1, **changes)
    run.decide(after=1.0, settings=SETTINGS, **changes)
    incarnation = run.memory.next_incarnation
    return run.decide(settings=SETTINGS, pool=pool(short(0, incarnation, run.now)), **changes)


def test_a_few_in_a_row_open_the_breaker() -> None:
    run = Run(full(4))
    for number in (1, 2):
        target = fizzling(run, 1)
        assert (held(target), target.breaker and target.breaker.fizzles) == (Reason.MAX_DOCKS, number)
    target = fizzling(run, 1)
    assert (held(target), target.launch) == (Reason.FIZZLES, ())
    assert target.hold is not None
    assert target.hold.detail.startswith("3 pilots fizzled in a row; the last: ")
    assert target.breaker is not None
    assert "ended after 1.0 s with exit code 1" in target.breaker.last


def test_many_at_once_open_it_once() -> None:
    run = Run(full(4))
    run.decide(settings=SETTINGS, pool=running(4))
    target = run.decide(after=1.0, settings=SETTINGS, pool=pool(*(short(n, n + 1, run.now) for n in range(4))))
    assert target.breaker is not None
    assert (target.breaker.fizzles, target.breaker.open_until_monotonic) == (3, run.now + 1.0)


def test_an_ended_pilot_counts_once_however_often_it_is_seen() -> None:
    run = Run(full(4))
    run.decide(settings=SETTINGS, pool=running(4))
    ended = pool(short(0, 1, run.now))
    for _ in range(5):
        breaker = run.decide(after=0.5, settings=SETTINGS, pool=ended).breaker
        assert breaker is not None
        assert breaker.fizzles == 1


@pytest.mark.parametrize(
    "lived",
    [
        short(0, 1, 1000.0, 5.0),
        short(0, 1, 1000.0, 600.0),
        short(0, 1, 1000.0, ended_unix=None),
        short(0, 1, 1000.0, 7.0, started_unix=None, created_unix=UNIX + 990.0),
    ],
)
def test_what_lived_long_enough_or_for_nobody_knows_how_long_does_not_fizzle(lived: Pilot) -> None:
    run = Run(full(4))
    run.decide(settings=SETTINGS, pool=running(4))
    assert run.decide(after=1.0, settings=SETTINGS, pool=pool(lived)).breaker is None


def test_what_planctond_ends_does_not_fizzle() -> None:
    run = Run(full(4))
    run.decide(settings=SETTINGS, pool=running(4))
    snooze = Intent(mode=Mode.ACTIVE, since_unix=0.0, snooze_until_unix=UNIX + run.now + 5.0)
    ends = run.decide(after=1.0, settings=SETTINGS, pool=running(4), intent=snooze).end
    assert len(ends) == 4
    ended = pool(*(short(n, n + 1, run.now) for n in range(4)))
    assert run.decide(after=1.0, settings=SETTINGS, pool=ended, intent=snooze).breaker is None
    assert run.decide(after=9.0, settings=SETTINGS, pool=ended).breaker is None


def test_after_each_hold_one_pilot_is_tried_and_each_that_fizzles_doubles_it() -> None:
    run = Run(full(4))
    fizzling(run, 3)
    holds = []
    for _ in range(12):
        breaker = run.memory.breaker
        assert breaker is not None
        assert breaker.open_until_monotonic is not None
        holds.append(breaker.open_until_monotonic - run.now)
        assert run.decide(after=holds[-1] - 0.01, settings=SETTINGS).launch == ()
        trial = run.decide(after=0.02, settings=SETTINGS)
        assert [each.reason for each in trial.launch] == [Reason.TRIAL]
        made = trial.launch[0]
        started = pilot(made.slot, made.incarnation, CREATED, created_unix=UNIX + run.now)
        assert run.decide(after=0.1, settings=SETTINGS, pool=pool(started)).launch == trial.launch
        run.decide(after=2.0, settings=SETTINGS, pool=pool(short(made.slot, made.incarnation, run.now + 2.0)))
    assert [round(seconds, 6) for seconds in holds] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]


def test_a_trial_that_lives_long_enough_closes_it() -> None:
    run = Run(full(4))
    fizzling(run, 3)
    made = run.decide(after=1.1, settings=SETTINGS).launch[0]
    trial = pool(pilot(made.slot, made.incarnation, started_unix=UNIX + run.now))
    assert run.decide(after=4.0, settings=SETTINGS, pool=trial).launch == ()
    assert len(run.decide(after=1.0, settings=SETTINGS, pool=trial).launch) == 3
    assert run.memory.breaker is None


def test_no_trial_is_made_where_there_is_no_room_for_a_pilot() -> None:
    run = Run(full(4))
    fizzling(run, 3)
    target = run.decide(after=60.0, settings=SETTINGS, owner_cpus=8.0)
    assert (target.launch, target.withdrawn, held(target)) == ((), run.memory.wishes, Reason.FIZZLES)


def test_one_that_lives_long_forgets_the_few_before_it() -> None:
    run = Run(full(4))
    fizzling(run, 2)
    lasting = pool(pilot(0, 50, started_unix=UNIX + run.now + 0.1))
    run.decide(after=6.0, settings=SETTINGS, pool=lasting)
    assert held(fizzling(run, 2)) is Reason.MAX_DOCKS
    assert run.memory.breaker is not None
    assert run.memory.breaker.fizzles == 2


def test_old_pilots_that_run_on_say_nothing_about_new_ones() -> None:
    run = Run(full(4))
    old = pilot(3, 1, started_unix=UNIX)
    run.decide(settings=SETTINGS, pool=pool(old))
    targets = [
        run.decide(after=1.0, settings=SETTINGS, pool=pool(old, short(0, 10 + number, run.now + 1.0)))
        for number in range(3)
    ]
    assert held(targets[-1]) is Reason.FIZZLES


@pytest.mark.parametrize(
    "changes",
    [
        {"launcher": image(image_id="sha256:new")},
        {"settings": msgspec.structs.replace(SETTINGS, docker_cmd=("/bin/work",))},
        {"intent": Intent(mode=Mode.ACTIVE, since_unix=0.0, fizzles_cleared_unix=UNIX + 1e6)},
    ],
)
def test_another_image_or_spec_or_the_operators_word_ends_it(changes: dict[str, Any]) -> None:
    run = Run(full(4))
    fizzling(run, 3)
    target = run.decide(after=0.1, **({"settings": SETTINGS} | changes))
    assert (target.breaker, bool(target.launch)) == (None, True)


def test_another_setting_does_not_end_it() -> None:
    run = Run(full(4))
    fizzling(run, 3)
    assert run.decide(after=0.1, settings=msgspec.structs.replace(SETTINGS, max_docks="3")).breaker is not None


def test_a_restart_of_the_engine_is_no_fizzle() -> None:
    run = Run(full(4))
    run.decide(settings=SETTINGS, pool=running(4))
    dying = pool(*(short(n, n + 1, run.now) for n in range(3)))
    assert held(run.decide(after=1.0, settings=SETTINGS, pool=dying)) is Reason.FIZZLES
    run.decide(after=1.0, settings=SETTINGS, pool=None, pool_unknown=PoolUnknown(why="away", since_unix=0.0))
    back = pool(*(short(n, n + 1, run.now) for n in range(4)))
    target = run.decide(after=1.0, settings=SETTINGS, pool=back)
    assert (target.breaker, len(target.launch)) == (None, 4)


def test_a_restart_so_short_that_only_the_event_stream_broke_is_no_fizzle() -> None:
    run = Run(full(4))
    run.decide(settings=SETTINGS, pool=running(4))
    run.decide(after=1.0, settings=SETTINGS, pool=pool(*(short(n, n + 1, run.now) for n in range(3))))
    ended = pool(*(short(n, n + 1, run.now) for n in range(4)))
    again = msgspec.structs.replace(ended, stream_since_monotonic=run.now)
    target = run.decide(after=1.0, settings=SETTINGS, pool=again)
    assert (target.breaker, len(target.launch)) == (None, 4)


def test_an_old_fizzle_outlives_a_restart_of_the_engine() -> None:
    run = Run(full(4))
    fizzling(run, 12)
    run.decide(after=31.0, settings=SETTINGS)
    before = run.memory.breaker
    run.decide(after=1.0, settings=SETTINGS, pool=None, pool_unknown=PoolUnknown(why="away", since_unix=0.0))
    assert run.memory.breaker == before is not None


def test_without_a_least_life_nothing_fizzles() -> None:
    run, settings = Run(full(4)), msgspec.structs.replace(SETTINGS, fizzle_seconds=0.0)
    run.decide(settings=settings, pool=running(4))
    ended = pool(*(short(n, n + 1, run.now, 0.0) for n in range(4)))
    assert run.decide(after=1.0, settings=settings, pool=ended).breaker is None


def test_failed_starts_hold_for_longer_and_longer_and_those_of_one_cause_count_once() -> None:
    memory, now, waits = Memory(), 1000.0, []
    for _ in range(12):
        for _ in range(8):
            memory = launch_ended(memory, SETTINGS, "no space", moment(now))
        assert memory.breaker is not None
        assert memory.breaker.open_until_monotonic is not None
        waits.append(memory.breaker.open_until_monotonic - now)
        now = memory.breaker.open_until_monotonic
    assert [round(wait, 6) for wait in waits] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    assert launch_ended(memory, SETTINGS, None, moment(now)).breaker is None


def test_a_start_alone_does_not_close_a_breaker_that_fizzles_opened() -> None:
    opened = Memory(breaker=Breaker(fizzles=3, reason=Reason.FIZZLES, last_unix=0.0, open_until_monotonic=5.0))
    assert launch_ended(opened, SETTINGS, None, moment(10.0)) is opened


@given(st.floats(0.0, 1.0), st.integers(1, 40), st.floats(1.0, 86_400.0))
def test_a_hold_is_jittered_by_a_fifth_and_never_longer_than_the_longest(
    luck: float, failures: int, longest: float
) -> None:
    settings = Settings(fizzle_longest_hold=longest)
    memory, now, hold = Memory(), 0.0, 0.0
    for _ in range(failures):
        memory = launch_ended(memory, settings, "x", moment(now, luck=luck))
        assert memory.breaker is not None
        assert memory.breaker.open_until_monotonic is not None
        hold, now = memory.breaker.open_until_monotonic - now, memory.breaker.open_until_monotonic
    exact = min(2.0 ** min(failures - 1, 20), 1e6)
    assert min(longest, exact * 0.8) - 1e-3 <= hold <= min(longest, exact * 1.2) + 1e-3
