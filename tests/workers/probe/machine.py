"""A made-up /proc and cgroup tree of a host of four CPUs and one disk: v1, v2, or v1 with an empty v2 beside it."""

from enum import StrEnum
from pathlib import Path

from plancton.common.messages import HostLook
from plancton.workers.probe.accounts import PilotUse
from plancton.workers.probe.churn import Churn
from plancton.workers.probe.host import Host, Pilots

INSTANCE = "0123abcd"
TICKS = 100
CONTROLLERS = {"cpu": "cpu,cpuacct", "memory": "memory", "blkio": "blkio"}


class Cgroups(StrEnum):
    """What is mounted."""

    V1 = "v1"
    V2 = "v2"
    HYBRID = "hybrid"


class Machine:
    """The tree, time, and the probe's eyes on it."""

    def __init__(self, root: Path, cgroups: Cgroups, driver: str) -> None:
        """Be idle, with a kernel that tells pressure, and without any cgroup of ours."""
        self.proc, self.cgroup = root / "proc", root / "cgroup"
        self.cgroups, self.driver = cgroups, driver
        self.unified = self.cgroup if cgroups is Cgroups.V2 else self.cgroup / "unified"
        self.parent = f"plancton.slice/plancton-{INSTANCE}.slice" if driver == "systemd" else f"plancton-{INSTANCE}"
        self.now, self.busy, self.stolen, self.pilots = 1000.0, 5000.0, 40.0, 0.0
        (self.proc / "pressure").mkdir(parents=True)
        self.mount()
        (self.proc / "meminfo").write_text("MemTotal: 1000 kB\nMemAvailable: 600 kB\nSwapTotal: 50 kB\n")
        self.stalled(self.proc / "pressure", "{}", cpu=100.0, memory=10.0, io=1.0)
        self.disk(read=10**9, written=10**9)
        self.host: Host
        self.restart()

    def restart(self) -> None:
        """Start the probe anew."""
        self.host = Host(INSTANCE, self.proc)

    def mount(self, *, nothing: bool = False) -> None:
        """Mount the cgroups, or nothing but an oddly named disk."""
        lines = b"disk /mnt/caf\xe9 ext4 rw 0 0\n"
        if not nothing and self.cgroups is not Cgroups.V2:
            for name, options in CONTROLLERS.items():
                lines += f"cgroup {self.cgroup}/{name} cgroup rw,{options} 0 0\n".encode()
        if not nothing and self.cgroups is not Cgroups.V1:
            lines += f"cgroup2 {self.unified} cgroup2 rw 0 0\n".encode()
        (self.proc / "mounts").write_bytes(lines)

    def pilot(self, container_id: str) -> str:
        """Return the place of one pilot's cgroup."""
        leaf = f"docker-{container_id}.scope" if self.driver == "systemd" else container_id
        return f"{self.parent}/{leaf}"

    def file(self, controller: str, place: str, v1: str, v2: str) -> Path:
        """Return the file of a cgroup that tells what ``controller`` counts."""
        is_v2 = self.cgroups is Cgroups.V2
        directory = self.cgroup / place if is_v2 else self.cgroup / controller / place
        directory.mkdir(parents=True, exist_ok=True)
        return directory / (v2 if is_v2 else v1)

    def account(self, place: str, seconds: float) -> None:
        """Let a cgroup have used so many CPU seconds."""
        file = self.file("cpu", place, "cpuacct.usage", "cpu.stat")
        is_v2 = self.cgroups is Cgroups.V2
        file.write_text(f"usage_usec {int(seconds * 1e6)}\nuser_usec 0\n" if is_v2 else f"{int(seconds * 1e9)}\n")

    def keep(self, place: str, memory: int, anonymous: int, *, peak: int | None = None) -> None:
        """Let a cgroup have so much memory, and have had ``peak``, if its kernel tells."""
        self.file("memory", place, "memory.usage_in_bytes", "memory.current").write_text(f"{memory}\n")
        is_v2 = self.cgroups is Cgroups.V2
        figures = f"anon {anonymous - 1}\nfile 9\nshmem 1\n" if is_v2 else f"rss 9\ntotal_rss {anonymous}\n"
        self.file("memory", place, "memory.stat", "memory.stat").write_text(figures)
        if peak is not None:
            self.file("memory", place, "memory.max_usage_in_bytes", "memory.peak").write_text(f"{peak}\n")

    def stalled(self, directory: Path, form: str, **totals: float) -> None:
        """Let the pressure files of a directory tell these totals in seconds."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, seconds in totals.items():
            some = f"some avg10=0.00 avg60=0.00 avg300=0.00 total={int(seconds * 1e6)}\n"
            (directory / form.format(name)).write_text(some + some.replace("some", "full"))

    def pilots_stalled(self, *, populated: bool = True, **totals: float) -> None:
        """Let the pilots' v2 cgroup tell these totals in seconds."""
        directory = self.unified / self.parent
        self.stalled(directory, "{}.pressure", **totals)
        (directory / "cgroup.events").write_text(f"populated {int(populated)}\nfrozen 0\n")

    def disk(self, read: int, written: int) -> None:
        """Let the disk, and its partition, have moved so many bytes."""
        numbers = f"9 9 {read // 512} 9 9 9 {written // 512} 9 0 9 9"
        (self.proc / "diskstats").write_text(f"   8 0 sda {numbers}\n   8 1 sda1 {numbers}\n   7 0 loop0 {numbers}\n")

    def moved(self, place: str, read: int, written: int) -> None:
        """Let a cgroup have moved so many bytes; of v2 only the pilots' parent is asked."""
        file = self.file("blkio", place, "blkio.throttle.io_service_bytes_recursive", "io.stat")
        is_v2 = self.cgroups is Cgroups.V2
        text = f"8:0 rbytes={read} wbytes={written} rios=1 wios=1\n" if is_v2 else ""
        file.write_text(text or f"8:0 Read {read}\n8:0 Write {written}\n8:0 Total {read + written}\nTotal 0\n")

    def work(self, seconds: float, *, owner: float, pilots: float | None = None, stolen: float = 0.0) -> None:
        """Let time pass in which the owner and, where there are any, the pilots used so many CPUs."""
        self.now += seconds
        self.busy += seconds * (owner + (pilots or 0.0))
        self.stolen += seconds * stolen
        if pilots is not None:
            self.pilots += seconds * pilots
            self.account(self.parent, self.pilots)

    def look(
        self, *running: str, driver: str = "", suspended: tuple[str, ...] = (), churn: Churn | None = None
    ) -> tuple[HostLook | None, dict[str, PilotUse]]:
        """Look as the probe does."""
        cpus = "".join(f"cpu{n} 0 0 0 0 0 0 0 0 0 0\n" for n in range(4))
        ticks = f"{int(self.busy * TICKS)} 0 0 9 9 0 0 {int(self.stolen * TICKS)} 0 0"
        (self.proc / "stat").write_text(f"cpu  {ticks}\n{cpus}")
        seen = Pilots(running=running, suspended=suspended, churn=churn or Churn())
        return self.host.look(self.now, driver or self.driver, seen)

    def later(self, *running: str, churn: Churn | None = None) -> HostLook:
        """Return what a look says that isn't the first."""
        look, _ = self.look(*running, churn=churn)
        assert look is not None
        return look
