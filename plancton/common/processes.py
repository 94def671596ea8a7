"""The supervised processes as status and metrics are told of them."""

from enum import StrEnum

import msgspec


class ProcessState(StrEnum):
    """A supervised process's state, in supervisord's words."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    BACKOFF = "backoff"
    STOPPING = "stopping"
    FATAL = "fatal"


class ProcessStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One worker: what it is at, and how often it had to be started again."""

    name: str
    state: ProcessState
    pid: int | None
    restarts: int
    since_unix: float
    last_end: str = ""
    """How its last life ended, in words; empty while it never ended."""
    beats: int = 0
    """Signs of life that its loop gave since planctond started."""
    late_seconds: float = 0.0
    """The most that its loop woke after its deadline, since this was last told to the other processes."""
