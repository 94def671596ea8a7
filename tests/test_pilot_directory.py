"""A pilot's directory: its deadline in, its word out, and nothing that it puts there does any harm."""

import fcntl
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plancton.common.pilot_directory import PilotDirectories, Word, mounts
from tests.support.running import REPOSITORY

NAME = "plancton-worker-0123abcd-3-41"
DEADLINE = 2_000_000_000.9

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give directories away and make devices")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def directories(state: Path) -> PilotDirectories:
    return PilotDirectories(state)


@pytest.fixture
def out(directories: PilotDirectories) -> Path:
    return directories.create(NAME, "0:0", DEADLINE) / "out"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_holds_the_deadline_and_a_place_to_write(directories: PilotDirectories, state: Path) -> None:
    place = directories.create(NAME, "0:0", DEADLINE)
    assert place == state / "pilots" / NAME
    assert (place / "deadline").read_text() == "2000000000\n"
    assert (mode(place), mode(place / "deadline"), mode(state / "pilots")) == (0o755, 0o644, 0o700)
    assert sorted(each.name for each in place.iterdir()) == ["deadline", "out"]


@as_root
@pytest.mark.parametrize(
    ("user_group", "uid", "gid", "bits"),
    [
        ("1000:1001", 1000, 1001, 0o700),
        ("1000", 1000, 0, 0o700),
        ("1000:users", 1000, 0, 0o700),
        ("nobody:1001", 0, 0, 0o777),
        ("9999999999:1", 0, 0, 0o777),
    ],
)
def test_the_pilot_may_write_there_whoever_it_is(
    directories: PilotDirectories, user_group: str, uid: int, gid: int, bits: int
) -> None:
    out = directories.create(NAME, user_group, DEADLINE) / "out"
    assert (out.stat().st_uid, out.stat().st_gid, mode(out)) == (uid, gid, bits)


def test_who_is_not_root_lets_any_user_of_the_pilot_write(
    directories: PilotDirectories, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert mode(directories.create(NAME, "1000:1000", DEADLINE) / "out") == 0o777


def test_making_it_twice_is_making_it_once(directories: PilotDirectories, out: Path) -> None:
    (out / "state").write_text("safe\n")
    out.chmod(0)
    assert directories.create(NAME, "0:0", DEADLINE + 1.0) == out.parent
    assert directories.read_word(NAME) == Word(safe_to_stop=True)
    assert (out.parent / "deadline").read_text() == "2000000001\n"


@pytest.mark.parametrize("state_name", ["a:b", "a\nb", "a\udcffb"])
def test_a_path_that_no_bind_can_name_is_refused(tmp_path: Path, state_name: str) -> None:
    with pytest.raises(OSError, match="because of its path"):
        PilotDirectories(tmp_path / state_name).create(NAME, "0:0", DEADLINE)


def test_one_that_can_not_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "pilots").write_text("a file")
    with pytest.raises(OSError, match="pilots"):
        PilotDirectories(tmp_path).create(NAME, "0:0", DEADLINE)


@pytest.mark.parametrize("name", ["", ".", "..", "x", f"../{NAME}", f"{NAME}/out", f"{NAME}\n", "plancton-worker-1-1"])
def test_what_is_no_pilots_name_is_refused(directories: PilotDirectories, name: str) -> None:
    for ask in (
        lambda: directories.create(name, "0:0", DEADLINE),
        lambda: directories.write_deadline(name, DEADLINE),
        lambda: directories.read_word(name),
        lambda: directories.remove(name),
    ):
        with pytest.raises(ValueError, match="pilot's name"):
            ask()


def test_a_deadline_is_written_where_it_changed(directories: PilotDirectories, out: Path) -> None:
    deadline = out.parent / "deadline"
    before = deadline.stat().st_ino
    assert not directories.write_deadline(NAME, DEADLINE)
    assert deadline.stat().st_ino == before
    assert directories.write_deadline(NAME, 17.0)
    assert deadline.read_text() == "17\n"
    assert deadline.stat().st_ino != before, "never seen half written: replaced, not changed"
    assert sorted(each.name for each in out.parent.iterdir()) == ["deadline", "out"]


