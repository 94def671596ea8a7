"""What the terminal shows: it fits, it says why, and it reads no markup."""

import io

import msgspec
import pytest
from rich.console import Console, RenderableType

from plancton.cli.view import pilot_table, screen
from plancton.common.decision import Hold
from plancton.common.messages import Mode, PoolUnknown, Target
from plancton.common.reasons import Reason
from plancton.common.status import ConfigStatus, Happening
from tests.fakes.control import NOW, pilot, report

HAPPENINGS = tuple(
    Happening(number=number, at_unix=NOW, what="launcher", text=f"started [b]pilot-{number}[/b]\x1b[2J")
    for number in range(1, 60)
)


def rendered(what: RenderableType, width: int = 100) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, height=30, color_system=None).print(what)
    return stream.getvalue()


@pytest.mark.parametrize("height", [1, 5, 12, 24, 60])
@pytest.mark.parametrize("pilots", [0, 1, 3, 40])
@pytest.mark.parametrize("width", [40, 100])
def test_a_screen_is_no_higher_than_the_terminal_wherever_the_head_fits(height: int, pilots: int, width: int) -> None:
    text = rendered(screen(report(pilots), "", HAPPENINGS, height), width)
    assert len(text.splitlines()) <= max(height, 12)


def test_a_screen_tells_what_happens_and_why() -> None:
    hold = Hold(reason=Reason.OWNER_CPU, detail="no room", since_unix=NOW - 3)
    target = Target(generation=1, valid_until_monotonic=0, want=2, running=2, hold=hold)
    text = rendered(screen(msgspec.structs.replace(report(), target=target), "", HAPPENINGS, 30))
    assert "held: owner-cpu: no room (since 3 s)" in text
    assert "probe running  scheduler running" in text
    assert "plancton-worker-0123abcd-1-1" in text
    assert "launcher: started [b]pilot-59[/b]\\x1b[2J" in text


def test_the_last_happenings_are_shown() -> None:
    text = rendered(screen(report(), "", HAPPENINGS, 20))
    assert "pilot-59" in text
    assert "pilot-1[" not in text


def test_an_absence_says_why_and_keeps_the_happenings() -> None:
    text = rendered(screen(None, "waiting: planctond is not running", HAPPENINGS, 10))
    assert "waiting: planctond is not running" in text
    assert "pilot-59" in text


def test_trouble_shows() -> None:
    config = ConfigStatus(file="/c", exists=True, loaded_unix=NOW, generation=1, errors=("line 3: max_ttl",))
    processes = tuple(msgspec.structs.replace(process, restarts=2) for process in report().processes)
    trouble = msgspec.structs.replace(
        report(),
        ready=False,
        mode=Mode.DRAINING,
        config=config,
        processes=processes,
        pool=None,
        pool_unknown=PoolUnknown(why="refused", since_unix=NOW),
    )
    text = rendered(screen(trouble, "", (), 30))
    for words in ("not ready", "draining", "config  line 3: max_ttl", "running (2x again)", "can't be asked"):
        assert words in text


def test_a_long_table_tells_how_many_more_there_are() -> None:
    text = rendered(pilot_table(map(pilot, range(10)), NOW, most=4))
    assert "0123abcd-2-1" in text
    assert "0123abcd-3-1" not in text
    assert "and 7 more" in text


def test_a_table_that_fits_is_whole() -> None:
    assert "more" not in rendered(pilot_table(map(pilot, range(4)), NOW, most=4))
