"""One HTTP exchange with the engine, under a deadline for the whole of it; its errors as values."""

import http.client
import socket
import time
from collections.abc import Generator

import msgspec
import requests
import urllib3
import urllib3.exceptions

from plancton.common.engine_answers import refusal
from plancton.common.engine_types import Failure, FailureKind

_LARGEST_BODY = 64 * 2**20
"""No answer is this long: a list of containers takes about a kilobyte for each."""
_PIECE = 64 * 2**10
_SHORTEST_WAIT = 0.001
"""A timeout of zero would make the socket non-blocking."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask. ``path`` goes without the API version."""

    method: str
    path: str
    params: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: bytes | None = None


class RefusedError(Exception):
    """An answer of a status that isn't a success; 304, nothing to change, is one."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


ERRORS = (
    RefusedError,
    msgspec.MsgspecError,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)
"""All that an exchange raises, whatever the engine and the network do. ValueError stands for a bad header."""


class Session(requests.Session):
    """Connections to one engine, for one call at a time."""

    def __init__(self) -> None:
        """Leave it to the caller where to connect to, and how."""
        super().__init__()
        self.base_url = ""
        """What goes before every path."""
        # REQUESTS_CA_BUNDLE would take the place of the engine's own authority, and a proxy for the registries that of
        # the engine; looking for them takes a third of a call's CPU time.
        self.trust_env = False


class Reply:
    """An answer whose body is still to be read. Its connection can be used again once it was read to its end."""

    def __init__(self, response: requests.Response, ends_at: float) -> None:
        """Read from ``response`` until ``ends_at`` (monotonic seconds)."""
        self.status = response.status_code
        self._raw: urllib3.HTTPResponse = response.raw
        self._ends_at: float | None = ends_at
        connection = self._raw.connection
        # None where the answer ends its connection: each wait then has the time that the whole exchange was given.
        self.socket: socket.socket | None = getattr(connection, "sock", None)

    def pieces(self) -> Generator[bytes]:
        """Yield the body as it comes."""
        stream = self._raw.stream(_PIECE)
        try:
            self._limit_wait()
            for piece in stream:
                yield piece
                self._limit_wait()
        except BaseException:
            self._raw.close()
            raise
        self._raw.release_conn()

    def lines(self) -> Generator[bytes]:
        """Yield each line of the body as soon as it's whole, empty ones left out."""
        rest = b""
        for piece in self.pieces():
            *whole, rest = (rest + piece).split(b"\n")
            if len(rest) > _LARGEST_BODY:
                message = "an endless line"
                raise msgspec.DecodeError(message)
            yield from filter(bytes.strip, whole)
        if rest.strip():
            yield rest

    def read(self) -> bytes:
        """Return the whole body."""
        body = bytearray()
        for piece in self.pieces():
            body += piece
            if len(body) > _LARGEST_BODY:
                message = "an endless answer"
                raise msgspec.DecodeError(message)
        return bytes(body)

    def wait_forever(self) -> None:
        """Give up the deadline, for a stream that may rightly be silent for hours; the kernel finds a dead peer out."""
        self._ends_at = None
        if self.socket is None:
            return
        self.socket.settimeout(None)
        if self.socket.family != socket.AF_UNIX:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)

    def hang_up(self) -> None:
        """End the connection under a reader in another thread, which sees the end of the body."""
        if self.socket is not None:
            try:
                # An SSLSocket's own shutdown would take the session away from under the reader.
                socket.socket.shutdown(self.socket, socket.SHUT_RDWR)
            except OSError:
                return

    def close(self) -> None:
        """Give up what is still to be read, and the connection with it."""
        self._raw.close()

    def _limit_wait(self) -> None:
        if self._ends_at is None:
            return
        left = self._ends_at - time.monotonic()
        if left <= 0.0:
            raise TimeoutError
        if self.socket is not None:
            self.socket.settimeout(max(left, _SHORTEST_WAIT))


def send(session: Session, request: Request, ends_at: float, version: str = "") -> Reply:
    """Ask, and return the answer once its head is there; its body is still to be read.

    ``version`` is the API's, as the path's first part.

    Raises:
        one of ``ERRORS``.

    """
    left = ends_at - time.monotonic()
    if left <= 0.0:
        raise TimeoutError
    response = session.request(
        request.method,
        session.base_url + version + request.path,
        params=request.params,
        headers=request.headers,
        data=request.body,
        # One budget for connecting and for the head of the answer; plain seconds would be allowed to each.
        timeout=urllib3.Timeout(total=max(left, _SHORTEST_WAIT)),  # type: ignore[arg-type]
        stream=True,
        allow_redirects=False,
    )
    reply = Reply(response, ends_at)
    if reply.status >= http.HTTPStatus.MULTIPLE_CHOICES and reply.status != http.HTTPStatus.NOT_MODIFIED:
        raise RefusedError(reply.status, refusal(reply.read()))
    return reply


def failure_of(error: Exception, peer: str, seconds: float) -> Failure:
    """Return what ``error``, one of ``ERRORS``, means to a caller that waited ``seconds`` for ``peer``."""
    if isinstance(error, RefusedError):
        return Failure(kind=_kind_of_status(error.status), detail=error.reason, seconds=seconds)
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError):
        return Failure(kind=FailureKind.TIMED_OUT, detail=f"{peer}: no answer within {seconds:.2f} s", seconds=seconds)
    root = _root(error)
    detail = (root.strerror if isinstance(root, OSError) else None) or f"{type(root).__name__}: {root}"
    return Failure(kind=_kind_of_root(root), detail=f"{peer}: {detail[:500]}", seconds=seconds)


def _kind_of_root(root: BaseException) -> FailureKind:
    if isinstance(root, requests.RequestException):
        # What requests itself won't send, such as to an address of an unknown kind. It counts these among OSErrors.
        return FailureKind.REFUSED
    return FailureKind.UNREACHABLE if isinstance(root, OSError) else FailureKind.BROKEN


def _kind_of_status(status: int) -> FailureKind:
    match status:
        case 404:
            return FailureKind.NOT_FOUND
        case 409:
            return FailureKind.CONFLICT
        case _ if http.HTTPStatus.BAD_REQUEST <= status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
            return FailureKind.REFUSED
        case _:
            return FailureKind.BROKEN


def _root(error: BaseException) -> BaseException:
    """Return what the layers of libraries wrapped."""
    while error.__context__ is not None:
        error = error.__context__
    return error
