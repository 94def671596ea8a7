"""The journal's files: never above their bound, the oldest dropped first, each line whole, whatever is in the way."""

import functools
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.journal import SEGMENTS, Unread, read, segment_path
from plancton.common.journal_entries import Entry, Kind
from plancton.common.journal_lines import LONGEST_LINE, line
from plancton.workers.metrics.journal.segments import Written, append
from tests.support.running import REPOSITORY
from tests.support.waiting import wait_for

SMALLEST = 65_536


def made(number: int, size: int = 0) -> bytes:
    """Return the line of an entry that tells its number and is about so long."""
    return line(Entry(at_unix=float(number), kind=Kind.HELD, output="x" * min(size, 1400)))


def told(directory: Path) -> list[int]:
    return [int(each.at_unix) for each in read(directory) if isinstance(each, Entry)]


def on_disk(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.iterdir())


def test_the_directory_and_its_files_are_for_this_user_alone(tmp_path: Path) -> None:
    journal = tmp_path / "state" / "journal"
    assert append(journal, [made(1), made(2)], SMALLEST) == Written(lines=2)
    assert append(journal, [made(3)], SMALLEST) == Written(lines=1)
    assert told(journal) == [1, 2, 3]
    assert [stat.S_IMODE(path.stat().st_mode) for path in journal.iterdir()] == [0o600]
    assert stat.S_IMODE(journal.stat().st_mode) == 0o700


