"""What a decision is made of: the facts of now, and now itself."""

import msgspec

from plancton.common.messages import HostLook, Intent, LauncherState, PoolLook, PoolUnknown
from plancton.common.settings import Settings


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """Now, as a decision needs it: the clocks, the owner's calendar, and chance."""

    monotonic: float
    unix: float
    weekday: int = 0
    """In the machine's local time; Monday is 0."""
    second_of_day: float = 0.0
    """In the machine's local time."""
    luck: float = 0.5
    """A random number from 0 to 1, for what must not happen everywhere at once."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known now. None means unknown or too old to be relied on, never zero."""

    settings: Settings | None = None
    intent: Intent | None = None
    host: HostLook | None = None
    host_monotonic: float = 0.0
    """When the host was looked at; the same look is counted once."""
    pool: PoolLook | None = None
    pool_unknown: PoolUnknown | None = None
    launcher: LauncherState | None = None
