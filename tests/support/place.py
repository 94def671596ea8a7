"""A place for one worker in a test: what it says is kept, what it hears is stamped, and it turns on request."""

import time
from pathlib import Path
from typing import TypeVar

from plancton.common.codec import Envelope
from plancton.common.messages import Message
from plancton.common.topics import TOPIC_OF
from plancton.workers.base import Worker

M = TypeVar("M", bound=Message)


class KeptPlace:
    """Keeps what a worker says."""

    def __init__(self, rundir: Path = Path("/run/plancton")) -> None:
        """Be the place of a worker whose run directory is ``rundir``."""
        self.rundir = rundir
        self.state = rundir / "state"
        self.said: list[Message] = []

    def wake(self) -> None:
        """Do nothing: tests wait for facts."""

    def say(self, message: Message) -> None:
        """Keep ``message``."""
        self.said.append(message)

    def of(self, kind: type[M]) -> list[M]:
        """Return what was said of this kind."""
        return [message for message in self.said if isinstance(message, kind)]


def tell(worker: Worker, message: Message, sender: str = "supervisor", age: float = 0.0) -> None:
    """Let ``worker`` hear a message that was said ``age`` seconds ago."""
    worker.hear(
        Envelope(
            topic=TOPIC_OF[type(message)],
            sender=sender,
            boot="b",
            sequence=1,
            monotonic=time.monotonic() - age,
            message=message,
        )
    )
