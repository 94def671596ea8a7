"""The exporter for Prometheus: one thread listens where the setting says and serves what the loop published last.

The loop only leaves a snapshot; whoever asks has it made into text in a thread of theirs.
"""

import ipaddress
import logging
import select
import socket
import threading
import time

from prometheus_client import CollectorRegistry

from plancton.workers.metrics.prometheus.families import Published
from plancton.workers.metrics.prometheus.server import Server

log = logging.getLogger(__name__)

_FIRST_SECONDS = 1.0
_LONGEST_SECONDS = 60.0
"""Between two attempts to listen."""


class Exporter:
    """The thread that listens, wherever it shall."""

    def __init__(self) -> None:
        """Listen nowhere yet."""
        self.published = Published()
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self.published)
        self._wanted = ""
        self._ended = False
        self._ear, self._bell = socket.socketpair()
        for end in (self._ear, self._bell):
            end.setblocking(False)  # noqa: FBT003 - its only argument
        self._thread = threading.Thread(target=self._run, name="prometheus", daemon=True)
        self._thread.start()

    def follow(self, address: str) -> None:
        """Listen at ``address``, a value of ``prometheus_address``, from now on; nowhere where it is empty."""
        if address != self._wanted:
            self._wanted = address
            self._ring()

    def close(self) -> None:
        """End the thread, and wait for that."""
        self._ended = True
        self._ring()
        self._thread.join()
        self._ear.close()
        self._bell.close()

    def _ring(self) -> None:
        try:
            self._bell.send(b"\0")
        except BlockingIOError:
            # A full pipe wakes the thread as well.
            return

    def _run(self) -> None:
        complained, pause = "", _FIRST_SECONDS
        former = ""
        while not self._ended:
            address = self._wanted
            if address != former:
                former, complained, pause = address, "", _FIRST_SECONDS
            if not address:
                self._wait(None)
                continue
            try:
                server = Server(*_place(address), self._registry)
            except OSError as error:
                why = error.strerror or str(error)
                if why != complained:
                    complained = why
                    log.warning("prometheus_address %s can't be listened at: %s; trying again", address, why)
                self._wait(pause)
                pause = min(2 * pause, _LONGEST_SECONDS)
                continue
            log.info("Prometheus finds http://%s/metrics", address)
            self._serve(server, address)

    def _serve(self, server: Server, address: str) -> None:
        try:
            while not self._ended and self._wanted == address:
                if self._wait(server.cut_overdue(time.monotonic()), server):
                    server.accept()
        finally:
            server.close()

    def _wait(self, seconds: float | None, server: Server | None = None) -> bool:
        """Wait until the bell rings, somebody comes, or the time is over; tell whether somebody came."""
        listened: list[socket.socket | Server] = [self._ear] if server is None else [self._ear, server]
        ready, _, _ = select.select(listened, [], [], seconds)
        if self._ear in ready:
            self._ear.recv(4096)
        return server in ready


def _place(address: str) -> tuple[str, int]:
    """Return host and port of a ``prometheus_address``. No name is looked up: it could be that of another machine.

    Raises:
        OSError: if there is no such host or port.

    """
    host, _, port = address.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.strip("[]")
    number = int(port)
    if not 0 < number < 65536:  # noqa: PLR2004 - TCP's ports
        msg = f"there is no port {number}"
        raise OSError(msg)
    try:
        ipaddress.ip_address(host)
    except ValueError as error:
        raise OSError(str(error)) from None
    return host, number
