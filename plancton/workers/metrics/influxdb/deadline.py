"""HTTP connections with a bound on all they do: a server that trickles, or never ends, is left at the deadline.

urllib3 bounds each wait for bytes, but neither the sum of the waits nor the size of an answer.
"""

import functools
import http.client
import io
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, LocationParseError, NameResolutionError, NewConnectionError

MOST_ANSWER_BYTES = 2**20
_PIECE_BYTES = 16_384
"""Python bounds each write of TLS, not all of them; one is no larger."""


class Deadline:
    """The end of the time that a write may take, whatever requests it needs."""

    def __init__(self, seconds: float) -> None:
        """Allow ``seconds`` for all answers, and as much again for connecting where that is needed."""
        self._seconds = seconds
        self._end = 0.0
        self._to_connect = 0.0

    def begin(self) -> None:
        """Start the clock."""
        self._end = time.monotonic() + self._seconds
        self._to_connect = self._seconds

    def remaining(self) -> float:
        """Return the seconds left for answers, more than none.

        Raises:
            TimeoutError: if none are.

        """
        return _some(self._end - time.monotonic())

    def remaining_to_connect(self) -> float:
        """Return the seconds left for connecting, more than none.

        Raises:
            TimeoutError: if none are.

        """
        return _some(self._to_connect)

    def connected(self, seconds: float) -> None:
        """Leave out of account what connecting took."""
        self._to_connect -= seconds
        self._end += seconds


def _some(seconds: float) -> float:
    if seconds <= 0.0:
        raise TimeoutError
    return seconds


class _Reader(io.RawIOBase):
    """Reads an answer until the deadline, and no more than is reasonable."""

    def __init__(self, deadline: Deadline, sock: socket.socket, raw: Any) -> None:  # noqa: ANN401 - the socket's own reader
        super().__init__()
        self._deadline = deadline
        self._sock = sock
        self._raw = raw
        self._left = MOST_ANSWER_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        self._sock.settimeout(self._deadline.remaining())
        count = int(self._raw.readinto(buffer) or 0)
        self._left -= count
        if self._left < 0:
            message = "an endless answer"
            raise http.client.HTTPException(message)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, deadline: Deadline, sock: socket.socket, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Reader(deadline, sock, self.fp.detach()))

    def begin(self) -> None:
        super().begin()
        if self.headers.defects:
            # urllib3 would log them, and with them whatever the server says.
            message = "headers that can't be read"
            raise http.client.HTTPException(message)
        # Nobody asked for compression; a small answer could be made to fill the memory.
        del self.headers["Content-Encoding"]
        # Points go where the operator said and nowhere else; what urllib3 follows depends on its version.
        del self.headers["Location"]


class _Bounded(HTTPConnection):
    def __init__(self, deadline: Deadline, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - urllib3's own
        super().__init__(*args, **kwargs)
        self._deadline = deadline
        self.response_class = functools.partial(_Answer, deadline)  # type: ignore[assignment]

    def connect(self) -> None:
        """Connect, with the handshake of TLS if any."""
        begin = time.monotonic()
        super().connect()
        self._deadline.connected(time.monotonic() - begin)

    def _new_conn(self) -> socket.socket:
        """Connect to whichever of the host's addresses takes it; each gets its share of the time."""
        try:
            addresses = socket.getaddrinfo(self.host.strip("[]"), self.port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except UnicodeError as error:
            raise LocationParseError(self.host) from error
        failure = OSError("no address")
        end = time.monotonic() + self._deadline.remaining_to_connect()
        for number, (family, kind, protocol, _, address) in enumerate(addresses):
            sock = socket.socket(family, kind, protocol)
            try:
                for option in self.socket_options or ():
                    sock.setsockopt(*option)
                sock.settimeout(_some(end - time.monotonic()) / (len(addresses) - number))
                sock.connect(address)
                # What is left is for the handshake of TLS.
                sock.settimeout(_some(end - time.monotonic()))
            except OSError as error:
                sock.close()
                failure = error
                continue
            sys.audit("http.client.connect", self, self.host, self.port)
            return sock
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, "timed out") from failure
        raise NewConnectionError(self, str(failure)) from failure

    def send(self, data: Any) -> None:  # noqa: ANN401 - as http.client has it
        view = memoryview(data)
        for begin in range(0, len(view), _PIECE_BYTES):
            if self.sock is not None:
                self.sock.settimeout(self._deadline.remaining())
            super().send(view[begin : begin + _PIECE_BYTES])


class _BoundedTls(_Bounded, HTTPSConnection):
    """The same over TLS."""


def bound(pools: urllib3.PoolManager, deadline: Deadline) -> None:
    """Have all connections that ``pools`` will make keep the deadline."""

    def make(kind: type[urllib3.HTTPConnectionPool], connection: type[_Bounded]) -> Callable[..., Any]:
        def pool(*args: Any, **kwargs: Any) -> urllib3.HTTPConnectionPool:  # noqa: ANN401 - urllib3's own
            made = kind(*args, **kwargs)
            made.ConnectionCls = functools.partial(connection, deadline)  # type: ignore[assignment]
            return made

        return pool

    pools.pool_classes_by_scheme = {
        "http": make(urllib3.HTTPConnectionPool, _Bounded),  # type: ignore[dict-item]
        "https": make(urllib3.HTTPSConnectionPool, _BoundedTls),  # type: ignore[dict-item]
    }