def test_at_its_bound_the_oldest_segment_goes_and_the_rest_stays(tmp_path: Path) -> None:
    size = len(made(1000, 900))
    for number in range(1000, 1000 + 10 * SMALLEST // size):
        assert append(tmp_path, [made(number, 900)], SMALLEST).problem == ""
        assert on_disk(tmp_path) <= SMALLEST
        kept = told(tmp_path)
        assert kept == list(range(kept[0], number + 1)), "what is kept is the newest, without a gap"
        if kept[0] > 1000:
            assert on_disk(tmp_path) > SMALLEST * (SEGMENTS - 1) // SEGMENTS - 2 * size
    assert told(tmp_path)[0] > 1000


@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(0, 1400), max_size=40),
            st.sampled_from([SMALLEST, 2 * SMALLEST, 10**6]),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_it_is_never_above_the_bound_of_the_moment(history: list[tuple[list[int], int, bool]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory, number = Path(name), 0
        for sizes, most, torn in history:
            lines = [made(number + place, size) for place, size in enumerate(sizes, 1)]
            number += len(lines)
            assert append(directory, lines, most) == Written(lines=len(lines))
            assert on_disk(directory) <= most
            kept = told(directory)
            assert kept == list(range(number - len(kept) + 1, number + 1))
            if torn and kept:
                with max(directory.iterdir()).open("ab") as file:
                    file.write(b'{"at')


def test_a_smaller_bound_applies_at_once_without_a_new_line(tmp_path: Path) -> None:
    append(tmp_path, [made(number, 900) for number in range(500)], 10**6)
    assert append(tmp_path, [], SMALLEST) == Written(lines=0)
    assert on_disk(tmp_path) <= SMALLEST
    append(tmp_path, [made(500)], SMALLEST)
    assert told(tmp_path)[-1] == 500


def test_a_torn_end_is_left_behind_and_what_follows_is_whole(tmp_path: Path) -> None:
    append(tmp_path, [made(1)], SMALLEST)
    with segment_path(tmp_path, 1).open("ab") as file:
        file.write(made(2)[:-5])
    append(tmp_path, [made(3), made(4)], SMALLEST)
    assert told(tmp_path) == [1, 3, 4]
    assert len(list(tmp_path.iterdir())) == 1


def test_an_empty_segment_gets_no_empty_line(tmp_path: Path) -> None:
    segment_path(tmp_path, 1).touch()
    append(tmp_path, [made(1)], SMALLEST)
    assert segment_path(tmp_path, 1).read_bytes() == made(1)


def test_what_is_not_its_own_is_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"precious\n")
    journal = tmp_path / "journal"
    journal.mkdir()
    (journal / "notes").write_bytes(b"n" * SMALLEST * 2)
    segment_path(journal, 1).mkdir()
    segment_path(journal, 2).symlink_to(elsewhere)
    os.mkfifo(segment_path(journal, 3))
    assert append(journal, [made(1), made(2)], SMALLEST) == Written(lines=2)
    assert told(journal) == [1, 2]
    assert elsewhere.read_bytes() == b"precious\n"
    assert len(list(journal.iterdir())) == 5


def test_files_that_vanish_are_made_anew(tmp_path: Path) -> None:
    journal = tmp_path / "state" / "journal"
    append(journal, [made(1)], SMALLEST)
    segment_path(journal, 1).unlink()
    append(journal, [made(2)], SMALLEST)
    assert told(journal) == [2]
    segment_path(journal, 1).unlink()
    journal.rmdir()
    journal.parent.rmdir()
    assert append(journal, [made(3)], SMALLEST) == Written(lines=1)
    assert told(journal) == [3]


@pytest.mark.parametrize("place", ["a file", "below a file", "no parent"])
def test_a_place_where_nothing_can_be_written_is_said_in_words(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    journal = {"a file": tmp_path / "file", "below a file": tmp_path / "file" / "j", "no parent": tmp_path / "a/b/c"}
    written = append(journal[place], [made(1)], SMALLEST)
    assert written.lines == 0
    assert written.problem in {"File exists", "Not a directory", "No such file or directory"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of 64 KiB; only root may make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_costs_lines_and_once_there_is_room_again_they_are_whole(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"b" * 40_000)
    journal = small_disk / "journal"
    lines = [made(number, 1400) for number in range(1, 40)]
    written = append(journal, lines, 10**6)
    assert 0 < written.lines < len(lines)
    assert written.problem == "No space left on device"
    for number in (100, 101):
        assert append(journal, [made(number, 1400)], 10**6).lines == 0
    assert told(journal) == list(range(1, written.lines + 1))
    ballast.unlink()
    assert append(journal, [made(200), made(201)], 10**6) == Written(lines=2)
    assert told(journal) == [*range(1, written.lines + 1), 200, 201]


def test_a_limit_on_the_size_of_files_is_no_end_of_the_process(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path; from tests.workers.metrics.journal.test_segments import made;"
        "from plancton.workers.metrics.journal.segments import append;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000));"
        "print(append(Path(sys.argv[1]), [made(n, 900) for n in range(1, 9)], 10**6))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.stdout == "Written(lines=5, problem='File too large')\n", done.stderr
    assert told(tmp_path) == [1, 2, 3, 4, 5]


def beyond(directory: Path, number: int) -> bool:
    return told(directory)[-1:] > [number]


WRITER = (
    "import sys; from pathlib import Path; from tests.workers.metrics.journal.test_segments import made;"
    "from plancton.workers.metrics.journal.segments import append; number = int(sys.argv[2])\n"
    "while True:\n"
    "    append(Path(sys.argv[1]), [made(number + each, 1400) for each in range(50)], 10**6)\n"
    "    number += 50\n"
)


def test_a_writer_killed_at_any_moment_leaves_what_was_written_readable(tmp_path: Path) -> None:
    for life in range(1, 4):
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(life * 10**6)]
        with subprocess.Popen(command, cwd=REPOSITORY) as process:
            wait_for(functools.partial(beyond, tmp_path, life * 10**6), 20.0, "it writes")
            process.send_signal(signal.SIGKILL)
        assert on_disk(tmp_path) <= 10**6
        kept = told(tmp_path)
        assert kept == sorted(set(kept))
        torn = [each for each in read(tmp_path) if isinstance(each, Unread)]
        assert len(torn) <= life
    append(tmp_path, [made(9 * 10**6)], 10**6)
    assert told(tmp_path)[-1] == 9 * 10**6


def test_a_segment_of_the_smallest_journal_holds_the_longest_line() -> None:
    assert SMALLEST // SEGMENTS >= LONGEST_LINE
