"""The kernel's texts, from old and new kernels and large hosts; garbage is a ValueError and nothing else."""

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.workers.probe.kernel import (
    CgroupMounts,
    parse_cpu_stat,
    parse_cpuacct,
    parse_meminfo,
    parse_memory_stat,
    parse_mounts,
    parse_populated,
    parse_stat,
    used_between,
)

STAT_TWO = """cpu  165351 9183 83958 613446 3350 0 1678 189 7 3
cpu0 75101 2070 40421 319611 919 0 189 86 0 0
cpu1 90249 7113 43536 293834 2431 0 1488 103 0 0
intr 11513988 0 0
ctxt 100
btime 1700000000
"""
STAT_2_6_32 = "cpu  100 0 50 1000 10 1 2 3 0\ncpu0 100 0 50 1000 10 1 2 3 0\nintr 5\n"
STAT_512 = "cpu  1 1 1 1 1 1 1 1 0 0\n" + "".join(f"cpu{n} 0 0 0 0 0 0 0 0 0 0\n" for n in range(512)) + "intr 0\n"
STAT_CPU_0_OFFLINE = "cpu  1 1 1 1 1 1 1 1 0 0\ncpu1 1 1 1 1 1 1 1 1 0 0\ncpu3 0 0 0 0 0 0 0 0 0 0\nintr 0\n"


@pytest.mark.parametrize(
    ("text", "ncpus", "busy_seconds", "stolen_seconds"),
    [
        (STAT_TWO, 2, (165351 + 9183 + 83958 + 1678) / 100, 1.89),
        (STAT_2_6_32, 1, 1.53, 0.03),
        (STAT_512, 512, 0.05, 0.01),
        (STAT_CPU_0_OFFLINE, 2, 0.05, 0.01),
    ],
)
def test_stat(text: str, ncpus: int, busy_seconds: float, stolen_seconds: float) -> None:
    times = parse_stat(text, 100.0)
    assert times.ncpus == ncpus
    assert times.busy_seconds == pytest.approx(busy_seconds)
    assert times.stolen_seconds == pytest.approx(stolen_seconds)


def test_waiting_for_io_is_idling() -> None:
    assert parse_stat(STAT_TWO.replace(" 3350 ", " 999999 "), 100.0) == parse_stat(STAT_TWO, 100.0)


MEMINFO = """MemTotal:       24601124 kB
MemFree:         1000000 kB
MemAvailable:   20000000 kB
SwapTotal:       2097148 kB
HugePages_Total:       0
Hugepagesize:       2048 kB
"""


def test_meminfo() -> None:
    figures = parse_meminfo(MEMINFO)
    assert figures.ram_bytes == 24601124 * 1024
    assert figures.available_bytes == 20000000 * 1024
    assert figures.swap_bytes == 2097148 * 1024


@pytest.mark.parametrize("missing", ["MemTotal", "MemAvailable", "SwapTotal"])
def test_meminfo_without_a_needed_line_is_refused(missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        parse_meminfo(MEMINFO.replace(missing, "Other"))


def test_cgroup_accounts() -> None:
    assert parse_cpuacct("1500000000\n") == 1.5
    assert parse_cpu_stat("usage_usec 2500000\nuser_usec 1\nsystem_usec 2\nnr_periods 0\n") == 2.5


MEMORY_STAT_V1 = """cache 20971520
rss 53248
shmem 20971520
mapped_file 4096
inactive_anon 21020672
hierarchical_memory_limit 104857600
total_cache 30971520
total_rss 63248
total_rss_huge 0
total_shmem 20971521
total_mapped_file 4096
total_swap 9
"""
MEMORY_STAT_V2 = """anon 1609728
file 26742784
kernel 4096000
shmem 12288
file_mapped 16998400
inactive_anon 9
"""


@pytest.mark.parametrize(
    ("text", "anonymous"),
    [
        (MEMORY_STAT_V1, 63248 + 20971521),
        (MEMORY_STAT_V1.replace("total_shmem", "total_other"), 63248),
        (MEMORY_STAT_V2, 1609728 + 12288),
    ],
)
def test_memory_that_can_not_be_dropped(text: str, anonymous: int) -> None:
    assert parse_memory_stat(text) == anonymous


@pytest.mark.parametrize(
    ("text", "populated"), [("populated 1\nfrozen 0\n", True), ("populated 0\n", False), ("", False)]
)
def test_whether_anybody_is_in_a_cgroup(*, text: str, populated: bool) -> None:
    assert parse_populated(text) is populated


V1 = """cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,nodev,noexec,relatime,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0
cgroup /sys/fs/cgroup/cpuset cgroup rw,relatime,cpuset 0 0
cgroup /sys/fs/cgroup/blkio cgroup rw,relatime,blkio 0 0
"""
V2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate,memory_recursiveprot 0 0\n"
HYBRID = V1 + "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,nosuid,nodev,noexec,relatime 0 0\n"
OTHERS = "proc /proc proc rw 0 0\noverlay / overlay rw,lowerdir=/a:/b 0 0\n\nodd\n"


@pytest.mark.parametrize(
    ("text", "mounts"),
    [
        (OTHERS, CgroupMounts()),
        (
            OTHERS + V1,
            CgroupMounts(
                cpuacct="/sys/fs/cgroup/cpu,cpuacct", memory="/sys/fs/cgroup/memory", blkio="/sys/fs/cgroup/blkio"
            ),
        ),
        (OTHERS + V2, CgroupMounts(unified="/sys/fs/cgroup")),
        (
            HYBRID,
            CgroupMounts(
                cpuacct="/sys/fs/cgroup/cpu,cpuacct",
                memory="/sys/fs/cgroup/memory",
                blkio="/sys/fs/cgroup/blkio",
                unified="/sys/fs/cgroup/unified",
            ),
        ),
    ],
)
def test_mounts(text: str, mounts: CgroupMounts) -> None:
    assert parse_mounts(text) == mounts


@pytest.mark.parametrize(
    "read",
    [
        lambda text: parse_stat(text, 100.0),
        parse_meminfo,
        parse_cpuacct,
        parse_cpu_stat,
        parse_memory_stat,
        parse_populated,
        parse_mounts,
    ],
)
@given(st.text(max_size=200) | st.text("cpu 0123456789usage_\n:kB", max_size=200))
def test_garbage_is_a_value_error_and_nothing_else(read: Callable[[str], object], text: str) -> None:
    with contextlib.suppress(ValueError):
        read(text)


@pytest.mark.parametrize(
    "read", [lambda text: parse_stat(text, 100.0), parse_meminfo, parse_cpuacct, parse_cpu_stat, parse_memory_stat]
)
@pytest.mark.parametrize(
    "text", ["", "\n", "garbage", "cpu", "cpu  1 2 3 4 5 6 7", "usage_usec", "usage_usec x", "anon x"]
)
def test_an_unfit_text_is_never_a_figure(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read(text)


@pytest.mark.parametrize(
    ("before", "after", "used"), [(5.0, 8.0, 3.0), (None, 8.0, 8.0), (9.0, 8.0, 8.0), (8.0, 8.0, 0.0)]
)
def test_a_counter_that_fell_began_anew(before: float | None, after: float, used: float) -> None:
    assert used_between(before, after) == used
