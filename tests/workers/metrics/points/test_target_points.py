"""What the scheduler wants and what there is; what is void, too old or unknown is absent."""

import pytest

from plancton.common.decision import Hold
from plancton.common.messages import Mode, PoolLook, Target
from plancton.common.pilot import PilotState
from plancton.common.reasons import Reason
from plancton.workers.metrics.points.stamp import Stamp
from plancton.workers.metrics.points.target_points import target_point
from tests.support.facts import pilot, pool, target, wish

STAMP = Stamp(hostname="node", time_unix_ns=7)
TARGET = target(wish(0, 1), room_cpus=3.5, capacity=2)
HELD = target(hold=Hold(reason=Reason.MAX_DOCKS, detail="", since_unix=0.0))
POOL = pool(*(pilot(slot, state=state) for slot, state in enumerate(PilotState)))
MODE = {"mode": "draining"}
WANTED = {"want": 1.0, "capacity": 2.0, "room_cpus": 3.5, "held": 0.0, "reason": ""}
THERE = {"running": 1.0, "suspended": 1.0}


@pytest.mark.parametrize(
    ("wanted", "there", "mode", "fields"),
    [
        (TARGET, POOL, Mode.DRAINING, {**WANTED, **THERE, **MODE}),
        (None, POOL, Mode.DRAINING, {**THERE, **MODE}),
        (TARGET, None, Mode.DRAINING, {**WANTED, **MODE}),
        (TARGET, pool(), None, {**WANTED, "running": 0.0, "suspended": 0.0}),
        (HELD, None, None, {"want": 0.0, "capacity": 0.0, "held": 1.0, "reason": "max-docks"}),
    ],
)
def test_what_is_known_is_told(
    wanted: Target | None, there: PoolLook | None, mode: Mode | None, fields: dict[str, float | str]
) -> None:
    made = target_point(wanted, there, mode, STAMP)
    assert made is not None
    assert (made.series, made.fields) == ("target", fields)


def test_where_nothing_is_known_nothing_is_told() -> None:
    assert target_point(None, None, None, STAMP) is None
