"""planctond as a subject: its own command lines, its own processes, seen from outside only."""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import yaml
from docker import APIClient

from bench.subjects import Pilot, remove_all

WORKERS = ("probe", "scheduler", "launcher", "reaper", "metrics")
ROOT = Path(__file__).resolve().parent.parent
ENTRY_POINTS = {"planctond": "plancton.planctond", "planctonctl": "plancton.cli.main"}
STOP_SECONDS = 60.0


def command(program: str) -> list[str]:
    """How to run ``program``: the one beside this interpreter, else the checkout's own."""
    beside = Path(sys.executable).parent / program
    if beside.exists():
        return [str(beside)]
    return [sys.executable, "-c", f"from {ENTRY_POINTS[program]} import main; raise SystemExit(main())"]


def find_process(status: object, worker: str) -> dict[str, Any] | None:
    """Find the record of ``worker`` in what ``planctonctl status --json`` said, or None."""
    processes = status.get("processes", []) if isinstance(status, dict) else []
    return next((record for record in processes if record.get("name") == worker), None)


class Planctond:
    """One planctond in directories of its own, with a configuration that asks for the bench's pilots."""

    name = "planctond"

    def __init__(self, url: str, pilot: Pilot, settings: Mapping[str, object] | None = None) -> None:
        """Ask for ``pilot``s on the engine at ``url``, with these ``settings`` beside."""
        self._url = url
        self._pilot = pilot
        self._further = settings or {}
        self._client = APIClient(base_url=url, version="auto", timeout=120)
        self._home = Path(tempfile.mkdtemp(prefix="plancton-bench-"))
        self._environment = {**os.environ, "DOCKER_HOST": url, "PYTHONPATH": str(ROOT)}
        self._process: subprocess.Popen[bytes] | None = None
        rundir = str((self._home / "run").absolute())
        self.label = f"plancton.instance={hashlib.sha256(rundir.encode()).hexdigest()[:8]}"

    @property
    def process(self) -> psutil.Process:
        """The supervisor. Raises RuntimeError unless started."""
        if self._process is None:
            msg = "planctond isn't started"
            raise RuntimeError(msg)
        return psutil.Process(self._process.pid)

    def _paths(self) -> list[str]:
        home = self._home
        named = {"rundir": "run", "logdir": "log", "confdir": "conf", "statedir": "state", "pidfile": "pid"}
        return [word for option, name in named.items() for word in (f"--{option}", str(home / name))]

    def _settings(self, pilots: int, life_seconds: int) -> dict[str, object]:
        return {
            "docker_image": self._pilot.image,
            "docker_cmd": self._pilot.command(life_seconds),
            "docker_network": self._pilot.network,
            "max_docks": pilots,
            "docks_per_loop": max(1, pilots),
            "cpus_per_dock": self._pilot.cpus,
            "max_dock_mem": self._pilot.memory_bytes,
            **self._further,
        }

    def start(self, pilots: int, life_seconds: int) -> None:
        """Start planctond in the foreground of its own session; returns before it is ready."""
        for part in ("run", "log", "conf"):
            (self._home / part).mkdir(mode=0o700, exist_ok=True)
        (self._home / "conf" / "config.yaml").write_text(yaml.safe_dump(self._settings(pilots, life_seconds)))
        with (self._home / "log" / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [*command("planctond"), *self._paths()],
                env=self._environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def stop(self) -> None:
        """``force-stop``, then whatever is left by force; its directories go too."""
        if self._process is not None:
            self._control("force-stop", timeout=STOP_SECONDS)
            self._end_by_force(self._process)
            self._process = None
        remove_all(self._client, self.label)
        shutil.rmtree(self._home, ignore_errors=True)

    def _end_by_force(self, process: "subprocess.Popen[bytes]") -> None:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            tree = self.tree()
            for member in tree:
                member.kill()
            psutil.wait_procs(tree, timeout=STOP_SECONDS)
            process.wait()

    def _control(self, *words: str, timeout: float = 10.0) -> "subprocess.CompletedProcess[bytes] | None":
        line = [*command("planctonctl"), *self._paths(), *words]
        try:
            return subprocess.run(
                line, env=self._environment, cwd=ROOT, capture_output=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired:
            return None

    def status(self) -> object:
        """Ask what ``planctonctl status --json`` says; None while it says nothing of use."""
        done = self._control("status", "--json")
        if done is None:
            return None
        try:
            said: object = json.loads(done.stdout)
        except ValueError:
            return None
        return said

    def pilots(self) -> list[psutil.Process]:
        """Find the first process of each pilot that runs."""
        found = []
        for container in self._client.containers(filters={"label": self.label}):
            pid = self._client.inspect_container(container["Id"])["State"]["Pid"]
            with contextlib.suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(pid))
        return found

    @contextlib.contextmanager
    def standing_still(self, pilots: Iterable[psutil.Process]) -> Iterator[None]:
        """Stop planctond's processes and these pilots' for as long as the context lasts, as if they weren't there."""
        there = [*self.tree(), *pilots]
        try:
            for process in there:
                process.suspend()
            yield
        finally:
            for process in there:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    def tree(self) -> list[psutil.Process]:
        """Find the supervisor and all that descend from it."""
        try:
            return [self.process, *self.process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def worker_pid(self, worker: str) -> int | None:
        """Find the pid of the process titled ``planctond: worker``, or None while there is none."""
        for member in self.tree():
            try:
                if " ".join(member.cmdline()).strip() == f"planctond: {worker}":
                    return member.pid
            except psutil.Error:
                continue
        return None

    def works(self, worker: str, pid: int) -> bool:
        """Whether status shows ``worker`` at its work in process ``pid``."""
        record = find_process(self.status(), worker)
        return record is not None and record.get("pid") == pid and record.get("state") == "running"

    def wait_ready(self, timeout: float) -> bool:
        """Wait until status shows every worker at its work; False after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self.process.is_running():
            status = self.status()
            records = [find_process(status, worker) for worker in WORKERS]
            if all(record is not None and record.get("state") == "running" for record in records):
                return True
        return False

    def failure(self) -> str | None:
        """Tell how planctond ended, when it has."""
        code = None if self._process is None else self._process.poll()
        return None if code is None else f"it ended with {code}: {self.last_line()}"

    def last_line(self) -> str:
        """Return the last thing that planctond printed, for the message of a run that failed."""
        output = self._home / "log" / "output"
        lines = output.read_text(errors="replace").splitlines() if output.exists() else []
        return lines[-1] if lines else "it printed nothing"
