"""The journal read, and followed: what can be read is told once and in order, and what can't be is told too."""

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.journal import Tail, Unread, directory_below, read, segment_number, segment_path
from plancton.common.journal_entries import Entry, Kind
from plancton.common.journal_lines import LONGEST_LINE, line
from plancton.workers.metrics.journal.segments import append
from tests.support.running import REPOSITORY


def entry(number: int) -> Entry:
    return Entry(at_unix=float(number), kind=Kind.HELD, detail=str(number))


def told(directory: Path) -> list[int]:
    return [int(each.at_unix) for each in read(directory) if isinstance(each, Entry)]


def unread(directory: Path) -> list[str]:
    return [each.why for each in read(directory) if isinstance(each, Unread)]


def test_it_lies_in_the_state_directory() -> None:
    assert directory_below(Path("/var/lib/plancton/0123abcd")) == Path("/var/lib/plancton/0123abcd/journal")


def test_names_of_segments() -> None:
    for number in (1, 42, 99_999_999, 100_000_000):
        assert segment_number(segment_path(Path("/x"), number).name) == number
    for name in ("decisions-1.jsonl", "decisions-00000001.jsonl~", ".decisions-00000001.jsonl", "x", ""):
        assert segment_number(name) is None


def test_segments_are_read_in_order_and_nothing_else(tmp_path: Path) -> None:
    for number, path in ((3, 10), (1, 9), (2, 11)):
        segment_path(tmp_path, path).write_bytes(line(entry(number)))
    (tmp_path / "notes.txt").write_bytes(line(entry(7)))
    assert told(tmp_path) == [1, 3, 2]
    assert unread(tmp_path) == []


def test_no_journal_yet_is_none(tmp_path: Path) -> None:
    assert list(read(tmp_path / "journal")) == []
    assert list(read(tmp_path)) == []


def test_what_is_torn_or_garbage_is_passed_over_and_counted(tmp_path: Path) -> None:
    whole = line(entry(1))
    for number, content in enumerate(
        (
            whole + whole[:9] + b"\n" + line(entry(2)),
            b"\0" * 500 + b"\n" + line(entry(3)) + b"\xff\xfe\n" + b"\n \n" + line(entry(4)),
            b"x" * (LONGEST_LINE + 1) * 3 + line(entry(9)) + line(entry(5)),
            line(entry(6)) + whole[:9],
            line(entry(7)) + whole[:-1],
        ),
        1,
    ):
        segment_path(tmp_path, number).write_bytes(content)
    assert told(tmp_path) == [1, 2, 3, 4, 5, 6, 7]
    assert unread(tmp_path) == ["a line isn't understood", "2 lines aren't understood", "a line isn't understood"]


def test_a_very_long_line_takes_little_memory(tmp_path: Path) -> None:
    with segment_path(tmp_path, 1).open("wb") as file:
        file.truncate(300 << 20)
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + line(entry(1)))
    reader = (
        "import resource, sys; from pathlib import Path; from plancton.common.journal import read;"
        "resource.setrlimit(resource.RLIMIT_AS, (250 << 20, 250 << 20)); print(len(list(read(Path(sys.argv[1])))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", reader, str(tmp_path)], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("2\n", 0), done.stderr


def test_what_is_named_like_a_segment_and_is_none_is_told(tmp_path: Path) -> None:
    segment_path(tmp_path, 1).mkdir()
    os.mkfifo(segment_path(tmp_path, 2))
    segment_path(tmp_path, 3).symlink_to("/etc/passwd")
    segment_path(tmp_path, 4).symlink_to(tmp_path / "nowhere")
    segment_path(tmp_path, 5).write_bytes(line(entry(5)))
    assert told(tmp_path) == [5]
    assert len(unread(tmp_path)) == 4


def test_who_may_not_read_it_is_told() -> None:
    reader = (
        "import os, sys; from pathlib import Path; from plancton.common.journal import read;"
        "os.setuid(65534) if os.geteuid() == 0 else None;"
        "print([getattr(each, 'why', each.__class__.__name__) for each in read(Path(sys.argv[1]))])"
    )
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        Path(directory).chmod(0o711)
        journal = Path(directory) / "journal"
        journal.mkdir()
        for number, mode in ((1, 0o000), (2, 0o644)):
            segment_path(journal, number).write_bytes(line(entry(number)))
            segment_path(journal, number).chmod(mode)
        for mode, expected in ((0o311, "['Permission denied']"), (0o755, "['Permission denied', 'Entry']")):
            journal.chmod(mode)
            command = [sys.executable, "-c", reader, str(journal)]
            done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
            assert done.stdout.strip() == expected, done.stderr


@pytest.mark.parametrize("place", ["file", "none"])
def test_no_directory_is_told_or_none(tmp_path: Path, place: str) -> None:
    path = tmp_path / "journal"
    if place == "file":
        path.write_bytes(line(entry(1)))
    assert [isinstance(each, Unread) for each in read(path)] == ([True] if place == "file" else [])


