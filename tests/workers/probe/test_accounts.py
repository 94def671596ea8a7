"""What the kernel's files tell of the pilots, and what stays unknown where they don't."""

import time
from pathlib import Path

import pytest

from plancton.common.messages import ActiveSettings, HostLook, PoolLook
from plancton.common.pilot import Pilot, PilotState
from plancton.common.settings import Settings
from plancton.workers.probe.accounts import Accounts, figure, stalled_at
from plancton.workers.probe.disks import Moved, PilotsMoves
from plancton.workers.probe.kernel import CgroupMounts
from plancton.workers.probe.pressure import Stalled, parse_pressure
from plancton.workers.probe.worker import Probe
from tests.support.engine import Engine as RealEngine
from tests.support.place import tell
from tests.support.waiting import wait_for
from tests.workers.probe.burning import burning_pilot
from tests.workers.probe.machine import INSTANCE, Cgroups, Machine


def accounts(**mounts: Path) -> Accounts:
    told = CgroupMounts(**{name: str(path) for name, path in mounts.items()})
    return Accounts(INSTANCE, "cgroupfs", told)


@pytest.fixture
def v1(tmp_path: Path) -> Machine:
    """Return a machine with v1 controllers."""
    return Machine(tmp_path, Cgroups.V1, "cgroupfs")


def test_where_nothing_is_mounted_everything_is_unknown() -> None:
    nothing = accounts()
    assert nothing.all_cpu_seconds() is None
    assert nothing.cpu_seconds("a") is None
    assert nothing.memory_bytes("a") is None
    assert nothing.anonymous_bytes("a") is None
    assert nothing.memory_peak_bytes("a") is None
    assert nothing.stalled(runs=False) == Stalled()
    assert nothing.others_stalled() == {}
    assert nothing.moves(["a"]) is None


def test_a_file_that_is_there_and_can_not_be_read_tells_nothing(tmp_path: Path) -> None:
    # As a kernel's pressure file whose reading isn't supported, opening which succeeds.
    (tmp_path / "cpu").mkdir()
    assert figure(f"{tmp_path}/cpu", parse_pressure) is None
    # A process's memory can be opened, but nobody can read where there is none.
    assert figure("/proc/self/mem", parse_pressure) is None
    (tmp_path / "memory").write_bytes(b"some total=\xff\n")
    (tmp_path / "io").write_text("some total=7000000\n")
    assert stalled_at(str(tmp_path), "{}") == Stalled(cpu=None, memory=None, io=7.0)


def test_on_v1_each_pilots_own_bytes_are_told_by_whichever_file_the_kernel_has(v1: Machine) -> None:
    v1.moved(v1.pilot("a"), 5, 6)
    v1.moved("", 50, 60)
    old = v1.cgroup / "blkio" / v1.pilot("b")
    old.mkdir(parents=True)
    (old / "blkio.throttle.io_service_bytes").write_text("8:0 Read 7\nTotal 7\n")
    assert accounts(blkio=v1.cgroup / "blkio").moves(["a", "b", "gone"]) == PilotsMoves(
        by_cgroup={
            "a": {"8:0": Moved(read_bytes=5, written_bytes=6)},
            "b": {"8:0": Moved(read_bytes=7)},
        },
        everybodys={"8:0": Moved(read_bytes=50, written_bytes=60)},
    )


def test_a_v2_hierarchy_without_controllers_still_tells_stalls_but_neither_cpu_nor_memory(tmp_path: Path) -> None:
    machine = Machine(tmp_path, Cgroups.HYBRID, "cgroupfs")
    machine.pilots_stalled(cpu=3.0, memory=2.0, io=1.0)
    told = accounts(cpuacct=machine.cgroup / "cpu", memory=machine.cgroup / "memory", unified=machine.unified)
    assert told.stalled(runs=True) == Stalled(cpu=3.0, memory=2.0, io=1.0)
    assert told.all_cpu_seconds() is None
    assert told.memory_bytes("a") is None
    machine.pilots_stalled(populated=False)
    assert told.stalled(runs=True) == Stalled()
    # Of pilots that ended there it still tells.
    assert told.stalled(runs=False) == Stalled(cpu=3.0, memory=2.0, io=1.0)


