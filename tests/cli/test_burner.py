"""A busy process: it tells what it did, and ends when nobody listens."""

import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from plancton.cli.burner import READY, burn, unit
from tests.support.running import REPOSITORY
from tests.support.waiting import wait_for


def test_a_unit_is_always_the_same_work() -> None:
    assert unit() == unit()


def test_it_reports_at_once_several_times_and_at_the_end() -> None:
    written: list[bytes] = []
    begun = time.monotonic()
    burn(0.3, written.append)
    reports = [[float(word) for word in report.split()] for report in written]
    moments, units, cpu_seconds = zip(*reports, strict=True)
    assert all(report.endswith(b"\n") for report in written)
    assert len(reports) >= 3
    assert units[0] == 0
    assert begun <= moments[0] < begun + 0.1
    assert begun + 0.3 <= moments[-1] <= time.monotonic()
    for series in (moments, units, cpu_seconds):
        assert list(series) == sorted(series)
    assert units[-1] > 0
    assert 0 < cpu_seconds[-1] - cpu_seconds[0] <= moments[-1] - moments[0] + 0.05


def test_no_time_at_all_is_one_report() -> None:
    written: list[bytes] = []
    burn(0.0, written.append)
    assert len(written) == 1


@pytest.fixture
def burner() -> Iterator["subprocess.Popen[bytes]"]:
    """Yield one that is ready to be busy for a minute."""
    with subprocess.Popen(
        [sys.executable, "-m", "plancton.cli.burner", "60"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=REPOSITORY,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == READY
            yield process
        finally:
            process.kill()


def test_it_waits_until_it_is_told_to_go_and_ends_if_it_never_is(burner: "subprocess.Popen[bytes]") -> None:
    wait_for(lambda: psutil.Process(burner.pid).status() == psutil.STATUS_SLEEPING, 5, "it waits")
    assert burner.communicate(timeout=10) == (b"", b"")
    assert burner.returncode == 0


def test_it_ends_without_a_word_when_its_reader_is_gone(burner: "subprocess.Popen[bytes]") -> None:
    assert burner.stdin is not None
    assert burner.stdout is not None
    assert burner.stderr is not None
    burner.stdin.write(b"\n")
    burner.stdin.flush()
    assert len(burner.stdout.readline().split()) == 3
    burner.stdout.close()
    wait_for(lambda: burner.poll() is not None, 10, "it ended")
    assert (burner.returncode, burner.stderr.read()) == (0, b"")
