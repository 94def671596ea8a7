"""The host's look against a made-up /proc and cgroup tree: v1, v2 and both, with both cgroup drivers."""

import time
from itertools import product
from pathlib import Path
from shutil import rmtree

import pytest

from plancton.workers.probe.accounts import PilotUse
from plancton.workers.probe.churn import Churn
from plancton.workers.probe.host import Host, Pilots
from tests.support.engine import Engine as RealEngine
from tests.support.waiting import wait_for
from tests.workers.probe.burning import burning_pilot
from tests.workers.probe.machine import INSTANCE, Cgroups, Machine

KINDS = list(product(Cgroups, ("cgroupfs", "systemd")))


@pytest.fixture(params=KINDS, ids="-".join)
def machine(tmp_path: Path, request: pytest.FixtureRequest) -> Machine:
    """Return a machine of each kind."""
    cgroups, driver = request.param
    return Machine(tmp_path, cgroups, driver)


def owner_cpus(machine: Machine, *running: str) -> float | None:
    return machine.later(*running).owner_cpus


def test_the_first_look_has_nothing_to_compare_with(machine: Machine) -> None:
    assert machine.look()[0] is None


def test_two_looks_at_one_moment_say_nothing(machine: Machine) -> None:
    machine.account(machine.pilot("a"), 10.0)
    machine.look("a")
    look, uses = machine.look("a")
    assert look is None
    assert uses["a"].cpu_cores is None


def test_the_owners_use_is_known_apart_from_the_pilots(machine: Machine) -> None:
    machine.work(1.0, owner=0.0, pilots=1.0)
    machine.look("a")
    machine.work(2.0, owner=1.25, pilots=2.0)
    look, _ = machine.look("a")
    assert look is not None
    assert (look.ncpus, look.interval_seconds) == (4, 2.0)
    assert look.busy_cpus == pytest.approx(3.25)
    assert look.pilots_cpus == pytest.approx(2.0)
    assert look.owner_cpus == pytest.approx(1.25)
    assert (look.ram_bytes, look.available_bytes, look.swap_bytes) == (1024000, 614400, 51200)


def test_without_a_pilot_ever_the_owner_has_it_all(machine: Machine) -> None:
    machine.look()
    machine.work(2.0, owner=3.0)
    assert owner_cpus(machine) == pytest.approx(3.0)


def test_the_first_pilots_are_told_apart_from_the_start(machine: Machine) -> None:
    machine.look()
    machine.work(2.0, owner=1.0, pilots=2.0)
    assert owner_cpus(machine, "a") == pytest.approx(1.0)


def test_the_use_of_pilots_that_ended_meanwhile_is_not_the_owners(machine: Machine) -> None:
    machine.work(1.0, owner=0.0, pilots=1.0)
    machine.look("a", "b")
    machine.work(2.0, owner=0.5, pilots=2.0)
    assert owner_cpus(machine) == pytest.approx(0.5)


def test_missing_accounting_while_pilots_run_is_unknown(machine: Machine) -> None:
    machine.look()
    machine.work(2.0, owner=1.0)
    assert owner_cpus(machine, "a") is None


def test_accounting_that_comes_late_is_no_use_of_this_moment(machine: Machine) -> None:
    machine.mount(nothing=True)
    machine.work(500.0, owner=1.0, pilots=2.0)
    machine.look("a")
    machine.work(2.0, owner=3.0, pilots=1.0)
    assert owner_cpus(machine, "a") is None
    machine.mount()
    machine.work(2.0, owner=3.0, pilots=1.0)
    assert owner_cpus(machine, "a") is None
    machine.work(2.0, owner=3.0, pilots=1.0)
    assert owner_cpus(machine, "a") == pytest.approx(3.0)


def test_another_cgroup_driver_begins_anew(machine: Machine) -> None:
    other = "systemd" if machine.driver == "cgroupfs" else "cgroupfs"
    machine.work(500.0, owner=0.0, pilots=2.0)
    machine.look(driver=other)
    machine.work(2.0, owner=3.0, pilots=1.0)
    assert owner_cpus(machine, "a") is None
    machine.work(2.0, owner=3.0, pilots=1.0)
    assert owner_cpus(machine, "a") == pytest.approx(3.0)


