"""The black hole accepts everyone and answers nobody."""

import socket

import pytest

from tests.support.black_hole import BlackHole
from tests.support.waiting import wait_for


def test_it_accepts_and_never_answers(black_hole: BlackHole) -> None:
    with socket.create_connection(("127.0.0.1", black_hole.port), timeout=0.2) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        wait_for(lambda: black_hole.accepted, 5.0, "the connection is accepted")
        with pytest.raises(TimeoutError):
            client.recv(1)
