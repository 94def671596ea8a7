"""The journal's files, written: within a bound, each line whole, and on a line of its own whatever came before.

Nothing is kept between two calls: what is on disk is looked at anew, whoever changed it meanwhile.
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from plancton.common.journal import SEGMENTS, segment_number, segment_path


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What came of writing lines: so many of them are on disk, and what kept the others from it."""

    lines: int
    problem: str = ""


def append(directory: Path, lines: Sequence[bytes], most_bytes: int) -> Written:
    """Write ``lines`` at the journal's end, and drop its oldest segments where it would be larger than ``most_bytes``.

    A line that couldn't be written, or only in part, isn't tried again, nor are those behind it.
    """
    written = 0
    try:
        for new in (directory.parent, directory):
            new.mkdir(mode=0o700, exist_ok=True)
        with _Segments(directory, most_bytes) as segments:
            segments.shrink()
            for line in lines:
                segments.add(line)
                written += 1
    except OSError as error:
        return Written(lines=written, problem=error.strerror or str(error))
    return Written(lines=written)


class _Segments:
    """The segments of one directory, the newest of which is written to."""

    def __init__(self, directory: Path, most_bytes: int) -> None:
        self._directory = directory
        self._most_bytes = most_bytes
        self._sizes: dict[int, int] = {}
        self._newest = 0
        self._descriptor: int | None = None
        for path in directory.iterdir():
            number = segment_number(path.name)
            if number is None:
                continue
            self._newest = max(self._newest, number)
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                self._sizes[number] = status.st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._close()

    def add(self, line: bytes) -> None:
        """Write one line."""
        size = self._sizes.get(self._newest)
        if size is None or size + len(line) + 1 > self._most_bytes // SEGMENTS:
            self._close()
            self._newest += 1
            self._sizes[self._newest] = 0
        # One more byte for the end of a line that was left without one.
        self.shrink(len(line) + 1)
        self._write(self._open(), line)

    def shrink(self, more: int = 0) -> None:
        """Drop the oldest segments until there is room for ``more`` bytes."""
        for number in sorted(self._sizes):
            if sum(self._sizes.values()) + more <= self._most_bytes:
                return
            segment_path(self._directory, number).unlink(missing_ok=True)
            del self._sizes[number]

    def _open(self) -> int:
        if self._descriptor is None:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            self._descriptor = os.open(segment_path(self._directory, self._newest), flags, 0o600)
            size = os.fstat(self._descriptor).st_size
            if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
                self._write(self._descriptor, b"\n")
        return self._descriptor

    def _write(self, descriptor: int, data: bytes) -> None:
        left = data
        while left:
            number = os.write(descriptor, left)
            self._sizes[self._newest] += number
            left = left[number:]

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
