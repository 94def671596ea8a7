"""The pilots' words are read without the loop ever waiting for a disk."""

import os
import threading
from collections.abc import Callable
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


@pytest.mark.parametrize(
    "put",
    [
        os.mkfifo,
        lambda place: place.symlink_to("/proc/kmsg"),
        lambda place: place.symlink_to(place.parent / "word"),
        Path.mkdir,
        lambda place: place.write_text("x" * 10**6),
        lambda place: place.write_text("busy 99999999999\n"),
        lambda place: place.write_bytes(b"busy \xff\n"),
        lambda place: place.write_text("safe to stop\n"),
    ],
    ids=["fifo", "link to a device", "link to a word", "directory", "large", "future", "bytes", "prose"],
)
def test_whatever_a_hostile_pilot_puts_there_is_no_word_and_keeps_nobody_elses_from_being_read(
    state: Path, put: Callable[[Path], object]
) -> None:
    hostile = PilotDirectories(state).create(SILENT, "0:0", 0.0) / "out"
    (hostile / "word").write_text("safe\n")
    put(hostile / "state")
    words = Words(state, lambda: None)
    words.read([SILENT, SAFE])
    wait_for(words.collect, 5.0, "new words")
    assert words.of(SILENT) == Word()
    assert words.of(SAFE) == Word(safe_to_stop=True)


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
