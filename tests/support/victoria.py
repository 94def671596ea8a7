"""A real server of InfluxDB 2's write API for tests: Debian's victoria-metrics on a free loopback port.

It takes bad lines and any token, and makes 0 of a text: it shows how points arrive, not how they are refused.
"""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.support.running import free_port, program, running
from tests.support.waiting import wait_for

_FAR_SECONDS = 4_000_000_000
"""Without an end, an export misses what was written in this second."""


class Victoria:
    """One running victoria-metrics."""

    def __init__(self, port: int) -> None:
        """Remember where it listens."""
        self.port = port

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def is_up(self) -> bool:
        """Tell whether it answers."""
        try:
            return self._get("/health") == b"OK"
        except OSError:
            return False

    def points(self, metric: str) -> list[tuple[dict[str, str], int, float]]:
        """Return the tags, the moment in milliseconds and the value of each point of ``MEASUREMENT_FIELD``, in order.

        What came by ``/write`` has its database in the tag ``db``.
        """
        self._get("/internal/force_flush")
        pattern = urllib.parse.urlencode({"match[]": f'{{__name__="{metric}"}}', "start": 0, "end": _FAR_SECONDS})
        found: list[tuple[dict[str, str], int, float]] = []
        for line in self._get(f"/api/v1/export?{pattern}").splitlines():
            series: dict[str, Any] = json.loads(line)
            tags = {name: text for name, text in series["metric"].items() if name != "__name__"}
            found += ((tags, at, value) for at, value in zip(series["timestamps"], series["values"], strict=True))
        return sorted(found, key=lambda each: (each[1], msgspec.json.encode(each[0])))

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=5) as answer:
            body: bytes = answer.read()
            return body


@contextmanager
def victoria(directory: Path, *more: str) -> Iterator[Victoria]:
    """Run victoria-metrics with its data in the directory, and with more options, while the context lasts."""
    binary = program("victoria-metrics", "victoria-metrics")
    directory.mkdir(exist_ok=True)
    server = Victoria(free_port())
    options = (
        f"-httpListenAddr=127.0.0.1:{server.port}",
        f"-storageDataPath={directory / 'data'}",
        "-retentionPeriod=100y",
        "-memory.allowedBytes=64MB",
        "-http.maxGracefulShutdownDuration=1s",
        *more,
    )
    with running([binary, *options], directory / "log") as process:
        wait_for(
            lambda: server.is_up() or process.poll() is not None,
            20.0,
            f"victoria-metrics answers; its log: {directory}/log",
        )
        assert process.poll() is None, (directory / "log").read_text(encoding="utf-8")[-2000:]
        yield server
