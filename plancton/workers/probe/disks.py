"""Whose the bytes are that disks read and wrote: pure.

Sources: admin-guide/iostats and the pages on cgroup v1's blkio and v2's io in the kernel's documentation.
"""

import re
from collections.abc import Iterable, Mapping

import msgspec

from plancton.workers.probe.kernel import used_between

_SECTOR_BYTES = 512
"""In /proc/diskstats, whatever the disk's own sectors are."""
_NO_DISKS = re.compile(r"(?:loop|ram|zram|sr|fd)\d|(?:dm-|md|drbd|bcache|zd)\d|nvme\d+c\d+n\d")
"""Not disks; or made of other disks, which are counted by themselves; or one of several paths to a disk."""
_LEAST_KNOWN = 0.9
"""Of all bytes that disks read and wrote; if it is known of fewer whose they are, the pilots' share isn't known."""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes read from and written to one disk."""

    read_bytes: int = 0
    written_bytes: int = 0


Moves = Mapping[str, Moved]
"""What was moved on each disk, by its number such as 8:0."""


class PilotsMoves(msgspec.Struct, frozen=True, kw_only=True):
    """The counters of the pilots' cgroups."""

    by_cgroup: Mapping[str, Moves]
    """On v2 the pilots' parent's alone, which keeps those of pilots that ended. v1's forgets them, and has been seen to
    jump when one ends, so there each pilot's own is taken."""
    everybodys: Moves | None = None
    """What v1's counters show of all processes; None on v2."""


def parse_diskstats(text: str) -> dict[str, Moved]:
    """Read /proc/diskstats: whole disks only, and each byte once.

    Left out are partitions (called as another device, with a number behind), loop devices, RAM disks, optical drives
    and floppies, and what is made of other disks (device mapper, RAID).
    """
    lines = [words for line in text.splitlines() if len(words := line.split()) >= 10]  # noqa: PLR2004 - as used below
    names = {words[2] for words in lines}
    return {
        f"{words[0]}:{words[1]}": Moved(
            read_bytes=int(words[5]) * _SECTOR_BYTES, written_bytes=int(words[9]) * _SECTOR_BYTES
        )
        for words in lines
        if not _NO_DISKS.match(words[2]) and not _is_partition(words[2], names)
    }


def parse_service_bytes(text: str) -> dict[str, Moved]:
    """Read v1's blkio.throttle.io_service_bytes, or its recursive form."""
    moves: dict[str, Moved] = {}
    for line in text.splitlines():
        match line.split():
            case [disk, "Read", count]:
                moves[disk] = Moved(read_bytes=int(count), written_bytes=moves.get(disk, Moved()).written_bytes)
            case [disk, "Write", count]:
                moves[disk] = Moved(read_bytes=moves.get(disk, Moved()).read_bytes, written_bytes=int(count))
    return moves


def parse_io_stat(text: str) -> dict[str, Moved]:
    """Read v2's io.stat."""
    moves: dict[str, Moved] = {}
    disk = ""
    # Some kernels don't end the line of a device that did nothing, so lines tell nothing.
    for word in text.split():
        key, equals, value = word.partition("=")
        if not equals:
            disk = word
        elif key == "rbytes":
            moves[disk] = Moved(read_bytes=int(value), written_bytes=moves.get(disk, Moved()).written_bytes)
        elif key == "wbytes":
            moves[disk] = Moved(read_bytes=moves.get(disk, Moved()).read_bytes, written_bytes=int(value))
    return moves


def moved_between(before: Moves, after: Moves) -> dict[str, Moved]:
    """Return what was moved between two readings of the counters."""
    return {
        disk: Moved(
            read_bytes=int(used_between(before.get(disk, Moved()).read_bytes, moved.read_bytes)),
            written_bytes=int(used_between(before.get(disk, Moved()).written_bytes, moved.written_bytes)),
        )
        for disk, moved in after.items()
    }


def pilots_share(
    disks_before: Moves, disks_after: Moves, pilots_before: PilotsMoves | None, pilots_after: PilotsMoves | None
) -> float | None:
    """Return the pilots' share of all bytes moved, 0 to 1; 0 where none were moved, None where nobody can tell.

    v1 counts buffered writes as nobody's, so whose all other writes are isn't known; and from 6.10 on it counts only on
    disks for which some cgroup was once given a limit. Both leave the share unknown, unless it makes no difference.
    """
    disks = moved_between(disks_before, disks_after)
    total = _sum(disks.values())
    if total == Moved():
        return 0.0
    if pilots_before is None or pilots_after is None:
        return None
    # A cgroup that wasn't there before may be an old one, only not known yet.
    growths = [
        moved_between(pilots_before.by_cgroup[cgroup], moves)
        for cgroup, moves in pilots_after.by_cgroup.items()
        if cgroup in pilots_before.by_cgroup
    ]
    theirs = _sum(moved for moves in growths for disk, moved in moves.items() if disk in disks)
    known = _bytes(total)
    if pilots_after.everybodys is not None:
        known -= max(0, total.written_bytes - theirs.written_bytes)
        known -= sum(
            moved.read_bytes for disk, moved in disks.items() if not _counted(disk, pilots_before, pilots_after)
        )
    if known < _LEAST_KNOWN * _bytes(total):
        return None
    return min(1.0, _bytes(theirs) / _bytes(total))


def _counted(disk: str, before: PilotsMoves, after: PilotsMoves) -> bool:
    """Tell whether v1 counts on this disk at all, of which it is known that something was moved."""
    return (before.everybodys or {}).get(disk) != (after.everybodys or {}).get(disk)


def _bytes(moved: Moved) -> int:
    return moved.read_bytes + moved.written_bytes


def _sum(moves: Iterable[Moved]) -> Moved:
    read = written = 0
    for moved in moves:
        read += moved.read_bytes
        written += moved.written_bytes
    return Moved(read_bytes=read, written_bytes=written)


def _is_partition(name: str, names: set[str]) -> bool:
    disk = name.rstrip("0123456789")
    # A disk whose own name ends in a digit has a p before the partition's number.
    return disk != name and (disk in names or (disk.endswith("p") and disk[-2:-1].isdigit() and disk[:-1] in names))
