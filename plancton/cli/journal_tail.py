"""The journal of decisions followed: what it tells, and then what is added, across rotations and restarts."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from plancton.common.journal import Unread, open_segment, segment_number, segment_path
from plancton.common.journal_entries import Entry
from plancton.common.journal_lines import LONGEST_LINE, entry_of


class Tail:
    """A place in the journal. The directory may be missing yet, and may be emptied and filled anew."""

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
            with open_segment(path) as file:
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
