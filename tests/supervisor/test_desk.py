"""The control socket's server: every request gets an answer, and a bad one harms nobody."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from plancton.common.codec import pack
from plancton.common.requests import Answer, Drain, Happenings, Reload, Request, Status, decode_answer, encode_request
from plancton.supervisor.desk import Desk
from tests.support.waiting import wait_for

Socket = zmq.Socket[bytes]
DONE = Answer(ok=True, data="done")


class Office:
    """A desk and its clients."""

    def __init__(self, path: Path) -> None:
        """Open at ``path``."""
        self.context: zmq.Context[Socket] = zmq.Context()
        self.requests: list[Request] = []
        self.failure: Exception | None = None
        self.path = path
        self.desk = Desk(self.context, path, self._handle)
        self._clients: list[Socket] = []

    def _handle(self, request: Request) -> Answer:
        self.requests.append(request)
        if self.failure is not None:
            raise self.failure
        return DONE

    def client(self, kind: int = zmq.DEALER) -> Socket:
        """Return a new client's socket."""
        socket = self.context.socket(kind)
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(f"ipc://{self.path}")
        self._clients.append(socket)
        return socket

    def answer(self, client: Socket) -> list[bytes]:
        """Turn until the client has an answer; return its frames."""

        def came() -> list[bytes]:
            self.desk.turn()
            return client.recv_multipart() if client.poll(0) else []

        return wait_for(came, 5, "an answer")

    def ask(self, *frames: bytes) -> Answer:
        """Return the answer to these frames of a client of its own."""
        client = self.client()
        client.send_multipart(list(frames))
        return decode_answer(self.answer(client)[-1])

    def close(self) -> None:
        """Drop everything."""
        self.context.destroy(linger=0)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Yield a desk at work."""
    office = Office(tmp_path / "control.sock")
    yield office
    office.close()


def test_a_request_is_done_and_answered_under_its_token(office: Office) -> None:
    client = office.client()
    client.send_multipart([b"token", encode_request(Drain(stop=True))])
    assert office.answer(client) == [b"token", pack(DONE)]
    assert office.requests == [Drain(stop=True)]


def test_a_plain_request_socket_may_ask_too(office: Office) -> None:
    client = office.client(zmq.REQ)
    client.send(encode_request(Status()))
    assert office.answer(client) == [pack(DONE)]


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ([b"only one"], "refused: 1 frames, where a request has 2"),
        ([b"t", b"b", b"c"], "refused: 3 frames, where a request has 2"),
        ([b""] * 500, "refused: 500 frames, where a request has 2"),
        ([b"t", b""], "refused: not msgpack"),
        ([b"t", b"\xc1\xff"], "refused: not msgpack"),
        ([b"t", pack([])], "refused: a request is a map"),
        ([b"t", pack({"protocol": 99, "verb": "status"})], "refused: protocol 99"),
        ([b"t", pack({"protocol": 1, "verb": "dance"})], "refused: unknown verb 'dance'"),
        ([b"t", pack({"protocol": 1, "verb": "drain", "stop": 3})], "refused: Expected `bool`"),
        ([b"t", b"\x82\xa8protocol\x01\xa4verb" + b"\x91" * 1010 + b"\x90"], "refused: "),
        ([b"t", b"x" * (64 * 1024 + 1)], "refused: 65537 bytes"),
        ([b"t", b"x" * (1024 * 1024)], "refused: 1048576 bytes"),
    ],
)
def test_a_bad_request_is_refused_and_changes_nothing(office: Office, frames: list[bytes], why: str) -> None:
    answer = office.ask(*frames)
    assert not answer.ok
    assert answer.error.startswith(why)
    assert office.requests == []
    assert office.ask(b"t", encode_request(Reload())) == DONE


def test_whoever_sends_far_too_much_is_cut_off_and_others_are_served(office: Office) -> None:
    rogue, honest = office.client(), office.client()
    rogue.send_multipart([b"t", b"x" * (1024 * 1024 + 1)])
    honest.send_multipart([b"t", encode_request(Status())])
    assert decode_answer(office.answer(honest)[-1]) == DONE
    assert not rogue.poll(50)
    assert office.requests == [Status()]


@pytest.mark.parametrize(
    "failure", [PermissionError(13, "Permission denied", "/run/drain"), OSError("odd \udcff name"), ValueError("no")]
)
def test_a_request_that_fails_is_answered_with_what_went_wrong(office: Office, failure: Exception) -> None:
    office.failure = failure
    answer = office.ask(b"t", encode_request(Drain()))
    assert not answer.ok
    assert answer.error.startswith("Drain failed: ")
    office.failure = None
    assert office.ask(b"t", encode_request(Drain())) == DONE


def test_clients_that_left_or_do_not_read_delay_no_other(office: Office) -> None:
    for number in range(50):
        client = office.client()
        client.send_multipart([b"t", encode_request(Happenings(after=number))])
        if number % 2:
            wait_for(lambda: office.desk.socket.poll(0), 5, "a request")
            client.close()
    assert office.ask(b"t", encode_request(Status())) == DONE

    def all_served() -> bool:
        office.desk.turn()
        # Of those that left some were gone before their request was read.
        return len(office.requests) > 25

    wait_for(all_served, 5, "the requests of those that stayed")
