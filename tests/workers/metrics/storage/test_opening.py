"""Whatever is in the store's place, it's a store in the end: what was there is set aside, the newest of that alone."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plancton.common.history_schema import SCHEMA, SCHEMA_VERSION, store_path
from plancton.workers.metrics.storage.file import StoreFile
from plancton.workers.metrics.storage.opening import SET_ASIDE
from plancton.workers.metrics.storage.rounds import Bounds, Done, Output, Read, Refused, Round, Row, SinkRow

BOUNDS = Bounds(size_bytes=64 * 2**20, age_seconds=1e12)
SUFFIXES = ("", "-wal", "-shm")


class Files(dict[str, bytes]):
    """The contents of a store's files, by what's behind its name."""

    def __repr__(self) -> str:
        """Tell the sizes: the contents are of no use to anybody."""
        return str({suffix: len(content) for suffix, content in self.items()})


def rows(first: int, beyond: int) -> tuple[Row, ...]:
    return tuple(Row(each, each, f"m{each % 5}", '{"a":"b"}', f'{{"v":{each}.0}}') for each in range(first, beyond))


def asked(put: tuple[Row, ...] = (), *, reads: tuple[Read, ...] = (), whole: bool = False) -> Round:
    return Round(
        write=True,
        now_ns=10**18,
        bounds=BOUNDS,
        rows=put,
        reads=reads,
        sinks=(SinkRow(name="s", cursor=100),) if whole else (),
        refused=(Refused(sink="s", id=1, line="m v=1", why="bad"),) if whole else (),
        outputs=(Output(container_id="c", pilot="p", ended_ns=10**18, text="bye" * 3000),) if whole else (),
    )


def make(directory: Path, *, folded: bool = False) -> Files:
    """Make a store of 1500 points; return its files as a crash leaves them, or folded as a peaceful end does."""
    path = store_path(directory)
    file = StoreFile(path)
    file.run(asked())
    for first in range(1, 1500, 300):
        assert file.run(asked(rows(first, first + 300), whole=True)).written
    if folded:
        file.close()
    contents = Files()
    for suffix in SUFFIXES:
        each = path.with_name(path.name + suffix)
        if each.exists():
            contents[suffix] = each.read_bytes()
    file.close()
    return contents


def works(path: Path) -> list[Done]:
    """Run rounds until what is put is read back; return what became of them. It must be soon."""
    file = StoreFile(path)
    done = []
    first = 10**6
    try:
        for number in range(6):
            put = rows(first + number, first + number + 1)
            done.append(file.run(asked(put, reads=(Read(sink="a", after=0, most=10**5),), whole=True)))
            if done[-1].written:
                last = file.run(asked(reads=(Read(sink="a", after=first - 1, most=9),)))
                if last.read is not None and last.read["a"] == put:
                    return done
                done.append(last)
        message = f"it doesn't work: {done}"
        raise AssertionError(message)
    finally:
        file.close()


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Give the files of a store as a crash leaves them: nearly all in SQLite's log."""
    return make(tmp_path_factory.mktemp("crashed"))


