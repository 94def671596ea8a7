"""The verb that shows how it goes on a whole screen, with keys that tell planctond what to do."""

import contextlib
import os
import select
import signal
import socket
import sys
import time
from collections import deque

import click
import msgspec

from plancton.cli import top_keys, top_view
from plancton.cli.contact import EXIT_USAGE, Trouble
from plancton.cli.graph import has_blocks
from plancton.cli.numbers import FiniteRange
from plancton.cli.told_signals import ENDING, Told, told_signals
from plancton.cli.top_contact import Correspondent, Outcome, Sight
from plancton.cli.top_decoder import Decoder
from plancton.cli.top_keys import Page, State
from plancton.cli.top_model import KEPT_SAMPLES, Sample, Seen, sample
from plancton.cli.top_terminal import Gone, Terminal
from plancton.common.messages import Mode
from plancton.common.paths import Paths
from plancton.common.status import Happening

_ESCAPE_SECONDS = 0.1
"""How long an Escape may be the beginning of a key: over ssh, its parts may come apart."""
_FRAME_SECONDS = 1.0
"""The clock goes on, though nothing else does."""
_KEPT_HAPPENINGS = 200
_SIGNALS = (*ENDING, signal.SIGQUIT, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT)


class _NoTerminal(Trouble):
    exit_code = EXIT_USAGE


@click.command()
@click.option(
    "--interval", type=FiniteRange(min=0.2, max=60), default=1.0, show_default=True, help="Seconds between two looks."
)
@click.pass_obj
def top(paths: Paths, *, interval: float) -> None:
    """Show processes, pilots, the owner's and the pilots' CPUs, and why, live; keys drain, resume and snooze.

    It needs a terminal, and waits for a planctond that is away. Keys: d drain, r resume, s snooze, o snooze off,
    p c m sort the pilots, w why, ? help, q quit.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") in {"dumb", "unknown", ""}:
        message = (
            "top needs a terminal; planctonctl watch tells the same in lines, planctonctl status --json to programs"
        )
        raise _NoTerminal(message)
    # Whoever closes a terminal has had enough.
    with contextlib.suppress(Gone):
        _show(paths, interval)


def _show(paths: Paths, interval: float) -> None:
    encoding = sys.stdout.encoding
    # Linux's own console has no font with them.
    ascii_only = not has_blocks(encoding) or os.environ["TERM"] == "linux"
    with (
        told_signals(*_SIGNALS) as told,
        Correspondent(paths, interval) as post,
        Terminal(sys.stdin.fileno(), sys.stdout.fileno(), encoding) as terminal,
    ):
        _View(terminal, post, interval, ascii_only=ascii_only).run(told)


class _View:
    """The view, as its own loop goes round."""

    def __init__(self, terminal: Terminal, post: Correspondent, interval: float, *, ascii_only: bool) -> None:
        self._terminal = terminal
        self._post = post
        self._decoder = Decoder()
        self._state = State()
        self._samples: deque[Sample] = deque(maxlen=KEPT_SAMPLES)
        self._happenings: deque[Happening] = deque(maxlen=_KEPT_HAPPENINGS)
        self._seen = Seen(
            hostname=socket.gethostname().partition(".")[0], now_unix=0.0, now_monotonic=0.0, interval=interval
        )
        self._ascii_only = ascii_only

    def run(self, told: Told) -> None:
        """Show and obey until a key or a signal ends it.

        Raises:
            Gone: if the terminal is gone.

        """
        next_frame = time.monotonic()
        while not self._state.quits:
            if time.monotonic() >= next_frame and self._draw():
                next_frame = time.monotonic() + _FRAME_SECONDS
            if self._wait(told, next_frame):
                next_frame = time.monotonic()

    def _wait(self, told: Told, next_frame: float) -> bool:
        """Wait for whatever comes first and take it in; tell whether there is something to be shown."""
        busy = self._terminal.waited_for
        left = _ESCAPE_SECONDS if self._decoder.pending else max(0.0, next_frame - time.monotonic())
        keyboard = sys.stdin.fileno()
        readable, writable, _ = select.select([keyboard, told, self._post], busy, [], None if busy else left)
        if told in readable:
            self._signals(told)
        if keyboard in readable:
            self._press(self._decoder.feed(self._terminal.read()))
        elif self._decoder.pending and not readable:
            self._press(self._decoder.flush())
        if self._post in readable:
            for came in self._post.take():
                self._take_in(came)
        return bool(readable or writable)

    def _signals(self, told: Told) -> None:
        came = told.take()
        if came & {*ENDING, signal.SIGQUIT}:
            self._state = msgspec.structs.replace(self._state, quits=True)
        elif signal.SIGTSTP in came:
            self._terminal.stop()
        elif signal.SIGCONT in came:
            # After a stop that nobody told of: whoever had the terminal meanwhile left it in another mode.
            self._terminal.take()
        elif signal.SIGWINCH in came:
            self._terminal.forget()

    def _press(self, keys: list[str]) -> None:
        for key in keys:
            if self._state.quits:
                return
            if key == "redraw":
                self._terminal.forget()
                continue
            report = self._seen.report
            drained = report is not None and report.mode is not Mode.ACTIVE
            pressed = top_keys.press(self._state, key, drained=drained)
            most = top_view.most_scroll(self._seen, pressed.state, *self._terminal.size())
            self._state = msgspec.structs.replace(pressed.state, scroll=min(pressed.state.scroll, most))
            if pressed.order is not None:
                self._post.order(pressed)
            wanted = self._state.page is Page.WHY
            if wanted and not self._post.wants_settings:
                self._post.look_now()
            self._post.wants_settings = wanted

    def _take_in(self, came: Sight | Outcome) -> None:
        if isinstance(came, Outcome):
            self._state = msgspec.structs.replace(self._state, told=came.text)
            return
        host = came.look.report.host if came.look.report is not None else None
        self._samples.append(sample(came.look.report, came.at_monotonic))
        self._happenings.extend(came.look.happenings)
        self._seen = msgspec.structs.replace(
            self._seen,
            report=came.look.report,
            absence=came.look.why,
            usage=came.usage,
            settings=came.settings,
            settings_absence=came.settings_absence,
            samples=tuple(self._samples),
            happenings=tuple(self._happenings),
            ncpus=host.ncpus if host is not None else self._seen.ncpus,
        )

    def _draw(self) -> bool:
        self._seen = msgspec.structs.replace(self._seen, now_unix=time.time(), now_monotonic=time.monotonic())
        width, height = self._terminal.size()
        return self._terminal.draw(top_view.screen(self._seen, self._state, width, height, ascii_only=self._ascii_only))
