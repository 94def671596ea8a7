"""How what planctond depends on is doing: its sinks, its own store, and the engine's calls."""

import msgspec


class SinkState(msgspec.Struct, frozen=True, kw_only=True):
    """How one sink is doing. The name never holds a password."""

    name: str
    written_points: int
    waiting_points: int
    dropped_points: int
    """The store's bounds left them no room until the sink would take them."""
    error: str = ""
    error_unix: float | None = None
    refused_points: int = 0
    """The sink will never take them, and said so; they are set aside."""
    server: str = ""
    """What it says it is, such as ``InfluxDB 1.6.7``; empty while unknown."""


class StoreState(msgspec.Struct, frozen=True, kw_only=True):
    """How the store of points on disk is doing."""

    points: int
    size_bytes: int
    oldest_unix: float | None = None
    waiting_points: int = 0
    """Not on disk yet."""
    dropped_points: int = 0
    """Never got to disk, for it took none for too long."""
    error: str = ""
    error_unix: float | None = None
    set_aside: str = ""
    """The file that a corrupt store was renamed to, the last time that happened."""


class CallTimes(msgspec.Struct, frozen=True, kw_only=True):
    """How the engine's calls of one kind went within some interval."""

    operation: str
    """The method of ``Engine``."""
    calls: int
    failures: int
    """Of these; an answer such as "not there" is none."""
    seconds: float
    """In all."""
    longest_seconds: float
