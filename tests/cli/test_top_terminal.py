"""The terminal taken over and given back: its modes, its screen, and what is written on it."""

import errno
import fcntl
import os
import select
import struct
import termios
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from rich.text import Text

from plancton.cli.top_terminal import Gone, Terminal
from tests.support.waiting import wait_for


class Pair:
    """Both ends of a pseudo-terminal."""

    def __init__(self) -> None:
        """Open them."""
        self.far, self.near = os.openpty()

    def written(self) -> str:
        """Return what was written on it since this was asked last."""
        data = b""
        while select.select([self.far], [], [], 0.05)[0]:
            data += os.read(self.far, 65536)
        return data.decode()

    def close(self) -> None:
        """Close both ends."""
        for end in (self.far, self.near):
            with suppress(OSError):
                os.close(end)


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """Yield a pseudo-terminal of 16 colours."""
    monkeypatch.setenv("TERM", "xterm-color")
    for name in ("COLORTERM", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    made = Pair()
    yield made
    made.close()


def lines(*texts: str) -> list[Text]:
    return [Text(text) for text in texts]


def test_it_is_given_back_as_it_was_taken(pair: Pair) -> None:
    before = termios.tcgetattr(pair.near)
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a number of names
    with Terminal(pair.near, pair.near, "utf-8"):
        assert termios.tcgetattr(pair.near) != before
        assert "\x1b[?1049h" in pair.written()
    assert termios.tcgetattr(pair.near) == before
    assert pair.written().endswith("\x1b[?25h\x1b[?1049l")
    assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208 - (same)


def test_taken_twice_it_is_given_back_once_as_it_was_first(pair: Pair) -> None:
    before = termios.tcgetattr(pair.near)
    with Terminal(pair.near, pair.near, "utf-8") as terminal:
        terminal.take()
        terminal.give_back()
        pair.written()
        terminal.give_back()
        assert pair.written() == ""
    assert termios.tcgetattr(pair.near) == before


def test_only_lines_that_changed_are_written(pair: Pair) -> None:
    with Terminal(pair.near, pair.near, "utf-8") as terminal:
        pair.written()
        assert terminal.draw(lines("one", "two"))
        assert pair.written() == "\x1b[2J\x1b[1;1H\x1b[Kone\x1b[2;1H\x1b[Ktwo"
        terminal.draw(lines("one", "2"))
        assert pair.written() == "\x1b[2;1H\x1b[K2"
        terminal.draw(lines("one", "2"))
        assert pair.written() == ""
        terminal.draw(lines("one", "2", "three"))
        assert pair.written().startswith("\x1b[2J\x1b[1;1H")
        terminal.forget()
        terminal.draw(lines("one", "2", "three"))
        assert pair.written().startswith("\x1b[2J\x1b[1;1H")


def test_styles_of_whole_lines_and_of_parts_are_drawn(pair: Pair) -> None:
    with Terminal(pair.near, pair.near, "utf-8") as terminal:
        pair.written()
        terminal.draw([Text("all", style="bold"), Text.assemble("a ", ("part", "red"), " [b]b[/b]")])
        written = pair.written()
    assert "\x1b[1mall\x1b[0m" in written
    assert "a \x1b[31mpart\x1b[0m [b]b[/b]" in written


def test_what_the_encoding_lacks_takes_no_more_room(pair: Pair) -> None:
    with Terminal(pair.near, pair.near, "ascii") as terminal:
        pair.written()
        terminal.draw(lines("cut…"))
        assert pair.written().endswith("cut?")


def test_the_size_is_looked_at_anew_and_one_that_is_none_is_a_plain_one(pair: Pair) -> None:
    with Terminal(pair.near, pair.near, "utf-8") as terminal:
        fcntl.ioctl(pair.far, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        assert terminal.size() == (100, 30)
        fcntl.ioctl(pair.far, termios.TIOCSWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
        assert terminal.size() == (80, 24)


def test_one_that_takes_nothing_is_not_waited_for(pair: Pair) -> None:
    """What it takes is less than a frame; nobody reads."""
    with Terminal(pair.near, pair.near, "utf-8") as terminal:
        assert terminal.waited_for == []
        frames = 0
        while terminal.draw(lines(*("x" * 200 + str(frames) for _ in range(50)))):
            frames += 1
            assert frames < 100
        assert len(terminal.waited_for) == 1
        pair.written()
        wait_for(lambda: terminal.draw(lines("y")) or not pair.written(), 10, "it takes more once somebody reads")
        assert terminal.waited_for == []
        assert pair.written().endswith("\x1b[1;1H\x1b[Ky")


def test_another_users_terminal_is_drawn_on_all_the_same(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """After su, it can't be opened anew."""

    def denied(_descriptor: int) -> str:
        raise PermissionError

    monkeypatch.setattr(os, "ttyname", denied)
    with Terminal(pair.near, pair.near, "utf-8") as terminal:
        assert terminal.draw(lines("x"))
        assert pair.written().endswith("x")


def test_keys_come_without_enter_and_a_signal_key_is_none(pair: Pair) -> None:
    with Terminal(pair.near, pair.near, "utf-8") as terminal:
        os.write(pair.far, b"d\r")
        wait_for(lambda: select.select([pair.near], [], [], 0)[0], 10, "keys")
        assert terminal.read() == b"d\n"
    assert "d" not in pair.written().replace("\x1b[", "").replace("25h", "")


def test_one_that_is_gone_is_gone_and_ends_quietly(pair: Pair) -> None:
    with Terminal(pair.near, pair.near, "utf-8") as terminal:
        os.close(pair.far)
        with pytest.raises(Gone):
            terminal.read()
        with pytest.raises(Gone):
            terminal.draw(lines("x"))
        with pytest.raises(Gone):
            terminal.take()


def test_a_signal_while_modes_are_set_is_no_trouble(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    really = termios.tcsetattr
    tries: list[int] = []

    def interrupted(descriptor: int, when: int, modes: list[Any]) -> None:
        tries.append(descriptor)
        if len(tries) % 2:
            raise termios.error(errno.EINTR, "Interrupted system call")
        really(descriptor, when, modes)

    before = termios.tcgetattr(pair.near)
    monkeypatch.setattr(termios, "tcsetattr", interrupted)
    with Terminal(pair.near, pair.near, "utf-8"):
        assert termios.tcgetattr(pair.near) != before
    assert (termios.tcgetattr(pair.near), len(tries)) == (before, 4)


def test_what_is_no_terminal_cannot_be_taken() -> None:
    with open(os.devnull, "rb") as nothing, pytest.raises(Gone):  # noqa: PTH123 - a descriptor is wanted
        Terminal(nothing.fileno(), nothing.fileno(), "utf-8").take()
