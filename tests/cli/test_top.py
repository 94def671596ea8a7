"""``planctonctl top`` on a terminal: keys become requests, and however it ends, the terminal is as it was."""

import re
import signal
import termios

import pytest

from plancton.common.paths import Paths
from plancton.common.requests import Answer, Drain, Happenings, Request, Resume, Snooze, Status
from plancton.common.status import Happening
from tests.cli.terminal import Terminal, on_terminal
from tests.fakes.control import NOW, FakePlanctond, Reply
from tests.support.planctonctl import Planctonctl
from tests.support.waiting import wait_for

ENTER_SCREEN, LEAVE_SCREEN = "\x1b[?1049h", "\x1b[?1049l"
SHOW_CURSOR, LEAVE_PASTE = "\x1b[?25h", "\x1b[?2004l"
UP = "plancton-worker-0123abcd-1-1"


def is_clean(terminal: Terminal) -> str:
    """Check that the terminal is as it was; return all that was written on it."""
    text = terminal.read_to_end()
    assert text.index(ENTER_SCREEN) < text.rindex(LEAVE_SCREEN)
    assert text.rindex("\x1b[?25l") < text.rindex(SHOW_CURSOR)
    assert text.rindex("\x1b[?2004h") < text.rindex(LEAVE_PASTE)
    assert terminal.modes() == terminal.modes_before
    return text


def asked(planctond: FakePlanctond) -> list[Request]:
    """Return what planctond was asked to do."""
    return [each for each in planctond.asked if not isinstance(each, Status | Happenings)]


@pytest.mark.parametrize("arguments", [(), ("--interval", "5")])
def test_without_a_terminal_it_says_what_to_use_instead(planctonctl: Planctonctl, arguments: tuple[str, ...]) -> None:
    result = planctonctl("top", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "planctonctl watch" in result.stderr
    assert "planctonctl status --json" in result.stderr


@pytest.mark.parametrize("interval", ["0", "0.1", "-1", "61", "nan", "x"])
def test_an_interval_that_is_none_is_refused(planctonctl: Planctonctl, interval: str) -> None:
    result = planctonctl("top", "--interval", interval)
    assert (result.exit_code, "--interval" in result.stderr) == (2, True)


@pytest.mark.slow
def test_a_dumb_terminal_is_none(planctond: FakePlanctond) -> None:
    with on_terminal(planctond.paths, "top", term="dumb") as terminal:
        assert terminal.process.wait(20) == 2
        assert "planctonctl watch" in terminal.read_to_end()


@pytest.mark.parametrize("keys", ["q", "\x1b", "\x03", "\x1c"])
def test_it_shows_all_and_a_key_ends_it(planctond: FakePlanctond, keys: str) -> None:
    planctond.happenings = (Happening(number=1, at_unix=NOW, what="launcher", text="started [b]one[/b] \x1b[2J"),)
    with on_terminal(planctond.paths, "top") as terminal:
        terminal.read_until("started [b]one[/b] \\x1b[2J")
        terminal.type(keys)
        assert terminal.process.wait(10) == 0
        text = is_clean(terminal)
    assert text.index(ENTER_SCREEN) < text.index(UP) < text.index(LEAVE_SCREEN)
    assert "Traceback" not in text


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_ends_it(planctond: FakePlanctond, number: int) -> None:
    with on_terminal(planctond.paths, "top") as terminal:
        terminal.read_until(UP)
        terminal.process.send_signal(number)
        assert terminal.process.wait(10) == 0
        assert "Traceback" not in is_clean(terminal)


def test_an_exception_leaves_the_terminal_clean_and_is_seen(planctond: FakePlanctond) -> None:
    code = "import plancton.cli.top_panels as panels\npanels.memory = None"
    with on_terminal(planctond.paths, "top", code=code) as terminal:
        assert terminal.process.wait(20) == 1
        text = is_clean(terminal)
    assert text.index(LEAVE_SCREEN) < text.index("TypeError")


@pytest.mark.slow
def test_an_exception_in_the_thread_that_asks_is_no_frozen_view(planctond: FakePlanctond) -> None:
    code = "import plancton.cli.top_contact as contact\ncontact.Eyes.look = lambda self: 1 / 0"
    with on_terminal(planctond.paths, "top", code=code) as terminal:
        assert terminal.process.wait(20) == 1
        text = is_clean(terminal)
    assert text.index(LEAVE_SCREEN) < text.index("ZeroDivisionError")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keys", "told", "request_made"),
    [
        ("dy", "drained: no more pilots are launched", Drain()),
        ("r", "resumed: pilots are launched", Resume()),
        ("o", "not snoozed any more", Snooze()),
        ("S", "not snoozed any more", Snooze()),
    ],
)
def test_a_key_asks_planctond_and_says_what_came_of_it(
    planctond: FakePlanctond, keys: str, told: str, request_made: Request
) -> None:
    with on_terminal(planctond.paths, "top") as terminal:
        terminal.read_until(UP)
        terminal.type(keys)
        terminal.read_until(told)
        assert asked(planctond) == [request_made]
        terminal.type("q")
        assert terminal.process.wait(10) == 0


