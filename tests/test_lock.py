"""The lock of a run directory: one planctond at a time, and its last worker counts as it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plancton.common.lock import Held, acquire, holder
from tests.support.running import REPOSITORY
from tests.support.waiting import wait_for

HOLD = """
import os, sys
from pathlib import Path
from plancton.common.lock import acquire
acquire(Path(sys.argv[1]))
print(os.getpid(), flush=True)
if sys.argv[2] == "child" and os.fork():
    os._exit(0)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the lock's path."""
    return tmp_path / "lock"


@contextmanager
def held(path: Path, who: str = "itself") -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Have another process, or its child, hold the lock while the context lasts."""
    command = [sys.executable, "-c", HOLD, str(path), who]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())


def test_a_lock_that_nobody_has_is_had(path: Path) -> None:
    assert holder(path) is None
    descriptor = acquire(path)
    assert holder(path) == os.getpid()
    os.close(descriptor)
    assert holder(path) is None


def test_the_lock_is_for_this_user_alone_and_is_not_left_to_programs_that_are_started(path: Path) -> None:
    descriptor = acquire(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)


def test_the_second_is_told_whose_the_lock_is(path: Path) -> None:
    with held(path) as (process, pid):
        assert holder(path) == pid == process.pid
        with pytest.raises(Held, match=f"is held by planctond, pid {pid}") as refusal:
            acquire(path)
        assert refusal.value.pid == pid
        process.kill()
        process.wait()
        assert holder(path) is None
        os.close(acquire(path))


def test_a_child_that_outlives_its_planctond_still_holds_the_lock(path: Path) -> None:
    with held(path, "child") as (process, pid):
        process.wait()
        assert holder(path) == pid
        with pytest.raises(Held):
            acquire(path)
        assert process.stdin is not None
        process.stdin.close()
        wait_for(lambda: holder(path) is None, 5, "the child is gone")


def test_asking_who_holds_it_does_not_take_it(path: Path) -> None:
    os.close(acquire(path))
    assert holder(path) is None
    os.close(acquire(path))


@pytest.mark.parametrize("text", [b"", b"soon\n", b"\xff\xfe"])
def test_a_holder_that_can_not_be_read_is_unknown(path: Path, text: bytes) -> None:
    descriptor = acquire(path)
    path.write_bytes(text)
    assert holder(path) == 0
    with pytest.raises(Held, match="pid unknown"):
        acquire(path)
    os.close(descriptor)


def test_a_longer_text_of_the_holder_before_is_no_part_of_the_next_ones(path: Path) -> None:
    path.write_text("99999999999\n")
    descriptor = acquire(path)
    assert path.read_text() == f"{os.getpid()}\n"
    os.close(descriptor)


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        acquire(path)
    assert not (tmp_path / "elsewhere").exists()
