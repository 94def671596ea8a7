"""An HTTP server that says what it's told to: for answers that a real InfluxDB can't be brought to give."""

import gzip
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Stub:
    """What it says, and what it heard."""

    def __init__(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """Answer every request so."""
        self.status = status
        self.body = body
        self.headers = headers
        self.heard: list[tuple[str, str | None, bytes]] = []
        """The path, the Authorization header and the body, unpacked, of each write."""
        self.packed: list[bool] = []
        """Whether each of these bodies came compressed."""
        self.version: dict[str, str] = {}
        """The headers with which it answers a ping; without them it knows no ping."""
        self.pings = 0
        self.port = 0


@contextmanager
def stub(
    status: int,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Stub]:
    """Run such a server on a free loopback port while the context lasts."""
    told = Stub(status, body, headers or {})

    class Handler(BaseHTTPRequestHandler):
        """Says what the stub was told."""

        def do_POST(self) -> None:
            """Note the request and answer."""
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told.packed.append(self.headers.get("Content-Encoding") == "gzip")
            if told.packed[-1]:
                body = gzip.decompress(body)
            told.heard.append((self.path, self.headers.get("Authorization"), body))
            self._answer(told.status, told.headers, told.body)

        def do_GET(self) -> None:
            """Answer a ping."""
            told.pings += 1
            self._answer(204 if told.version else 404, told.version, b"")

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        told.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
