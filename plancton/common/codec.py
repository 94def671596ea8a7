"""Messages to bytes and back: the one place that knows what travels on the bus.

A message travels as two frames: its topic in ASCII, then an envelope in msgpack: protocol number, kind, sender, boot id
(new at each start of the sender), sequence (from 1, within the boot), monotonic time of sending, body. Unknown fields
are ignored, so that a newer sender may add some; an unknown kind or protocol is a ProtocolError.
"""

from typing import Any

import msgpack
import msgspec

from plancton.common.messages import Message
from plancton.common.topics import KINDS, TOPIC_OF, Topic

PROTOCOL = 1
MAX_BYTES = 4 * 1024 * 1024
"""More than 5,000 pilots need; whatever is longer is refused unread."""
_SHOWN = 60
"""How much of a wrong value an error shows."""


class ProtocolError(Exception):
    """Bytes that are no message of this protocol. The text says what is wrong with them."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A message with its origin. ``monotonic`` is the sender's CLOCK_MONOTONIC in seconds."""

    topic: Topic
    sender: str
    boot: str
    sequence: int
    monotonic: float
    message: Message


class _Wire(msgspec.Struct, frozen=True, kw_only=True):
    protocol: int
    kind: str
    sender: str
    boot: str
    sequence: int
    monotonic: float
    body: dict[str, Any]


def pack(value: Any) -> bytes:  # noqa: ANN401 - anything that msgspec can turn into plain values
    """Turn a struct or plain value into msgpack.

    What can't be UTF-8, such as the stray bytes of a file's name, becomes a backslash escape.
    """
    packed: bytes = msgpack.packb(msgspec.to_builtins(value, str_keys=True), unicode_errors="backslashreplace")
    return packed


def unpack(data: bytes, limit: int = MAX_BYTES) -> Any:  # noqa: ANN401 - nothing is known of it before it's converted
    """Turn msgpack into plain values.

    Raises:
        ProtocolError: if it's longer than ``limit`` bytes or isn't msgpack.

    """
    if len(data) > limit:
        msg = f"{len(data)} bytes, where at most {limit} are taken"
        raise ProtocolError(msg)
    try:
        return msgpack.unpackb(data)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        msg = f"not msgpack: {type(error).__name__}: {error}"
        raise ProtocolError(msg) from error


def encode(envelope: Envelope) -> tuple[bytes, bytes]:
    """Return the topic's frame and the envelope's."""
    wire = _Wire(
        protocol=PROTOCOL,
        kind=type(envelope.message).__name__,
        sender=envelope.sender,
        boot=envelope.boot,
        sequence=envelope.sequence,
        monotonic=envelope.monotonic,
        body=msgspec.to_builtins(envelope.message, str_keys=True),
    )
    return envelope.topic.encode("ascii"), pack(wire)


def decode(topic: bytes, data: bytes) -> Envelope:
    """Read a message's two frames.

    Raises:
        ProtocolError: if they're no message of this protocol, or the message doesn't belong to the topic.

    """
    try:
        wire = msgspec.convert(unpack(data), _Wire)
    except (msgspec.ValidationError, RecursionError) as error:
        msg = f"no envelope: {error}"
        raise ProtocolError(msg) from error
    if wire.protocol != PROTOCOL:
        msg = f"protocol {wire.protocol}, where {PROTOCOL} is spoken"
        raise ProtocolError(msg)
    kind = KINDS.get(wire.kind)
    if kind is None:
        msg = f"unknown kind {wire.kind[:_SHOWN]!r}"
        raise ProtocolError(msg)
    expected = TOPIC_OF[kind]
    if topic != expected.encode("ascii"):
        msg = f"{wire.kind} under topic {topic[:_SHOWN]!r}, where it belongs to {expected.value!r}"
        raise ProtocolError(msg)
    try:
        message = msgspec.convert(wire.body, kind)
    except msgspec.ValidationError as error:
        msg = f"bad {wire.kind}: {error}"
        raise ProtocolError(msg) from error
    return Envelope(
        topic=expected,
        sender=wire.sender,
        boot=wire.boot,
        sequence=wire.sequence,
        monotonic=wire.monotonic,
        message=message,
    )
