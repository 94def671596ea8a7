"""What the dashboards show for Plancton's words, and in which colours."""

from plancton.common.messages import Mode
from plancton.common.reasons import Reason
from tools.dashboards.panels import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, YELLOW, Json, words

_OWNER = (
    Reason.OWNER_CPU,
    Reason.OWNER_MEMORY,
    Reason.OWNER_STALL_CPU,
    Reason.OWNER_STALL_MEMORY,
    Reason.OWNER_STALL_IO,
    Reason.AFTER_EVICTION,
    Reason.SUSPENDED_FIRST,
    Reason.SUSPENDED_TOO_LONG,
)
_OPERATOR = (
    Reason.DRAINING,
    Reason.STOPPING,
    Reason.SNOOZED,
    Reason.OUTSIDE_WINDOWS,
    Reason.DRAIN_DEADLINE,
    Reason.DRILL,
    Reason.FORCE_STOP,
)
_FINE = (Reason.MAX_DOCKS, Reason.GROWTH_LIMIT)
_COLORS: dict[Reason, str] = {
    **dict.fromkeys(_OWNER, ORANGE),
    **dict.fromkeys(_OPERATOR, PURPLE),
    **dict.fromkeys(_FINE, BLUE),
}
TROUBLE = RED
"""The colour of every other reason: something is missing or broken."""

REASONS: list[Json] = words(
    {"": ("nothing held", GREEN), **{reason.value: (reason.value, _COLORS.get(reason, TROUBLE)) for reason in Reason}}
)
MODES: list[Json] = words(
    {
        Mode.ACTIVE.value: ("active", GREEN),
        Mode.DRAINING.value: ("draining", YELLOW),
        Mode.DRAIN_STOPPING.value: ("drain-stopping", ORANGE),
        Mode.FORCE_STOPPING.value: ("force-stopping", RED),
    }
)
STATUSES: list[Json] = words(
    {"active": ("active", GREEN), "draining": ("draining", YELLOW), "waiting": ("waiting for the engine", RED)}
)
EXITS = {
    "completed": GREEN,
    "failed": RED,
    "fizzled": PURPLE,
    "evicted": ORANGE,
    "expired": BLUE,
    "stopped": YELLOW,
    "never-started": GREY,
}
"""The colours of what came of pilots."""
