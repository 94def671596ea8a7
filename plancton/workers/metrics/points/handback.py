"""How long the owner waited for what pilots had to give back: pure. Moments are monotonic seconds.

A *claim* is what one target asked for the first time for one of the owner's reasons: that these pilots be suspended, or
ended. A pilot has given way once it is suspended (where that was asked), has ended, or is gone, however that came
about. One whose claim is withdrawn before, for the owner needs it no more, counts for nothing.

Each look at the pool that is heard after a target is newer than the one that the target stands on, for both come the
same way; so a pilot that such a look doesn't show is gone.
"""

from collections.abc import Callable

import msgspec

from plancton.common.messages import EndingAction, EndingOutcome, Outcome, PoolLook, Target
from plancton.common.pilot import ENDED_STATES, PilotState
from plancton.common.points import Point
from plancton.common.reasons import EVICTIONS, Reason
from plancton.workers.metrics.points.stamp import Stamp, point

SUSPENDED, ENDED = "suspended", "ended"
_GIVES_WAY = {
    SUSPENDED: frozenset({EndingAction.SUSPENDED, EndingAction.REMOVED}),
    # Not SIGKILL: a process in the kernel's hands keeps its memory until the kernel lets it die.
    ENDED: frozenset({EndingAction.REMOVED}),
}
"""What gives back what was asked for, once it's done."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Pilots that had to give way at the same time."""

    by: str
    """``suspended`` or ``ended``."""
    reason: Reason
    decided_at: float
    waiting: frozenset[str]
    """Ids of the containers that haven't given way yet."""
    pilots: int = 0
    """That have."""
    first_at: float = 0.0
    last_at: float = 0.0


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of the targets."""

    open: tuple[Claim, ...] = ()
    asked: frozenset[tuple[str, str]] | None = None
    """How, and of which containers, the last target asked it; None until there was one. What was asked before nobody
    here can time."""


Step = tuple[Claims, tuple[Claim, ...]]
"""What is remembered on, and the claims that are settled."""


def aimed(claims: Claims, target: Target, at: float) -> Step:
    """Take in a target that was said at ``at``."""
    wishes = [
        *((SUSPENDED, each.container_id, each.reason) for each in target.suspend if each.reason in EVICTIONS),
        *((ENDED, each.container_id, each.reason) for each in target.end if each.reason in EVICTIONS),
    ]
    asked = frozenset((by, container_id) for by, container_id, _reason in wishes)
    if claims.asked is None:
        return Claims(asked=asked), ()
    fresh: dict[tuple[str, Reason], set[str]] = {}
    for by, container_id, reason in wishes:
        if (by, container_id) not in claims.asked:
            fresh.setdefault((by, reason), set()).add(container_id)
    # Whoever is to end for whatever reason gives way all the same.
    still = {each.container_id for each in target.suspend} | {each.container_id for each in target.end}
    former = [msgspec.structs.replace(claim, waiting=claim.waiting & still) for claim in claims.open]
    new = [
        Claim(by=by, reason=reason, decided_at=at, waiting=frozenset(waiting))
        for (by, reason), waiting in fresh.items()
    ]
    return _settled(Claims(open=(*former, *new), asked=asked))


def looked(claims: Claims, pool: PoolLook, at: float) -> Step:
    """Take in a look at the pool that was said at ``at``."""
    if not claims.open:
        return claims, ()
    states = {pilot.container_id: pilot.state for pilot in pool.pilots}

    def has_given_way(claim: Claim, container_id: str) -> bool:
        state = states.get(container_id)
        return state is None or state in ENDED_STATES or (claim.by == SUSPENDED and state is PilotState.PAUSED)

    return _gave_way(claims, has_given_way, at)


def done(claims: Claims, outcome: EndingOutcome, at: float) -> Step:
    """Take in what was done to a container, said at ``at``."""
    if not claims.open or outcome.outcome is not Outcome.DONE:
        return claims, ()

    def has_given_way(claim: Claim, container_id: str) -> bool:
        return container_id == outcome.container_id and outcome.action in _GIVES_WAY[claim.by]

    return _gave_way(claims, has_given_way, at)


def handback_point(claim: Claim, stamp: Stamp) -> Point | None:
    """Return how long a settled claim took."""
    return point(
        "handback",
        stamp,
        {
            "seconds": claim.last_at - claim.decided_at,
            "first_seconds": claim.first_at - claim.decided_at,
            "pilots": claim.pilots,
        },
        by=claim.by,
        reason=claim.reason.value,
    )


def _gave_way(claims: Claims, has_given_way: Callable[[Claim, str], bool], at: float) -> Step:
    after = tuple(
        _after(claim, frozenset(each for each in claim.waiting if has_given_way(claim, each)), at)
        for claim in claims.open
    )
    return _settled(msgspec.structs.replace(claims, open=after))


def _after(claim: Claim, gone: frozenset[str], at: float) -> Claim:
    if not gone:
        return claim
    # A look may have been told before the target that it overtook.
    moment = max(at, claim.decided_at, claim.last_at)
    return msgspec.structs.replace(
        claim,
        waiting=claim.waiting - gone,
        pilots=claim.pilots + len(gone),
        first_at=claim.first_at if claim.pilots else moment,
        last_at=moment,
    )


def _settled(claims: Claims) -> Step:
    """Part the claims for which nobody is waited any more; one that was withdrawn as a whole is no hand-back."""
    settled = tuple(claim for claim in claims.open if not claim.waiting and claim.pilots)
    still = tuple(claim for claim in claims.open if claim.waiting)
    return msgspec.structs.replace(claims, open=still), settled
