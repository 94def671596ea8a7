"""A server that tells its version as an engine does, and then answers as badly as it's told to."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

VERSION = b'{"ApiVersion":"1.41","MinAPIVersion":"1.12"}'

Talk = Callable[[socket.socket, threading.Event], None]
"""What is said on the connection; the event tells it to stop."""


def answer(body: bytes, status: str = "200 OK") -> bytes:
    """Return a whole HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def chunk(piece: bytes) -> bytes:
    """Return a piece of a chunked body."""
    return f"{len(piece):x}\r\n".encode() + piece + b"\r\n"


CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def say(data: bytes) -> Talk:
    """Say these bytes, then nothing more until the peer hangs up."""

    def talk(connection: socket.socket, _stop: threading.Event) -> None:
        connection.sendall(data)
        while connection.recv(65536):
            pass

    return talk


def say_each_time(data: bytes) -> Talk:
    """Say these bytes to each request."""

    def talk(connection: socket.socket, _stop: threading.Event) -> None:
        connection.sendall(data)

    return talk


def say_and_hang_up(data: bytes) -> Talk:
    """Say these bytes and close the connection."""

    def talk(connection: socket.socket, _stop: threading.Event) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    return talk


def drip(head: bytes, piece: bytes, seconds: float) -> Talk:
    """Say a head, then the same piece again and again, so that no single wait is long."""

    def talk(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(head)
        while not stop.wait(seconds):
            connection.sendall(piece)

    return talk


class ScriptedEngine:
    """The server, and what it was asked."""

    def __init__(self, url: str, listener: socket.socket, talk: Talk, tls: ssl.SSLContext | None = None) -> None:
        """Serve ``listener``, which is reached at ``url``."""
        self.url = url
        self.requests: list[bytes] = []
        """Each request's head."""
        self.connections: list[socket.socket] = []
        """Each that was ever opened."""
        self.hung_up: list[socket.socket] = []
        """Those that are over."""
        self._talk = talk
        self._stop = threading.Event()
        self._listener = listener
        self._tls = tls
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
                self.connections.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while head := _read_head(connection):
                self.requests.append(head)
                if head.startswith(b"GET /version "):
                    connection.sendall(answer(VERSION))
                else:
                    self._talk(connection, self._stop)
        self.hung_up.append(connection)

    def close(self) -> None:
        """Stop talking and listening."""
        self._stop.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5.0)


def _read_head(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(65536)
        if not data:
            return b""
        head += data
    return head


@contextmanager
def scripted_engine(path: Path, talk: Talk) -> Iterator[ScriptedEngine]:
    """Run such a server on a UNIX socket while the context lasts."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    with contextlib.closing(ScriptedEngine(f"unix://{path}", listener, talk)) as server:
        yield server


@contextmanager
def scripted_tls_engine(certificates: Path, talk: Talk) -> Iterator[ScriptedEngine]:
    """Run such a server on a loopback port, with the certificate and the key in the directory."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    tls.load_verify_locations(certificates / "ca.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    with contextlib.closing(ScriptedEngine(url, listener, talk, tls)) as server:
        yield server
