"""The host's look against a made-up /proc and cgroup tree, v1 and v2, both cgroup drivers."""

from pathlib import Path

import pytest

from plancton.common.messages import HostLook
from plancton.workers.probe.host import Host, PilotUse

INSTANCE = "0123abcd"
TICKS = 100


class Machine:
    """A made-up host of four CPUs."""

    def __init__(self, root: Path, *, version: int, driver: str) -> None:
        self.proc, self.cgroup = root / "proc", root / "cgroup"
        self.version, self.driver = version, driver
        self.parent = f"plancton.slice/plancton-{INSTANCE}.slice" if driver == "systemd" else f"plancton-{INSTANCE}"
        self.proc.mkdir(parents=True)
        self.now, self.busy, self.pilots = 1000.0, 5000.0, 0.0
        self.mount()
        (self.proc / "meminfo").write_text("MemTotal: 1000 kB\nMemAvailable: 600 kB\nSwapTotal: 50 kB\n")
        self.host: Host
        self.restart()

    def restart(self) -> None:
        """Start the probe anew."""
        self.host = Host(INSTANCE, self.proc)

    def mount(self, *, nothing: bool = False) -> None:
        """Mount the cgroups, or nothing but an oddly named disk."""
        lines = b"disk /mnt/caf\xe9 ext4 rw 0 0\n"
        if not nothing:
            if self.version == 1:
                lines += f"cgroup {self.cgroup}/cpu cgroup rw,cpu,cpuacct 0 0\n".encode()
                lines += f"cgroup {self.cgroup}/memory cgroup rw,memory 0 0\n".encode()
            else:
                lines += f"cgroup2 {self.cgroup} cgroup2 rw 0 0\n".encode()
        (self.proc / "mounts").write_bytes(lines)

    def account(self, place: str, seconds: float, memory: int | None = None) -> None:
        """Let a cgroup have used so much."""
        top = self.cgroup / "cpu" / place if self.version == 1 else self.cgroup / place
        top.mkdir(parents=True, exist_ok=True)
        if self.version == 1:
            (top / "cpuacct.usage").write_text(f"{int(seconds * 1e9)}\n")
        else:
            (top / "cpu.stat").write_text(f"usage_usec {int(seconds * 1e6)}\nuser_usec 0\n")
        if memory is not None:
            where = self.cgroup / "memory" / place if self.version == 1 else top
            where.mkdir(parents=True, exist_ok=True)
            (where / ("memory.usage_in_bytes" if self.version == 1 else "memory.current")).write_text(f"{memory}\n")

    def work(self, seconds: float, *, owner: float, pilots: float | None = None) -> None:
        """Let time pass in which the owner and, where there are any, the pilots used so many CPUs."""
        self.now += seconds
        self.busy += seconds * (owner + (pilots or 0.0))
        if pilots is not None:
            self.pilots += seconds * pilots
            self.account(self.parent, self.pilots)

    def look(self, *running: str, driver: str = "") -> tuple[HostLook | None, dict[str, PilotUse]]:
        """Look as the probe does."""
        cpus = "".join(f"cpu{n} 0 0 0 0 0 0 0 0 0 0\n" for n in range(4))
        (self.proc / "stat").write_text(f"cpu  {int(self.busy * TICKS)} 0 0 9 9 0 0 0 0 0\n{cpus}")
        return self.host.look(self.now, driver or self.driver, running)

    def owner_cpus(self, *running: str, driver: str = "") -> float | None:
        """Return what a look says of the owner."""
        look, _ = self.look(*running, driver=driver)
        assert look is not None
        return look.owner_cpus


@pytest.fixture(params=[(1, "cgroupfs"), (1, "systemd"), (2, "cgroupfs"), (2, "systemd")], ids=str)
def machine(tmp_path: Path, request: pytest.FixtureRequest) -> Machine:
    """Return a machine of each kind."""
    version, driver = request.param
    return Machine(tmp_path, version=version, driver=driver)


def test_the_first_look_has_nothing_to_compare_with(machine: Machine) -> None:
    assert machine.look()[0] is None


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
    assert machine.owner_cpus() == pytest.approx(3.0)


