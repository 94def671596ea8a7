"""Where the bench runs: an engine for it, and the facts without which its figures mean nothing."""

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import psutil
from docker import APIClient
from docker.errors import DockerException, ImageNotFound

ROOT = Path(__file__).resolve().parent.parent
ENGINE_TOOL = ROOT / "tools" / "engine"
IMAGE_TOOL = ROOT / "tools" / "busybox-image"
ENGINE_SECONDS = 120.0


class NoEngineError(Exception):
    """There is no engine to measure on; the text says why."""


@contextmanager
def engine() -> Iterator[str]:
    """Give the URL of the engine to use: ``DOCKER_HOST``'s, or else a private one that ends with the context."""
    if named := os.environ.get("DOCKER_HOST"):
        yield named
        return
    with tempfile.TemporaryDirectory(prefix="plancton-bench-engine-", ignore_cleanup_errors=True) as home:
        try:
            started = subprocess.run(
                [str(ENGINE_TOOL), "start", home, "--for", str(os.getpid())],
                capture_output=True,
                text=True,
                timeout=ENGINE_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            msg = f"no engine: DOCKER_HOST isn't set, and {ENGINE_TOOL} failed: {error}"
            raise NoEngineError(msg) from error
        url = next((word for word in started.stdout.split() if "://" in word), "").removeprefix("DOCKER_HOST=")
        try:
            if started.returncode or not url:
                msg = f"no engine: DOCKER_HOST isn't set, and {ENGINE_TOOL} start said: {started.stderr.strip()}"
                raise NoEngineError(msg)
            _make_busybox(url)
            yield url
        finally:
            subprocess.run([str(ENGINE_TOOL), "stop", home], capture_output=True, timeout=ENGINE_SECONDS, check=False)


def _make_busybox(url: str) -> None:
    done = subprocess.run(
        [sys.executable, str(IMAGE_TOOL)],
        env={**os.environ, "DOCKER_HOST": url},
        capture_output=True,
        text=True,
        timeout=ENGINE_SECONDS,
        check=False,
    )
    if done.returncode:
        msg = f"no image for the private engine: {done.stderr.strip()}"
        raise NoEngineError(msg)


def network(url: str) -> str:
    """Name the engine's bridge, which is what pilots get by default; ``none`` where the engine has no bridge."""
    names = {each["Name"] for each in APIClient(base_url=url, version="auto").networks()}
    return "bridge" if "bridge" in names else "none"


def require_image(url: str, image: str) -> None:
    """Raise `NoEngineError` unless the engine answers and has ``image``: the bench never pulls."""
    try:
        APIClient(base_url=url, version="auto").inspect_image(image)  # type: ignore[no-untyped-call]
    except ImageNotFound as error:
        msg = f"the engine at {url} has no image {image}"
        raise NoEngineError(msg) from error
    except DockerException as error:
        msg = f"the engine at {url} doesn't answer: {error}"
        raise NoEngineError(msg) from error


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _version() -> str | None:
    try:
        return metadata.version("plancton")
    except metadata.PackageNotFoundError:
        return None


def facts(url: str) -> dict[str, str | int | float | None]:
    """Tell the machine, the versions and the moment, for the JSON and the table's head."""
    client = APIClient(base_url=url, version="auto")
    told, version = client.info(), client.version()
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpus": os.cpu_count(),
        "cpu_model": _cpu_model(),
        "ram_bytes": psutil.virtual_memory().total,
        "load_1min_before": os.getloadavg()[0],
        "kernel": platform.release(),
        "system": told.get("OperatingSystem"),
        "python": platform.python_version(),
        "engine": version["Version"],
        "engine_api": version["ApiVersion"],
        "storage_driver": told.get("Driver"),
        "cgroup_driver": told.get("CgroupDriver"),
        "cgroup_version": told.get("CgroupVersion"),
        "plancton": _version(),
        "commit": _git("rev-parse", "HEAD"),
        "changed_since_commit": None if (changed := _git("status", "--porcelain")) is None else bool(changed),
    }
