"""A real planctond in directories of its own, for tests that see it as an operator would."""

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import msgspec
import psutil
import yaml

from plancton.common.control import NoAnswer, ask
from plancton.common.messages import Target
from plancton.common.naming import LABEL_INSTANCE, instance_id
from plancton.common.paths import Paths
from plancton.common.pilot import ENDED_STATES, Pilot
from plancton.common.requests import Answer, Request, Status
from plancton.common.status import StatusReport
from plancton.supervisor import cgroups
from tests.support.engine import Engine
from tests.support.waiting import wait_for

START_SECONDS = 30.0
QUICK: Mapping[str, object] = {
    "max_docks": 3,
    "docks_per_loop": 10,
    "cpus_per_dock": 0.01,
    "max_dock_mem": 33_554_432,
    "docker_cmd": "/bin/sleep 60",
    "docker_network": "none",
    "stop_grace": 1,
    "main_sleep": 1,
    "grace_grow": 0,
    "fizzle_seconds": 0,
    "log_level": "debug",
}
"""Settings that fill any machine at once with pilots that use nothing and may end as soon as they like."""


class Node:
    """One planctond and its directories; it may be started, killed and started again."""

    def __init__(self, directory: Path, engine: Engine | None, **settings: object) -> None:
        """Prepare the directories below ``directory`` and the configuration; nothing runs yet."""
        self.paths = Paths(
            rundir=directory / "run",
            logdir=directory / "log",
            statedir=directory / "state",
            confdir=directory / "conf",
            pidfile=directory / "planctond.pid",
        )
        self.engine = engine
        self.instance = instance_id(str(self.paths.rundir))
        url = engine.url if engine else f"unix://{directory}/no-engine.sock"
        self.settings: dict[str, object] = {**QUICK, "docker_url": url, **settings}
        self.process: subprocess.Popen[bytes] | None = None
        self.paths.confdir.mkdir(parents=True)
        self.configure()

    @property
    def options(self) -> list[str]:
        """The path options that planctond and planctonctl take."""
        paths = self.paths
        return [
            f"--rundir={paths.rundir}",
            f"--logdir={paths.logdir}",
            f"--confdir={paths.confdir}",
            f"--statedir={paths.statedir}",
            f"--pidfile={paths.pidfile}",
        ]

    def configure(self, **settings: object) -> None:
        """Change these settings in the configuration file; planctond reads it when it's told to, or in time."""
        self.settings |= settings
        self.paths.config_file.write_text(yaml.safe_dump(self.settings), encoding="utf-8")

    def start(self, *, ready: bool = True) -> None:
        """Start planctond, and wait until it says that it's ready unless ``ready`` is false."""
        command = [sys.executable, "-m", "plancton.planctond", *self.options]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if ready:
            wait_for(lambda: self.status().ready, START_SECONDS, "planctond is ready")

    def control(self, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run planctonctl on this node and return how it ended and what it printed."""
        command = [sys.executable, "-m", "plancton.cli.main", *self.options, verb, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def ask(self, request: Request) -> Answer:
        """Ask planctond over its control socket; no answer is a failed assertion."""
        try:
            return ask(self.paths.control_socket, request, 3.0)
        except NoAnswer as error:
            raise AssertionError(str(error)) from error

    def status(self) -> StatusReport:
        """Return what planctond tells of itself."""
        answer = self.ask(Status())
        assert answer.ok, answer.error
        return msgspec.convert(answer.data, StatusReport)

    def target(self) -> Target:
        """Return the scheduler's present wish."""
        target = wait_for(lambda: self.status().target, 10, "the scheduler has decided")
        assert target is not None
        return target

    def pid_of(self, worker: str) -> int:
        """Return the pid of a worker that runs."""
        found = next(process for process in self.status().processes if process.name == worker)
        assert found.pid is not None, f"{worker} is {found.state}"
        return found.pid

    def signal_worker(self, worker: str, number: signal.Signals) -> int:
        """Send a worker a signal and return its pid."""
        pid = self.pid_of(worker)
        psutil.Process(pid).send_signal(number)
        return pid

    def works_again(self, worker: str, former: int) -> bool:
        """Tell whether the worker runs in another process than ``former``."""
        found = next(process for process in self.status().processes if process.name == worker)
        return found.state.value == "running" and found.pid not in {None, former}

    def live_pilots(self) -> tuple[Pilot, ...]:
        """Return the pilots that planctond sees and that haven't ended."""
        pool = self.status().pool
        assert pool is not None, "the pool is unknown"
        return tuple(pilot for pilot in pool.pilots if pilot.state not in ENDED_STATES)

    def containers(self, *, running: bool = True) -> list[dict[str, Any]]:
        """Return this instance's containers as the engine lists them itself."""
        assert self.engine is not None
        client = docker.APIClient(base_url=self.engine.url, timeout=30)
        try:
            found: list[dict[str, Any]] = client.containers(
                all=not running, filters={"label": f"{LABEL_INSTANCE}={self.instance}"}
            )
            return found
        finally:
            client.close()

    def full(self) -> bool:
        """Tell whether as many pilots run as are allowed."""
        return len(self.containers()) == self.settings["max_docks"]

    def log(self) -> str:
        """Return the log as it is now."""
        return self.paths.log_file.read_text(encoding="utf-8") if self.paths.log_file.exists() else ""

    def tree(self) -> list[psutil.Process]:
        """Return planctond's process and all below it."""
        assert self.process is not None
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def wait(self, deadline: float = 30.0) -> int:
        """Wait for planctond's end and return its exit code."""
        assert self.process is not None
        return self.process.wait(deadline)

    def end(self) -> None:
        """End planctond and everything that's left of it, pilots included."""
        process = self.process
        if process is not None and process.poll() is None:
            workers = self.tree()[1:]
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                for each in (*workers, psutil.Process(process.pid)):
                    each.kill()
                process.wait(15)
        if self.engine is not None:
            client = docker.APIClient(base_url=self.engine.url, timeout=60)
            for container in self.containers(running=False):
                client.remove_container(container["Id"], force=True)
            client.close()
        # planctond itself can't remove them at its end if pilots live on, or if it's killed.
        cgroups.remove_empty(self.instance)


@contextmanager
def node(engine: Engine | None, **settings: object) -> Iterator[Node]:
    """Yield a node that isn't started yet, and leave nothing of it behind."""
    directory = Path(tempfile.mkdtemp(prefix="plancton-node-", dir="/tmp"))  # Short, for the sockets below it.
    made = Node(directory, engine, **settings)
    try:
        yield made
    except BaseException:
        sys.stderr.write(f"--- the node's log\n{made.log()}\n")
        raise
    finally:
        made.end()
        shutil.rmtree(directory, ignore_errors=True)
