"""The view of the history: all of it within the width, gaps blank, the same text each time."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from plancton.cli.buckets import edges, size_for
from plancton.cli.history_figures import Figures, Summary
from plancton.cli.history_summary import summarise
from plancton.cli.history_view import NARROWEST, WIDEST, columns_of, view
from plancton.common.points import Point
from tests.cli.history_samples import HOURS, NOW, berlin, points
from tests.support.history_store import point

GOLDEN = """\
In the last 6 h this machine gave 24.3 core-hours, 90 % of what its owner left
free.
2 pilots were ended for the owner's sake; 0.70 core-hours of work were lost.
No record for 1 h, from 09:00:00 to 10:00:00.

CPUs given           8.0 ++++++------
                         ############      ++++++------
                       0 ############      ##################
of those free, %     100 ************      ******************
CPUs of the owner    8.0
                                           ______::::::******
                       0 ______------      ##################

pilots               8.0 ######++++++      ......
                       0 ############      ############++++++
owner stalled, %       1 ____________      ______######______
evicted                2 ____________      _______#__________
core-hours lost      0.7 ____________      _______#__________
launches held, % of the time, by reason:
max-docks            100 ############      ######______######
owner-cpu            100 ____________      ______######______
                         07:00         09:20         11:40
                         a column is 10 min; blank: no record

core-hours given to pilots   24.3  90 % of the 27.0 that the owner left free
core-hours of the owner's    13.0  32 % of the machine's 40.0
pilots at a time              5.4  of these 0.2 suspended
owner waited for CPUs        36 s  while pilots ran: 0.2 % of the time
owner waited for memory       0 s  while pilots ran: 0.0 % of the time
owner waited for disks          ?  nobody can tell
core-hours lost              0.72  of pilots ended before they had finished
pilots gave way within      1.5 s  in the middle case, 2.5 s at worst; 2 times
pilots                          1  ended by themselves with exit code 0
pilots                          1  ended too soon after their start (fizzled)
pilots                          2  were ended for the owner's sake
pilots                          1  reached max_ttl
evicted                         2  the owner needs the CPUs (owner-cpu)
launches that failed            1  of 2
launches held                80 %  there are as many pilots as are allowed
                                   (max-docks)
launches held                20 %  the owner needs the CPUs (owner-cpu)
"""


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from berlin(monkeypatch)


def summed(found: list[Point], hours: float = HOURS, size: float | None = None) -> Summary:
    """Return the sums of the last hours."""
    since = NOW - hours * 3600.0
    return summarise(found, edges(since, NOW, size or size_for(since, NOW, columns_of(80))))


def drawn(summary: Summary, width: int = 80, *, ascii_only: bool = True) -> list[str]:
    """Return the view as text."""
    lines = view(summary, now_unix=NOW, ends_now=True, width=width, ascii_only=ascii_only)
    return [line.text for line in lines]


def row(lines: list[str], name: str) -> str:
    """Return the graph of this name, without what is left of it."""
    return next(line for line in lines if line.startswith(f"{name} "))[25:]


def test_the_whole_text() -> None:
    assert "\n".join(drawn(summed(points()))) + "\n" == GOLDEN


@pytest.mark.parametrize("width", [20, NARROWEST, 80, 100, WIDEST, 400])
@pytest.mark.parametrize("size", [60.0, 600.0, 3600.0, 86_400.0])
def test_it_keeps_within_the_width(width: int, size: float) -> None:
    lines = drawn(summed([*points(), *long_reasons()], size=size), width)
    assert max(map(len, lines)) <= max(width, NARROWEST)


def long_reasons() -> list[Point]:
    """Return the longest reasons that there are, and numbers that are long."""
    return [
        point("target", NOW - 30.0, held=1, reason="owner-cpu-unknown"),
        point("target", NOW - 20.0, held=1, reason="x" * 300),
        point("given", NOW - 10.0, interval_seconds=1, core_seconds=1e12, free_core_seconds=1e15),
    ]


def test_blocks_where_there_are_any() -> None:
    lines = drawn(summed(points()), ascii_only=False)
    assert row(lines, "evicted") == "▁▁▁▁▁▁▁▁▁▁▁▁      ▁▁▁▁▁▁▁█▁▁▁▁▁▁▁▁▁▁"


def test_few_buckets_are_drawn_wide_and_too_many_together() -> None:
    lines = drawn(summed(points(), size=3600.0))
    assert row(lines, "evicted") == "_" * 18 + " " * 9 + "_" * 9 + "#" * 9 + "_" * 9
    assert (
        "9 columns are 1 h; blank: no record" in lines[[line.strip()[:9] == "9 columns" for line in lines].index(True)]
    )
    many = drawn(summed(points(), size=60.0))
    assert "a column is 7 min; blank: no record" in [line.strip() for line in many]
    # Sums don't depend on it.
    assert many[-14:] == lines[-14:]


def test_without_a_record_there_is_no_graph() -> None:
    lines = drawn(summed([]))
    assert lines[:2] == ["In the last 6 h: no record of the machine.", "No record for 6 h, from 07:00:00 to 13:00:00."]
    assert "core-hours given to pilots     ?" in lines
    assert not any("CPUs given" in line for line in lines)


def test_a_hostile_reason_is_harmless() -> None:
    lines = drawn(summed([*points(), point("target", NOW, held=1, reason="\x1b[2J")]))
    assert not any("\x1b" in line for line in lines)


def test_buckets_of_a_day_show_dates() -> None:
    buckets = [
        Figures(since_unix=begun, until_unix=ended, recorded_seconds=ended - begun, given_core_seconds=1.0)
        for begun, ended in pairwise(edges(NOW - 30 * 86_400, NOW, 86_400.0))
    ]
    total = Figures(since_unix=NOW - 30 * 86_400, until_unix=NOW, recorded_seconds=1.0, given_core_seconds=1.0)
    lines = drawn(Summary(total=total, buckets=tuple(buckets), gaps=()))
    assert "                         10-16         10-30         11-13" in lines
    assert "                         a column is 1 d; blank: no record" in lines