@pytest.mark.slow
def test_a_snooze_is_as_long_as_was_typed(planctond: FakePlanctond) -> None:
    with on_terminal(planctond.paths, "top") as terminal:
        terminal.read_until(UP)
        terminal.type("s")
        terminal.read_until("Snooze: end all pilots")
        terminal.type("45m\r")
        terminal.read_until("snoozed until")
        terminal.read_until("(in 4")
        (snooze,) = asked(planctond)
        assert isinstance(snooze, Snooze)
        assert snooze.until_unix is not None
        terminal.type("q")
        assert terminal.process.wait(10) == 0


@pytest.mark.slow
def test_nothing_is_done_without_a_confirmation(planctond: FakePlanctond) -> None:
    with on_terminal(planctond.paths, "top") as terminal:
        terminal.read_until(UP)
        terminal.type("dn")
        terminal.read_until("nothing was done")
        terminal.type("\x1b[200~dys\r\x1b[201~c")
        terminal.read_until("sorted by CPU")
        assert asked(planctond) == []


@pytest.mark.slow
def test_a_refusal_is_told_and_harmless(paths: Paths) -> None:
    def reply(request: Request) -> Reply:
        looks = isinstance(request, Status | Happenings)
        return planctond.obliging(request) if looks else Answer(ok=False, error="refused: \x1b[2J no")

    with FakePlanctond(paths, reply) as planctond, on_terminal(paths, "top") as terminal:
        terminal.read_until(UP)
        terminal.type("r")
        terminal.read_until("not done: planctond answered: refused: \\x1b[2J no")


@pytest.mark.slow
def test_one_that_does_not_answer_freezes_no_key(paths: Paths) -> None:
    with FakePlanctond(paths, lambda _: None), on_terminal(paths, "top") as terminal:
        terminal.read_until("planctond hasn't answered yet")
        terminal.type("?")
        # Before any look at it can have ended.
        assert "can't be asked" not in terminal.read_until("The keys of planctonctl top", 5.0)
        terminal.type("q")
        terminal.type("dy")
        terminal.read_until("asking planctond to drain")
        terminal.read_until("can't be asked")
        terminal.read_until("whether that is done isn't known")
        terminal.type("q")
        assert terminal.process.wait(10) == 0
        assert "Traceback" not in is_clean(terminal)


@pytest.mark.slow
def test_it_waits_for_planctond_and_goes_on_by_itself(paths: Paths) -> None:
    with on_terminal(paths, "top") as terminal:
        terminal.read_until("waiting: planctond is not running")
        terminal.type("r")
        terminal.read_until("not done: planctond is not running")
        with FakePlanctond(paths):
            terminal.read_until(UP)
            terminal.forget()
        terminal.read_until("waiting: planctond is not running")


