"""Where cgroup file systems are mounted."""

from hypothesis import given
from hypothesis import strategies as st

from plancton.common.cgroup_mounts import CgroupMount, cgroup_mounts

HYBRID = """\
proc /proc proc rw 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime,nsdelegate 0 0
cgroup /a\\040b\\134c cgroup rw,memory 0 0
"""


def test_both_versions_are_found_with_what_they_control() -> None:
    first, second, third = cgroup_mounts(HYBRID)
    assert (first.directory, first.unified) == ("/sys/fs/cgroup/cpu,cpuacct", False)
    assert {"cpu", "cpuacct"} <= first.controllers
    assert second == CgroupMount(directory="/sys/fs/cgroup/unified", unified=True, controllers=frozenset())
    assert third.directory == "/a b\\c"


def test_what_is_no_line_of_it_counts_for_nothing() -> None:
    assert cgroup_mounts("") == cgroup_mounts("cgroup /a cgroup\n\nnonsense") == ()


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert all(mount.unified or mount.controllers for mount in cgroup_mounts(text))
