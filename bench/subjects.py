"""What is measured, behind one protocol, and the two references: the bare engine and ``--restart=always``."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol
from uuid import uuid4

import msgspec
from docker import APIClient
from docker.errors import APIError, NotFound

LANES = 4
"""Calls at once in the references: where the engine's throughput has stopped growing (see docs/benchmarks.md)."""
LABEL_KEY = "plancton.bench"


class Pilot(msgspec.Struct, frozen=True, kw_only=True):
    """The container that every subject runs, so that only what keeps it running differs."""

    image: str = "busybox"
    cpus: float = 0.1
    memory_bytes: int = 64_000_000
    network: str = "bridge"
    burns: bool = False
    """Whether it uses all the CPU that it gets, for ever."""

    def command(self, life_seconds: int) -> list[str]:
        """Return what runs inside: a pilot that finds no work and ends by itself, or one that never ends."""
        return ["/bin/sh", "-c", "while :; do :; done"] if self.burns else ["/bin/sleep", str(life_seconds)]


class Subject(Protocol):
    """Something that keeps pilots running on the engine."""

    @property
    def name(self) -> str:
        """How tables and JSON call it."""

    @property
    def label(self) -> str:
        """``key=value`` on all of its containers and on nobody else's."""

    def start(self, pilots: int, life_seconds: int) -> None:
        """Begin to keep ``pilots`` running, each living ``life_seconds``. May return before they run."""

    def failure(self) -> str | None:
        """Tell why it will start no pilot any more; None while it may."""

    def stop(self) -> None:
        """End all that `start` began, containers included. Harmless without a start."""


def remove_all(client: APIClient, label: str) -> None:
    """Remove every container that carries ``label``, running or not."""
    with ThreadPoolExecutor(LANES) as lanes:
        found = client.containers(all=True, filters={"label": label})
        list(lanes.map(lambda container: _remove(client, container["Id"]), found))


def _remove(client: APIClient, container_id: str) -> None:
    try:
        client.remove_container(container_id, force=True)
    except NotFound:
        return
    except APIError as error:
        # 409: the engine is already removing it.
        if error.status_code != 409:  # noqa: PLR2004
            raise


class BareEngine:
    """The API's create and start, nothing else: the floor of any launch. Replaces nobody."""

    name = "bare engine"

    def __init__(self, url: str, pilot: Pilot, policy: str = "no") -> None:
        self.label = f"{LABEL_KEY}={uuid4().hex[:8]}"
        self._client = APIClient(base_url=url, version="auto", timeout=120)
        self._pilot = pilot
        self._policy = policy

    def launch(self, life_seconds: int) -> float:
        """Create and start one container; the seconds that both took."""
        begin = time.monotonic()
        host: dict[str, Any] = self._client.create_host_config(
            network_mode=self._pilot.network,
            nano_cpus=round(self._pilot.cpus * 1e9),
            mem_limit=self._pilot.memory_bytes,
            memswap_limit=self._pilot.memory_bytes,
            restart_policy={"Name": self._policy},
        )
        key, value = self.label.split("=")
        created = self._client.create_container(
            self._pilot.image, self._pilot.command(life_seconds), labels={key: value}, host_config=host
        )
        self._client.start(created["Id"])
        return time.monotonic() - begin

    def start(self, pilots: int, life_seconds: int) -> None:
        """Launch ``pilots`` containers, `LANES` at once, and return when all have started."""
        with ThreadPoolExecutor(LANES) as lanes:
            list(lanes.map(self.launch, [life_seconds] * pilots))

    def failure(self) -> str | None:
        """Tell nothing: `start` has already said all by raising the engine's error."""
        return None

    def stop(self) -> None:
        """Remove all that was started."""
        remove_all(self._client, self.label)


class RestartAlways(BareEngine):
    """``docker run --restart=always`` of as many: the engine itself starts the same container again."""

    name = "restart=always"

    def __init__(self, url: str, pilot: Pilot) -> None:
        super().__init__(url, pilot, policy="always")
