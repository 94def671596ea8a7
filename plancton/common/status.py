"""What ``planctonctl status``, ``pilots`` and ``watch`` are told: one typed value for planctond and planctonctl."""

import msgspec

from plancton.common.messages import Counters, HostLook, LauncherState, Mode, PoolLook, PoolUnknown, Target
from plancton.common.processes import ProcessStatus


class ConfigStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration in force, and what was wrong with the file when it was last read."""

    file: str
    exists: bool
    loaded_unix: float
    generation: int
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    """Not empty while the file is bad and an earlier configuration stays in force."""


class StatusReport(msgspec.Struct, frozen=True, kw_only=True):
    """All that planctond knows of itself. A part is None while it is unknown."""

    version: str
    instance: str
    pid: int
    started_unix: float
    now_unix: float
    ready: bool
    mode: Mode
    mode_since_unix: float
    engine_url: str
    config: ConfigStatus
    processes: tuple[ProcessStatus, ...]
    host: HostLook | None = None
    host_age_seconds: float | None = None
    pool: PoolLook | None = None
    pool_age_seconds: float | None = None
    pool_unknown: PoolUnknown | None = None
    launcher: LauncherState | None = None
    target: Target | None = None
    counters: Counters | None = None
    drain_reason: str = ""
    """Why the operator drained the node, in their words."""
    drain_deadline_unix: float | None = None
    """When pilots that still run during a drain are ended; None: they live out their lives."""
    snooze_until_unix: float | None = None
    """Until then the owner wants no pilots at all."""
    drill_until_unix: float | None = None
    """Until then all pilots are suspended for a drill."""
    now_monotonic: float = 0.0
    """``now_unix`` by the clock of the moments that are named so; 0 where an older version doesn't tell."""


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """Something worth telling the owner: numbered from 1, dated for people, in one line."""

    number: int
    at_unix: float
    what: str
    text: str


class HappeningsReport(msgspec.Struct, frozen=True, kw_only=True):
    """The happenings after the one asked about that are still remembered, oldest first."""

    happenings: tuple[Happening, ...]
