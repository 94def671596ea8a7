"""Messages that wait for a worker that isn't there, within bounds: pure."""

from collections import deque

MOST_MESSAGES = 1000
MOST_BYTES = 8 * 2**20
"""A pilot's last lines may be tens of thousands of bytes, and there may be many pilots."""


class Backlog:
    """The newest messages, as many as the bounds allow: the oldest are dropped."""

    def __init__(self) -> None:
        """Be empty."""
        self._waiting: deque[list[bytes]] = deque()
        self._bytes = 0

    def put(self, frames: list[bytes]) -> None:
        """Add a message, given its frames."""
        self._waiting.append(frames)
        self._bytes += _size(frames)
        while len(self._waiting) > MOST_MESSAGES or self._bytes > MOST_BYTES:
            self._bytes -= _size(self._waiting.popleft())

    def take(self) -> tuple[list[bytes], ...]:
        """Return what waits, oldest first, and be empty."""
        taken, self._bytes = tuple(self._waiting), 0
        self._waiting.clear()
        return taken


def _size(frames: list[bytes]) -> int:
    return sum(map(len, frames))