def test_the_deadline_of_one_that_is_gone_is_nobodys(directories: PilotDirectories, state: Path) -> None:
    assert not directories.write_deadline(NAME, DEADLINE)
    assert not (state / "pilots").exists()


def test_a_deadline_that_can_not_be_written_is_an_error_and_leaves_nothing(
    directories: PilotDirectories, out: Path
) -> None:
    (out.parent / "deadline").unlink()
    (out.parent / "deadline").mkdir()
    with pytest.raises(OSError, match="deadline"):
        directories.write_deadline(NAME, 17.0)
    assert sorted(each.name for each in out.parent.iterdir()) == ["deadline", "out"]


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("safe", Word(safe_to_stop=True)),
        ("safe\nbusy 12\n", Word(safe_to_stop=True)),
        (" safe \r\n", Word(safe_to_stop=True)),
        ("busy 1700000000\n", Word(busy_since_unix=1_700_000_000.0)),
        ("busy 1700000000.25", Word(busy_since_unix=1_700_000_000.25)),
        ("busy 0\n", Word(busy_since_unix=0.0)),
    ],
)
def test_its_first_line_tells_how_it_is(directories: PilotDirectories, out: Path, written: str, word: Word) -> None:
    (out / "state").write_text(written)
    assert directories.read_word(NAME) == word


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"\n",
        b"\nsafe\n",
        b"SAFE\n",
        b"safe to stop\n",
        b"unsafe\n",
        b"busy\n",
        b"busy now\n",
        b"busy nan\n",
        b"busy inf\n",
        b"busy -1\n",
        b"busy 1e3\n",
        b"busy 0x10\n",
        b"busy 99999999999\n",
        b"busy 17000000000000000000000\n",
        "busy \u0661\u0667".encode(),
        b"busy 1_000\n",
        b"busy 1700000000" + b" " * 100 + b"\n",
        b"safe" + b"\0" * 100,
        b"\xff\xfe\x00safe",
        b"x" * 2**20,
    ],
)
def test_nonsense_says_nothing(directories: PilotDirectories, out: Path, nonsense: bytes) -> None:
    (out / "state").write_bytes(nonsense)
    assert directories.read_word(NAME) is None


def test_a_pilot_may_be_busy_since_now_but_not_since_tomorrow(directories: PilotDirectories, out: Path) -> None:
    (out / "state").write_text(f"busy {int(time.time() + 0.999)}\n")
    assert directories.read_word(NAME) is not None
    (out / "state").write_text(f"busy {int(time.time()) + 86_400}\n")
    assert directories.read_word(NAME) is None


def test_one_that_says_nothing_or_is_gone_has_no_word(directories: PilotDirectories, out: Path) -> None:
    assert directories.read_word(NAME) is None
    directories.remove(NAME)
    assert not out.exists()
    assert directories.read_word(NAME) is None


def test_a_word_is_not_read_through_a_link(directories: PilotDirectories, out: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("safe\n")
    (out / "state").symlink_to(tmp_path / "secret")
    assert directories.read_word(NAME) is None


def test_a_word_is_not_read_below_a_link(directories: PilotDirectories, out: Path, tmp_path: Path) -> None:
    out.rmdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "state").write_text("safe\n")
    out.symlink_to(tmp_path / "elsewhere")
    assert directories.read_word(NAME) is None
    with pytest.raises(OSError, match="out"):
        directories.create(NAME, "1000:1000", DEADLINE)
    assert (tmp_path / "elsewhere").stat().st_uid == os.getuid()


