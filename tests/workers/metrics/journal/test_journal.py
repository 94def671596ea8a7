"""The journal's way to disk: a disk that is full or stuck delays nobody, and what it costs is counted and told."""

import contextlib
import functools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plancton.common.journal import read
from plancton.common.journal_entries import Entry, Kind
from plancton.workers.metrics.journal import journal as journal_module
from plancton.workers.metrics.journal.journal import MOST_WAITING_BYTES, Journal
from plancton.workers.metrics.journal.segments import Written
from tests.support.waiting import wait_for


def entry(number: int, output: str = "") -> Entry:
    return Entry(at_unix=float(number), kind=Kind.HELD, output=output)


def entries(directory: Path) -> list[Entry]:
    return [each for each in read(directory) if isinstance(each, Entry)]


def told(directory: Path) -> list[int]:
    return [int(each.at_unix) for each in entries(directory) if each.kind == Kind.HELD]


def bytes_in(directory: Path) -> int:
    """Add up what is there; a segment may go at any moment."""
    total = 0
    for path in directory.iterdir():
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Give a journal whose bound isn't known yet."""
    made = Journal(tmp_path / "journal", lambda: None)
    yield made
    made.close()


def dropped(journal: Journal, number: int) -> bool:
    return journal.dropped == number


def settle(journal: Journal, fact: Callable[[], object]) -> None:
    """Turn until ``fact`` is true."""

    def look() -> object:
        journal.turn()
        return fact()

    wait_for(look, 10.0, "the journal settles")


def test_what_comes_before_the_bound_is_known_waits_and_is_written(journal: Journal, tmp_path: Path) -> None:
    journal.put([entry(1), entry(2)])
    journal.turn()
    assert told(tmp_path / "journal") == []
    journal.follow(10**6)
    journal.put([entry(3)])
    settle(journal, lambda: told(tmp_path / "journal") == [1, 2, 3])
    assert journal.dropped == 0


def test_a_new_bound_applies_without_anything_new_to_tell(journal: Journal, tmp_path: Path) -> None:
    journal.follow(10**6)
    journal.put(entry(number, "x" * 1400) for number in range(300))
    settle(journal, lambda: len(told(tmp_path / "journal")) == 300)
    journal.follow(65_536)
    settle(journal, lambda: bytes_in(tmp_path / "journal") <= 65_536)


def test_an_unwritable_journal_is_said_once_and_its_gap_is_told_once_it_can_be_written(
    journal: Journal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "journal"
    place.touch()
    journal.follow(10**6)
    with caplog.at_level(logging.INFO):
        for number in range(5):
            journal.put([entry(number)])
            settle(journal, functools.partial(dropped, journal, number + 1))
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert caplog.messages == [f"the journal in {place} can't be written, entries are dropped: File exists"]
        place.unlink()
        journal.put([entry(5)])
        settle(journal, lambda: told(place) == [5])
        settle(journal, lambda: len(caplog.records) == 2)
        assert caplog.messages[-1] == f"the journal in {place} is written again; 5 entries were dropped"
    assert [each.detail for each in entries(place) if each.kind == Kind.LOST] == [
        "entries that weren't written: 5: File exists"
    ]
    journal.put([entry(6)])
    settle(journal, lambda: told(place) == [5, 6])
    assert len([each for each in entries(place) if each.kind == Kind.LOST]) == 1, "a gap is told once"
    assert journal.dropped == 5


class StuckDisk:
    """Takes what is written when it is let, and counts it."""

    def __init__(self) -> None:
        """Be stuck."""
        self.free = threading.Event()
        self.batches: list[int] = []

    def append(self, _directory: Path, lines: tuple[bytes, ...], _most_bytes: int) -> Written:
        """Hold up the thread that writes."""
        assert self.free.wait(20)
        self.batches.append(len(lines))
        return Written(lines=len(lines))


def test_a_stuck_disk_delays_nobody_and_takes_no_more_memory_than_its_bound(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = StuckDisk()
    monkeypatch.setattr(journal_module, "append", disk.append)
    journal.follow(10**6)
    journal.turn()
    began = time.monotonic()
    number = 3 * MOST_WAITING_BYTES // 1500
    for each in range(number):
        journal.put([entry(each, "x" * 1400)])
        journal.turn()
    assert time.monotonic() - began < 5.0
    assert number // 2 < journal.dropped < number
    dropped = journal.dropped
    disk.free.set()
    settle(journal, lambda: sum(disk.batches) == number - dropped + 1)
    assert journal.dropped == dropped, "what was written later wasn't dropped"


@pytest.mark.parametrize("written", [0, 1, 2, 3])
def test_what_of_a_batch_was_not_written_is_counted(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    monkeypatch.setattr(journal_module, "append", lambda *_: Written(lines=0, problem="full"))
    journal.follow(10**6)
    journal.put([entry(1)])
    settle(journal, lambda: journal.dropped == 1)
    # The first line of the next batch tells of that one, and is nothing that could be lost itself.
    monkeypatch.setattr(journal_module, "append", lambda *_: Written(lines=written, problem="full"))
    journal.put([entry(2), entry(3)])
    expected = {0: 3, 1: 3, 2: 2, 3: 1}[written]
    settle(journal, lambda: not journal._under_way)  # noqa: SLF001 - nothing else tells that it's done
    assert journal.dropped == expected
