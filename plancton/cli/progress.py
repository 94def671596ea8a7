"""What a verb that waits says meanwhile, on standard error: a line kept up to date on a terminal, else what is new."""

import shutil
import sys
import time
from types import TracebackType
from typing import Self

import click


class Progress:
    """Says how far a verb has come, within its context."""

    def __init__(self, repeat_seconds: float | None = None) -> None:
        """Say what isn't new again after ``repeat_seconds``, where there is no terminal; None: never."""
        self._repeat = repeat_seconds
        self._in_place = sys.stderr.isatty()
        self._said = ""
        self._next = 0.0
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._rewrite("")

    def tell(self, text: str, fleeting: str = "") -> None:
        """Say ``text``; ``fleeting`` changes all the time, and is shown behind it only on a terminal."""
        now = time.monotonic()
        if self._in_place:
            self._rewrite(text + fleeting)
        elif text != self._said or (self._repeat is not None and now >= self._next):
            self._said, self._next = text, now + (self._repeat or 0.0)
            click.echo(text, err=True)

    def _rewrite(self, text: str) -> None:
        if not self._in_place:
            return
        text = text[: shutil.get_terminal_size().columns - 1]
        click.echo(f"\r{text:<{self._width}}" + ("" if text else "\r"), nl=False, err=True)
        self._width = len(text)
