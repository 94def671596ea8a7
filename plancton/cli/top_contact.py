"""The live view's contact with planctond, in a thread: a planctond that doesn't answer never keeps a key waiting."""

import contextlib
import os
import queue
import threading
import time
from collections import deque
from types import TracebackType
from typing import Self

import msgspec

from plancton.cli import event_words
from plancton.cli.contact import Trouble, Unreachable, request, understood
from plancton.cli.top_keys import Order, Press
from plancton.cli.top_model import Usage
from plancton.cli.top_usage import Usages
from plancton.cli.watch import Eyes, Look
from plancton.cli.why import public_settings
from plancton.cli.wording import moment
from plancton.common.journal import directory_below, read
from plancton.common.journal_entries import Entry
from plancton.common.paths import Paths
from plancton.common.requests import Drain, Request, Resume, Snooze
from plancton.common.settings import Settings
from plancton.common.status import Happening

_ORDER_SECONDS = 5.0
_SETTINGS_SECONDS = 2.0
_PAST = 50
"""How many events are told from before planctond's present life."""
_END_SECONDS = 0.2
"""How long whoever quits waits for a look that is under way."""


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What a look brought."""

    look: Look
    at_monotonic: float
    usage: dict[int, Usage] = {}
    settings: Settings | None = None
    """None where they weren't wanted, or weren't to be had."""
    settings_absence: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an order, in words."""

    text: str


class Correspondent:
    """Looks every so many seconds and carries out orders, while its context lasts."""

    def __init__(self, paths: Paths, interval: float) -> None:
        """Look at the planctond of ``paths``; nothing is asked yet."""
        self._paths = paths
        self._interval = interval
        self._eyes = Eyes(paths)
        self._usages = Usages()
        self._past_told = False
        self._orders: queue.SimpleQueue[Press | None] = queue.SimpleQueue()
        self._post: queue.SimpleQueue[Sight | Outcome | Exception] = queue.SimpleQueue()
        self._readable, self._writable = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._ended = threading.Event()
        self.wants_settings = False
        """Whether looks shall bring the settings too."""
        # A daemon: whoever quits doesn't wait for a planctond that doesn't answer.
        self._thread = threading.Thread(target=self._run, name="top's contact", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._ended.set()
        self._orders.put(None)
        self._thread.join(_END_SECONDS)
        if not self._thread.is_alive():
            os.close(self._readable)
            os.close(self._writable)

    def fileno(self) -> int:
        """Return the descriptor that is readable once there is post."""
        return self._readable

    def order(self, order: Press) -> None:
        """Have an order carried out; what becomes of it comes by post."""
        self._orders.put(order)

    def look_now(self) -> None:
        """Look at once, though it isn't time yet."""
        self._orders.put(None)

    def take(self) -> list[Sight | Outcome]:
        """Return the post that came; it never waits.

        Raises:
            Exception: what nobody thought of, that ended the thread.

        """
        with contextlib.suppress(BlockingIOError):
            os.read(self._readable, 512)
        post: list[Sight | Outcome] = []
        with contextlib.suppress(queue.Empty):
            while True:
                came = self._post.get_nowait()
                if isinstance(came, Exception):
                    raise came
                post.append(came)
        return post

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - the view's own loop raises it again
            self._say(error)

    def _work(self) -> None:
        next_look = time.monotonic()
        while not self._ended.is_set():
            try:
                order = self._orders.get(timeout=max(0.0, next_look - time.monotonic()))
            except queue.Empty:
                order = None
            if self._ended.is_set():
                return
            if order is not None:
                self._say(Outcome(text=self._carry_out(order)))
            # After an order at once, so that its effect is seen.
            next_look = time.monotonic() + self._interval
            self._say(self._look())

    def _say(self, what: Sight | Outcome | Exception) -> None:
        self._post.put(what)
        with contextlib.suppress(BlockingIOError):
            os.write(self._writable, b"!")

    def _look(self) -> Sight:
        look = self._eyes.look()
        now = time.monotonic()
        if not self._past_told:
            self._past_told = True
            before = time.time() if look.report is None else look.report.started_unix
            look = msgspec.structs.replace(look, happenings=(*_past(self._paths, before), *look.happenings))
        if look.report is None:
            return Sight(look=look, at_monotonic=now)
        pids = [look.report.pid, *(each.pid for each in look.report.processes if each.pid is not None)]
        usage = self._usages.look(pids)
        if not self.wants_settings:
            return Sight(look=look, at_monotonic=now, usage=usage)
        try:
            settings = understood(public_settings(self._paths, _SETTINGS_SECONDS), Settings)
        except Trouble as trouble:
            return Sight(look=look, at_monotonic=now, usage=usage, settings_absence=trouble.message)
        return Sight(look=look, at_monotonic=now, usage=usage, settings=settings)

    def _carry_out(self, order: Press) -> str:
        asked, done = _request(order)
        try:
            request(self._paths, asked, _ORDER_SECONDS)
        except Unreachable as trouble:
            # It may have got the order all the same.
            return f"whether that is done isn't known: {trouble.message}"
        except Trouble as trouble:
            return f"not done: {trouble.message}"
        return done


def _past(paths: Paths, before_unix: float) -> tuple[Happening, ...]:
    """Return the last events from before planctond's present life, which it can't tell of itself."""
    found = (each for each in read(directory_below(paths.state)) if isinstance(each, Entry))
    last = deque((entry for entry in found if entry.at_unix < before_unix), maxlen=_PAST)
    return tuple(
        Happening(number=0, at_unix=entry.at_unix, what="journal", text=event_words.told(entry, before_unix))
        for entry in last
    )


def _request(order: Press) -> tuple[Request, str]:
    """Return what planctond is asked to do, and what is told once it's done."""
    match order.order:
        case Order.DRAIN:
            return Drain(), "drained: no more pilots are launched; those that run live out their lives"
        case Order.SNOOZE:
            until = time.time() + order.seconds
            return Snooze(until_unix=until), f"snoozed until {moment(until, time.time())}: all pilots are told to end"
        case Order.SNOOZE_OFF:
            return Snooze(), "not snoozed any more"
        case _:
            return Resume(), "resumed: pilots are launched wherever there is room"
