"""The marker files of the run directory: looked at, made and removed, by planctond or in its absence by planctonctl."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from plancton.common.markers import MOST_BYTES, Markers, snooze_from, snooze_to, terms_from, terms_to
from plancton.common.paths import Paths

T = TypeVar("T")


class MarkerFiles:
    """The hands on the marker files. Whatever stands in a marker's place, looking at it never waits."""

    def __init__(self, paths: Paths) -> None:
        """Look in the run directory of ``paths``."""
        self._paths = paths

    def look(self) -> tuple[Markers, tuple[str, ...]]:
        """Return what they say, and what of it isn't understood, one line each."""
        problems: list[str] = []
        paths = self._paths
        markers = Markers(
            drain=_said(paths.drain_marker, terms_from, problems),
            stop=_said(paths.stop_marker, terms_from, problems),
            force_stop=os.path.lexists(paths.force_stop_marker),
            snooze_until_unix=_said(paths.snooze_marker, snooze_from, problems),
        )
        return markers, tuple(problems)

    def write(self, markers: Markers) -> None:
        """Make and remove files until they say ``markers``; one that says so already stays as it is.

        Raises:
            OSError: if one can't be made or removed.

        """
        now, _ = self.look()
        paths = self._paths
        _set(paths.snooze_marker, markers.snooze_until_unix, now.snooze_until_unix, snooze_to)
        _set(paths.drain_marker, markers.drain, now.drain, terms_to)
        _set(paths.stop_marker, markers.stop, now.stop, terms_to)
        _set(paths.force_stop_marker, markers.force_stop or None, now.force_stop or None, lambda _: b"")


def _said(path: Path, meaning: Callable[[bytes | None], tuple[T, str]], problems: list[str]) -> T | None:
    """Return what a marker says, None where there is none."""
    if not os.path.lexists(path):
        return None
    said, problem = meaning(_content(path))
    if problem:
        problems.append(f"the marker {path} {problem}")
    return said


def _content(path: Path) -> bytes | None:
    """Return a file's first bytes; None of a link, a directory, and whatever can't be read."""
    try:
        # Without O_NONBLOCK a FIFO would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(descriptor, MOST_BYTES + 1)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _set(path: Path, wanted: T | None, now: T | None, content: Callable[[T], bytes]) -> None:
    if wanted == now:
        return
    if wanted is None:
        _remove(path)
    else:
        _write(path, content(wanted))


def _write(path: Path, content: bytes) -> None:
    """Put ``content`` there in one step, so that nobody ever reads half of it."""
    new = path.with_name(f"plancton-{path.name}-{os.getpid()}.new")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        new.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        raise


def _remove(path: Path) -> None:
    """Remove a marker, made with touch or with mkdir."""
    try:
        path.unlink(missing_ok=True)
    except IsADirectoryError:
        path.rmdir()
