"""The journal followed: each entry once and in order, however it is written, rotated, torn or begun anew."""

import itertools
import shutil
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from plancton.cli.journal_tail import Tail
from plancton.common.journal import Unread, segment_path
from plancton.common.journal_entries import Entry, Kind
from plancton.common.journal_lines import LONGEST_LINE, line
from plancton.workers.metrics.journal.segments import append


def entry(number: int) -> Entry:
    return Entry(at_unix=float(number), kind=Kind.HELD, detail=str(number))


def told(tail: Tail) -> list[int]:
    return [int(each.at_unix) for each in tail.read() if isinstance(each, Entry)]


def write(directory: Path, *numbers: int, most_bytes: int = 1 << 20) -> None:
    written = append(directory, [line(entry(number)) for number in numbers], most_bytes)
    assert written.lines == len(numbers)


def test_what_is_there_and_then_what_is_added(tmp_path: Path) -> None:
    tail = Tail(tmp_path / "journal")
    assert told(tail) == []
    write(tmp_path / "journal", 1, 2)
    assert told(tail) == [1, 2]
    assert told(tail) == []
    write(tmp_path / "journal", 3)
    assert told(tail) == [3]


def test_it_goes_on_across_rotations(tmp_path: Path) -> None:
    tail = Tail(tmp_path)
    seen: list[int] = []
    # Five lines or so to a segment: what isn't read is dropped after twenty.
    small = 4 * 5 * len(line(entry(100)))
    for first in range(1, 200, 7):
        write(tmp_path, *range(first, first + 7), most_bytes=small)
        seen += told(tail)
    assert seen == list(range(1, 204))
    assert not segment_path(tmp_path, 1).exists()


def test_a_line_is_told_once_it_has_its_end(tmp_path: Path) -> None:
    tail = Tail(tmp_path)
    whole = line(entry(1))
    with segment_path(tmp_path, 1).open("wb", buffering=0) as file:
        file.write(whole[:20])
        assert told(tail) == []
        file.write(whole[20:])
        assert told(tail) == [1]


def test_a_torn_line_is_garbage_once_another_follows(tmp_path: Path) -> None:
    tail = Tail(tmp_path)
    segment_path(tmp_path, 1).write_bytes(line(entry(1)) + line(entry(2))[:9])
    assert told(tail) == [1]
    write(tmp_path, 3)
    assert list(tail.read()) == [entry(3), Unread(what=str(segment_path(tmp_path, 1)), why="a line isn't understood")]


def test_a_line_that_is_too_long_is_passed_over_though_it_comes_in_parts(tmp_path: Path) -> None:
    tail = Tail(tmp_path)
    with segment_path(tmp_path, 1).open("wb", buffering=0) as file:
        for _ in range(3):
            file.write(b"x" * (LONGEST_LINE + 5))
            assert told(tail) == []
        file.write(b"\n" + line(entry(1)))
        assert told(tail) == [1]


def test_what_looks_like_an_entry_within_a_line_that_is_too_long_is_none(tmp_path: Path) -> None:
    segment_path(tmp_path, 1).write_bytes(b"x" * (LONGEST_LINE + 1) * 2 + line(entry(9)) + line(entry(1)))
    assert told(Tail(tmp_path)) == [1]


def test_a_journal_begun_anew_is_told_from_its_beginning(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    tail = Tail(journal)
    write(journal, 1, 2)
    segment_path(journal, 7).write_bytes(line(entry(3)))
    assert told(tail) == [1, 2, 3]
    shutil.rmtree(journal)
    assert told(tail) == []
    write(journal, 4)
    assert told(tail) == [4]


def test_a_segment_in_anothers_place_is_told_from_its_beginning(tmp_path: Path) -> None:
    tail = Tail(tmp_path)
    write(tmp_path, 1)
    assert told(tail) == [1]
    segment_path(tmp_path, 1).rename(tmp_path / "aside")
    write(tmp_path, 2, 3)
    assert told(tail) == [2, 3]
    segment_path(tmp_path, 1).write_bytes(line(entry(4)))
    assert told(tail) == [4]


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
                seen += told(tail)
    assert seen == [number for number, kind in enumerate(lines) if kind == 0]
