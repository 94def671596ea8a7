"""The event stream: it may be silent for long, ends when the engine does, and can be closed from anywhere."""

import json
import queue
import socket
import threading
import time
from pathlib import Path

import pytest

from plancton.common.engine import Engine
from plancton.common.engine_events import EventStream
from plancton.common.engine_types import Failure
from tests.support.certificates import docker_certificates
from tests.support.scripted_engine import (
    CHUNKED_HEAD,
    Talk,
    chunk,
    say,
    say_and_hang_up,
    scripted_engine,
    scripted_tls_engine,
)
from tests.support.waiting import wait_for


def line(action: str, at_nano: int = 1) -> bytes:
    """Return an event as the engine writes it."""
    attributes = {"image": "busybox", "name": "pilot", "plancton.slot": "3"}
    event = {"Type": "container", "Action": action, "Actor": {"ID": "c0ffee", "Attributes": attributes}}
    return json.dumps(event | {"time": 0, "timeNano": at_nano}).encode() + b"\n"


def opened(url: str, deadline: float = 5.0) -> EventStream:
    """Return an open stream."""
    stream = Engine(url).events({}, deadline=deadline)
    assert not isinstance(stream, Failure), stream
    return stream


ENDINGS: dict[str, Talk] = {
    "the engine goes away": say_and_hang_up(CHUNKED_HEAD + chunk(line("start"))),
    "it ends the answer": say_and_hang_up(CHUNKED_HEAD + chunk(line("start")) + chunk(b"")),
    "within an event": say_and_hang_up(CHUNKED_HEAD + chunk(line("start") + line("die")[:20])),
    "garbage": say(CHUNKED_HEAD + chunk(line("start") + b"{}\n")),
    "a garbage length": say(CHUNKED_HEAD + chunk(line("start")) + b"zz\r\n"),
}


@pytest.mark.parametrize("how", ENDINGS)
def test_whatever_ends_the_stream_ends_the_iteration(how: str, tmp_path: Path) -> None:
    with scripted_engine(tmp_path / "sock", ENDINGS[how]) as server:
        stream = opened(server.url)
        assert [event.action for event in stream] == ["start"]
        assert list(stream) == []
        stream.close()


def test_events_come_whole_however_they_are_cut(tmp_path: Path) -> None:
    both = line("create", 1) + line("start", 2)
    cuts = b"".join(chunk(both[start : start + 7]) for start in range(0, len(both), 7))
    with scripted_engine(tmp_path / "sock", say_and_hang_up(CHUNKED_HEAD + cuts + chunk(b"\n"))) as server:
        events = list(opened(server.url))
    assert [(event.action, event.at_nano) for event in events] == [("create", 1), ("start", 2)]
    assert events[0].labels == {"plancton.slot": "3"}
    assert (events[0].name, events[0].container_id) == ("pilot", "c0ffee")


def follow(stream: EventStream) -> tuple[threading.Thread, "queue.SimpleQueue[str]"]:
    """Read the stream in a thread; its events' actions come out of the queue, and then ``end``."""
    seen: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for event in stream:
            seen.put(event.action)
        seen.put("end")

    thread = threading.Thread(target=read)
    thread.start()
    return thread, seen


def test_silence_beyond_the_deadline_is_no_end(tmp_path: Path) -> None:
    def talk(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(CHUNKED_HEAD)
        stop.wait(0.5)
        connection.sendall(chunk(line("die")))
        stop.wait()

    with scripted_engine(tmp_path / "sock", talk) as server:
        stream = opened(server.url, deadline=0.1)
        thread, seen = follow(stream)
        assert seen.get(timeout=5.0) == "die"
        stream.close()
        thread.join(5.0)


@pytest.mark.parametrize("transport", ["unix", "tls"])
def test_closing_ends_a_silent_read_at_once(transport: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = say(CHUNKED_HEAD + chunk(line("start")))
    if transport == "tls":
        running = scripted_tls_engine(docker_certificates(tmp_path, monkeypatch), talk)
    else:
        running = scripted_engine(tmp_path / "sock", talk)
    with running as server:
        stream = opened(server.url)
        thread, seen = follow(stream)
        assert seen.get(timeout=5.0) == "start"
        began = time.monotonic()
        stream.close()
        assert seen.get(timeout=5.0) == "end"
        assert time.monotonic() - began < 0.5
        thread.join(5.0)
        assert not thread.is_alive()
        wait_for(lambda: len(server.hung_up) == len(server.connections) == 2, 5.0, "the connections' ends")


def test_closing_what_nobody_reads_closes_its_connection(tmp_path: Path) -> None:
    with scripted_engine(tmp_path / "sock", say(CHUNKED_HEAD)) as server:
        opened(server.url).close()
        wait_for(lambda: len(server.hung_up) == len(server.connections) == 2, 5.0, "the connections' ends")