def test_a_probe_that_starts_while_pilots_run_begins_with_them(machine: Machine) -> None:
    machine.work(500.0, owner=0.0, pilots=2.0)
    machine.restart()
    machine.look("a")
    machine.work(2.0, owner=1.0, pilots=2.0)
    assert owner_cpus(machine, "a") == pytest.approx(1.0)


def test_a_cgroup_that_was_made_anew_counts_from_zero(machine: Machine) -> None:
    machine.work(500.0, owner=0.0, pilots=2.0)
    machine.look("a")
    machine.pilots = 0.0
    machine.work(2.0, owner=1.0, pilots=1.5)
    assert owner_cpus(machine, "a") == pytest.approx(1.0)


def test_no_more_cpus_are_busy_than_there_are_and_the_owner_never_uses_less_than_none(machine: Machine) -> None:
    machine.work(1.0, owner=0.0, pilots=0.0)
    machine.look("a")
    machine.work(2.0, owner=9.0, pilots=0.0)
    look, _ = machine.look("a")
    assert look is not None
    assert look.busy_cpus == 4.0
    machine.work(2.0, owner=-1.0, pilots=2.0)
    assert owner_cpus(machine, "a") == 0.0


def test_each_pilots_use_and_suspended_ones_too(machine: Machine) -> None:
    machine.account(machine.pilot("a"), 10.0)
    machine.keep(machine.pilot("a"), 7000, 5000)
    _, uses = machine.look("a", "b")
    assert uses == {
        "a": PilotUse(memory_bytes=7000, anonymous_bytes=5000, cpu_seconds=10.0, memory_peak_bytes=7000),
        "b": PilotUse(),
    }
    machine.now += 2.0
    machine.account(machine.pilot("a"), 11.0)
    machine.account(machine.pilot("b"), 1.0)
    machine.keep(machine.pilot("b"), 100, 50)
    _, uses = machine.look("b", suspended=("a",))
    assert uses == {
        "a": PilotUse(cpu_cores=0.5, memory_bytes=7000, anonymous_bytes=5000, cpu_seconds=11.0, memory_peak_bytes=7000),
        "b": PilotUse(memory_bytes=100, anonymous_bytes=50, cpu_seconds=1.0, memory_peak_bytes=100),
    }


@pytest.mark.parametrize(("told", "peak"), [((None, None), 7000), ((9000, 9500), 9500)])
def test_a_pilots_peak_is_the_kernels_or_else_the_highest_that_was_seen(
    machine: Machine, told: tuple[int | None, int | None], peak: int
) -> None:
    machine.keep(machine.pilot("a"), 7000, 5000, peak=told[0])
    machine.look("a")
    machine.keep(machine.pilot("a"), 100, 50, peak=told[1])
    _, uses = machine.look("a")
    assert (uses["a"].memory_bytes, uses["a"].memory_peak_bytes) == (100, peak)


def test_what_a_pilot_had_used_is_still_known_when_its_cgroup_is_gone_but_not_what_it_uses(machine: Machine) -> None:
    machine.account(machine.pilot("a"), 10.0)
    machine.keep(machine.pilot("a"), 7000, 5000, peak=9000)
    machine.look("a")
    rmtree(machine.cgroup)
    machine.now += 2.0
    _, uses = machine.look("a")
    assert uses == {"a": PilotUse(cpu_seconds=10.0, memory_peak_bytes=9000)}
    # Nor does anything that was known long ago make a mean of now.
    machine.account(machine.pilot("a"), 12.0)
    machine.now += 2.0
    _, uses = machine.look("a")
    assert (uses["a"].cpu_cores, uses["a"].cpu_seconds) == (None, 12.0)
    # Another driver's cgroups are others.
    other = "systemd" if machine.driver == "cgroupfs" else "cgroupfs"
    assert machine.look("a", driver=other)[1] == {"a": PilotUse()}


def test_stolen_time_is_nobodys_use_and_one_that_falls_is_none(machine: Machine) -> None:
    machine.look()
    machine.work(2.0, owner=1.0, stolen=1.5)
    look = machine.later()
    assert (look.busy_cpus, look.stolen_cpus) == pytest.approx((1.0, 1.5))
    machine.work(2.0, owner=3.5, stolen=2.0)
    assert machine.later().stolen_cpus == pytest.approx(0.5)
    machine.work(2.0, owner=1.0, stolen=-1.0)
    assert machine.later().stolen_cpus == 0.0


