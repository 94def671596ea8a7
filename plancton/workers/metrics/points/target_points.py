"""What the scheduler wants and what there is: pure."""

from plancton.common.messages import Mode, PoolLook, Target
from plancton.common.pilot import PilotState
from plancton.common.points import Point
from plancton.workers.metrics.points.stamp import Stamp, point


def target_point(target: Target | None, pool: PoolLook | None, mode: Mode | None, stamp: Stamp) -> Point | None:
    """Return the point; None stands for what is unknown, void or too old."""
    fields: dict[str, float | str | None] = {"mode": mode.value if mode is not None else None}
    if target is not None:
        fields |= {
            "want": target.want,
            "capacity": target.capacity,
            "room_cpus": target.room_cpus,
            "held": float(target.hold is not None),
            "reason": target.hold.reason.value if target.hold is not None else "",
        }
    if pool is not None:
        fields |= {
            "running": sum(pilot.state is PilotState.RUNNING for pilot in pool.pilots),
            "suspended": sum(pilot.state is PilotState.PAUSED for pilot in pool.pilots),
        }
    return point("target", stamp, fields)
