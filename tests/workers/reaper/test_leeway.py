"""All pilots have the normal weight while somebody is within, and what they had before afterwards."""

from pathlib import Path

import pytest

from plancton.workers.reaper.leeway import Leeway

INSTANCE = "0123abcd"


class Machine:
    """A made-up cgroup tree whose files behave as the kernel's."""

    def __init__(self, root: Path, kind: str, *groups: str) -> None:
        mounts = {
            "v1": f"cgroup {root}/cpu cgroup rw,cpu,cpuacct 0 0\ncgroup {root}/memory cgroup rw,memory 0 0\n",
            "v2": f"cgroup2 {root}/cpu cgroup2 rw 0 0\n",
        }
        (root / "mounts").write_text(f"proc /proc proc rw 0 0\n{mounts[kind]}short line\n")
        self.groups = [root / "cpu" / group for group in groups]
        for group in self.groups:
            group.mkdir(parents=True, exist_ok=True)
        self.leeway = Leeway(INSTANCE, root / "mounts")

    def write(self, name: str, content: str) -> None:
        """Put this into each group."""
        for group in self.groups:
            (group / name).write_text(f"{content}\n")

    def read(self, name: str) -> list[str]:
        """Return what each group says."""
        return [(group / name).read_text().strip() for group in self.groups]


PLACES = {
    "cgroupfs": (f"plancton-{INSTANCE}",),
    "systemd": ("plancton.slice", f"plancton.slice/plancton-{INSTANCE}.slice"),
}
WEIGHTS = {
    ("v1", "cpu.idle"): ("1", "0"),
    ("v1", "cpu.shares"): ("2", "1024"),
    ("v2", "cpu.idle"): ("1", "0"),
    ("v2", "cpu.weight"): ("1", "100"),
}
"""The least and the normal one."""


@pytest.mark.parametrize("driver", PLACES)
@pytest.mark.parametrize(("kind", "name"), WEIGHTS)
def test_the_least_weight_becomes_normal_and_the_least_again(tmp_path: Path, driver: str, kind: str, name: str) -> None:
    least, normal = WEIGHTS[kind, name]
    machine = Machine(tmp_path, kind, *PLACES[driver])
    machine.write(name, least)
    with machine.leeway:
        assert set(machine.read(name)) == {normal}
    assert set(machine.read(name)) == {least}


@pytest.mark.parametrize(("name", "content"), [("cpu.idle", "0"), ("cpu.shares", "1024"), ("cpu.weight", "4000")])
def test_a_weight_that_is_normal_or_more_is_not_touched(tmp_path: Path, name: str, content: str) -> None:
    machine = Machine(tmp_path, "v1", *PLACES["cgroupfs"])
    machine.write(name, content)
    before = (machine.groups[0] / name).stat()
    with machine.leeway:
        assert machine.read(name) == [content]
    after = (machine.groups[0] / name).stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_of_several_within_the_last_one_restores_it(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "v1", *PLACES["cgroupfs"])
    machine.write("cpu.shares", "102")
    with machine.leeway:
        with machine.leeway:
            assert machine.read("cpu.shares") == ["1024"]
        assert machine.read("cpu.shares") == ["1024"]
    assert machine.read("cpu.shares") == ["102"]
    machine.write("cpu.shares", "51")
    with machine.leeway:
        assert machine.read("cpu.shares") == ["1024"]
    assert machine.read("cpu.shares") == ["51"]


def test_it_is_restored_when_the_call_within_breaks(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "v1", *PLACES["cgroupfs"])
    machine.write("cpu.idle", "1")
    with pytest.raises(RuntimeError), machine.leeway:
        raise RuntimeError
    assert machine.read("cpu.idle") == ["1"]


def test_no_other_group_is_touched(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "v1", "plancton-ffffffff", "docker", "", "plancton.slice/plancton-ffffffff.slice")
    machine.write("cpu.idle", "1")
    with machine.leeway:
        assert set(machine.read("cpu.idle")) == {"1"}


def test_what_can_not_be_read_or_written_is_left_alone(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "v1", *PLACES["cgroupfs"])
    with machine.leeway:
        pass
    machine.write("cpu.idle", "?")
    machine.write("cpu.shares", "?")
    with machine.leeway:
        assert machine.read("cpu.shares") == ["?"]
    with Leeway(INSTANCE, tmp_path / "missing"):
        pass