def test_what_the_engine_did_for_pilots_is_not_the_owners_use(machine: Machine) -> None:
    machine.work(1.0, owner=0.0, pilots=1.0)
    machine.look("a")
    machine.work(2.0, owner=1.0, pilots=2.0)
    look = machine.later("a", churn=Churn(starts=5, ends=4))
    assert look.engine_cpus == pytest.approx(0.5)
    assert look.owner_cpus == pytest.approx(0.5)
    machine.work(2.0, owner=0.5, pilots=0.0)
    look = machine.later("a", churn=Churn(starts=5, ends=4))
    assert (look.engine_cpus, look.owner_cpus) == pytest.approx((0.5, 0.0))


def test_while_no_pilot_runs_all_stalls_are_the_owners(machine: Machine) -> None:
    machine.look()
    machine.work(2.0, owner=1.0)
    machine.stalled(machine.proc / "pressure", "{}", cpu=101.0, memory=10.5, io=1.2)
    look = machine.later()
    assert (look.stall_cpu, look.stall_memory, look.stall_io) == pytest.approx((0.5, 0.25, 0.1))
    assert (look.stall_detail, look.pilots_io_share) == ("", 0.0)


def test_where_their_cgroup_tells_the_pilots_stalls_the_rest_is_the_owners(machine: Machine) -> None:
    machine.pilots_stalled(cpu=50.0, memory=5.0, io=0.5)
    machine.look("a")
    machine.work(2.0, owner=1.0, pilots=1.0)
    machine.stalled(machine.proc / "pressure", "{}", cpu=102.0, memory=11.0, io=2.0)
    machine.pilots_stalled(cpu=51.5, memory=5.2, io=1.5)
    look = machine.later("a")
    stalls = (look.stall_cpu, look.stall_memory, look.stall_io)
    if machine.cgroups is Cgroups.V1:
        # Nobody used the disks, so the stall for their want isn't the pilots'.
        assert stalls == pytest.approx((None, 0.5, 0.5))
        assert "CPU: the pilots' own stalls can't be told apart" in look.stall_detail
    else:
        assert stalls == pytest.approx((0.25, 0.4, 0.0))
        assert look.stall_detail == ""


def test_where_pilots_are_always_stalled_the_owners_own_cgroups_tell_the_owners_stalls(machine: Machine) -> None:
    sessions = machine.unified / "user.slice"
    machine.pilots_stalled(cpu=50.0, memory=0.0, io=0.0)
    machine.stalled(sessions, "{}.pressure", cpu=7.0, memory=0.0, io=0.0)
    machine.look("a")
    machine.work(2.0, owner=1.0, pilots=3.0)
    machine.stalled(machine.proc / "pressure", "{}", cpu=102.0, memory=10.0, io=1.0)
    machine.pilots_stalled(cpu=52.0)
    machine.stalled(sessions, "{}.pressure", cpu=8.5)
    look = machine.later("a")
    assert look.stall_cpu == (None if machine.cgroups is Cgroups.V1 else pytest.approx(0.75))


def test_a_v2_cgroup_that_holds_none_of_the_pilots_that_run_tells_nothing_of_them(machine: Machine) -> None:
    machine.pilots_stalled(cpu=0.0, memory=0.0, io=0.0, populated=False)
    machine.look("a")
    machine.work(2.0, owner=1.0, pilots=1.0)
    machine.stalled(machine.proc / "pressure", "{}", cpu=102.0, memory=11.0, io=2.0)
    look = machine.later("a")
    assert look.stall_cpu is None


def test_the_first_pilots_stalls_are_told_apart_from_the_start_where_their_cgroup_tells_them(machine: Machine) -> None:
    machine.look()
    machine.work(2.0, owner=1.0, pilots=1.0)
    machine.stalled(machine.proc / "pressure", "{}", cpu=102.0, memory=10.0, io=1.0)
    machine.pilots_stalled(cpu=1.5, memory=0.0, io=0.0)
    look = machine.later("a")
    assert look.stall_cpu == (None if machine.cgroups is Cgroups.V1 else pytest.approx(0.25))


