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
    return Tail(directory).read()


class Tail:
    """A place in the journal, from which it is followed across rotations and restarts.

    The directory may be missing yet, and may be emptied and filled anew.
    """

    def __init__(self, directory: Path) -> None:
        """Begin at the oldest entry of the journal in ``directory``."""
        self._directory = directory
        self._number = 0
        self._file: tuple[int, int] | None = None
        """Which file it was that had the number; None before any."""
        self._offset = 0
        self._within_long_line = False

    def read(self) -> Iterator[Entry | Unread]:
        """Yield what is behind the place, oldest first, and what of it can't be read; the place moves with it."""
        try:
            names = [path.name for path in self._directory.iterdir()]
        except FileNotFoundError:
            return
        except OSError as error:
            yield Unread(what=str(self._directory), why=error.strerror or str(error))
            return
        numbers = sorted(number for name in names if (number := segment_number(name)) is not None)
        if numbers and numbers[-1] < self._number:
            # The numbers never go down but in a journal that was begun anew.
            self._go_to(0)
        for number in numbers:
            if number >= self._number:
                if number > self._number:
                    self._go_to(number)
                yield from self._segment(segment_path(self._directory, number))

    def _go_to(self, number: int) -> None:
        self._number, self._file, self._offset, self._within_long_line = number, None, 0, False

    def _segment(self, path: Path) -> Iterator[Entry | Unread]:
        try:
            with _open(path) as file:
                status = os.fstat(file.fileno())
                identity = (status.st_dev, status.st_ino)
                if identity != self._file or status.st_size < self._offset:
                    self._go_to(self._number)
                    self._file = identity
                file.seek(self._offset)
                yield from self._entries(path, file)
        except FileNotFoundError:
            # The oldest go while others are being written.
            return
        except OSError as error:
            yield Unread(what=str(path), why=error.strerror or str(error))

    def _entries(self, path: Path, file: BinaryIO) -> Iterator[Entry | Unread]:
        bad = 0
        while data := file.readline(LONGEST_LINE + 1):
            whole = data.endswith(b"\n")
            if not whole and len(data) <= LONGEST_LINE:
                # It is being written just now, and is read once it has its end.
                break
            self._offset += len(data)
            entry = entry_of(data) if whole and not self._within_long_line else None
            self._within_long_line = not whole
            if entry is not None:
                yield entry
            elif whole and data.strip():
                bad += 1
        if bad:
            yield Unread(what=str(path), why=f"{bad} lines aren't understood" if bad > 1 else "a line isn't understood")


def _open(path: Path) -> BinaryIO:
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
