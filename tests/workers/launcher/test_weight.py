"""The pilots' weights: on a real kernel where cgroup v1 is concerned; v2 and systemd are directories that look so."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plancton.common.engine import Engine
from plancton.common.messages import ActiveSettings, LauncherState, LaunchOutcome, Outcome, Weight
from plancton.common.naming import LABEL_INSTANCE, container_name, instance_id
from plancton.common.settings import Settings
from plancton.supervisor.cgroups import remove_empty
from plancton.workers.launcher.weight import Weights
from plancton.workers.launcher.weight_plan import hierarchies
from plancton.workers.launcher.worker import Launcher
from plancton.workers.probe.accounts import Accounts
from plancton.workers.probe.kernel import parse_mounts
from tests.support.cgroup_files import cpu_group
from tests.support.contract import done
from tests.support.facts import target, wish
from tests.support.place import KeptPlace, tell
from tests.support.waiting import wait_for

INSTANCE = "0badcafe"
GROUP = f"plancton-{INSTANCE}"


class Tree:
    """A cgroup file system, as directories and files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.mounts = directory / "mounts"
        self.mounts.write_text("")

    def mount(self, name: str, kind: str, options: str) -> Path:
        """Mount a hierarchy, and return where."""
        place = self.directory / name
        place.mkdir()
        with self.mounts.open("a") as file:
            file.write(f"{kind} {place} {kind} rw,{options} 0 0\n")
        return place

    def unified(self, *groups: str, controllers: str = "cpuset cpu io memory") -> Path:
        """Mount v2 with these groups, each of which has the files of both controllers."""
        root = self.mount("unified", "cgroup2", "nsdelegate")
        fill(root, {"cgroup.controllers": f"{controllers}\n", "cgroup.subtree_control": "memory\n"})
        for group in groups:
            (root / group).mkdir()
            fill(root / group, {"cpu.idle": "0\n", "cpu.weight": "100\n", "io.weight": "default 100\n"})
        return root

    def weights(self) -> Weights:
        """Return what looks here; its state is kept here too."""
        return Weights(INSTANCE, self.directory, self.mounts)


