"""planctonctl's end of the control socket: an answer, or a word on why there is none, in bounded time."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq

from plancton.common.bus import bind_control
from plancton.common.codec import pack
from plancton.common.control import NoAnswer, ask
from plancton.common.requests import Answer, Drain, Status, decode_request
from tests.support.running import REPOSITORY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the control socket's path."""
    return tmp_path / "control.sock"


@contextmanager
def server(path: Path, reply: Callable[[bytes], bytes | None]) -> Iterator[None]:
    """Answer one request, from a thread; a reply of None is none at all."""
    with zmq.Context() as context, bind_control(context, path) as socket:

        def serve() -> None:
            if socket.poll(5000):
                *route, data = socket.recv_multipart()
                answer = reply(data)
                if answer is not None:
                    socket.send_multipart([*route, answer])

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()
        # What was sent is out before the socket is dropped.
        socket.setsockopt(zmq.LINGER, 1000)


def test_the_answer_comes_back(path: Path) -> None:
    seen: list[object] = []

    def reply(data: bytes) -> bytes:
        seen.append(decode_request(data))
        return pack(Answer(ok=True, data={"n": 1}))

    with server(path, reply):
        assert ask(path, Drain(stop=True), 5.0) == Answer(ok=True, data={"n": 1})
    assert seen == [Drain(stop=True)]


def test_a_refusal_is_an_answer(path: Path) -> None:
    with server(path, lambda _: pack(Answer(ok=False, error="refused: no"))):
        assert ask(path, Status(), 5.0) == Answer(ok=False, error="refused: no")


@pytest.mark.parametrize("garbage", [b"", b"garbage", pack({"fine": True}), pack(None)])
def test_an_answer_in_another_protocol_is_none(path: Path, garbage: bytes) -> None:
    with server(path, lambda _: garbage), pytest.raises(NoAnswer, match="answered in another protocol"):
        ask(path, Status(), 5.0)


def test_silence_is_no_answer(path: Path) -> None:
    begun = time.monotonic()
    with server(path, lambda _: None), pytest.raises(NoAnswer, match=r"no answer from .* within 0\.1 s"):
        ask(path, Status(), 0.1)
    assert time.monotonic() - begun < 3.0


def test_where_nobody_listens_there_is_no_answer(path: Path) -> None:
    with pytest.raises(NoAnswer):
        ask(path, Status(), 0.05)
    path.touch()
    with pytest.raises(NoAnswer):
        ask(path, Status(), 0.05)


SOMEBODY = """
import os, sys
from pathlib import Path
from plancton.common.control import ask
from plancton.common.requests import Status
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    ask(Path(sys.argv[1]), Status(), 5.0)
except PermissionError:
    print("not allowed")
"""


@pytest.mark.parametrize("directory", [0o755, 0o700])
def test_whoever_may_not_use_the_socket_is_told_so_at_once(tmp_path: Path, directory: int) -> None:
    rundir = Path("/tmp") / f"plancton-test-{os.getpid()}-{directory:o}"
    rundir.mkdir(mode=directory)
    try:
        path = rundir / "control.sock"
        path.touch(mode=0o600 if os.getuid() == 0 else 0o000)
        result = subprocess.run(
            [sys.executable, "-c", SOMEBODY, str(path)], stdout=-1, text=True, check=True, cwd=REPOSITORY, timeout=20
        )
        assert result.stdout == "not allowed\n"
    finally:
        path.unlink()
        rundir.rmdir()
    assert tmp_path.is_dir()
