"""Starting real programs for tests, and ending them by their process id."""

import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def remedy(what: str, how: str) -> str:
    """Return the message of a test that lacks a real part. It fails: a skipped promise is an untested one."""
    return f"there is no {what}: {how} ('make test' sees to it)"


def program(name: str, package: str) -> str:
    """Return the path of a program that Debian's package brings.

    Raises:
        AssertionError: if it isn't installed, naming the package.

    """
    path = shutil.which(name)
    assert path, remedy(name, f"apt-get install {package}")
    return path


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str | Path],
    log: Path,
    env: Mapping[str, str] | None = None,
    stop_seconds: float = 10.0,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program while the context lasts, its output in ``log``, then end it by SIGTERM, or SIGKILL if need be."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(stop_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
