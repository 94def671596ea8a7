"""How many pilots ran at each moment, from the engine's own events: the witness of "never too many"."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker

from plancton.common.naming import LABEL_INSTANCE


class Census:
    """Counts the running containers of one instance from now on."""

    def __init__(self, url: str, instance: str) -> None:
        """Begin to count; what runs already is counted first."""
        self._client = docker.APIClient(base_url=url, timeout=3600)
        label = {"label": f"{LABEL_INSTANCE}={instance}"}
        self._stream = self._client.events(decode=True, filters=label)
        self._running = {each["Id"] for each in self._client.containers(filters=label) if self._runs(each["Id"])}
        self.most = len(self._running)
        self.starts = 0
        self.deaths = 0
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()

    def _runs(self, container: str) -> bool:
        """Ask for one container: the engine's list may still show as running what it has told the death of."""
        try:
            return bool(self._client.inspect_container(container)["State"]["Running"])
        except docker.errors.NotFound:
            return False

    def _count(self) -> None:
        event: dict[str, Any]
        for event in self._stream:
            if event.get("Action") == "start":
                self._running.add(event["id"])
                self.starts += 1
                self.most = max(self.most, len(self._running))
            elif event.get("Action") == "die":
                self._running.discard(event["id"])
                self.deaths += 1

    def close(self) -> None:
        """Count no longer."""
        self._stream.close()
        self._thread.join(10)
        self._client.close()


@contextmanager
def census(url: str, instance: str) -> Iterator[Census]:
    """Yield a census that ends with the context."""
    counted = Census(url, instance)
    try:
        yield counted
    finally:
        counted.close()