def test_the_first_pilots_are_told_apart_from_the_start(machine: Machine) -> None:
    machine.look()
    machine.work(2.0, owner=1.0, pilots=2.0)
    assert machine.owner_cpus("a") == pytest.approx(1.0)


def test_the_use_of_pilots_that_ended_meanwhile_is_not_the_owners(machine: Machine) -> None:
    machine.work(1.0, owner=0.0, pilots=1.0)
    machine.look("a", "b")
    machine.work(2.0, owner=0.5, pilots=2.0)
    assert machine.owner_cpus() == pytest.approx(0.5)


def test_missing_accounting_while_pilots_run_is_unknown(machine: Machine) -> None:
    machine.look()
    machine.work(2.0, owner=1.0)
    assert machine.owner_cpus("a") is None


def test_accounting_that_comes_late_is_no_use_of_this_moment(machine: Machine) -> None:
    machine.mount(nothing=True)
    machine.work(500.0, owner=1.0, pilots=2.0)
    machine.look("a")
    machine.work(2.0, owner=3.0, pilots=1.0)
    assert machine.owner_cpus("a") is None
    machine.mount()
    machine.work(2.0, owner=3.0, pilots=1.0)
    assert machine.owner_cpus("a") is None
    machine.work(2.0, owner=3.0, pilots=1.0)
    assert machine.owner_cpus("a") == pytest.approx(3.0)


def test_another_cgroup_driver_begins_anew(machine: Machine) -> None:
    other = "systemd" if machine.driver == "cgroupfs" else "cgroupfs"
    machine.work(500.0, owner=0.0, pilots=2.0)
    machine.look(driver=other)
    machine.work(2.0, owner=3.0, pilots=1.0)
    assert machine.owner_cpus("a") is None
    machine.work(2.0, owner=3.0, pilots=1.0)
    assert machine.owner_cpus("a") == pytest.approx(3.0)


def test_a_probe_that_starts_while_pilots_run_begins_with_them(machine: Machine) -> None:
    machine.work(500.0, owner=0.0, pilots=2.0)
    machine.restart()
    machine.look("a")
    machine.work(2.0, owner=1.0, pilots=2.0)
    assert machine.owner_cpus("a") == pytest.approx(1.0)


def test_a_cgroup_that_was_made_anew_counts_from_zero(machine: Machine) -> None:
    machine.work(500.0, owner=0.0, pilots=2.0)
    machine.look("a")
    machine.pilots = 0.0
    machine.work(2.0, owner=1.0, pilots=1.5)
    assert machine.owner_cpus("a") == pytest.approx(1.0)


def test_no_more_cpus_are_busy_than_there_are_and_the_owner_never_uses_less_than_none(machine: Machine) -> None:
    machine.work(1.0, owner=0.0, pilots=0.0)
    machine.look("a")
    machine.work(2.0, owner=9.0, pilots=0.0)
    look, _ = machine.look("a")
    assert look is not None
    assert look.busy_cpus == 4.0
    machine.work(2.0, owner=-1.0, pilots=2.0)
    assert machine.owner_cpus("a") == 0.0


def test_each_pilots_use(machine: Machine) -> None:
    leaf = "docker-{}.scope" if machine.driver == "systemd" else "{}"
    a, b = (f"{machine.parent}/{leaf.format(each)}" for each in "ab")
    machine.account(a, 10.0, 7000)
    _, uses = machine.look("a", "b")
    assert uses == {"a": PilotUse(cpu_cores=None, memory_bytes=7000), "b": PilotUse(cpu_cores=None, memory_bytes=None)}
    machine.now += 2.0
    machine.account(a, 11.0, 8000)
    machine.account(b, 1.0, 100)
    _, uses = machine.look("a", "b")
    assert uses == {"a": PilotUse(cpu_cores=0.5, memory_bytes=8000), "b": PilotUse(cpu_cores=None, memory_bytes=100)}


def test_the_real_host_can_be_looked_at() -> None:
    host = Host(INSTANCE)
    assert host.look(1.0, "cgroupfs", ())[0] is None
    look, _ = host.look(2.0, "cgroupfs", ())
    assert look is not None
    assert look.ncpus >= 1
    assert 0 < look.available_bytes <= look.ram_bytes
