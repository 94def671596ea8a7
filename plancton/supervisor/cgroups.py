"""The cgroups that an engine with the cgroupfs driver made for this instance's pilots, and leaves behind."""

import contextlib
from pathlib import Path

from plancton.common.cgroup_mounts import cgroup_mounts
from plancton.common.naming import cgroup_path


def remove_empty(instance: str, mounts: Path = Path("/proc/mounts")) -> None:
    """Remove the instance's cgroup from each hierarchy where nothing is in it any more.

    The kernel refuses to remove one that still holds a pilot. A systemd slice is systemd's own to remove.
    """
    place = cgroup_path(instance, "cgroupfs")
    for mount in cgroup_mounts(mounts.read_text(encoding="utf-8", errors="surrogateescape")):
        with contextlib.suppress(OSError):
            Path(mount.directory, place).rmdir()
