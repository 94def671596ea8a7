"""Each pilot's own directory: its deadline goes in, its word on what its end would lose comes out.

The pilot sees the directory read-only, and in it ``out``, where it may write. What is in ``out`` may be anything, made
by somebody who wishes us ill: no link is followed, nothing is waited for, little is read, and only regular files are
opened, for even opening a device may do something.
"""

import contextlib
import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from plancton.common.naming import parse_name

_DEADLINE, _OUT, _STATE = "deadline", "out", "state"
_MOST_BYTES = 64
"""Longer than any first line that says something."""
_LARGEST_ID = 2**31 - 1
_BUSY = re.compile(rb"busy +([0-9]{1,12}(?:\.[0-9]{1,9})?)")
_CLOCK_SLACK_SECONDS = 1.0
"""A pilot may round its clock up."""
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """What a pilot says of itself. It may lie: at most it says when it began what would be lost."""

    busy_since_unix: float | None = None
    """Not in the future, but possibly before the pilot itself was made."""
    safe_to_stop: bool = False


def mounts(host: Path, inside: str) -> list[str]:
    """Return the binds by which a pilot finds its directory ``host`` at ``inside``, in the engine's words."""
    return [f"{host}:{inside}:ro", f"{host}/{_OUT}:{inside}/{_OUT}:rw"]


class PilotDirectories:
    """The directories of one instance's pilots, each called as its container.

    A ``name`` that no container of a pilot can have is a ValueError.
    """

    def __init__(self, state: Path) -> None:
        """Work in ``state``/pilots, which is made when it's needed; ``state`` is the instance's own."""
        self._root = state / "pilots"

    def create(self, name: str, user_group: str, deadline_unix: float) -> Path:
        """Make the directory of a pilot that runs as ``user_group``, and return it; one that is there is made right.

        Raises:
            OSError: if it can't be made, or has a path that the engine can't be told.

        """
        place = self._place(name)
        if ":" in str(place) or not str(place).isprintable():
            # Neither a colon nor undecodable bytes can be told in a bind.
            raise OSError(errno.EINVAL, "can't be bound into a container because of its path", str(place))
        place.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._root.chmod(0o700)
        with _opened(place) as directory:
            os.fchmod(directory, 0o755)
            with contextlib.suppress(FileExistsError):
                os.mkdir(_OUT, mode=0o700, dir_fd=directory)
            with _opened(_OUT, directory) as out:
                _give(out, user_group)
        self.write_deadline(name, deadline_unix)
        return place

    def write_deadline(self, name: str, deadline_unix: float) -> bool:
        """Tell a pilot until when it may run, if it isn't told so already; a directory that is gone is no error.

        The pilot sees the old deadline or the new one, whole. Returns whether it changed.

        Raises:
            OSError: if it can't be written.

        """
        text = f"{int(deadline_unix)}\n".encode()
        try:
            with _opened(self._place(name)) as directory:
                if _first_bytes(_DEADLINE, directory) == text:
                    return False
                _replace(_DEADLINE, text, directory)
        except FileNotFoundError:
            return False
        return True

    def read_word(self, name: str) -> Word | None:
        """Return what the pilot says of itself; None where it says nothing, or nothing that can be believed."""
        try:
            with _opened(self._place(name)) as directory, _opened(_OUT, directory) as out:
                written = _first_bytes(_STATE, out)
        except OSError:
            return None
        line, end, _rest = written.partition(b"\n")
        if not end and len(written) >= _MOST_BYTES:
            return None
        return _word(line.strip(b" \t\r"), time.time())

    def remove(self, name: str) -> None:
        """Remove the directory with all that the pilot put there, however deep; one that is gone is no error.

        Raises:
            OSError: if something in it can't be removed; another attempt goes on from there.

        """
        place = self._place(name)
        try:
            with _opened(place) as directory:
                _empty(directory)
            place.rmdir()
        except FileNotFoundError:
            return

    def names(self) -> set[str]:
        """Return the pilots that have a directory, one made for a launch under way included."""
        try:
            with os.scandir(self._root) as entries:
                return {each.name for each in entries if parse_name(each.name) and each.is_dir(follow_symlinks=False)}
        except FileNotFoundError:
            return set()

    def _place(self, name: str) -> Path:
        if parse_name(name) is None:
            msg = f"{name!r} isn't a pilot's name"
            raise ValueError(msg)
        return self._root / name


@contextlib.contextmanager
def _opened(path: Path | str, below: int | None = None, flags: int = _DIRECTORY) -> Iterator[int]:
    descriptor = os.open(path, flags, dir_fd=below)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _give(out: int, user_group: str) -> None:
    """Let the pilot write there: it alone where it's known by a number and we may give directories away."""
    user, _, group = user_group.partition(":")
    uid, gid = _number(user), _number(group)
    if uid is None or os.geteuid() != 0:
        # The state directory above lets nobody else in.
        os.fchmod(out, 0o777)
        return
    os.fchown(out, uid, -1 if gid is None else gid)
    os.fchmod(out, 0o700)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and int(text) <= _LARGEST_ID else None


def _first_bytes(name: str, directory: int) -> bytes:
    """Return a regular file's first bytes; nothing where there is no such file, or something else of that name."""
    try:
        with _opened(name, directory, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC) as there:
            if not stat.S_ISREG(os.fstat(there).st_mode):
                return b""
            # The very file that was looked at. Without waiting: its owner may hold a lease on it.
            flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
            with _opened(f"/proc/self/fd/{there}", flags=flags) as file:
                return os.read(file, _MOST_BYTES)
    except OSError:
        return b""


def _replace(name: str, content: bytes, directory: int) -> None:
    temporary = f".{name}-{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, mode=0o600, dir_fd=directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o644)
            file.write(content)
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=directory)
        raise


def _word(line: bytes, now_unix: float) -> Word | None:
    if line == b"safe":
        return Word(safe_to_stop=True)
    busy = _BUSY.fullmatch(line)
    since = float(busy[1]) if busy else None
    if since is None or since > now_unix + _CLOCK_SLACK_SECONDS:
        return None
    return Word(busy_since_unix=since)


def _empty(root: int) -> None:
    """Remove all that is in a directory, with few descriptors open and without recursion however deep it is.

    Directories in a directory are moved up to the root before it's removed, so that none is ever deeper than one below.
    """
    while subdirectories := _unlink_all_but_directories(root):
        for name in subdirectories:
            with _opened_for_change(name, root) as directory:
                for deeper in _unlink_all_but_directories(directory):
                    with _opened_for_change(deeper, directory):
                        os.rename(deeper, secrets.token_hex(8), src_dir_fd=directory, dst_dir_fd=root)
            os.rmdir(name, dir_fd=root)


@contextlib.contextmanager
def _opened_for_change(name: str, below: int) -> Iterator[int]:
    """Open a directory, which its owner may have closed to everybody."""
    with _opened(name, below, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC) as there:
        place = f"/proc/self/fd/{there}"
        with contextlib.suppress(PermissionError):
            os.chmod(place, 0o700)  # noqa: PTH101 - by descriptor, so that no link is followed
        with _opened(place, flags=os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) as directory:
            yield directory


def _unlink_all_but_directories(directory: int) -> list[str]:
    """Return the names of the directories that remain."""
    subdirectories = []
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                subdirectories.append(entry.name)
            else:
                os.unlink(entry.name, dir_fd=directory)
    return subdirectories
