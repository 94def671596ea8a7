"""The pilots' words are read without the loop ever waiting for a disk."""

import threading
from pathlib import Path

import pytest

from plancton.common.naming import container_name
from plancton.common.pilot_directory import PilotDirectories, Word
from plancton.workers.probe.words import Words
from tests.support.waiting import wait_for

BUSY, SAFE, SILENT = (container_name("0123abcd", slot, 1) for slot in range(3))


def say(state: Path, name: str, text: str) -> None:
    """Say something as a pilot does."""
    place = PilotDirectories(state).create(name, "0:0", 0.0)
    (place / "out" / "state").write_text(text)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return a place with two pilots that say something and one that doesn't."""
    say(tmp_path, BUSY, "busy 1700000000\n")
    say(tmp_path, SAFE, "safe\n")
    return tmp_path


def test_each_pilots_last_word(state: Path) -> None:
    words = Words(state, lambda: None)
    assert words.of(BUSY) == Word()
    words.read([BUSY, SAFE, SILENT])
    wait_for(words.collect, 5.0, "new words")
    assert words.of(BUSY) == Word(busy_since_unix=1_700_000_000.0)
    assert words.of(SAFE) == Word(safe_to_stop=True)
    assert words.of(SILENT) == Word()
    say(state, SAFE, "busy 1700000005\n")
    words.read([SAFE])
    wait_for(words.collect, 5.0, "other words")
    assert words.of(SAFE) == Word(busy_since_unix=1_700_000_005.0)
    # Who isn't asked for any more is forgotten.
    assert words.of(BUSY) == Word()


def test_the_same_words_again_are_no_news(state: Path) -> None:
    done = threading.Semaphore(0)
    words = Words(state, done.release)
    words.read([SAFE])
    assert done.acquire(timeout=5.0)
    assert words.collect()
    words.read([SAFE])
    assert done.acquire(timeout=5.0)
    assert not words.collect()


def test_a_disk_that_hangs_holds_up_nobody_and_is_asked_once(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = Words(state, lambda: None)
    asked: list[str] = []
    goes_on = threading.Event()

    def hang(_directories: PilotDirectories, name: str) -> Word:
        asked.append(name)
        goes_on.wait(10.0)
        return Word(safe_to_stop=True)

    monkeypatch.setattr(PilotDirectories, "read_word", hang)
    for _ in range(3):
        words.read([BUSY])
        assert not words.collect()
    goes_on.set()
    wait_for(words.collect, 5.0, "the disk is back")
    assert asked == [BUSY]
    words.read([SAFE])
    wait_for(words.collect, 5.0, "it's asked again")
    assert words.of(SAFE) == Word(safe_to_stop=True)
