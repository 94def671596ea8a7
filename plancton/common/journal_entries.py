"""What the journal of decisions is made of: what was decided or done, when, why and on which figures.

The metrics worker writes it, ``planctonctl why`` reads it, of any version: a field may be added with a default, none is
renamed or given another meaning, and a kind or reason that a reader doesn't know is one of a newer writer.
"""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

_LAST_UNIX = 253_402_300_799.0
"""The end of the year 9999; later moments can't be shown."""
_Moment = Annotated[float, Meta(ge=0.0, le=_LAST_UNIX)]
_Length = Annotated[float, Meta(ge=0.0, le=_LAST_UNIX)]
_Number = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Kind(StrEnum):
    """What an entry tells. Those that begin with ``to-`` are decisions, the others deeds and their outcomes."""

    HELD = "held"
    RELEASED = "released"
    """A hold ended and nothing else holds; ``reason`` is the ended one's."""
    WEIGHT = "weight"
    LOST = "lost"
    """Entries that couldn't be written are missing here."""
    TO_SUSPEND = "to-suspend"
    TO_RESUME = "to-resume"
    TO_END = "to-end"
    LAUNCHED = "launched"
    LAUNCH_REFUSED = "launch-refused"
    LAUNCH_FAILED = "launch-failed"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    ASKED_TO_END = "asked-to-end"
    KILLED = "killed"
    REMOVED = "removed"
    FIZZLED = "fizzled"
    """It ended by itself too soon, and is removed."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the journal. What doesn't apply is left at its default."""

    at_unix: _Moment
    kind: str
    """A ``Kind``, or one of a newer version."""
    pilot: str = ""
    """The container's name."""
    slot: _Number | None = None
    incarnation: _Number | None = None
    container_id: str = ""
    reason: str = ""
    """A ``Reason``, or one of a newer version."""
    figures: str = ""
    """What the decision stands on, in its own words."""
    detail: str = ""
    outcome: str = ""
    """How an attempt ended: an ``Outcome``."""
    seconds: _Length | None = None
    """How long the attempt took, or the hold that was released lasted."""
    until_unix: _Moment | None = None
    """When a hold ends by itself."""
    uptime_seconds: _Length | None = None
    started: bool = True
    """False where the container never ran."""
    killed: bool = False
    """True where it was ended, False where it ended by itself."""
    exit_code: _Number | None = None
    output: str = ""
    """A fizzled pilot's last lines."""
    generation: _Number | None = None
    """Of the target that decided it."""