def test_what_is_no_regular_file_is_not_even_opened(
    directories: PilotDirectories, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, open_it = [], os.open

    def note(path: str | Path, flags: int, *, dir_fd: int | None = None) -> int:
        if not flags & (os.O_PATH | os.O_DIRECTORY):
            opened.append(path)
        return open_it(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", note)
    os.mkfifo(out / "state")
    assert directories.read_word(NAME) is None
    (out / "state").unlink()
    (out / "state").mkdir()
    assert directories.read_word(NAME) is None
    (out / "state").rmdir()
    assert not opened
    (out / "state").write_text("safe\n")
    assert directories.read_word(NAME)
    assert len(opened) == 1


@as_root
def test_a_device_says_nothing(directories: PilotDirectories, out: Path) -> None:
    os.mknod(out / "state", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    assert directories.read_word(NAME) is None


def test_a_huge_file_is_read_in_no_time(directories: PilotDirectories, out: Path) -> None:
    with (out / "state").open("wb") as file:
        file.write(b"safe\n")
        file.truncate(2**40)
    assert directories.read_word(NAME) == Word(safe_to_stop=True)


LEASE_HOLDER = """
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
descriptor = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("leased", flush=True)
signal.pause()
"""


@pytest.fixture
def leased(out: Path) -> Iterator[Path]:
    """Return a word whose writer holds a lease on it, by which who opens it has to wait for the writer's leave."""
    assert hasattr(fcntl, "F_SETLEASE")
    (out / "state").write_text("safe\n")
    command = [sys.executable, "-c", LEASE_HOLDER, str(out / "state")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"leased\n"
        yield out / "state"
        holder.send_signal(signal.SIGKILL)


@pytest.mark.usefixtures("leased")
def test_a_lease_makes_nobody_wait(directories: PilotDirectories) -> None:
    began = time.monotonic()
    assert directories.read_word(NAME) is None
    assert time.monotonic() - began < 5.0


def test_what_is_removed_is_gone_and_gone_twice_is_gone(directories: PilotDirectories, out: Path) -> None:
    assert directories.names() == {NAME}
    (out / "a" / "b").mkdir(parents=True)
    (out / "a" / "b" / "c").write_text("x")
    directories.remove(NAME)
    assert directories.names() == set()
    assert not out.parent.exists()
    directories.remove(NAME)


def test_removal_follows_no_link(directories: PilotDirectories, out: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    (out / "link").symlink_to(kept)
    (out / "deep").mkdir()
    (out / "deep" / "link").symlink_to(kept)
    (out / "deep" / "dangling").symlink_to("/nowhere")
    os.mkfifo(out / "deep" / "pipe")
    directories.remove(NAME)
    assert not out.exists()
    assert (kept / "file").read_text() == "x"


def test_removal_is_not_stopped_by_depth(directories: PilotDirectories, out: Path) -> None:
    descriptor = os.open(out, os.O_RDONLY)
    for _ in range(3_000):
        os.mkdir("d" * 50, dir_fd=descriptor)
        deeper = os.open("d" * 50, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = deeper
    os.close(descriptor)
    directories.remove(NAME)
    assert not out.parent.exists()


AS_NOBODY = """
import os, sys
from pathlib import Path
from plancton.common.pilot_directory import PilotDirectories
os.setgroups([]), os.setgid(65534), os.setuid(65534)
pilots = PilotDirectories(Path("state"))
out = pilots.create(sys.argv[1], "1:1", 1.0) / "out"
(out / "closed" / "deeper").mkdir(parents=True)
(out / "closed" / "deeper").chmod(0)
(out / "closed").chmod(0)
pilots.remove(sys.argv[1])
print(pilots.names())
"""


@as_root
def test_removal_opens_what_was_closed_to_us(tmp_path: Path) -> None:
    # Others can't get there by its path, but by the working directory.
    here = tmp_path / "nobodys"
    here.mkdir()
    os.chown(here, 65534, 65534)
    command = [sys.executable, "-c", AS_NOBODY, NAME]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False, timeout=30)
    assert done.stdout == "set()\n", done.stderr


def test_only_directories_of_pilots_are_named(directories: PilotDirectories, state: Path) -> None:
    assert directories.names() == set()
    directories.create(NAME, "0:0", DEADLINE)
    (state / "pilots" / "notes").mkdir()
    (state / "pilots" / "plancton-worker-0123abcd-1-1").write_text("a file")
    (state / "pilots" / "plancton-worker-0123abcd-1-2").symlink_to(state)
    assert directories.names() == {NAME}


def test_a_pilot_finds_it_read_only_but_for_out() -> None:
    assert mounts(Path("/var/lib/x"), "/plancton") == ["/var/lib/x:/plancton:ro", "/var/lib/x/out:/plancton/out:rw"]
