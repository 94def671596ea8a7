"""The lock of a run directory: at most one planctond, workers of a dead one included, works with it at a time.

It is a ``flock`` whose open file every worker inherits, so that the kernel frees it when the last process of that
planctond is gone, and not before.
"""

import fcntl
import os
from pathlib import Path


class Held(Exception):  # noqa: N818 - it names what was found
    """The lock is another's. ``pid`` is the planctond that took it, None where that can't be read."""

    def __init__(self, path: Path, pid: int | None) -> None:
        """Tell which lock and whose."""
        self.pid = pid
        super().__init__(f"{path} is held by planctond, pid {pid if pid is not None else 'unknown'}")


def _holder(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None


def acquire(path: Path) -> int:
    """Take the lock, write this process's id into the file and return its descriptor, to be kept open.

    Raises:
        Held: if another process has it.

    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Held(path, _holder(path)) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
    return descriptor


def is_held(descriptor: int, path: Path) -> bool:
    """Tell whether the lock taken as ``descriptor`` is still the one at ``path``, and not of a file taken away."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except (FileNotFoundError, NotADirectoryError):
        return False


def holder(path: Path) -> int | None:
    """Return the pid of the planctond that holds the lock, 0 where it can't be read, None where nobody holds it.

    Raises:
        PermissionError: if this user may not look.

    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(path) or 0
    finally:
        os.close(descriptor)
    return None