def fill(directory: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (directory / name).write_text(content)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file with what a systemctl that takes everything was told; a test may put another in its place."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    become(programs / "systemctl", "")
    return programs / "told"


def become(program: Path, body: str) -> None:
    program.write_text(f'#!/bin/sh\n{body}\necho "$*" >> {program.parent}/told\n')
    program.chmod(0o755)


def told(systemctl: Path) -> list[str]:
    return systemctl.read_text().splitlines() if systemctl.exists() else []


def test_v2_is_idle_and_its_controllers_are_enabled(tree: Tree) -> None:
    root = tree.unified(GROUP)
    assert tree.weights().keep("cgroupfs", "idle", "idle") == Weight(cpu="cpu.idle=1", io="io.weight=1")
    assert (root / GROUP / "cpu.weight").read_text() == "100\n"
    assert (root / "cgroup.subtree_control").read_text() == "+io", "the last of the two that were written"


def test_v2_without_a_file_for_the_weight_is_a_problem_with_its_remedy(tree: Tree) -> None:
    root = tree.unified(controllers="memory")
    weight = tree.weights().keep("cgroupfs", "idle", "idle")
    assert (weight.cpu, weight.io) == ("", "")
    assert weight.problems[0].startswith(f"{root / GROUP} has no weight: the cpu controller isn't there")
    assert "modprobe bfq" in weight.problems[1]
    assert (root / "cgroup.subtree_control").read_text() == "memory\n"


def test_an_older_v1_has_the_least_shares(tree: Tree) -> None:
    for name, options, files in (
        ("cpu", "cpu,cpuacct", {"cpu.shares": "1024\n"}),
        ("blkio", "blkio", {"blkio.weight": "500\n"}),
    ):
        (tree.mount(name, "cgroup", options) / GROUP).mkdir()
        fill(tree.directory / name / GROUP, files)
    assert tree.weights().keep("cgroupfs", "idle", "idle") == Weight(cpu="cpu.shares=2", io="blkio.weight=10")
    assert tree.weights().keep("cgroupfs", "50", "200") == Weight(cpu="cpu.shares=512", io="blkio.weight=1000")


def test_what_is_right_is_not_written_again_and_what_somebody_changed_is(tree: Tree) -> None:
    idle = tree.unified(GROUP) / GROUP / "cpu.idle"
    weights = tree.weights()
    weights.keep("cgroupfs", "idle", "default")
    before = idle.stat().st_mtime_ns
    weights.keep("cgroupfs", "idle", "default")
    assert idle.stat().st_mtime_ns == before
    idle.write_text("0\n")
    assert weights.keep("cgroupfs", "idle", "default").cpu == "cpu.idle=1"


def test_the_default_touches_nothing(tree: Tree) -> None:
    root = tree.unified(GROUP)
    (root / GROUP / "cpu.weight").write_text("77\n")
    weight = tree.weights().keep("cgroupfs", "default", "default")
    assert weight == Weight(cpu="cpu.weight=77", io="io.weight=100")
    (root / GROUP / "cpu.weight").unlink()
    assert tree.weights().keep("cgroupfs", "default", "default").problems == ()


def test_the_default_makes_no_group(tree: Tree) -> None:
    root = tree.unified()
    assert tree.weights().keep("cgroupfs", "default", "default") == Weight()
    assert not (root / GROUP).exists()


@pytest.mark.parametrize("restarted", [False, True])
def test_a_weight_that_was_set_before_the_default_is_taken_back_once(tree: Tree, *, restarted: bool) -> None:
    root = tree.unified(GROUP)
    weights = tree.weights()
    weights.keep("cgroupfs", "idle", "30")
    if restarted:
        weights = tree.weights()
    assert weights.keep("cgroupfs", "default", "default") == Weight(cpu="cpu.weight=100", io="io.weight=100")
    # The reaper had lifted the idle weight for a moment, and puts it back.
    (root / GROUP / "cpu.idle").write_text("1\n")
    assert weights.keep("cgroupfs", "default", "default").cpu == "cpu.weight=100"
    weights.keep("cgroupfs", "default", "default")
    (root / GROUP / "cpu.weight").write_text("77\n")
    assert weights.keep("cgroupfs", "default", "default").cpu == "cpu.weight=77"


def test_what_could_not_be_taken_back_is_tried_again(tree: Tree) -> None:
    root = tree.unified(GROUP)
    weights = tree.weights()
    weights.keep("cgroupfs", "idle", "default")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "write_text", lambda *_arguments, **_keywords: 0)
        assert weights.keep("cgroupfs", "default", "default").problems
    assert not weights.keep("cgroupfs", "default", "default").problems
    assert (root / GROUP / "cpu.idle").read_text() == "0"


def test_a_full_disk_makes_no_difference_while_planctond_runs(tree: Tree) -> None:
    tree.unified(GROUP)
    weights = Weights(INSTANCE, tree.directory / "no-such-directory", tree.mounts)
    weights.keep("cgroupfs", "idle", "default")
    assert weights.keep("cgroupfs", "default", "default").cpu == "cpu.weight=100"


def test_without_a_cgroup_file_system_nothing_is_in_force(tree: Tree) -> None:
    weight = tree.weights().keep("cgroupfs", "idle", "default")
    assert weight == Weight(problems=("no cgroup file system with the controller cpu is mounted here",))
    tree.mounts.unlink()
    assert str(tree.mounts) in tree.weights().keep("cgroupfs", "idle", "default").problems[0]


def test_an_engine_without_cgroups_is_a_problem(tree: Tree) -> None:
    (problem,) = tree.weights().keep("none", "idle", "idle").problems
    assert "rootless" in problem


def test_what_the_kernel_does_not_take_is_a_problem(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.unified(GROUP)
    monkeypatch.setattr(Path, "write_text", lambda *_arguments, **_keywords: 0)
    weight = tree.weights().keep("cgroupfs", "idle", "default")
    assert weight.cpu == "cpu.weight=100"
    assert weight.problems == (f"{tree.directory}/unified/{GROUP}/cpu.idle doesn't become 1",)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [(PermissionError(13, "Permission denied"), "run planctond as root"), (OSError(30, "Read-only"), "for writing")],
)
def test_what_may_not_be_written_is_told_with_its_remedy(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, error: OSError, remedy: str
) -> None:
    tree.unified(GROUP)

    def refuse(path: Path, *_arguments: object, **_keywords: object) -> int:
        error.filename = str(path)
        raise error

    monkeypatch.setattr(Path, "write_text", refuse)
    weight = tree.weights().keep("cgroupfs", "idle", "idle")
    assert weight.cpu == "cpu.weight=100"
    assert [problem.endswith(remedy) for problem in weight.problems] == [True, True]
    assert "cpu.idle" in weight.problems[0]


