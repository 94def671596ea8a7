"""Whose the bytes are that disks moved: the kernel's texts, and the pilots' share."""

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.workers.probe.disks import (
    Moved,
    PilotsMoves,
    moved_between,
    parse_diskstats,
    parse_io_stat,
    parse_service_bytes,
    pilots_share,
)

HERE = """   7       0 loop0 5 0 40 0 0 0 0 0 0 0 0 0 0 0 0 0 0
 254       0 vda 33534 7286 1990210 5797 9345 17775 1608376 4179 0 5432 10388 5026 62 78448 371 1173 40
 253       0 zram0 7 0 56 0 0 0 0 0 0 0 0 0 0 0 0 0 0
"""
LARGE = """   8       0 sda 9 9 100 9 9 9 10 9 0 9 9
   8       1 sda1 9 9 99 9 9 9 9 9 0 9 9
   8      16 sdaa 9 9 200 9 9 9 20 9 0 9 9
   8      17 sdaa11 9 9 9 9 9 9 9 9 0 9 9
 259       0 nvme0n1 9 9 300 9 9 9 30 9 0 9 9
 259       1 nvme0n1p1 9 9 9 9 9 9 9 9 0 9 9
 259       2 nvme1c0n1 9 9 9 9 9 9 9 9 0 9 9
 179       0 mmcblk0 9 9 400 9 9 9 40 9 0 9 9
 179       1 mmcblk0p2 9 9 9 9 9 9 9 9 0 9 9
 202       1 xvda1 9 9 500 9 9 9 50 9 0 9 9
  11       0 sr0 9 9 9 9 9 9 9 9 0 9 9
 253       0 dm-0 9 9 9 9 9 9 9 9 0 9 9
   9     127 md127 9 9 9 9 9 9 9 9 0 9 9
 259       9 md127p1 9 9 9 9 9 9 9 9 0 9 9
"""
"""xvda1 is a machine's of a cloud, which has no xvda."""


def moved(read: int, written: int = 0) -> Moved:
    return Moved(read_bytes=read, written_bytes=written)


def test_diskstats_are_those_of_whole_disks() -> None:
    assert parse_diskstats(HERE) == {"254:0": moved(1990210 * 512, 1608376 * 512)}
    assert {disk: each.read_bytes // 512 for disk, each in parse_diskstats(LARGE).items()} == {
        "8:0": 100,
        "8:16": 200,
        "259:0": 300,
        "179:0": 400,
        "202:1": 500,
    }


SERVICE_BYTES = """254:0 Read 4096
254:0 Write 16384
254:0 Sync 20480
254:0 Async 0
254:0 Discard 0
254:0 Total 20480
8:0 Write 512
Total 20992
"""
IO_STAT = """8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=50331648
8:0 rbytes=90430464 wbytes=299008000 rios=8950 wios=1252 dbytes=50331648 dios=3021
"""
IO_STAT_5_10 = "7:7 7:6 7:5 8:0 rbytes=4096 wbytes=512 rios=1 wios=1 dbytes=0 dios=0\n"


def test_what_cgroups_moved() -> None:
    assert parse_service_bytes(SERVICE_BYTES) == {"254:0": moved(4096, 16384), "8:0": moved(0, 512)}
    assert parse_service_bytes("Total 0\n") == {}
    assert parse_io_stat(IO_STAT) == {"8:16": moved(1459200, 314773504), "8:0": moved(90430464, 299008000)}
    assert parse_io_stat(IO_STAT_5_10) == {"8:0": moved(4096, 512)}
    assert parse_io_stat("") == {}


@pytest.mark.parametrize("read", [parse_diskstats, parse_service_bytes, parse_io_stat])
@given(st.text(max_size=200) | st.text("0123456789: rbytes=Wite\n", max_size=200))
def test_garbage_is_a_value_error_and_nothing_else(read: Callable[[str], object], text: str) -> None:
    with contextlib.suppress(ValueError):
        read(text)


