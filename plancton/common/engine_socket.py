"""HTTP over a UNIX socket for requests: one connection, used again for every call.

docker-py's own keeps a connection for each URL that was ever asked for, 25 at most, so that hardly any is used twice;
and it leaves the socket of a connection that failed to the garbage collector.
"""

import socket
from typing import Any

import requests.adapters
import urllib3
import urllib3.connection


class _SocketConnection(urllib3.connection.HTTPConnection):
    def __init__(self, *args: Any, socket_path: str, **kwargs: Any) -> None:  # noqa: ANN401 - the base class's own
        super().__init__(*args, **kwargs)
        self._socket_path = socket_path

    def connect(self) -> None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(self.timeout)
            connection.connect(self._socket_path)
        except BaseException:
            connection.close()
            raise
        self.sock = connection


class _SocketPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _SocketConnection


class SocketAdapter(requests.adapters.HTTPAdapter):
    """Sends the requests of one session to a server behind a UNIX socket."""

    def __init__(self, socket_path: str) -> None:
        """Connect to ``socket_path`` when there is something to send."""
        super().__init__()
        self._pool = _SocketPool("localhost", maxsize=1, socket_path=socket_path)

    def get_connection_with_tls_context(self, *_args: object, **_kwargs: object) -> urllib3.HTTPConnectionPool:
        """Return the pool, whatever is asked for."""
        return self._pool

    def request_url(self, request: requests.PreparedRequest, _proxies: object) -> str:
        """Return what the request's first line says: the path, for there is no proxy to tell the rest to."""
        return request.path_url

    def close(self) -> None:
        """Close the connection."""
        super().close()
        self._pool.close()