@pytest.mark.slow
def test_another_size_is_another_frame(planctond: FakePlanctond) -> None:
    with on_terminal(planctond.paths, "top") as terminal:
        terminal.read_until("PROCESS")
        terminal.forget()
        terminal.resize(10, 40)
        terminal.read_until("5 of 5 workers run")
        terminal.forget()
        terminal.resize(40, 120)
        terminal.read_until("PROCESS")
        for rows, columns in ((1, 1), (2, 500), (200, 3), (24, 80)):
            terminal.resize(rows, columns)
        terminal.type("q")
        assert terminal.process.wait(10) == 0


def colours(text: str) -> set[str]:
    """Return the colours that are set, by their numbers of ECMA-48."""
    return {
        number
        for numbers in re.findall(r"\x1b\[([0-9;]+)m", text)
        for number in numbers.split(";")
        if 30 <= int(number) <= 49
    }


@pytest.mark.slow
def test_colours_only_where_they_are_wanted(planctond: FakePlanctond) -> None:
    found = []
    for environment in ({}, {"NO_COLOR": "1"}):
        with on_terminal(planctond.paths, "top", **environment) as terminal:
            terminal.read_until(UP)
            terminal.type("q")
            terminal.process.wait(10)
            found.append(colours(terminal.read_to_end()))
    assert found[0] >= {"32", "36"}
    assert found[1] == set()


@pytest.mark.slow
def test_a_terminal_without_blocks_gets_ascii(planctond: FakePlanctond) -> None:
    with on_terminal(planctond.paths, "top", PYTHONIOENCODING="ascii") as terminal:
        terminal.read_until(UP)
        terminal.type("q")
        assert terminal.process.wait(10) == 0
        text = is_clean(terminal)
    assert text.isascii()
    assert "---" in text


@pytest.mark.slow
def test_a_stopped_terminal_keeps_nobody_from_ending_it(planctond: FakePlanctond) -> None:
    with on_terminal(planctond.paths, "top", "--interval", "0.2") as terminal:
        terminal.read_until(UP)
        terminal.type("\x13")
        looks = len(planctond.asked)
        wait_for(lambda: len(planctond.asked) > looks + 8, 20, "it goes on looking")
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.process.wait(10) == 0
        assert terminal.modes() == terminal.modes_before


@pytest.mark.slow
def test_a_terminal_that_goes_away_ends_it(planctond: FakePlanctond, tmp_path_factory: pytest.TempPathFactory) -> None:
    errors = tmp_path_factory.mktemp("errors") / "stderr"
    code = f"import os\nos.dup2(os.open({str(errors)!r}, os.O_CREAT | os.O_WRONLY), 2)"
    with on_terminal(planctond.paths, "top", code=code) as terminal:
        terminal.read_until(UP)
        terminal.hang_up()
        assert terminal.process.wait(10) == 0
    assert errors.read_text() == ""


@pytest.mark.slow
def test_only_what_changed_is_written(planctond: FakePlanctond) -> None:
    with on_terminal(planctond.paths, "top", "--interval", "0.2") as terminal:
        terminal.read_until(UP)
        looks = len(planctond.asked)
        wait_for(lambda: len(planctond.asked) > looks + 2, 20, "a look more")
        terminal.forget()
        looks = len(planctond.asked)
        wait_for(lambda: len(planctond.asked) > looks + 4, 20, "two looks more")
        terminal.type("q")
        assert terminal.process.wait(10) == 0
        assert UP not in terminal.read_to_end()


@pytest.mark.slow
def test_modes_are_the_shells_own(planctond: FakePlanctond) -> None:
    with on_terminal(planctond.paths, "top") as terminal:
        terminal.read_until(UP)
        local = terminal.modes()[3]
        assert isinstance(local, int)
        assert not local & (termios.ECHO | termios.ICANON)
        assert local & termios.ISIG
        terminal.type("q")
        assert terminal.process.wait(10) == 0
