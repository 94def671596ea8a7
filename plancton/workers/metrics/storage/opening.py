"""The store's file, opened: made where it's missing, set aside where it is no store. For the store's thread alone."""

import os
import re
import sqlite3
import stat
from pathlib import Path

from plancton.common.history_schema import SCHEMA, SCHEMA_VERSION

SET_ASIDE = ".set-aside"
"""What a damaged store's name gets behind it."""
_COMPANIONS = ("-wal", "-journal", "-shm")
"""SQLite's own files beside its file."""
_MADE = re.compile(r"CREATE (?:TABLE|INDEX) (\w+)")
_CHECKED_BYTES = 2**28
"""A larger file isn't read as a whole at first: what is damaged is found when it's read."""
_BUSY_SECONDS = 1.0
_CACHE_KIB = 512
_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_SCHEMA,
        # "no such table" and "unsupported file format".
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_TOOBIG,
        sqlite3.SQLITE_INTERNAL,
    }
)


class DamagedError(Exception):
    """What is there is no store of this version, or is one no more."""


def is_damage(error: sqlite3.Error, path: Path) -> bool:
    """Tell whether the file is to blame, and not the disk or whoever else uses it."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return not isinstance(error, sqlite3.ProgrammingError)
    primary = code & 0xFF
    # A damaged header may forbid writing, too.
    return primary in _DAMAGE or (primary == sqlite3.SQLITE_READONLY and os.access(path, os.W_OK))


def open_store(path: Path) -> sqlite3.Connection:
    """Return a connection to the store, which is made where there is none.

    Raises:
        DamagedError: if something else is there, or a damaged store.
        sqlite3.Error: as above, see ``is_damage``, or if the disk doesn't let it.
        OSError: if the disk doesn't let it.

    """
    for new in (path.parent.parent, path.parent):
        new.mkdir(mode=0o700, exist_ok=True)
    _check_files(path)
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def set_aside(path: Path) -> Path:
    """Rename what is there, in place of what was set aside before, and return its new path.

    Raises:
        OSError: if the disk doesn't let it.

    """
    aside = path.with_name(path.name + SET_ASIDE)
    if aside.is_dir() and not aside.is_symlink():
        # Nobody's directory is removed with all that's in it.
        aside = path.with_name(f"{aside.name}-{path.lstat().st_ino}")
    path.replace(aside)
    for companion in _COMPANIONS:
        beside, beside_aside = (each.with_name(each.name + companion) for each in (path, aside))
        if os.path.lexists(beside):
            beside.replace(beside_aside)
        elif not beside_aside.is_dir():
            beside_aside.unlink(missing_ok=True)
    return aside


def _check_files(path: Path) -> None:
    for each in (path, *(path.with_name(path.name + companion) for companion in _COMPANIONS)):
        try:
            mode = each.lstat().st_mode
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(mode):
            message = f"{each.name} is no file"
            raise DamagedError(message)
        if stat.S_IMODE(mode) & 0o177:
            each.chmod(0o600)
    # SQLite gives its own files the same mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.text_factory = _text
    for pragma in (f"cache_size = -{_CACHE_KIB}", "trusted_schema = OFF", "cell_size_check = ON"):
        connection.execute(f"PRAGMA {pragma}")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()
    if version == 0 and tables == 0:
        _make(connection)
    elif version != SCHEMA_VERSION:
        message = f"its version is {version}, not {SCHEMA_VERSION}"
        raise DamagedError(message)
    elif not set(_MADE.findall(SCHEMA)) <= {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}:
        message = "it lacks a table or an index"
        raise DamagedError(message)
    elif path.stat().st_size <= _CHECKED_BYTES:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise DamagedError(" ".join(str(verdict).split()))
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute("PRAGMA synchronous = FULL")
    # The store sees to it itself, for its bound counts the log too.
    connection.execute("PRAGMA wal_autocheckpoint = 0")


def _make(connection: sqlite3.Connection) -> None:
    # The first may only be said of an empty file.
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")


def _text(data: bytes) -> str:
    # Bytes that are no text spoil only the row that they are in.
    return data.decode(errors="replace")
