"""The bus's and the control socket's ZeroMQ sockets, with the options that ZeroMQ's defaults get wrong.

The supervisor binds one ROUTER; each worker is a DEALER whose routing id is its boot id, so that a message of a former
life can be told. The supervisor forwards what a worker says to those that hear the topic and keeps the last message of
each level topic for whoever starts later. A peer that doesn't read loses messages rather than delaying anyone.
"""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import zmq

from plancton.common.codec import MAX_BYTES, Envelope, ProtocolError, decode, encode
from plancton.common.messages import Message
from plancton.common.topics import TOPIC_OF, Topic

CONTROL_MAX_BYTES = 1024 * 1024
"""A peer of the control socket that sends more in one frame is cut off by ZeroMQ itself."""
_HIGH_WATER = 1000

HEARS: Mapping[str, frozenset[Topic]] = {
    "probe": frozenset({Topic.SETTINGS, Topic.INTENT}),
    "scheduler": frozenset(
        {
            Topic.SETTINGS,
            Topic.INTENT,
            Topic.HOST,
            Topic.POOL,
            Topic.TARGET,
            Topic.LAUNCHER,
            Topic.LAUNCH_OUTCOME,
            Topic.ENDING_OUTCOME,
        },
    ),
    "launcher": frozenset({Topic.SETTINGS, Topic.TARGET, Topic.LAUNCHER}),
    "reaper": frozenset({Topic.SETTINGS, Topic.TARGET, Topic.POOL, Topic.INTENT}),
    "metrics": frozenset(Topic) - {Topic.BEAT},
}
"""Which topics each worker hears."""


class BindError(Exception):
    """A socket can't be made at its path. The text says which and why."""

    def __init__(self, path: Path, error: zmq.ZMQError) -> None:
        """Blame what is in its place, if something is that ZeroMQ couldn't remove."""
        why = "something else is in its place" if path.exists() else error.strerror
        super().__init__(f"the socket {path} can't be made: {why}")


def _bind(socket: "zmq.Socket[bytes]", path: Path) -> None:
    """Bind ``path`` for this user alone; the caller holds the lock of the run directory."""
    before = os.umask(0o177)
    try:
        socket.bind(f"ipc://{path}")
    except zmq.ZMQError as error:
        raise BindError(path, error) from error
    finally:
        os.umask(before)


def _socket(context: "zmq.Context[zmq.Socket[bytes]]", kind: int, max_bytes: int) -> "zmq.Socket[bytes]":
    socket = context.socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.SNDHWM, _HIGH_WATER)
    socket.setsockopt(zmq.RCVHWM, _HIGH_WATER)
    socket.setsockopt(zmq.MAXMSGSIZE, max_bytes)
    return socket


def _router(context: "zmq.Context[zmq.Socket[bytes]]", path: Path, max_bytes: int) -> "zmq.Socket[bytes]":
    socket = _socket(context, zmq.ROUTER, max_bytes)
    _bind(socket, path)
    return socket


def bind_bus(context: "zmq.Context[zmq.Socket[bytes]]", path: Path) -> "zmq.Socket[bytes]":
    """Return the supervisor's end of the bus, bound to ``path`` with mode 0600.

    Raises:
        BindError: if it can't be.

    """
    return _router(context, path, MAX_BYTES)


def bind_control(context: "zmq.Context[zmq.Socket[bytes]]", path: Path) -> "zmq.Socket[bytes]":
    """Return the control socket's server end, bound to ``path`` with mode 0600.

    Raises:
        BindError: if it can't be.

    """
    return _router(context, path, CONTROL_MAX_BYTES)


def received(socket: "zmq.Socket[bytes]", most: int = 100) -> Iterator[list[bytes]]:
    """Yield what waits on ``socket``, at most ``most`` messages, without waiting for more."""
    for _ in range(most):
        try:
            yield socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return


def send(socket: "zmq.Socket[bytes]", frames: list[bytes]) -> bool:
    """Send without waiting; False when the peer is gone or doesn't read."""
    try:
        socket.send_multipart(frames, zmq.NOBLOCK)
    except (zmq.Again, zmq.ZMQError):
        return False
    return True


class Speaker:
    """Numbers and stamps what one process says in one life."""

    def __init__(self, sender: str, boot: str) -> None:
        """Speak as ``sender``, under the boot id ``boot``."""
        self._sender = sender
        self._boot = boot
        self._sequence = 0

    def frames(self, message: Message) -> list[bytes]:
        """Return the next message's two frames."""
        self._sequence += 1
        envelope = Envelope(
            topic=TOPIC_OF[type(message)],
            sender=self._sender,
            boot=self._boot,
            sequence=self._sequence,
            monotonic=time.monotonic(),
            message=message,
        )
        return list(encode(envelope))


class WorkerBus:
    """A worker's end of the bus."""

    def __init__(self, path: Path, worker: str, boot: str) -> None:
        """Connect to the supervisor that bound ``path``, as ``worker`` under the boot id ``boot``."""
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = _socket(self._context, zmq.DEALER, MAX_BYTES)
        self.socket.setsockopt(zmq.ROUTING_ID, boot.encode("ascii"))
        self.socket.connect(f"ipc://{path}")
        self._speaker = Speaker(worker, boot)

    def say(self, message: Message) -> bool:
        """Say ``message`` to all that hear its topic; False when it had to be dropped."""
        return send(self.socket, self._speaker.frames(message))

    def heard(self) -> Iterator[Envelope]:
        """Yield what waits, oldest first. What can't be decoded raises ProtocolError once it's reached."""
        for frames in received(self.socket):
            if len(frames) != 2:  # noqa: PLR2004 - topic and envelope
                msg = f"{len(frames)} frames, where a message has 2"
                raise ProtocolError(msg)
            yield decode(*frames)

    def close(self) -> None:
        """Drop the connection and whatever waits in it."""
        self._context.destroy(linger=0)
