"""Hand-backs: from the decision until all that had to give way have, however that comes about, each told once."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.decision import Ending, Suspension
from plancton.common.messages import EndingAction, EndingOutcome, Message, Outcome, PoolLook, Target
from plancton.common.pilot import PilotState
from plancton.common.points import Point
from plancton.common.reasons import EVICTIONS, Reason
from plancton.workers.metrics.points.handback import Claim, Claims, aimed, done, handback_point, looked
from plancton.workers.metrics.points.stamp import Stamp
from tests.support.facts import CREATED, EXITED, RUNNING, pilot, pool, target

PAUSED = PilotState.PAUSED
IDS = [pilot(slot).container_id for slot in range(4)]


def wish(*end: int, suspend: tuple[int, ...] = (), reason: Reason = Reason.OWNER_CPU) -> Target:
    return target(
        end=tuple(Ending(container_id=IDS[slot], name="n", reason=reason) for slot in end),
        suspend=tuple(
            Suspension(container_id=IDS[slot], name="n", reason=reason, since_monotonic=0.0) for slot in suspend
        ),
    )


def pilots(*states: PilotState | None) -> PoolLook:
    return pool(*(pilot(slot, state=state) for slot, state in enumerate(states) if state is not None))


def deed(slot: int, action: EndingAction, outcome: Outcome = Outcome.DONE) -> EndingOutcome:
    return EndingOutcome(container_id=IDS[slot], name="n", action=action, outcome=outcome, reason=Reason.OWNER_CPU)


Fact = tuple[float, Message]


def told(*facts: Fact) -> list[Claim]:
    """Return the claims that these facts settle, after a first target that asks nothing."""
    step: tuple[Claims, tuple[Claim, ...]] = aimed(Claims(), wish(), 0.0)
    settled: list[Claim] = []
    for at, fact in facts:
        match fact:
            case Target():
                step = aimed(step[0], fact, at)
            case PoolLook():
                step = looked(step[0], fact, at)
            case EndingOutcome():
                step = done(step[0], fact, at)
        settled += step[1]
    return settled


def waits(*facts: Fact) -> list[tuple[str, float, float, int]]:
    """Return of each claim they settle: by what, the first wait, the last, and of how many pilots."""
    return [
        (claim.by, claim.first_at - claim.decided_at, claim.last_at - claim.decided_at, claim.pilots)
        for claim in told(*facts)
    ]


ALL = pilots(RUNNING, RUNNING, RUNNING)
GONE_1 = pilots(RUNNING, EXITED, RUNNING)


def test_pilots_that_end_after_they_were_asked_to() -> None:
    facts: list[Fact] = [(10.0, wish(1, 2)), (10.5, ALL), (11.0, GONE_1), (13.0, pilots(RUNNING))]
    assert waits(*facts) == [("ended", 1.0, 3.0, 2)]


def test_nothing_is_told_before_the_last_has_given_way_and_nothing_twice() -> None:
    assert waits((10.0, wish(1, 2)), (11.0, GONE_1)) == []
    facts: list[Fact] = [(10.0, wish(1)), (11.0, GONE_1), (12.0, GONE_1), (12.0, wish(1)), (13.0, pilots(RUNNING))]
    assert len(waits(*facts)) == 1


def test_a_pilot_whose_container_is_removed_before_any_look() -> None:
    assert waits((10.0, wish(1)), (12.0, deed(1, EndingAction.REMOVED))) == [("ended", 2.0, 2.0, 1)]


@pytest.mark.parametrize(
    "fact",
    [
        deed(1, EndingAction.TERMINATED),
        deed(1, EndingAction.SUSPENDED),
        deed(1, EndingAction.RESUMED),
        deed(1, EndingAction.KILLED),
        deed(1, EndingAction.REMOVED, Outcome.FAILED),
        deed(1, EndingAction.REMOVED, Outcome.TIMED_OUT),
        deed(0, EndingAction.REMOVED),
        pilots(RUNNING, PAUSED),
        pilots(RUNNING, CREATED),
        pilots(RUNNING, PilotState.REMOVING),
    ],
)
def test_what_is_no_end_of_the_pilot(fact: PoolLook | EndingOutcome) -> None:
    assert waits((10.0, wish(1)), (11.0, fact)) == []


@pytest.mark.parametrize(
    "fact",
    [
        deed(1, EndingAction.SUSPENDED),
        deed(1, EndingAction.REMOVED),
        pilots(RUNNING, PAUSED),
        pilots(RUNNING, EXITED),
        pilots(RUNNING),
    ],
)
def test_a_pilot_that_is_to_be_suspended_gives_way_by_that_or_by_its_end(fact: PoolLook | EndingOutcome) -> None:
    assert waits((10.0, wish(suspend=(1,))), (10.1, ALL), (10.5, fact)) == [("suspended", 0.5, 0.5, 1)]


@pytest.mark.parametrize("fact", [deed(1, EndingAction.SUSPENDED, Outcome.FAILED), deed(1, EndingAction.TERMINATED)])
def test_a_suspension_that_failed_is_none(fact: EndingOutcome) -> None:
    assert waits((10.0, wish(suspend=(1,))), (10.5, fact)) == []


def test_a_wish_withdrawn_before_it_was_fulfilled_counts_for_nothing() -> None:
    assert waits((10.0, wish(suspend=(1,))), (11.0, wish()), (12.0, pilots(RUNNING))) == []
    partly: list[Fact] = [
        (10.0, wish(suspend=(1, 2))),
        (11.0, deed(1, EndingAction.SUSPENDED)),
        (30.0, wish(suspend=(1,))),
    ]
    assert waits(*partly) == [("suspended", 1.0, 1.0, 1)]


def test_one_that_is_to_be_ended_instead_of_suspended_is_waited_for_from_the_first_decision() -> None:
    facts: list[Fact] = [(10.0, wish(suspend=(1,))), (14.0, wish(1)), (15.0, pilots(RUNNING))]
    assert waits(*facts) == [("suspended", 5.0, 5.0, 1), ("ended", 1.0, 1.0, 1)]


def test_pilots_that_were_asked_at_different_times_are_claims_of_their_own() -> None:
    facts: list[Fact] = [
        (10.0, wish(1)),
        (12.0, wish(1, 2)),
        (13.0, pilots(RUNNING, None, RUNNING)),
        (15.0, pilots(RUNNING)),
    ]
    assert waits(*facts) == [("ended", 3.0, 3.0, 1), ("ended", 3.0, 3.0, 1)]


def test_what_was_asked_before_this_life_began_is_not_timed() -> None:
    claims, settled = aimed(Claims(), wish(1), 10.0)
    assert looked(claims, pilots(RUNNING), 11.0) == (claims, ())
    assert settled == ()
    claims, _ = aimed(claims, wish(1, 2), 20.0)
    (claim,) = looked(claims, pilots(RUNNING), 21.0)[1]
    assert claim.pilots == 1


def test_asked_again_after_it_was_let_go_is_asked_anew() -> None:
    facts: list[Fact] = [
        (10.0, wish(suspend=(1,))),
        (11.0, deed(1, EndingAction.SUSPENDED)),
        (20.0, wish()),
        (30.0, wish(suspend=(1,))),
        (32.0, deed(1, EndingAction.SUSPENDED)),
    ]
    assert waits(*facts) == [("suspended", 1.0, 1.0, 1), ("suspended", 2.0, 2.0, 1)]


@pytest.mark.parametrize("reason", list(Reason))
def test_only_the_owner_s_reasons_make_hand_backs(reason: Reason) -> None:
    claims = told((10.0, wish(1, reason=reason)), (11.0, pilots(RUNNING)))
    assert [claim.reason for claim in claims] == ([reason] if reason in EVICTIONS else [])


def test_a_look_that_was_told_before_the_target_it_overtook_takes_no_negative_time() -> None:
    assert waits((10.0, wish(1)), (9.5, pilots(RUNNING))) == [("ended", 0.0, 0.0, 1)]


def test_the_point() -> None:
    (claim,) = told((10.0, wish(1, 2)), (11.0, GONE_1), (13.0, pilots(RUNNING)))
    assert handback_point(claim, Stamp(hostname="node", time_unix_ns=7)) == Point(
        series="handback",
        tags={"hostname": "node", "by": "ended", "reason": "owner-cpu"},
        fields={"seconds": 3.0, "first_seconds": 1.0, "pilots": 2.0},
        time_unix_ns=7,
    )


FACTS = st.one_of(
    st.builds(
        lambda end, suspend: wish(*end, suspend=tuple(suspend - end)),
        st.frozensets(st.integers(0, 3)),
        st.frozensets(st.integers(0, 3)),
    ),
    st.lists(st.none() | st.sampled_from(PilotState), max_size=4).map(lambda states: pilots(*states)),
    st.builds(deed, st.integers(0, 3), st.sampled_from(EndingAction), st.sampled_from(Outcome)),
)


@given(st.lists(st.tuples(st.floats(-1.0, 5.0), FACTS), max_size=40))
def test_every_hand_back_is_of_somebody_and_takes_its_time(facts: list[Fact]) -> None:
    timed, now = [], 0.0
    for pause, fact in facts:
        now += pause
        timed.append((now, fact))
    asked = sum(len(fact.end) + len(fact.suspend) for _at, fact in facts if isinstance(fact, Target))
    claims = told(*timed)
    assert sum(claim.pilots for claim in claims) <= asked
    for claim in claims:
        assert not claim.waiting
        assert claim.pilots >= 1
        assert claim.decided_at <= claim.first_at <= claim.last_at


@given(st.lists(FACTS, max_size=40))
def test_a_fact_told_twice_makes_no_other_hand_backs(facts: list[Message]) -> None:
    once = list(enumerate(facts))
    twice = [(at, fact) for at, fact in once for _ in range(2)]
    assert told(*[(float(at), fact) for at, fact in twice]) == told(*[(float(at), fact) for at, fact in once])


def test_claims_are_forgotten_once_they_are_settled() -> None:
    claims = aimed(Claims(), wish(), 0.0)[0]
    for number in range(50):
        claims = aimed(claims, wish(1), float(number))[0]
        claims = looked(claims, pilots(RUNNING), number + 0.5)[0]
        claims = aimed(claims, wish(), number + 0.6)[0]
    assert claims == Claims(asked=frozenset())
    assert msgspec.structs.asdict(claims)["open"] == ()
