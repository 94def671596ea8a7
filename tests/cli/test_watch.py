"""``planctonctl watch``: lines in a pipe, a screen on a terminal, which it leaves clean; it outlives planctond."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from plancton.cli import watch
from plancton.cli.watch import Eyes, Look, PlainShow
from plancton.common.messages import Mode
from plancton.common.paths import Paths
from plancton.common.status import Happening
from tests.cli.terminal import on_terminal
from tests.fakes.control import NOW, FakePlanctond, report
from tests.support.planctonctl import Planctonctl, options
from tests.support.running import REPOSITORY
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

ENTER_SCREEN, LEAVE_SCREEN = "\x1b[?1049h", "\x1b[?1049l"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


def happening(number: int, text: str = "started a pilot") -> Happening:
    return Happening(number=number, at_unix=NOW, what="launcher", text=text)


def test_lines_as_they_come_and_an_end_by_itself(planctonctl: Planctonctl, planctond: FakePlanctond) -> None:
    planctond.happenings = (happening(1), happening(2, "[b]couldn't[/b] \x1b[2J"))
    result = planctonctl("watch", "--seconds", "0")
    assert result.exit_code == 0
    lines = [line.split(" ", 1)[1] for line in result.stdout.splitlines()]
    assert lines == [
        f"planctond 1.0.0 runs, pid {os.getpid()}, active",
        "launcher: started a pilot",
        "launcher: [b]couldn't[/b] \\x1b[2J",
    ]


def test_each_happening_is_seen_once(planctond: FakePlanctond, paths: Paths) -> None:
    eyes = Eyes(paths)
    planctond.happenings = (happening(1), happening(2))
    assert [one.number for one in eyes.look().happenings] == [1, 2]
    planctond.happenings += (happening(3),)
    assert [one.number for one in eyes.look().happenings] == [3]
    assert eyes.look().happenings == ()


def test_a_new_planctond_counts_anew(planctond: FakePlanctond, paths: Paths) -> None:
    eyes = Eyes(paths)
    planctond.happenings = (happening(1), happening(2))
    eyes.look()
    planctond.report = msgspec.structs.replace(report(), started_unix=NOW)
    planctond.happenings = (happening(1, "starts again"),)
    assert [one.text for one in eyes.look().happenings] == ["starts again"]


def test_an_absence_is_told_once_and_so_is_the_return(capsys: pytest.CaptureFixture[str]) -> None:
    show = PlainShow()
    absent = Look(report=None, why="waiting: planctond is not running")
    drained = msgspec.structs.replace(report(), mode=Mode.DRAINING)
    for look in (absent, absent, Look(report=drained), Look(report=drained), absent):
        show(look)
    lines = [line.split(" ", 1)[1] for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "waiting: planctond is not running",
        f"planctond 1.0.0 runs, pid {os.getpid()}, draining",
        "it launches no pilots: drained; planctonctl resume ends that",
        "waiting: planctond is not running",
    ]


def test_a_long_past_is_cut_but_nothing_new_is(capsys: pytest.CaptureFixture[str]) -> None:
    show = PlainShow()
    many = tuple(happening(number) for number in range(1, 60))
    show(Look(report=report(), happenings=many))
    assert capsys.readouterr().out.count("launcher") == 20
    show(Look(report=report(), happenings=many))
    assert capsys.readouterr().out.count("launcher") == 59


def test_signal_handlers_are_put_back(planctonctl: Planctonctl, planctond: FakePlanctond) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    assert planctonctl("watch", "--seconds", "0").exit_code == 0
    assert planctond.asked
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_one_that_does_not_answer_is_waited_for(
    planctonctl: Planctonctl, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_ASK_SECONDS", 0.1)
    with FakePlanctond(paths, lambda _: None):
        result = planctonctl("watch", "--seconds", "0")
    assert (result.exit_code, "waiting: planctond, pid" in result.stdout) == (0, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_a_pipe_it_outlives_planctond_and_ends_by_a_signal_with_0(paths: Paths, tmp_path: Path, number: int) -> None:
    output = tmp_path / "output"
    command = [sys.executable, "-m", "plancton.cli.main", *options(paths), "watch"]
    with (
        output.open("wb") as stream,
        subprocess.Popen(command, stdout=stream, stderr=stream, cwd=REPOSITORY) as process,
    ):
        try:
            wait_for(lambda: "waiting: planctond is not running" in output.read_text(), 20, "it waits")
            with FakePlanctond(paths) as planctond:
                planctond.happenings = (happening(1),)
                wait_for(lambda: "launcher: started a pilot" in output.read_text(), 20, "it tells")
            wait_for(lambda: output.read_text().count("waiting: ") == 2, 20, "it waits again")
            process.send_signal(number)
            assert process.wait(10) == 0
        finally:
            process.kill()
    assert "Traceback" not in output.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_on_a_terminal_it_is_a_screen_and_leaves_the_terminal_clean(planctond: FakePlanctond, number: int) -> None:
    planctond.happenings = (happening(1, "started [b]one[/b]"),)
    with on_terminal(planctond.paths, "watch") as terminal:
        terminal.read_until("started [b]one[/b]")
        terminal.process.send_signal(number)
        assert terminal.process.wait(10) == 0
        text = terminal.read_to_end()
    assert text.index(ENTER_SCREEN) < text.index("plancton-worker-0123abcd-1-1") < text.index(LEAVE_SCREEN)
    assert text.rindex(HIDE_CURSOR) < text.rindex(SHOW_CURSOR)
    assert "Traceback" not in text


def test_a_dumb_terminal_gets_lines(planctond: FakePlanctond) -> None:
    planctond.happenings = (happening(1),)
    with on_terminal(planctond.paths, "watch", "--seconds", "0", term="dumb") as terminal:
        assert terminal.process.wait(20) == 0
        text = terminal.read_to_end()
    assert "launcher: started a pilot" in text
    assert "\x1b" not in text
