"""The log: whole lines of all processes in one file, and a disk that delays or fails nobody."""

import logging
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plancton.common import log as logs
from tests.support.running import REPOSITORY
from tests.support.waiting import wait_for

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ probe\[\d+\] (\w+) (.*)")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Put the tests' own logging back."""
    root = logging.getLogger()
    before = root.handlers, root.level, logging.raiseExceptions
    yield
    logs.flush()
    root.handlers, root.level, logging.raiseExceptions = before[0], before[1], before[2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the log's file, to which the log goes."""
    path = tmp_path / "log" / "plancton.log"
    path.parent.mkdir()
    logs.set_up("probe", path, to_stderr=False)
    return path


def says(file: Path, text: str) -> bool:
    """Tell whether the log holds the text."""
    return file.exists() and text in file.read_text()


def test_a_line_tells_when_who_and_what(file: Path) -> None:
    logging.getLogger("plancton").warning("no %s", "room")
    logs.flush()
    match = LINE.fullmatch(file.read_text().rstrip("\n"))
    assert match is not None
    assert match.groups() == ("WARNING", "no room")
    assert f"probe[{os.getpid()}]" in match.string


def test_flush_writes_all_that_waits_and_may_be_called_again(file: Path) -> None:
    for number in range(2000):
        logging.getLogger().info("line %d", number)
    logs.flush()
    logs.flush()
    assert len(file.read_text().splitlines()) == 2000


def test_the_level_is_heeded_and_libraries_are_quiet_at_any(file: Path) -> None:
    logs.set_level("debug")
    logging.getLogger("plancton").debug("shown")
    logging.getLogger("urllib3.connectionpool").debug("hidden")
    logs.set_level("error")
    logging.getLogger("plancton").warning("hidden too")
    logs.flush()
    assert "shown" in file.read_text()
    assert "hidden" not in file.read_text()


def test_without_a_file_the_log_goes_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    logs.set_up("probe", None, to_stderr=True)
    logging.getLogger().info("hello")
    logs.flush()
    assert capfd.readouterr().err.endswith("INFO hello\n")


def test_a_file_that_was_moved_away_is_begun_anew(file: Path) -> None:
    logging.getLogger().info("before")
    wait_for(lambda: says(file, "before"), 5, "the first line")
    file.rename(file.with_suffix(".1"))
    logging.getLogger().info("after")
    wait_for(lambda: says(file, "after"), 5, "the second line")
    assert not says(file, "before")


def test_a_directory_that_went_away_loses_lines_until_it_is_back(file: Path) -> None:
    logging.getLogger().info("before")
    wait_for(lambda: says(file, "before"), 5, "the first line")
    shutil.rmtree(file.parent)
    logging.getLogger().info("lost")

    def back() -> bool:
        file.parent.mkdir(exist_ok=True)
        logging.getLogger().info("back")
        return says(file, "back")

    wait_for(back, 5, "the log goes on")


def test_a_full_disk_stops_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "full").symlink_to("/dev/full")
    logs.set_up("probe", tmp_path / "full", to_stderr=True)
    for number in range(500):
        logging.getLogger().info("line %d", number)
    logs.flush()
    assert capfd.readouterr().err.count("line") == 500


def test_a_disk_that_hangs_delays_neither_the_loop_nor_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_FLUSH_SECONDS", 0.1)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # Opening a pipe that nobody reads waits for ever.
    logs.set_up("probe", pipe, to_stderr=False)
    begun = time.monotonic()
    for number in range(11_000):
        logging.getLogger().info("line %d", number)
    logs.flush()
    assert time.monotonic() - begun < 5.0
    with pipe.open("rb") as released:
        while released.read(65536):
            pass


PROCESSES = """
import logging, os, sys
from pathlib import Path
from plancton.common import log as logs
for number in range(4):
    if os.fork() == 0:
        logs.set_up(f"p{number}", Path(sys.argv[1]), to_stderr=False)
        for line in range(200):
            logging.getLogger().info("%d %s.", line, str(number) * (20_000 if line % 50 == 0 else 300))
        logs.flush()
        os._exit(0)
for number in range(4):
    os.wait()
"""


def test_lines_of_many_processes_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "plancton.log"
    subprocess.run([sys.executable, "-c", PROCESSES, str(path)], check=True, cwd=REPOSITORY, timeout=30)
    lines = path.read_text().splitlines()
    assert len(lines) == 800
    whole = re.compile(r"\S+Z p(\d)\[\d+\] INFO \d+ (?:\1{300}|\1{20000})\.")
    assert [line[:80] for line in lines if not whole.fullmatch(line)] == []