SLICE = f"plancton.slice/plancton-{INSTANCE}.slice"
SET = "set-property --runtime"


def test_systemd_is_told_before_there_is_a_slice(tree: Tree, systemctl: Path) -> None:
    root = tree.unified()
    weights = tree.weights()
    assert weights.keep("systemd", "idle", "idle") == Weight(cpu="CPUWeight=idle", io="IOWeight=1")
    assert told(systemctl) == [
        f"{SET} plancton.slice CPUWeight=idle IOWeight=1",
        f"{SET} plancton-{INSTANCE}.slice CPUWeight=idle IOWeight=1",
    ]
    weights.keep("systemd", "idle", "idle")
    assert len(told(systemctl)) == 2, "what systemd knows isn't said again"
    assert not (root / "plancton.slice").exists(), "slices are systemd's own to make"
    assert (root / "cgroup.subtree_control").read_text() == "memory\n"


def test_slices_that_are_yet_to_be_made_are_to_have_the_normal_weight_again(tree: Tree, systemctl: Path) -> None:
    tree.unified()
    weights = tree.weights()
    weights.keep("systemd", "idle", "default")
    assert weights.keep("systemd", "default", "default") == Weight(cpu="CPUWeight=100")
    assert told(systemctl)[2:] == [
        f"{SET} plancton.slice CPUWeight=100",
        f"{SET} plancton-{INSTANCE}.slice CPUWeight=100",
    ]
    weights.keep("systemd", "default", "default")
    assert len(told(systemctl)) == 4


@pytest.mark.usefixtures("systemctl")
def test_the_files_of_slices_are_set_besides_the_outer_one_too(tree: Tree) -> None:
    root = tree.unified("plancton.slice", SLICE)
    assert tree.weights().keep("systemd", "idle", "30") == Weight(cpu="cpu.idle=1", io="io.weight=30")
    assert (root / "plancton.slice" / "cpu.idle").read_text() == "1"
    assert (root / SLICE / "cpu.idle").read_text() == "1"


def test_an_older_systemd_is_given_the_least_number(tree: Tree, systemctl: Path) -> None:
    tree.unified()
    refusal = 'case "$*" in *idle*) echo "Failed to parse CPUWeight= parameter: idle" >&2; exit 1;; esac'
    become(systemctl.parent / "systemctl", refusal)
    weights = tree.weights()
    assert weights.keep("systemd", "idle", "default") == Weight(cpu="CPUWeight=1")
    weights.keep("systemd", "idle", "default")
    assert len(told(systemctl)) == 2


def test_a_systemd_that_refuses_is_a_problem_and_asked_again(tree: Tree, systemctl: Path) -> None:
    tree.unified()
    become(systemctl.parent / "systemctl", "echo 'Failed to connect to bus' >&2; exit 1")
    weights = tree.weights()
    weight = weights.keep("systemd", "idle", "default")
    assert "Failed to connect to bus" in weight.problems[0]
    assert "systemctl set-property plancton.slice CPUWeight=idle" in weight.problems[0]
    become(systemctl.parent / "systemctl", "")
    assert weights.keep("systemd", "idle", "default") == Weight(cpu="CPUWeight=idle")


