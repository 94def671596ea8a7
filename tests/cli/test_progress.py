"""What a verb that waits says meanwhile."""

import io
import sys
import time

import pytest

from plancton.cli.progress import Progress


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        """Be one."""
        return True


def test_without_a_terminal_only_what_is_new_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as shown:
        for text, fleeting in (("2 left", " (in 5 s)"), ("2 left", " (in 4 s)"), ("1 left", ""), ("2 left", "")):
            shown.tell(text, fleeting)
    assert capsys.readouterr().err == "2 left\n1 left\n2 left\n"


def test_what_is_not_new_is_said_again_after_a_while_if_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter([0.0, 4.9, 5.0, 9.9])
    monkeypatch.setattr(time, "monotonic", lambda: next(moments))
    with Progress(5.0) as shown:
        for _ in range(4):
            shown.tell("waiting")
    assert capsys.readouterr().err == "waiting\nwaiting\n"


def test_on_a_terminal_one_line_is_kept_up_to_date_and_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "20")
    with Progress() as shown:
        shown.tell("12 left", " (in 5 s)")
        shown.tell("9 left")
        shown.tell("x" * 50)
    assert terminal.getvalue() == "\r12 left (in 5 s)" + "\r9 left          " + "\r" + "x" * 19 + "\r" + " " * 19 + "\r"
