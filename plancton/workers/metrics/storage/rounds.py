"""What the store's two halves tell each other: the loop asks for a round, and the thread with the file tells of it."""

import msgspec

_LONGEST_AGE_SECONDS = 9e9
"""More than SQLite's moments reach back."""


class Row(msgspec.Struct, frozen=True):
    """A point as it is stored. One that can't be read any more has no series."""

    id: int
    """Grows with each point; 0 is before all of them."""
    time_ns: int
    series: str
    tags: str
    """A JSON object of texts."""
    fields: str
    """A JSON object of numbers and texts."""

    @property
    def size_bytes(self) -> int:
        """About what it takes: its texts, and as much as a row of SQLite and its place in an index take besides."""
        return len(self.series) * 2 + len(self.tags) + len(self.fields) + 40


class SinkRow(msgspec.Struct, frozen=True, kw_only=True):
    """How far a sink is, whether it's in the settings or was once."""

    name: str
    cursor: int
    """The last point that it took, refused, or has lost to the bounds."""
    written: int = 0
    dropped: int = 0
    refused: int = 0


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A point that a sink will never take, set aside."""

    sink: str
    id: int
    line: str
    """The point in line protocol."""
    why: str


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """The last lines of an ended pilot's output."""

    container_id: str
    pilot: str
    """The container's name."""
    ended_ns: int
    """Nanoseconds since 1970."""
    text: str


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What the store may take."""

    size_bytes: int
    """On disk, all its files together."""
    age_seconds: float

    def cutoff_ns(self, now_ns: int) -> int:
        """Return the moment before which everything is too old."""
        return max(0, now_ns - int(min(self.age_seconds, _LONGEST_AGE_SECONDS) * 1e9))

    @property
    def log_bytes(self) -> int:
        """Of these, what SQLite's log may take."""
        return min(4 * 2**20, self.size_bytes // 4)

    @property
    def round_bytes(self) -> int:
        """How much may be written in one round; the log takes a few times as much."""
        return self.log_bytes // 8


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A wish for points on disk: at most so many, the oldest after ``after``."""

    sink: str
    after: int
    most: int


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What the thread is to do at once; with ``write`` false it only reads."""

    write: bool
    now_ns: int
    bounds: Bounds
    rows: tuple[Row, ...] = ()
    sinks: tuple[SinkRow, ...] = ()
    """Those that changed."""
    positions: dict[str, int] = {}
    """For each sink, the last point that needn't be read from the file any more."""
    refused: tuple[Refused, ...] = ()
    outputs: tuple[Output, ...] = ()
    reads: tuple[Read, ...] = ()


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was opened."""

    last_id: int
    """The highest that was ever used in it, as far as it tells."""
    sinks: tuple[SinkRow, ...]
    waiting: dict[str, int]
    """For each sink, how many points are there after its cursor."""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a round. A round that opens the file does nothing else."""

    found: Found | None = None
    written: bool = False
    """All that the round was to write is on disk."""
    read: dict[str, tuple[Row, ...]] | None = None
    """For each sink that wished for points; None where reading failed or wasn't asked for."""
    trimmed: dict[str, int] = {}
    """For each sink, how many points the bounds took away that were after its position."""
    trimmed_through: int = 0
    """The last point that the bounds took away; 0 for none."""
    more: bool = False
    """The bounds aren't kept yet: there is more to take away."""
    lost: bool = False
    """The file is gone, or was set aside; another will be made."""
    set_aside: str = ""
    """The path that it has now."""
    problem: str = ""
    """What kept the round, or a part of it, from being done."""
    points: int = 0
    size_bytes: int = 0
    oldest_ns: int | None = None
