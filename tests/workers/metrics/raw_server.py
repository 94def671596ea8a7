"""A server that says whatever bytes it likes: for answers that no HTTP server gives."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class RawServer:
    """Where it listens, and a fact for its talk to end by."""

    def __init__(self, listener: socket.socket) -> None:
        """Serve the listening socket."""
        self.port: int = listener.getsockname()[1]
        self.over = threading.Event()
        """Set when the test is."""
        self.requests = 0

    def request(self, connection: socket.socket) -> bytes:
        """Read one request, headers and body; empty where the other end hung up."""
        text = b""
        while b"\r\n\r\n" not in text:
            piece = connection.recv(65_536)
            if not piece:
                return b""
            text += piece
        head, _, body = text.partition(b"\r\n\r\n")
        (length,) = [int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")] or [
            0
        ]
        while len(body) < length:
            body += connection.recv(65_536)
        self.requests += 1
        return head + body


@contextmanager
def raw_server(
    talk: Callable[[RawServer, socket.socket], None], tls: ssl.SSLContext | None = None
) -> Iterator[RawServer]:
    """Run a server on a free loopback port that does ``talk`` with each connection, while the context lasts."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = RawServer(listener)
    threads: list[threading.Thread] = []
    connections: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            connection,
            tls.wrap_socket(connection, server_side=True) if tls else connection as spoken,
        ):
            talk(server, spoken)

    def accept() -> None:
        with contextlib.suppress(OSError):  # The listener was shut down.
            while True:
                connections.append(listener.accept()[0])
                thread = threading.Thread(target=serve, args=(connections[-1],))
                threads.append(thread)
                thread.start()

    threads.append(threading.Thread(target=accept))
    threads[0].start()
    try:
        yield server
    finally:
        server.over.set()
        for each in (listener, *connections):
            with contextlib.suppress(OSError):  # It is closed already.
                each.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in threads:
            thread.join()