@pytest.mark.parametrize("driver", ["cgroupfs", "systemd"])
def test_the_other_cgroups_at_the_top_are_those_in_which_the_owners_processes_may_be(
    tmp_path: Path, driver: str
) -> None:
    machine = Machine(tmp_path, Cgroups.V2, driver)
    machine.pilots_stalled(cpu=3.0)
    for name in ("user.slice", "plancton-ffffffff", "dev-mqueue.mount"):
        machine.stalled(machine.unified / name, "{}.pressure", cpu=4.0)
    (machine.unified / "cgroup.procs").write_text("1\n")
    (machine.unified / "init.scope").mkdir()
    told = accounts(unified=machine.unified).others_stalled()
    assert told == {"user.slice": Stalled(cpu=4.0), "init.scope": Stalled()}
    assert accounts(unified=tmp_path / "gone").others_stalled() == {}


@pytest.mark.engine
def test_a_real_pilots_use_its_memory_and_its_word_are_seen_and_none_of_it_is_the_owners(
    engine: RealEngine, tmp_path: Path
) -> None:
    def seen() -> tuple[HostLook, Pilot]:
        probe.turn(time.monotonic())
        host, pilots = place.of(HostLook)[-1:], [each for look in place.of(PoolLook)[-1:] for each in look.pilots]
        assert host
        assert host[0].pilots_cpus is not None
        assert host[0].pilots_cpus > 0.2
        assert pilots[0].safe_to_stop
        assert pilots[0].cpu_cores is not None
        return host[0], pilots[0]

    with burning_pilot(engine.url, tmp_path) as burning:
        place, probe = burning.place, Probe(burning.place)
        tell(probe, ActiveSettings(settings=Settings(docker_url=engine.url), generation=1))
        host, pilot = wait_for(seen, 30.0, "a burning pilot that is safe to stop")
    assert host.pilots_cpus is not None
    assert host.pilots_cpus < 0.7
    assert host.owner_cpus == pytest.approx(max(0.0, host.busy_cpus - host.pilots_cpus - host.engine_cpus))
    assert pilot.cpu_cores is not None
    assert 0.0 < pilot.cpu_cores < 0.7
    assert pilot.anonymous_bytes is not None
    assert pilot.memory_bytes is not None
    assert 20 * 2**20 <= pilot.anonymous_bytes <= pilot.memory_bytes
    if list(Path("/sys/fs/cgroup").glob("**/cpu.pressure")):
        # Whatever else runs here waits for this pilot; how long can be told.
        assert host.stall_cpu is not None
        assert 0.0 <= host.stall_cpu <= 1.0


@pytest.mark.engine
def test_what_a_real_pilot_had_used_is_still_told_once_it_has_ended(engine: RealEngine, tmp_path: Path) -> None:
    def seen(state: PilotState, cpu_seconds: float) -> Pilot | None:
        probe.turn(time.monotonic())
        pilots = [each for look in place.of(PoolLook)[-1:] for each in look.pilots]
        return next((each for each in pilots if each.state is state and (each.cpu_seconds or 0.0) >= cpu_seconds), None)

    began = time.monotonic()
    with burning_pilot(engine.url, tmp_path, cpus=1.0, mib=50) as burning:
        place, probe = burning.place, Probe(burning.place)
        tell(probe, ActiveSettings(settings=Settings(docker_url=engine.url), generation=1))
        runs = wait_for(lambda: seen(PilotState.RUNNING, 2.0), 60.0, "it has used two CPU seconds")
        assert burning.engine.kill(burning.id) is None
        ended = wait_for(lambda: seen(PilotState.EXITED, 0.0), 30.0, "its end")
        # By then its cgroup is gone.
        looks = len(place.of(PoolLook))
        wait_for(lambda: seen(PilotState.EXITED, 0.0) and len(place.of(PoolLook)) > looks, 30.0, "another look")
        later = seen(PilotState.EXITED, 0.0)
    assert runs is not None
    assert ended is not None
    assert later is not None
    assert runs.cpu_seconds is not None
    assert runs.memory_peak_bytes is not None
    for pilot in (ended, later):
        assert pilot.cpu_seconds is not None
        assert runs.cpu_seconds <= pilot.cpu_seconds < time.monotonic() - began + 1.0
        assert pilot.memory_peak_bytes is not None
        assert 50 * 2**20 <= runs.memory_peak_bytes <= pilot.memory_peak_bytes < 100 * 2**20
    assert (later.cpu_cores, later.memory_bytes, later.anonymous_bytes) == (None, None, None)
