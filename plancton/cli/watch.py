"""The verb that shows what happens, and why, as it happens."""

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import click
import msgspec

from plancton.cli import contact
from plancton.cli.contact import Trouble
from plancton.cli.explain import notes
from plancton.cli.numbers import FiniteRange
from plancton.cli.told_signals import ENDING, told_signals
from plancton.cli.wording import clean, clock
from plancton.common.paths import Paths
from plancton.common.status import Happening, StatusReport

LOOK_SECONDS = 0.5
_ASK_SECONDS = 2.0
_KEPT = 200
_FIRST_SHOWN = 20


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One look at planctond: its report, or why there is none; and what happened since the look before."""

    report: StatusReport | None
    why: str = ""
    happenings: tuple[Happening, ...] = ()


Show = Callable[[Look], None]


class Eyes:
    """Looks at planctond again and again, across its absences and its restarts."""

    def __init__(self, paths: Paths) -> None:
        """Look at the planctond of ``paths``."""
        self._paths = paths
        self._life: tuple[int, float] | None = None
        self._last_number = 0

    def look(self) -> Look:
        """Return what is to be seen now."""
        try:
            report = contact.status(self._paths, _ASK_SECONDS)
            life = (report.pid, report.started_unix)
            if life != self._life:
                self._life, self._last_number = life, 0
            new = contact.happenings(self._paths, self._last_number, _ASK_SECONDS)
        except Trouble as trouble:
            return Look(report=None, why=f"waiting: {trouble.message}")
        self._last_number = max((happening.number for happening in new), default=self._last_number)
        return Look(report=report, happenings=new)


class PlainShow:
    """Prints what is new, line by line."""

    def __init__(self) -> None:
        """Begin with the last few of what happened already."""
        self._why: str | None = None
        self._first = True

    def __call__(self, look: Look) -> None:
        """Print what this look adds."""
        news: StatusReport | None = None
        if look.why != self._why:
            self._why = look.why
            self._say([look.why if look.report is None else _greeting(look.report)])
            news = look.report
        for happening in look.happenings[-_FIRST_SHOWN:] if self._first else look.happenings:
            click.echo(f"{clock(happening.at_unix)} {clean(happening.what)}: {clean(happening.text)}")
        if news is not None:
            # Last, so that the past comes before the present.
            self._say(notes(news))
        self._first = self._first and look.report is None
        sys.stdout.flush()

    @staticmethod
    def _say(lines: Iterable[str]) -> None:
        for line in lines:
            click.echo(f"{clock(time.time())} {line}")


@click.command()
@click.option("--seconds", type=FiniteRange(min=0), help="End by itself after so many seconds.")
@click.pass_obj
def watch(paths: Paths, *, seconds: float | None) -> None:
    """Show what happens, and why, until Ctrl-C."""
    eyes = Eyes(paths)
    end = None if seconds is None else time.monotonic() + seconds
    with told_signals(*ENDING) as told, _show() as show:
        while True:
            show(eyes.look())
            left = LOOK_SECONDS if end is None else min(LOOK_SECONDS, end - time.monotonic())
            if left <= 0 or told.wait(left):
                return


def _greeting(report: StatusReport) -> str:
    return f"planctond {clean(report.version)} runs, pid {report.pid}, {report.mode}"


@contextmanager
def _show() -> Iterator[Show]:
    """Give what shows a look: a whole screen where there is a terminal for it, lines elsewhere."""
    if not sys.stdout.isatty() or os.environ.get("TERM", "dumb") in {"dumb", "unknown", ""}:
        yield PlainShow()
        return
    # Imported here because rich takes longer than all the rest, and most uses of planctonctl have no terminal.
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from plancton.cli.view import screen  # noqa: PLC0415

    kept: deque[Happening] = deque(maxlen=_KEPT)
    with Live(Text(""), screen=True, auto_refresh=False) as live:

        def show(look: Look) -> None:
            kept.extend(look.happenings)
            live.update(screen(look.report, look.why, tuple(kept), live.console.height), refresh=True)

        yield show
