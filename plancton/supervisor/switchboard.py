"""The supervisor's end of the bus: forwards what a worker says to those that hear it, and remembers the last word."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import zmq

from plancton.common.bus import HEARS, Speaker, bind_bus, received, send
from plancton.common.codec import Envelope, ProtocolError, decode
from plancton.common.messages import Message
from plancton.common.topics import EVENT_TOPICS, TOPIC_OF, Topic
from plancton.supervisor.backlog import Backlog

log = logging.getLogger(__name__)


class Switchboard:
    """Routes messages between the present lives of the workers."""

    def __init__(
        self,
        context: "zmq.Context[zmq.Socket[bytes]]",
        path: Path,
        boot: str,
        name_of: Callable[[str], str | None],
        on_message: Callable[[str, Envelope], None],
    ) -> None:
        """Bind the bus at ``path``. ``name_of`` tells which worker lives under a boot id; ``on_message`` hears all."""
        self.socket = bind_bus(context, path)
        self._speaker = Speaker("supervisor", boot)
        self._name_of = name_of
        self._on_message = on_message
        self._last: dict[Topic, tuple[list[bytes], Envelope]] = {}
        self._connected: dict[str, bytes] = {}
        """The routing id of each worker's present life, once it has spoken."""
        self._backlog = {name: Backlog() for name in HEARS}
        """Event messages for a worker that isn't there, for its next life."""

    def say(self, message: Message) -> None:
        """Say something in the supervisor's own name."""
        frames = self._speaker.frames(message)
        self._publish(frames, decode(*frames))

    def last(self, topic: Topic) -> Envelope | None:
        """Return the last message of a level topic, None if there was none."""
        entry = self._last.get(topic)
        return entry[1] if entry else None

    def age(self, topic: Topic) -> float | None:
        """Return how many seconds ago the last message of a level topic was said."""
        envelope = self.last(topic)
        return None if envelope is None else time.monotonic() - envelope.monotonic

    def lost(self, name: str) -> None:
        """Forget the life of a worker that ended."""
        self._connected.pop(name, None)

    def turn(self) -> None:
        """Forward what waits."""
        for frames in received(self.socket):
            self._take(frames)

    def _take(self, frames: list[bytes]) -> None:
        identity, *rest = frames
        name = self._name_of(identity.decode("ascii", "replace"))
        if name is None:
            return
        try:
            if len(rest) != 2:  # noqa: PLR2004 - topic and envelope
                msg = f"{len(rest)} frames, where a message has 2"
                raise ProtocolError(msg)  # noqa: TRY301 - the same answer as to a frame that can't be decoded
            envelope = decode(*rest)
        except ProtocolError as error:
            log.warning("dropped a message of %s: %s", name, error)
            return
        if self._connected.get(name) != identity:
            self._welcome(name, identity)
        self._on_message(name, envelope)
        if envelope.topic is not Topic.BEAT:
            self._publish(rest, envelope)

    def _welcome(self, name: str, identity: bytes) -> None:
        """Tell a worker's new life the last word on all that it hears, then the events it missed.

        Its former life's own words come first, so that it can go on from them before it acts on anything else.
        """
        self._connected[name] = identity
        for topic, (frames, _envelope) in sorted(self._last.items(), key=lambda item: item[1][1].sender != name):
            if topic in HEARS[name]:
                send(self.socket, [identity, *frames])
        for missed in self._backlog[name].take():
            send(self.socket, [identity, *missed])

    def _publish(self, frames: list[bytes], envelope: Envelope) -> None:
        topic = TOPIC_OF[type(envelope.message)]
        if topic not in EVENT_TOPICS:
            self._last[topic] = (frames, envelope)
        for name, hears in HEARS.items():
            if topic not in hears:
                continue
            identity = self._connected.get(name)
            if identity is not None:
                send(self.socket, [identity, *frames])
            elif topic in EVENT_TOPICS:
                self._backlog[name].put(frames)