def test_a_systemd_that_hangs_is_waited_for_in_vain_not_for_ever(
    tree: Tree, systemctl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.unified()
    monkeypatch.setattr("plancton.workers.launcher.weight._SYSTEMCTL_SECONDS", 0.2)
    become(systemctl.parent / "systemctl", "exec sleep 60")
    began = time.monotonic()
    assert "didn't end within 0.2 s" in tree.weights().keep("systemd", "idle", "default").problems[0]
    assert time.monotonic() - began < 10.0


def test_without_systemctl_the_files_are_set_all_the_same(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.unified("plancton.slice", SLICE)
    monkeypatch.setenv("PATH", str(tree.directory))
    weight = tree.weights().keep("systemd", "idle", "idle")
    assert (weight.cpu, weight.io) == ("cpu.idle=1", "io.weight=1")
    assert "there is no systemctl here" in weight.problems[0]


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Weights]:
    """Return what weighs pilots on the real kernel."""
    try:
        yield Weights(INSTANCE, tmp_path)
    finally:
        remove_empty(INSTANCE)


def group_of_cpu() -> Path:
    return Path(hierarchies(Path("/proc/mounts").read_text())["cpu"].mount, GROUP)


@pytest.mark.engine
def test_a_real_kernel_takes_each_weight_and_leaves_idle_again(kernel: Weights) -> None:
    assert kernel.keep("cgroupfs", "idle", "default").cpu in {"cpu.idle=1", "cpu.shares=2", "cpu.weight=1"}
    for setting, weights in (
        ("default", {"cpu.shares=1024", "cpu.weight=100"}),
        ("50", {"cpu.shares=512", "cpu.weight=50"}),
        ("idle", {"cpu.idle=1", "cpu.shares=2", "cpu.weight=1"}),
        ("200", {"cpu.shares=2048", "cpu.weight=200"}),
    ):
        weight = kernel.keep("cgroupfs", setting, "default")
        assert weight.cpu in weights
        assert weight.problems == ()


@pytest.mark.engine
def test_a_group_made_beforehand_has_used_nothing_and_is_removed_at_the_end(kernel: Weights) -> None:
    kernel.keep("cgroupfs", "idle", "idle")
    accounts = Accounts(INSTANCE, "cgroupfs", parse_mounts(Path("/proc/mounts").read_text()))
    assert accounts.all_cpu_seconds() in {None, 0.0}
    assert group_of_cpu().exists()
    remove_empty(INSTANCE)
    assert not group_of_cpu().exists()


@pytest.mark.engine
def test_a_group_that_is_removed_in_between_comes_back(kernel: Weights) -> None:
    kernel.keep("cgroupfs", "idle", "default")
    with contextlib.suppress(OSError):
        group_of_cpu().rmdir()
    assert kernel.keep("cgroupfs", "idle", "default").problems == ()
    assert group_of_cpu().exists()


@pytest.mark.engine
def test_real_pilots_live_under_a_parent_of_the_least_weight_and_of_another_once_that_is_set(
    engine_url: str, tmp_path: Path
) -> None:
    place = KeptPlace(tmp_path)
    instance = instance_id(str(tmp_path))
    launcher = Launcher(place)
    real = Engine(engine_url)

    def weigh(cpu_weight: str, expected: set[str]) -> None:
        settings = Settings(
            docker_url=engine_url, docker_network="none", cpu_weight=cpu_weight, max_dock_mem=32 * 2**20
        )
        tell(launcher, ActiveSettings(settings=settings, generation=1))

        def weighed() -> bool:
            launcher.turn(time.monotonic())
            states = place.of(LauncherState)
            return bool(states and states[-1].weight and states[-1].weight.cpu in expected)

        wait_for(weighed, 20.0, f"the weight is one of {expected}")

    try:
        weigh("idle", {"cpu.idle=1", "cpu.shares=2", "cpu.weight=1"})
        tell(launcher, target(wish(0, 1), until=time.monotonic() + 60.0))
        wait_for(lambda: launcher.turn(time.monotonic()) and place.of(LaunchOutcome), 30.0, "the pilot is started")
        assert place.of(LaunchOutcome)[0].outcome is Outcome.DONE
        pid = done(real.inspect(container_name(instance, 0, 1))).pid
        assert pid is not None
        parent = cpu_group(pid).parent
        assert parent.name == f"plancton-{instance}"
        idle = parent / "cpu.idle"
        assert not idle.exists() or idle.read_text() == "1\n"
        weigh("default", {"cpu.shares=1024", "cpu.weight=100"})
        assert not idle.exists() or idle.read_text() == "0\n"
        weigh("50", {"cpu.shares=512", "cpu.weight=50"})
    finally:
        for container in done(real.list_containers({LABEL_INSTANCE: instance})):
            real.remove(container.container_id, force=True)
        remove_empty(instance)
