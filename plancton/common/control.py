"""planctonctl's end of the control socket."""

import math
import os
import secrets
from pathlib import Path

import zmq

from plancton.common.bus import CONTROL_MAX_BYTES
from plancton.common.codec import ProtocolError
from plancton.common.requests import Answer, Request, decode_answer, encode_request


class NoAnswer(Exception):  # noqa: N818 - it names what happened
    """planctond didn't answer in time, or not in this protocol. The text says which."""


class Silence(NoAnswer):
    """It didn't answer in time."""


def ask(path: Path, request: Request, seconds: float = 10.0) -> Answer:
    """Send ``request`` to the planctond that listens at ``path`` and return its answer.

    Raises:
        Silence: if none comes within ``seconds``.
        NoAnswer: if one comes that isn't understood.
        PermissionError: if this user may not use the socket.

    """
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(path)
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, CONTROL_MAX_BYTES * 16)
        token = secrets.token_bytes(8)
        socket.connect(f"ipc://{path}")
        socket.send_multipart([token, encode_request(request)])
        if not socket.poll(math.ceil(seconds * 1000), zmq.POLLIN):
            msg = f"no answer from {path} within {seconds:g} s"
            raise Silence(msg)
        frames = socket.recv_multipart()
    try:
        return decode_answer(frames[-1])
    except ProtocolError as error:
        msg = f"{path} answered in another protocol: {error}"
        raise NoAnswer(msg) from error
