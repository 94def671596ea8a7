"""Which weight goes into which file of which cgroup, and what is said of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.settings import Settings
from plancton.workers.launcher.weight_plan import (
    FILES,
    Controller,
    Hierarchy,
    groups,
    hierarchies,
    in_force,
    properties,
    to_enable,
    writes,
)

V1 = """\
proc /proc proc rw 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/cpuset cgroup rw,relatime,cpuset 0 0
cgroup /sys/fs/cgroup/blkio cgroup rw,relatime,blkio 0 0
cgroup /elsewhere/cpu cgroup rw,cpu 0 0
"""


def test_a_v1_controller_is_the_one_in_use() -> None:
    assert hierarchies(V1) == {
        "cpu": Hierarchy(mount="/sys/fs/cgroup/cpu,cpuacct", unified=False),
        "io": Hierarchy(mount="/sys/fs/cgroup/blkio", unified=False),
    }


def test_what_no_v1_mount_has_is_in_the_unified_hierarchy() -> None:
    unified = Hierarchy(mount="/sys/fs/cgroup", unified=True)
    assert hierarchies("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\ncgroup2 /mnt cgroup2 rw 0 0") == {
        "cpu": unified,
        "io": unified,
    }


def test_a_mount_point_may_have_any_name_and_a_line_may_be_odd() -> None:
    text = "cgroup /a\\040b\\134c cgroup rw,cpu 0 0\n\ncgroup\nx y z\n"
    assert hierarchies(text) == {"cpu": Hierarchy(mount="/a b\\c", unified=False)}
    assert hierarchies("") == {}


def test_the_weighted_groups_are_neighbours_of_the_owners() -> None:
    assert groups("0123abcd", "cgroupfs") == ("plancton-0123abcd",)
    assert groups("0123abcd", "systemd") == ("plancton.slice", "plancton.slice/plancton-0123abcd.slice")


@pytest.mark.parametrize(
    ("available", "enabled", "missing"),
    [
        ("cpuset cpu io memory\n", "memory\n", "+cpu"),
        ("cpuset cpu io memory\n", "cpu memory\n", ""),
        ("cpuset memory\n", "", ""),
        ("", "", ""),
    ],
)
def test_a_controller_is_enabled_where_it_is_there_and_is_not_yet(available: str, enabled: str, missing: str) -> None:
    assert to_enable(available, enabled, "cpu") == missing


V1_NEW = {"cpu.idle": "0\n", "cpu.shares": "1024\n"}
V1_OLD = {"cpu.shares": "1024\n"}
V2_NEW = {"cpu.idle": "0\n", "cpu.weight": "100\n"}
V2_OLD = {"cpu.weight": "100\n"}


@pytest.mark.parametrize(
    ("there", "weight", "expected"),
    [
        (V1_NEW, "idle", [("cpu.idle", "1")]),
        (V1_OLD, "idle", [("cpu.shares", "2")]),
        (V2_NEW, "idle", [("cpu.idle", "1")]),
        (V2_OLD, "idle", [("cpu.weight", "1")]),
        (V1_NEW, "100", []),
        (V2_NEW, "100", []),
        (V1_NEW, "50", [("cpu.shares", "512")]),
        (V1_OLD, "1", [("cpu.shares", "10")]),
        (V2_OLD, "10000", [("cpu.weight", "10000")]),
        ({"cpu.idle": "1\n", "cpu.shares": "3\n"}, "idle", []),
        ({"cpu.idle": "1\n", "cpu.shares": "3\n"}, "100", [("cpu.idle", "0"), ("cpu.shares", "1024")]),
        ({"cpu.idle": "1\n", "cpu.weight": "0\n"}, "7", [("cpu.idle", "0"), ("cpu.weight", "7")]),
        ({}, "idle", []),
    ],
)
def test_a_cpu_weight_is_written_where_it_differs_and_idle_is_left_first(
    there: dict[str, str], weight: str, expected: list[tuple[str, str]]
) -> None:
    assert list(writes("cpu", weight, there)) == expected


@pytest.mark.parametrize(
    ("there", "weight", "expected"),
    [
        ({"blkio.bfq.weight": "100\n"}, "idle", [("blkio.bfq.weight", "1")]),
        ({"blkio.weight": "500\n"}, "idle", [("blkio.weight", "10")]),
        ({"io.bfq.weight": "default 100\n", "io.weight": "default 100\n8:0 300\n"}, "idle", None),
        ({"io.weight": "default 1\n8:0 300\n"}, "idle", []),
        ({"blkio.bfq.weight": "100\n", "blkio.weight": "500\n"}, "100", []),
        ({"blkio.bfq.weight": "1\n", "blkio.weight": "10\n"}, "50", None),
        ({"io.bfq.weight": "default 100\n"}, "10000", [("io.bfq.weight", "1000")]),
        ({"io.weight": "default 100\n"}, "10000", [("io.weight", "10000")]),
        ({}, "idle", []),
    ],
)
def test_an_io_weight_goes_to_each_scheduler_that_has_one(
    there: dict[str, str], weight: str, expected: list[tuple[str, str]] | None
) -> None:
    found = writes("io", weight, there)
    if expected is None:
        assert [file for file, _content in found] == list(there)
    else:
        assert list(found) == expected


CONTROLLERS: tuple[Controller, ...] = ("cpu", "io")
NUMBERS = st.integers(1, 10_000).map(str)
LAYOUTS = st.sampled_from(
    [V1_NEW, V1_OLD, V2_NEW, V2_OLD, {"cpu.idle": "1", "cpu.shares": "3"}, {"cpu.idle": "1", "cpu.weight": "0"}]
)


@given(there=LAYOUTS, weight=NUMBERS | st.just("idle"))
def test_what_was_written_is_not_written_again_and_is_within_what_the_kernel_takes(
    there: dict[str, str], weight: str
) -> None:
    for controller in CONTROLLERS:
        files = there if controller == "cpu" else dict.fromkeys(FILES["io"], "100")
        written = dict(writes(controller, weight, files))
        assert writes(controller, weight, {**files, **written}) == ()
        assert 2 <= int(written.get("cpu.shares", "2")) <= 262_144
        assert 1 <= int(written.get("blkio.bfq.weight", "1")) <= 1000


@given(low=st.integers(1, 10_000), high=st.integers(1, 10_000))
def test_a_greater_number_is_never_a_lesser_weight(low: int, high: int) -> None:
    low, high = min(low, high), max(low, high)
    files = dict.fromkeys(FILES["io"], "") | {"cpu.shares": ""}
    for controller in CONTROLLERS:
        lesser, greater = dict(writes(controller, str(low), files)), dict(writes(controller, str(high), files))
        assert all(int(lesser[file]) <= int(greater[file]) for file in lesser)
        idle = dict(writes(controller, "idle", files))
        assert all(int(idle[file]) <= int(lesser[file]) for file in lesser)


@pytest.mark.parametrize(
    ("controller", "there", "text"),
    [
        ("cpu", {"cpu.idle": "1\n", "cpu.shares": "3\n"}, "cpu.idle=1"),
        ("cpu", {"cpu.idle": "0\n", "cpu.shares": "512\n"}, "cpu.shares=512"),
        ("cpu", {"cpu.weight": "1\n"}, "cpu.weight=1"),
        ("io", {"io.bfq.weight": "default 1\n", "io.weight": "default 1\n8:0 5\n"}, "io.bfq.weight=1, io.weight=1"),
        ("io", {}, ""),
    ],
)
def test_what_is_in_force_is_said_in_the_kernels_words(
    controller: Controller, there: dict[str, str], text: str
) -> None:
    assert in_force(controller, there) == text


@pytest.mark.parametrize(
    ("wanted", "knows_idle", "expected"),
    [
        ({"cpu": "idle", "io": "idle"}, True, ("CPUWeight=idle", "IOWeight=1")),
        ({"cpu": "idle", "io": "idle"}, False, ("CPUWeight=1", "IOWeight=1")),
        ({"cpu": "50"}, True, ("CPUWeight=50",)),
        ({"io": "50"}, False, ("IOWeight=50",)),
        ({}, True, ()),
    ],
)
def test_systemd_is_told_in_its_own_words(
    wanted: dict[Controller, str], *, knows_idle: bool, expected: tuple[str, ...]
) -> None:
    assert properties(wanted, knows_idle=knows_idle) == expected


def test_the_settings_defaults_are_the_least_weights() -> None:
    assert (Settings().cpu_weight, Settings().io_weight) == ("idle", "idle")
