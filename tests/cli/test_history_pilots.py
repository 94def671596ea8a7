"""The table of pilots' lives."""

from collections.abc import Iterator

import pytest

from plancton.cli.history_pilots import HEADINGS, Ended, ended, lines, short_name
from tests.cli.history_samples import NOW, berlin, points
from tests.support.history_store import point


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from berlin(monkeypatch)


def lives() -> list[Ended]:
    """Return the lives of five pilots."""
    return [ended(each) for each in points() if each.series == "pilot"]


def test_all_columns_where_there_is_room() -> None:
    table = lines(lives(), NOW, None)
    assert [heading for heading in HEADINGS if heading in table[0]] == list(HEADINGS)
    assert table[3] == (
        "3-3    10:32:00  11:12:00  40 min 0 s  20 min 34 s      3.0 MiB  evicted (137)  owner-cpu  cdcdcdcdcdcd"
    )
    assert [row.split()[0] for row in table[1:]] == ["1-1", "2-2", "3-3", "0-4", "1-5"]


@pytest.mark.parametrize(
    ("width", "gone"),
    [(103, ()), (102, ("IMAGE",)), (80, ("IMAGE", "STARTED")), (72, ("IMAGE", "STARTED", "PEAK MEMORY"))],
)
def test_columns_are_left_out_where_there_is_none(width: int, gone: tuple[str, ...]) -> None:
    table = lines(lives(), NOW, width)
    assert max(map(len, table)) <= width
    assert [heading for heading in HEADINGS if heading not in table[0]] == sorted(gone, key=HEADINGS.index)


def test_what_is_unknown_is_a_question_mark() -> None:
    life = ended(point("pilot", NOW, {"exit": "never-started", "reason": "never-started"}, container="4f" * 32))
    assert (life.started_unix, life.exit_code, life.oom_killed, life.pilot) == (None, None, False, "")
    assert lines([life], NOW, None)[1].split() == [
        "4f4f4f4f4f4f",
        "?",
        "13:00:00",
        "?",
        "?",
        "?",
        "never-started",
        "never-started",
    ]


def test_a_moment_of_another_day_has_its_date_and_one_of_another_year_that_too() -> None:
    for ago, when in ((86_400.0, "11-14 13:00:00"), (400 * 86_400.0, "2022-10-11 14:00:00"), (0.0, "13:00:00")):
        (row,) = lines([ended(point("pilot", NOW - ago, {"exit": "failed"}))], NOW, None)[1:]
        assert f"  {when}  " in row
        assert row.count("20") == when.count("20")


def test_want_of_memory_is_told() -> None:
    life = ended(
        point("pilot", NOW, {"exit": "failed"}, pilot="p", oom_killed=1, peak_memory_bytes=2**30, exit_code=137)
    )
    assert "1.0 GiB (out of it)" in lines([life], NOW, None)[1]


def test_names_are_short_if_they_are_ours_and_harmless_if_not() -> None:
    assert short_name("plancton-worker-0123abcd-12-345") == "12-345"
    assert short_name("x\x1b[2J") == "x\\x1b[2J"
