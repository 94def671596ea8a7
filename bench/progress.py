"""What the bench says while it measures: one live line on a terminal, plain lines elsewhere. Goes to stderr."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status

PLAIN_SECONDS = 15.0
"""How often the state of something long is said where there is no terminal."""


class Progress:
    """Steps and their outcome, and the state of the step that goes on."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._status: Status | None = None
        self._begin = time.monotonic()
        self._step = ""
        self._said = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status("")
            self._status.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._status is not None:
            self._status.stop()

    def _stamp(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._begin), 60)
        return f"{minutes:02d}:{seconds:02d}"

    def say(self, text: str) -> None:
        """Say something that stays."""
        self._console.print(f"{self._stamp()} {text}", markup=False, soft_wrap=True)

    def step(self, text: str) -> None:
        """Begin a step."""
        self._step, self._said = text, time.monotonic()
        if self._status is None:
            self.say(text)
        else:
            self._status.update(f"{self._stamp()} {text}")

    def state(self, text: str) -> None:
        """Say how the present step is getting on; may be called often."""
        if self._status is not None:
            self._status.update(f"{self._stamp()} {self._step}: {text}")
        elif time.monotonic() - self._said >= PLAIN_SECONDS:
            self._said = time.monotonic()
            self.say(f"{self._step}: {text}")