@pytest.fixture(scope="module")
def folded(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Give the files of a store that was closed: all in the file itself."""
    return make(tmp_path_factory.mktemp("folded"), folded=True)


@pytest.fixture(scope="module")
def stores(crashed: Files, folded: Files) -> dict[str, Files]:
    """Give both."""
    return {"crashed": crashed, "folded": folded}


def lay(directory: Path, contents: Files) -> Path:
    """Lay the files of a store into the directory."""
    path = store_path(directory)
    for suffix, content in contents.items():
        path.with_name(path.name + suffix).write_bytes(content)
    return path


def test_what_a_crash_leaves_is_opened_as_it_is(tmp_path: Path, crashed: Files) -> None:
    path = lay(tmp_path, crashed)
    (found, _) = works(path)
    assert found.found is not None
    assert found.points == 1500
    assert not path.with_name(path.name + SET_ASIDE).exists()


def a_directory(path: Path) -> None:
    path.mkdir()
    (path / "something").touch()


def a_dangling_link(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere"))


def a_link(path: Path) -> None:
    path.with_name("elsewhere").write_bytes(b"mine")
    path.symlink_to(path.with_name("elsewhere"))


def garbage(path: Path) -> None:
    path.write_bytes(os.urandom(100_000))


def a_newer_store(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"{SCHEMA} PRAGMA user_version = {SCHEMA_VERSION + 1};")


def another_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript("CREATE TABLE other (x)")


def a_table_less(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"{SCHEMA} DROP TABLE refused; PRAGMA user_version = {SCHEMA_VERSION};")


def numbers_beyond_reason(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"{SCHEMA} PRAGMA user_version = {SCHEMA_VERSION};")
        db.execute("INSERT INTO points VALUES (?, 0, 'm', '{}', '{}')", (2**63 - 1,))
        db.commit()


def a_log_that_is_a_directory(path: Path) -> None:
    path.touch()
    path.with_name(f"{path.name}-wal").mkdir()


@pytest.mark.parametrize(
    "place",
    [
        a_directory,
        a_dangling_link,
        a_link,
        os.mkfifo,
        garbage,
        a_newer_store,
        another_database,
        a_table_less,
        numbers_beyond_reason,
        a_log_that_is_a_directory,
    ],
)
def test_what_is_no_store_is_set_aside(tmp_path: Path, place: Callable[[Path], None]) -> None:
    path = store_path(tmp_path)
    place(path)
    before = path.lstat().st_ino
    first, *_ = works(path)
    aside = path.with_name(path.name + SET_ASIDE)
    assert first.lost
    assert first.set_aside == str(aside)
    assert first.problem
    assert aside.lstat().st_ino == before
    if path.with_name("elsewhere").exists():
        assert path.with_name("elsewhere").read_bytes() == b"mine"


def test_only_the_newest_is_kept(tmp_path: Path) -> None:
    path = store_path(tmp_path)
    aside = path.with_name(path.name + SET_ASIDE)
    lay(tmp_path, Files({"": b"first" * 1000}))
    works(path)
    assert aside.exists()
    aside.with_name(f"{aside.name}-wal").write_bytes(b"of the first")
    for each in path.parent.glob(f"{path.name}*"):
        if SET_ASIDE not in each.name:
            each.unlink()
    path.write_bytes(b"second" * 1000)
    works(path)
    assert aside.read_bytes() == b"second" * 1000
    assert sorted(each.name for each in tmp_path.iterdir() if SET_ASIDE in each.name) == [aside.name]


def test_a_directory_that_was_set_aside_is_left_alone(tmp_path: Path) -> None:
    path = store_path(tmp_path)
    a_directory(path)
    works(path)
    aside = path.with_name(path.name + SET_ASIDE)
    for each in path.parent.glob(f"{path.name}*"):
        if SET_ASIDE not in each.name:
            each.unlink()
    a_directory(path)
    works(path)
    garbage_path = store_path(tmp_path)
    for each in path.parent.glob(f"{path.name}*"):
        if SET_ASIDE not in each.name:
            each.unlink()
    garbage(garbage_path)
    works(path)
    assert (aside / "something").exists()


class Damage(NamedTuple):
    """What happens to the files of a store: bytes written over others at a part of a file's length, and a file cut."""

    changes: list[tuple[str, float, bytes]]
    cut: tuple[str, float] | None
    in_first_page: bool


changes = st.lists(
    st.tuples(st.sampled_from(SUFFIXES), st.floats(0.0, 1.0), st.binary(min_size=1, max_size=64)),
    min_size=1,
    max_size=8,
)
cut = st.none() | st.tuples(st.sampled_from(SUFFIXES), st.floats(0.0, 1.0))


def damaged(contents: Files, how: Damage) -> Files:
    """Return the files with all of the damage."""
    changed = {suffix: bytearray(content) for suffix, content in contents.items()}
    for suffix, share, data in how.changes:
        content = changed.get(suffix, changed[""])
        start = int(share * (min(len(content), 4096) if how.in_first_page else len(content)))
        content[start : start + len(data)] = data[: len(content) - start]
    if how.cut is not None and how.cut[0] in changed:
        suffix, share = how.cut
        del changed[suffix][int(share * len(changed[suffix])) :]
    return Files({suffix: bytes(content) for suffix, content in changed.items()})


@settings(max_examples=60, deadline=None)
@example(kind="folded", how=Damage([("", 18.5 / 4096, b"\x03")], None, in_first_page=True))  # "Not to be written."
@example(kind="folded", how=Damage([("", 0.75, b"\x80")], None, in_first_page=True))
@given(kind=st.sampled_from(["crashed", "folded"]), how=st.builds(Damage, changes, cut, st.booleans()))
def test_a_store_damaged_anywhere_is_a_store_again(stores: dict[str, Files], kind: str, how: Damage) -> None:
    contents = damaged(stores[kind], how)
    with TemporaryDirectory() as directory:
        path = lay(Path(directory), contents)
        done = works(path)
        aside = path.with_name(path.name + SET_ASIDE)
        assert aside.exists() == any(each.set_aside for each in done)
        assert sum(bool(each.set_aside) for each in done) <= 1, "a new store is whole"


@settings(max_examples=12, deadline=None)
@given(changes=changes)
def test_a_store_damaged_while_it_is_open_is_a_store_again(
    folded: Files, changes: list[tuple[str, float, bytes]]
) -> None:
    with TemporaryDirectory() as directory:
        path = lay(Path(directory), folded)
        file = StoreFile(path)
        assert file.run(asked()).found is not None
        assert file.run(asked(rows(2000, 2300))).written
        for suffix, share, data in changes:
            victim = path.with_name(path.name + suffix)
            with victim.open("r+b") as opened:
                opened.seek(int(share * victim.stat().st_size))
                opened.write(data)
        for first in range(3000, 3004):
            file.run(asked(rows(first, first + 1), reads=(Read(sink="a", after=0, most=10**5),)))
        file.close()
        assert works(path)