def test_a_counter_that_fell_began_anew_and_a_disk_that_is_gone_moved_nothing() -> None:
    before = {"8:0": moved(100, 50), "8:16": moved(7)}
    assert moved_between(before, {"8:0": moved(130, 20)}) == {"8:0": moved(30, 20)}


def v2(read: int, written: int = 0, disk: str = "8:0") -> PilotsMoves:
    return PilotsMoves(by_cgroup={"parent": {disk: moved(read, written)}})


def v1(everybody: int, **pilots: tuple[int, int]) -> PilotsMoves:
    by_cgroup = {name: {"8:0": moved(*counts)} for name, counts in pilots.items()}
    return PilotsMoves(by_cgroup=by_cgroup, everybodys={"8:0": moved(everybody)})


def share(read: int, written: int, before: PilotsMoves | None, after: PilotsMoves | None) -> float | None:
    """Return the pilots' share of so many bytes."""
    return pilots_share({"8:0": moved(5000, 6000)}, {"8:0": moved(5000 + read, 6000 + written)}, before, after)


def test_the_share_on_v2() -> None:
    assert share(600, 400, v2(10, 10), v2(110, 160)) == 0.25
    assert share(600, 400, v2(10, 10), v2(10, 10)) == 0.0
    assert share(100, 0, v2(0), v2(900)) == 1.0
    assert share(600, 400, v2(10), v2(510, disk="253:0")) == 0.0


def test_nothing_moved_is_nothing_of_the_pilots_and_what_can_not_be_read_is_unknown() -> None:
    assert share(0, 0, v2(10), v2(10)) == 0.0
    assert share(0, 0, None, None) == 0.0
    assert share(10, 0, None, v2(10)) is None
    assert share(10, 0, v2(10), None) is None


def test_the_share_on_v1_is_the_sum_of_those_that_were_there_before() -> None:
    before = v1(900, a=(100, 0), b=(50, 0), ended=(70, 0))
    assert share(1000, 0, before, v1(950, a=(200, 0), b=(200, 0), known_late=(700, 0))) == 0.25


def test_v1_counts_buffered_writes_as_nobodys_so_many_of_them_leave_the_share_unknown() -> None:
    before = v1(900, a=(0, 0))
    assert share(1000, 50, before, v1(950, a=(525, 0))) == 0.5
    assert share(1000, 200, before, v1(950, a=(525, 0))) is None
    assert share(800, 200, before, v1(950, a=(300, 200))) == 0.5


def test_v1_of_newer_kernels_may_not_count_at_all_which_is_not_zero() -> None:
    assert share(1000, 0, v1(0, a=(0, 0)), v1(0, a=(0, 0))) is None


COUNT = st.integers(0, 10**6)
MOVES = st.dictionaries(st.sampled_from(["8:0", "8:16"]), st.builds(Moved, read_bytes=COUNT, written_bytes=COUNT))
PILOTS = st.none() | st.builds(
    PilotsMoves, by_cgroup=st.dictionaries(st.sampled_from("ab"), MOVES), everybodys=st.none() | MOVES
)


@given(MOVES, MOVES, PILOTS, PILOTS)
def test_whatever_the_counters_say_the_share_is_from_0_to_1_or_unknown(
    disks_before: dict[str, Moved],
    disks_after: dict[str, Moved],
    before: PilotsMoves | None,
    after: PilotsMoves | None,
) -> None:
    told = pilots_share(disks_before, disks_after, before, after)
    assert told is None or 0.0 <= told <= 1.0


@given(COUNT, COUNT, COUNT)
def test_the_more_they_moved_the_larger_their_share(pilots: int, more: int, others: int) -> None:
    all_of_it = pilots + more + others + 1
    few, many = (share(all_of_it, 0, v2(0), v2(theirs)) for theirs in (pilots, pilots + more))
    assert few is not None
    assert many is not None
    assert few <= many