def test_a_pilot_that_lived_between_two_looks_ran(machine: Machine) -> None:
    machine.look()
    machine.work(2.0, owner=1.0, pilots=1.0)
    machine.stalled(machine.proc / "pressure", "{}", cpu=101.0, memory=10.0, io=1.0)
    # Its cgroup is gone again, or was never where stalls are told.
    assert machine.later(churn=Churn(starts=1, ends=1)).stall_cpu is None
    machine.work(2.0, owner=1.0)
    machine.stalled(machine.proc / "pressure", "{}", cpu=102.0, memory=10.0, io=1.0)
    assert machine.later().stall_cpu == pytest.approx(0.5)


def test_a_kernel_without_pressure_tells_nothing_which_is_not_zero(machine: Machine) -> None:
    for name in ("cpu", "memory", "io"):
        (machine.proc / "pressure" / name).unlink()
    machine.look()
    machine.work(2.0, owner=1.0)
    look = machine.later()
    assert (look.stall_cpu, look.stall_memory, look.stall_io) == (None, None, None)
    assert "no /proc/pressure" in look.stall_detail


def test_the_pilots_share_of_disk_io(machine: Machine) -> None:
    for place in (machine.parent, machine.pilot("a"), ""):
        machine.moved(place, 10**8, 10**8)
    machine.look("a")
    machine.work(2.0, owner=1.0, pilots=1.0)
    machine.disk(read=2 * 10**9, written=10**9)
    for place in (machine.parent, machine.pilot("a"), ""):
        machine.moved(place, 10**8 + 250_000_000, 10**8)
    assert machine.later("a").pilots_io_share == pytest.approx(0.25, abs=1e-6)
    machine.work(2.0, owner=1.0, pilots=1.0)
    assert machine.later("a").pilots_io_share == 0.0


def test_without_accounts_of_disks_the_pilots_share_is_unknown_and_no_pilot_has_none(machine: Machine) -> None:
    machine.look("a")
    machine.work(2.0, owner=1.0, pilots=1.0)
    machine.disk(read=2 * 10**9, written=10**9)
    assert machine.later("a").pilots_io_share is None
    machine.work(2.0, owner=1.0, pilots=0.0)
    machine.disk(read=3 * 10**9, written=10**9)
    machine.later()
    machine.work(2.0, owner=1.0, pilots=0.0)
    machine.disk(read=4 * 10**9, written=10**9)
    assert machine.later().pilots_io_share == 0.0
    (machine.proc / "diskstats").unlink()
    machine.work(2.0, owner=1.0)
    assert machine.later().pilots_io_share is None


def test_the_real_host_can_be_looked_at() -> None:
    host = Host(INSTANCE)
    assert host.look(1.0, "cgroupfs", Pilots())[0] is None
    look, _ = host.look(2.0, "cgroupfs", Pilots())
    assert look is not None
    assert look.ncpus >= 1
    assert 0 < look.available_bytes <= look.ram_bytes
    assert look.pilots_io_share == 0.0


@pytest.mark.engine
@pytest.mark.skipif(not Path("/proc/pressure").exists(), reason="this kernel tells no stalls")
def test_where_only_v1_tells_of_a_real_pilot_stalls_are_estimated_or_unknown_and_said_to_be(
    engine: RealEngine, tmp_path: Path
) -> None:
    proc = tmp_path / "proc"
    proc.mkdir()
    for name in ("stat", "meminfo", "pressure", "diskstats"):
        (proc / name).symlink_to(f"/proc/{name}")
    v1 = [line for line in Path("/proc/mounts").read_bytes().splitlines(keepends=True) if b" cgroup2 " not in line]
    (proc / "mounts").write_bytes(b"".join(v1))
    with burning_pilot(engine.url, tmp_path) as burning:
        host, pilots = Host(burning.instance, proc), Pilots(running=(burning.id,))
        look = wait_for(lambda: host.look(time.monotonic(), burning.driver, pilots)[0], 5.0, "the second look")
    assert look is not None
    assert look.stall_cpu is None
    assert "CPU: the pilots' own stalls can't be told apart" in look.stall_detail
    assert look.stall_memory is not None
    assert "memory: the pilots' own stalls included" in look.stall_detail
    assert (look.stall_io is None) == (look.pilots_io_share is None)
    how = "nor their use of disks can be told apart" if look.stall_io is None else "estimated by the pilots' use"
    assert how in look.stall_detail
