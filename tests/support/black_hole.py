"""A server that accepts every connection and never says a word: the worst way for a peer to be broken."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class BlackHole:
    """Where the server listens, and who came."""

    def __init__(self, listener: socket.socket) -> None:
        """Serve the listening socket."""
        self.port: int = listener.getsockname()[1]
        self.accepted: list[socket.socket] = []
        self._listener = listener
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Its address, as an HTTP server's."""
        return f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # The listener was shut down.
            while True:
                self.accepted.append(self._listener.accept()[0])

    def close(self) -> None:
        """Stop listening and hang up on everyone."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for each in (self._listener, *self.accepted):
            each.close()


@contextmanager
def black_hole() -> Iterator[BlackHole]:
    """Run such a server on a free loopback port while the context lasts."""
    hole = BlackHole(socket.create_server(("127.0.0.1", 0), backlog=128))
    try:
        yield hole
    finally:
        hole.close()
