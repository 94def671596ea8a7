"""Where nobody listens, and who listens there again."""

import socket
from pathlib import Path

import pytest
import requests

from plancton.common.engine_socket import SocketAdapter
from tests.support.scripted_engine import answer, say_each_time, scripted_engine


def session_to(path: Path) -> requests.Session:
    """Return a session whose requests all go to the socket at ``path``."""
    session = requests.Session()
    session.mount("http://", SocketAdapter(str(path)))
    return session


def test_one_connection_serves_all_paths_and_is_opened_again_when_it_was_closed(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    with session_to(path) as session:
        with scripted_engine(path, say_each_time(answer(b"first"))) as server:
            assert [session.get(f"http://localhost/{number}?x=y").content for number in range(3)] == [b"first"] * 3
            assert len(server.connections) == 1
            assert server.requests[2].startswith(b"GET /2?x=y HTTP/1.1\r\n")
        path.unlink()
        with scripted_engine(path, say_each_time(answer(b"second"))):
            assert session.get("http://localhost/").content == b"second"


def test_where_nobody_listens_no_socket_is_left_open(tmp_path: Path) -> None:
    # A socket left to the garbage collector is a ResourceWarning, which fails the test.
    path = tmp_path / "sock"
    with session_to(path) as session:
        with pytest.raises(requests.ConnectionError, match="No such file"):
            session.get("http://localhost/")
        with socket.socket(socket.AF_UNIX) as abandoned:
            abandoned.bind(str(path))
        with pytest.raises(requests.ConnectionError, match="refused"):
            session.get("http://localhost/")
