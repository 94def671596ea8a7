"""What Prometheus may see of the metrics process, if the settings say where.

prometheus-client takes 14 MiB: it's imported only where it's wanted.
"""

import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING

from plancton import __version__
from plancton.common.codec import Envelope
from plancton.common.messages import Counters
from plancton.common.points import Point
from plancton.workers.metrics.prometheus import exposed_facts
from plancton.workers.metrics.prometheus.exposition import Snapshot

if TYPE_CHECKING:
    from plancton.workers.metrics.prometheus.listener import Exporter


class Exposure:
    """Keeps what is heard, and publishes it while somebody may ask. Nothing here ever blocks."""

    def __init__(self) -> None:
        """Expose nothing yet."""
        self._hostname = socket.gethostname().partition(".")[0]
        self._facts = exposed_facts.Facts()
        self._exporter: Exporter | None = None

    def hear(self, envelope: Envelope) -> None:
        """Take in a fact, or an event that is news."""
        self._facts = exposed_facts.heard(self._facts, envelope)

    def put(self, points: Iterable[Point]) -> None:
        """Take in what points alone tell."""
        self._facts = exposed_facts.pointed(self._facts, points)

    def follow(self, address: str) -> None:
        """Serve at ``address``, a value of ``prometheus_address``, from now on; nowhere where it is empty."""
        if address and self._exporter is None:
            from plancton.workers.metrics.prometheus.listener import Exporter  # noqa: PLC0415

            self._exporter = Exporter()
        if self._exporter is not None:
            self._exporter.follow(address)

    def publish(self, counters: Counters) -> None:
        """Have this be what is served from now on."""
        if self._exporter is not None:
            self._exporter.published.snapshot = Snapshot(
                version=__version__, hostname=self._hostname, facts=self._facts, counters=counters
            )

    def close(self) -> None:
        """Serve no more."""
        if self._exporter is not None:
            self._exporter.close()
