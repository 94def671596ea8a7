"""What the engine tells and how a call on it can fail. Moments named ``*_unix`` are the engine's own clock."""

from enum import StrEnum

import msgspec

from plancton.common.pilot import PilotState

DEFAULT_ENGINE_URL = "unix:///var/run/docker.sock"
"""Where an engine is looked for that neither the settings nor DOCKER_HOST name."""


class FailureKind(StrEnum):
    """What a caller may conclude from a failed call."""

    UNREACHABLE = "unreachable"
    """Nobody answered; a call that was under way may have had its effect."""
    TIMED_OUT = "timed-out"
    """No whole answer within the deadline; the call may have had its effect, or may still have it."""
    NOT_FOUND = "not-found"
    """The engine doesn't have the container or the image."""
    CONFLICT = "conflict"
    """The name is taken, or the container's state doesn't allow it."""
    REFUSED = "refused"
    """The engine won't do it as asked; asking again won't help."""
    BROKEN = "broken"
    """The engine failed, or answered what can't be understood."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A call that didn't do what was asked, or that didn't say so."""

    kind: FailureKind
    detail: str
    seconds: float
    """How long the call took."""


class EngineInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The engine and the machine that it runs on."""

    version: str
    api_version: str
    """The one in use: negotiated, not necessarily the engine's newest."""
    name: str
    """The host name of its machine."""
    cgroup_driver: str
    """``cgroupfs`` or ``systemd``; ``none`` for a rootless engine without cgroups."""
    cgroup_version: int
    apparmor: bool
    ncpus: int
    memory_bytes: int
    root_dir: str
    engine_id: str


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """One container. A list leaves out what only an inspection tells: those fields are None."""

    container_id: str
    name: str
    labels: dict[str, str]
    state: PilotState
    created_unix: float
    image_id: str
    started_unix: float | None = None
    """When it was last started; None where it never was, and from a list."""
    finished_unix: float | None = None
    """None unless it has ended, and from a list. After a very short life it's some milliseconds before the start."""
    exit_code: int | None = None
    """None unless it has ended."""
    pid: int | None = None
    """Its first process; None unless it runs, and from a list."""
    oom_killed: bool | None = None
    """None from a list."""
    cgroup_parent: str | None = None
    """As it was asked for, empty where nothing was; None from a list."""


class EngineEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a container."""

    action: str
    """In the engine's words: create, start, die, oom, pause, unpause, kill, destroy, rename, …"""
    container_id: str
    name: str
    labels: dict[str, str]
    exit_code: int | None = None
    """Only with ``die``."""
    at_nano: int
    """Nanoseconds; exact, for asking the engine for what came since."""

    @property
    def at_unix(self) -> float:
        """The moment in seconds, rounded to less than a microsecond."""
        return self.at_nano / 1e9