@given(st.lists(st.binary(max_size=200) | st.just(line(entry(1))) | st.just(b"\n"), max_size=8))
def test_no_bytes_raise(parts: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        segment_path(Path(directory), 1).write_bytes(b"".join(parts))
        for each in read(Path(directory)):
            assert isinstance(each, Entry | Unread)


def more(tail: Tail) -> list[int]:
    return [int(each.at_unix) for each in tail.read() if isinstance(each, Entry)]


def write(directory: Path, *numbers: int, most_bytes: int = 1 << 20) -> None:
    written = append(directory, [line(entry(number)) for number in numbers], most_bytes)
    assert written.lines == len(numbers)


def test_what_is_there_and_then_what_is_added(tmp_path: Path) -> None:
    tail = Tail(tmp_path / "journal")
    assert more(tail) == []
    write(tmp_path / "journal", 1, 2)
    assert more(tail) == [1, 2]
    assert more(tail) == []
    write(tmp_path / "journal", 3)
    assert more(tail) == [3]


def test_it_goes_on_across_rotations(tmp_path: Path) -> None:
    tail = Tail(tmp_path)
    seen: list[int] = []
    # Five lines or so to a segment: what isn't read is dropped after twenty.
    small = 4 * 5 * len(line(entry(100)))
    for first in range(1, 200, 7):
        write(tmp_path, *range(first, first + 7), most_bytes=small)
        seen += more(tail)
    assert seen == list(range(1, 204))
    assert not segment_path(tmp_path, 1).exists()


def test_a_line_is_told_once_it_has_its_end(tmp_path: Path) -> None:
    tail = Tail(tmp_path)
    whole = line(entry(1))
    with segment_path(tmp_path, 1).open("wb", buffering=0) as file:
        file.write(whole[:20])
        assert more(tail) == []
        file.write(whole[20:])
        assert more(tail) == [1]


def test_a_torn_line_is_garbage_once_another_follows(tmp_path: Path) -> None:
    tail = Tail(tmp_path)
    segment_path(tmp_path, 1).write_bytes(line(entry(1)) + line(entry(2))[:9])
    assert more(tail) == [1]
    write(tmp_path, 3)
    assert list(tail.read()) == [entry(3), Unread(what=str(segment_path(tmp_path, 1)), why="a line isn't understood")]


def test_a_line_that_is_too_long_is_passed_over_though_it_comes_in_parts(tmp_path: Path) -> None:
    tail = Tail(tmp_path)
    with segment_path(tmp_path, 1).open("wb", buffering=0) as file:
        for _ in range(3):
            file.write(b"x" * (LONGEST_LINE + 5))
            assert more(tail) == []
        file.write(b"\n" + line(entry(1)))
        assert more(tail) == [1]


def test_what_looks_like_an_entry_within_a_line_that_is_too_long_is_none(tmp_path: Path) -> None:
    segment_path(tmp_path, 1).write_bytes(b"x" * (LONGEST_LINE + 1) * 2 + line(entry(9)) + line(entry(1)))
    assert more(Tail(tmp_path)) == [1]


def test_a_journal_begun_anew_is_told_from_its_beginning(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    tail = Tail(journal)
    write(journal, 1, 2)
    segment_path(journal, 7).write_bytes(line(entry(3)))
    assert more(tail) == [1, 2, 3]
    shutil.rmtree(journal)
    assert more(tail) == []
    write(journal, 4)
    assert more(tail) == [4]


def test_a_segment_in_anothers_place_is_told_from_its_beginning(tmp_path: Path) -> None:
    tail = Tail(tmp_path)
    write(tmp_path, 1)
    assert more(tail) == [1]
    segment_path(tmp_path, 1).rename(tmp_path / "aside")
    write(tmp_path, 2, 3)
    assert more(tail) == [2, 3]
    segment_path(tmp_path, 1).write_bytes(line(entry(4)))
    assert more(tail) == [4]


def test_what_is_no_file_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    segment_path(tmp_path, 1).mkdir()
    segment_path(tmp_path, 2).write_bytes(line(entry(5)))
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    found = list(Tail(tmp_path).read())
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
    assert [each.why for each in found if isinstance(each, Unread)] == ["not a file"]
    assert [each for each in found if isinstance(each, Entry)] == [entry(5)]


def test_a_directory_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("")
    (found,) = Tail(tmp_path / "journal").read()
    assert found == Unread(what=str(tmp_path / "journal"), why="Not a directory")


@given(
    lines=st.lists(st.integers(0, 3), max_size=25),
    cuts=st.lists(st.integers(0, 3000), max_size=12),
)
def test_however_writes_are_cut_each_entry_is_told_once_and_in_order(lines: list[int], cuts: list[int]) -> None:
    garbage = {1: b"\n", 2: b"not json\n", 3: b"{}\n"}
    data = b"".join(line(entry(number)) if kind == 0 else garbage[kind] for number, kind in enumerate(lines))
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    with tempfile.TemporaryDirectory() as name:
        tail = Tail(Path(name))
        seen: list[int] = []
        with segment_path(Path(name), 1).open("wb", buffering=0) as file:
            for start, end in itertools.pairwise(edges):
                file.write(data[start:end])
                seen += more(tail)
    assert seen == [number for number, kind in enumerate(lines) if kind == 0]
