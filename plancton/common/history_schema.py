"""The store of points on disk, as its writer and its readers know it: one SQLite file in the state directory."""

from pathlib import Path

SCHEMA_VERSION = 1
"""SQLite's ``user_version``. A file of another version is not written to."""

SCHEMA = """
CREATE TABLE points (
    id INTEGER PRIMARY KEY,      -- grows with each point, and is never used again
    time_ns INTEGER NOT NULL,    -- nanoseconds since 1970
    series TEXT NOT NULL,
    tags TEXT NOT NULL,          -- a JSON object of texts
    fields TEXT NOT NULL         -- a JSON object of numbers and texts
);
CREATE INDEX points_of_a_series ON points (series, time_ns);
CREATE TABLE sinks (
    name TEXT PRIMARY KEY,
    cursor INTEGER NOT NULL,     -- the last point that it took, refused, or has lost to the bounds
    written INTEGER NOT NULL DEFAULT 0,
    dropped INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE refused (
    sink TEXT NOT NULL,
    id INTEGER NOT NULL,         -- of the point
    line TEXT NOT NULL,          -- the point in line protocol
    why TEXT NOT NULL,           -- in the sink's words
    PRIMARY KEY (sink, id)
) WITHOUT ROWID;
CREATE TABLE outputs (
    container_id TEXT PRIMARY KEY,
    pilot TEXT NOT NULL,         -- the container's name
    ended_ns INTEGER NOT NULL,
    output TEXT NOT NULL         -- its last lines
) WITHOUT ROWID;
CREATE INDEX outputs_by_end ON outputs (ended_ns);
"""


def store_path(state: Path) -> Path:
    """Return where the planctond whose state directory this is keeps its points."""
    return state / "history.sqlite"
