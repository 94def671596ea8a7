"""A real pilot that holds memory, says that it's safe to stop, and burns CPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plancton.common.engine import Engine
from plancton.common.naming import cgroup_parent, container_name, instance_id, labels
from plancton.common.pilot_directory import PilotDirectories, mounts
from plancton.supervisor.cgroups import remove_empty
from tests.support.contract import done
from tests.support.place import KeptPlace


class BurningPilot:
    """The pilot, its engine, and the place of the probe that looks at it."""

    def __init__(self, url: str, rundir: Path, burns: str, cpus: float, mib: int) -> None:
        """Start it: ``burns`` is what it does once it has taken the memory, with so many CPUs at most."""
        self.url, self.instance, self.engine = url, instance_id(str(rundir)), Engine(url)
        self.place = KeptPlace(rundir)
        name = container_name(self.instance, 0, 1)
        held = f"dd if=/dev/zero of=/dev/shm/held bs=1M count={mib}"
        self.driver = done(self.engine.info()).cgroup_driver
        host_config = {
            "NetworkMode": "none",
            "NanoCpus": int(cpus * 1e9),
            "CgroupParent": cgroup_parent(self.instance, self.driver),
            "Binds": mounts(PilotDirectories(self.place.state).create(name, "0:0", 0.0), "/plancton"),
        }
        body = {
            "Image": "busybox",
            "Cmd": ["/bin/sh", "-c", f"{held} && echo safe > /plancton/out/state; {burns}"],
            "Labels": labels(self.instance, 0, 1, "s"),
            "HostConfig": host_config,
        }
        self.id = done(self.engine.create(body, name))
        assert self.engine.start(self.id) is None

    def remove(self) -> None:
        """Leave nothing of it."""
        assert self.engine.remove(self.id, force=True) is None
        remove_empty(self.instance)


@contextmanager
def burning_pilot(
    url: str, rundir: Path, burns: str = "while :; do :; done", *, cpus: float = 0.5, mib: int = 20
) -> Iterator[BurningPilot]:
    """Have such a pilot on the engine at ``url`` for as long as the context lasts."""
    pilot = BurningPilot(url, rundir, burns, cpus, mib)
    try:
        yield pilot
    finally:
        pilot.remove()
