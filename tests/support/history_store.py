"""Stores of points for tests, as a planctond of another time would have left them."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import msgspec

from plancton.common.history_schema import SCHEMA, SCHEMA_VERSION, store_path
from plancton.common.paths import Paths
from plancton.common.points import Point

NODE = "n1"


def point(series: str, at_unix: float, tags: dict[str, str] | None = None, **fields: float | str) -> Point:
    """Return a point of this moment; numbers become floats."""
    plain = {name: value if isinstance(value, str) else float(value) for name, value in fields.items()}
    return Point(
        series=series, tags={"hostname": NODE, **(tags or {})}, fields=plain, time_unix_ns=round(at_unix * 1e9)
    )


def new_store(paths: Paths, version: int = SCHEMA_VERSION) -> sqlite3.Connection:
    """Make an empty store for the planctond of these paths, and return the writer's connection."""
    paths.state.mkdir(parents=True, exist_ok=True)
    file = store_path(paths.state)
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(SCHEMA)
    connection.execute(f"PRAGMA user_version = {version}")
    file.chmod(0o600)
    return connection


def put(connection: sqlite3.Connection, points: Iterable[Point]) -> None:
    """Write points as the metrics worker does."""
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO points (time_ns, series, tags, fields) VALUES (?, ?, ?, ?)",
        (
            (
                each.time_unix_ns,
                each.series,
                msgspec.json.encode(each.tags).decode(),
                msgspec.json.encode(each.fields).decode(),
            )
            for each in points
        ),
    )
    connection.execute("COMMIT")


def put_output(connection: sqlite3.Connection, container_id: str, pilot: str, ended_unix: float, text: str) -> None:
    """Keep a pilot's last lines."""
    connection.execute(
        "INSERT INTO outputs (container_id, pilot, ended_ns, output) VALUES (?, ?, ?, ?)",
        (container_id, pilot, round(ended_unix * 1e9), text),
    )


def store_with(paths: Paths, *points: Point) -> Path:
    """Leave a store of these points behind; return its file."""
    connection = new_store(paths)
    put(connection, points)
    connection.close()
    return store_path(paths.state)
