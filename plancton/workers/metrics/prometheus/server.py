"""A small HTTP server for /metrics that no peer can hold up: few connections at a time, each short and of few bytes.

``prometheus_client.start_http_server`` makes a thread for each connection, however many, reads requests of any length,
waits for ever for a peer that says nothing, and asks DNS for its own name. Its handler is used here nevertheless.
"""

import contextlib
import logging
import socket
import socketserver
import sys
import threading
import time
from email.message import Message
from io import BufferedIOBase
from typing import Any, cast
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, MetricsHandler
from prometheus_client.exposition import choose_encoder

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 16
"""Whoever comes after that has the place of the one that has been there longest: a scrape takes milliseconds."""
CONNECTION_SECONDS = 10.0
"""As long as Prometheus itself waits for an answer."""
REQUEST_BYTES = 16_384


class TooLongError(OSError):
    """A request has more bytes than anybody needs."""


class _Head:
    """Reads a request of bounded length."""

    def __init__(self, source: BufferedIOBase) -> None:
        self._source = source
        self._left = REQUEST_BYTES

    def readline(self, most: int) -> bytes:
        line = self._source.readline(min(most, self._left + 1))
        self._left -= len(line)
        if self._left < 0:
            raise TooLongError
        return line

    def close(self) -> None:
        self._source.close()


class Handler(MetricsHandler):
    """Answers ``GET /metrics``."""

    server: "Server"
    headers: Message

    def setup(self) -> None:
        """Bound what is read."""
        super().setup()
        self.rfile = cast("BufferedIOBase", _Head(self.rfile))

    def version_string(self) -> str:
        """Return what is said of this server: nothing that helps to attack it."""
        return "planctond"

    def do_GET(self) -> None:  # noqa: N802 - as in http.server
        """Give the metrics, to whoever asks for them in an understandable way."""
        try:
            path = urlsplit(self.path).path
            choose_encoder(self.headers.get("Accept") or "")
        except (TypeError, ValueError):
            self.send_error(400)
            return
        if path != "/metrics":
            self.send_error(404, explain="What Prometheus wants is at /metrics.")
            return
        self.registry = self.server.registry
        super().do_GET()


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens at one address; whoever runs it lets it ``accept`` when its socket is readable, and ``cut_overdue``."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024
    """A connection that finds no place here tries again after a second."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        """Listen.

        Raises:
            OSError: if that is impossible.

        """
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.registry = registry
        self._open: dict[socket.socket, float] = {}
        """The connections and their ends, those that came first first."""
        self._lock = threading.Lock()
        self._failed = ""
        super().__init__((host, port), Handler)
        self.socket.setblocking(False)  # noqa: FBT003 - its only argument

    def accept(self) -> None:
        """Serve the connections that wait, each in a thread of its own."""
        for _ in range(self.request_queue_size):
            try:
                request, peer = self.get_request()
            except OSError:
                # None waits any more, or it went away again.
                return
            try:
                self.process_request(request, peer)
            except RuntimeError:
                # No thread can be started now.
                self.shutdown_request(request)

    def cut_overdue(self, now: float) -> float | None:
        """Cut off whoever has been there for too long; return the seconds until that is due again, None if never."""
        with self._lock:
            for connection, end in list(self._open.items()):
                if end > now:
                    return end - now
                self._cut(connection)
        return None

    def close(self) -> None:
        """Listen no more, and cut off whoever is there."""
        self.server_close()
        self.cut_overdue(float("inf"))

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in socketserver
        """Make room for a connection, then serve it."""
        with self._lock:
            while len(self._open) >= MOST_CONNECTIONS:
                self._cut(next(iter(self._open)))
            self._open[request] = time.monotonic() + CONNECTION_SECONDS
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as in socketserver
        """Close a connection; no other thread may then cut it, for its number may be another one's by then."""
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002 - as in socketserver
        """Log a bug, the same one once. A peer that hangs up, or was cut off, is none."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError) and repr(error) != self._failed:
            self._failed = repr(error)
            log.error("a request for /metrics failed", exc_info=error)

    def _cut(self, connection: socket.socket) -> None:
        del self._open[connection]
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
