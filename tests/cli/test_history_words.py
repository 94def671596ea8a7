"""History in words."""

from collections.abc import Iterator

import pytest

from plancton.cli.history_figures import Figures, Gap, Summary
from plancton.cli.history_words import core_hours, gap_lines, sentences, span, table
from plancton.common.series import Exit
from tests.cli.history_samples import NOW, berlin

HOUR = 3600.0


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from berlin(monkeypatch)


def told(total: Figures, gaps: tuple[Gap, ...] = (), *, ends_now: bool = True) -> list[str]:
    """Return the sentences."""
    return list(sentences(Summary(total=total, buckets=(total,), gaps=gaps), NOW, ends_now=ends_now))


def day(**fields: object) -> Figures:
    """Return the sums of the last day."""
    plain = {"recorded_seconds": 86_400.0, "given_core_seconds": 312.5 * HOUR, "free_core_seconds": 332.4 * HOUR}
    return Figures(since_unix=NOW - 86_400, until_unix=NOW, **{**plain, **fields})  # type: ignore[arg-type]


def test_the_most_important_in_plain_words() -> None:
    total = day(exits={"evicted": 4}, evicted_lost_core_seconds=0.7 * HOUR, lost_core_seconds=5 * HOUR)
    gap = Gap(since_unix=NOW - 12_000, until_unix=NOW)
    assert told(total, (gap,)) == [
        "In the last day this machine gave 312.5 core-hours, 94 % of what its owner left free.",
        "4 pilots were ended for the owner's sake; 0.70 core-hours of work were lost.",
        "No record for 3 h 20 min, from 09:40:00 to 13:00:00.",
    ]
    assert told(day(exits={"evicted": 1}))[1].startswith("1 pilot was ended for the owner's sake; 0.00")
    assert told(day(), ends_now=False)[0].startswith("From 2023-11-14 13:00:00 to 13:00:00 this machine gave")


def test_what_is_unknown_is_said_to_be() -> None:
    assert told(day(given_core_seconds=None))[0] == "In the last day: what this machine gave isn't known."
    assert told(day(free_core_seconds=0.0))[0] == "In the last day this machine gave 312.5 core-hours."
    assert told(day(recorded_seconds=0.0, given_core_seconds=None)) == ["In the last day: no record of the machine."]
    rows = {what: (number, meaning) for what, number, meaning in table(day(given_core_seconds=None))}
    assert rows["core-hours given to pilots"] == ("?", "")
    assert rows["core-hours of the owner's"] == ("?", "")
    assert rows["pilots at a time"] == ("?", "")
    assert rows["owner waited for disks"] == ("?", "nobody can tell")


def test_many_gaps_are_told_by_the_longest_three() -> None:
    gaps = tuple(
        Gap(since_unix=NOW - 1000 * number, until_unix=NOW - 1000 * number + 60 * number) for number in range(1, 7)
    )
    lines = list(gap_lines(gaps, NOW))
    told = [line.split(",")[0].removeprefix("No record for ") for line in lines]
    assert told == ["6 min", "5 min", "4 min", "6 min more"]
    assert lines[-1].endswith("in 3 shorter gaps.")
    assert list(gap_lines((), NOW)) == []


def test_every_end_has_its_words_and_its_row() -> None:
    rows = table(day(exits={str(end): number for number, end in enumerate(Exit, 1)}))
    assert [number for what, number, _ in rows if what == "pilots"] == [
        str(number) for number in range(1, len(Exit) + 1)
    ]
    assert all(meaning for what, _, meaning in rows if what == "pilots")


def test_what_is_rare_has_a_row_only_where_it_happened() -> None:
    plain = {what for what, _, _ in table(day())}
    assert {"launches that failed", "launches held", "evicted", "pilots gave way within"}.isdisjoint(plain)
    rows = table(
        day(
            launches={"done": 7, "failed": 1, "timed-out": 2},
            held_seconds={"owner-cpu": 43_200.0, "of-tomorrow": 864.0},
            evictions={"owner-memory": 3},
            handback_seconds=[1.0, 2.0, 4.5],
        )
    )
    assert ("launches that failed", "3", "of 10") in rows
    assert ("launches held", "50 %", "the owner needs the CPUs (owner-cpu)") in rows
    assert ("launches held", "1 %", "of-tomorrow (of-tomorrow)") in rows
    assert ("evicted", "3", "the owner needs the memory (owner-memory)") in rows
    assert ("pilots gave way within", "2 s", "in the middle case, 4.5 s at worst; 3 times") in rows


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0.00"), (36.0, "0.01"), (35_999.0, "10.00"), (36_000.0, "10.0"), (1e9, "277777.8"), (None, "?")],
)
def test_core_hours(seconds: float | None, text: str) -> None:
    assert core_hours(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (5400, "1 h 30 min"),
        (86_400, "1 d"),
        (90_000, "1 d 1 h"),
        (0, "0 s"),
    ],
)
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text
