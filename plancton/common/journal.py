"""The journal of decisions on disk: a directory of segments, each a file of JSON lines; the highest number is newest.

Written by the metrics worker, and read by planctonctl by itself, so that it can be while planctond is down.
"""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from plancton.common.journal_entries import Entry
from plancton.common.journal_lines import LONGEST_LINE, entry_of

SEGMENTS = 4
"""A segment may have this part of the journal's size: that much of the past goes at once when room is needed."""
_SEGMENT = re.compile(r"decisions-([0-9]{8,15})\.jsonl")


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """What couldn't be read, and why."""

    what: str
    why: str


def directory_below(state: Path) -> Path:
    """Return where the planctond whose state directory this is keeps its journal."""
    return state / "journal"


def segment_path(directory: Path, number: int) -> Path:
    """Return the path of a segment; numbers begin with 1."""
    return directory / f"decisions-{number:08d}.jsonl"


def segment_number(name: str) -> int | None:
    """Return the number of the segment that has this file name; None for any other file."""
    match = _SEGMENT.fullmatch(name)
    return int(match[1]) if match else None


def read(directory: Path) -> Iterator[Entry | Unread]:
    """Yield what the journal tells, oldest first, and what of it couldn't be read. A journal may still be empty."""
    try:
        names = [path.name for path in directory.iterdir()]
    except FileNotFoundError:
        return
    except OSError as error:
        yield Unread(what=str(directory), why=error.strerror or str(error))
        return
    numbers = sorted(number for name in names if (number := segment_number(name)) is not None)
    for number in numbers:
        yield from _segment(segment_path(directory, number))


def _segment(path: Path) -> Iterator[Entry | Unread]:
    try:
        with open_segment(path) as file:
            yield from _entries(path, file)
    except FileNotFoundError:
        # The oldest go while others are being written.
        return
    except OSError as error:
        yield Unread(what=str(path), why=error.strerror or str(error))


def open_segment(path: Path) -> BinaryIO:
    """Open a segment for reading, without ever waiting.

    Raises:
        OSError: if there is none, it can't be read, or is something else than a file.

    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        message = "not a file"
        raise OSError(0, message)
    return os.fdopen(descriptor, "rb")


def _entries(path: Path, file: BinaryIO) -> Iterator[Entry | Unread]:
    bad = 0
    within_long_line = False
    while data := file.readline(LONGEST_LINE + 1):
        whole = data.endswith(b"\n")
        entry = entry_of(data) if whole and not within_long_line else None
        if entry is not None:
            yield entry
        elif whole and data.strip():
            bad += 1
        # A line without an end is longer than any may be, or is being written just now.
        within_long_line = not whole
    if bad:
        yield Unread(what=str(path), why=f"{bad} lines aren't understood" if bad > 1 else "a line isn't understood")
