"""Where cgroup file systems are mounted, as /proc/mounts tells it: pure."""

import re

import msgspec

_ESCAPED = re.compile(r"\\([0-7]{3})")


class CgroupMount(msgspec.Struct, frozen=True, kw_only=True):
    """One hierarchy of control groups."""

    directory: str
    unified: bool
    """True for version 2, which says elsewhere what its controllers are."""
    controllers: frozenset[str]
    """What a hierarchy of version 1 controls, among its other mount options."""


def cgroup_mounts(text: str) -> tuple[CgroupMount, ...]:
    """Read /proc/mounts (proc(5)), in the order of mounting; lines that aren't of its form count for nothing."""
    found = []
    for line in text.splitlines():
        words = line.split(" ")
        if len(words) < 4 or words[2] not in {"cgroup", "cgroup2"}:  # noqa: PLR2004 - device, directory, type, options
            continue
        found.append(
            CgroupMount(
                # The kernel writes blanks and backslashes so.
                directory=_ESCAPED.sub(lambda match: chr(int(match[1], 8)), words[1]),
                unified=words[2] == "cgroup2",
                controllers=frozenset() if words[2] == "cgroup2" else frozenset(words[3].split(",")),
            )
        )
    return tuple(found)
