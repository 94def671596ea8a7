"""The normal weight that all pilots have for the moment in which some are suspended or killed.

To be frozen, or to die, a process must run once more, and pilots with the least weight aren't run for seconds while the
owner uses all CPUs. Measured so on two CPUs with cgroup v1: runc gave up 52 of 60 suspensions, each after a quarter of
a second; a kill took 2.4 s, a removal by force 3.7 s. With the normal weight meanwhile none failed, and they took about
20, 130 and 100 ms.
"""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from plancton.common.cgroup_mounts import cgroup_mounts
from plancton.common.naming import cgroup_path

_NORMAL = {"cpu.shares": 1024, "cpu.weight": 100}
"""Of a process group that nobody gave a weight."""


class Leeway:
    """Gives the pilots of one instance the normal CPU weight while at least one thread is within its context.

    What can't be read or written stays as it is: it's for speed. Should this process die within, the launcher, which
    looks after the weight, sets it again.
    """

    def __init__(self, instance: str, mounts: Path = Path("/proc/mounts")) -> None:
        """Be about the cgroups of ``instance``, wherever its engine's driver puts them."""
        self._instance = instance
        self._mounts = mounts
        self._lock = threading.Lock()
        self._within = 0
        self._before: list[tuple[Path, str]] = []
        """What the files said, in the order in which it's to be written back."""

    def __enter__(self) -> None:
        with self._lock:
            self._within += 1
            if self._within == 1:
                self._before = [each for group in self._groups() for each in _raised(group)]

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        with self._lock:
            self._within -= 1
            if self._within == 0:
                for file, content in self._before:
                    with contextlib.suppress(OSError):
                        file.write_text(content, encoding="ascii")

    def _groups(self) -> Iterator[Path]:
        """Return the groups whose weight keeps pilots from running: theirs, and the slice around it under systemd."""
        try:
            mounts = self._mounts.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return
        for mount in cgroup_mounts(mounts):
            if mount.unified or "cpu" in mount.controllers:
                for driver in ("cgroupfs", "systemd"):
                    path = Path(cgroup_path(self._instance, driver))
                    yield from (Path(mount.directory, each) for each in (path, *path.parents[:-1]))


def _raised(group: Path) -> list[tuple[Path, str]]:
    """Give a group the normal weight if it has less, and return what makes it as it was."""
    with contextlib.suppress(OSError):
        idle = group / "cpu.idle"
        if idle.read_text(encoding="ascii").strip() == "1":
            # The kernel gives it the normal weight then.
            idle.write_text("0", encoding="ascii")
            return [(idle, "1")]
    for name, normal in _NORMAL.items():
        with contextlib.suppress(OSError, ValueError):
            file = group / name
            before = file.read_text(encoding="ascii").strip()
            if int(before) < normal:
                file.write_text(str(normal), encoding="ascii")
                return [(file, before)]
    return []
