"""``planctonctl events``: from the journal on disk, while planctond is down and while it writes on."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from plancton.cli.events import Notes
from plancton.common.journal import Tail, directory_below, segment_path
from plancton.common.journal_entries import Entry, Kind
from plancton.common.journal_lines import line
from plancton.common.paths import Paths
from plancton.common.reasons import Reason
from plancton.workers.metrics.journal.segments import append
from tests.support.planctonctl import Planctonctl, options
from tests.support.running import REPOSITORY
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow


def launched(number: int, ago: float = 0.0) -> Entry:
    return Entry(
        at_unix=time.time() - ago,
        kind=Kind.LAUNCHED,
        pilot=f"plancton-worker-0123abcd-0-{number}",
        reason=Reason.ROOM,
        outcome="done",
    )


def killed(number: int, container_id: str = "") -> Entry:
    return msgspec.structs.replace(
        launched(number), kind=Kind.KILLED, reason=Reason.OWNER_CPU, container_id=container_id
    )


def write(paths: Paths, *entries: Entry) -> None:
    paths.state.mkdir(parents=True, exist_ok=True)
    assert append(directory_below(paths.state), [line(each) for each in entries], 1 << 20).lines == len(entries)


def pilots_of(text: str) -> list[int]:
    return [int(each.split(": ")[0].rsplit("-", 1)[1]) for each in text.splitlines()]


def test_they_are_told_in_order_and_in_plain_words(planctonctl: Planctonctl, paths: Paths) -> None:
    write(paths, launched(1), killed(1))
    result = planctonctl("events")
    assert (result.exit_code, result.stderr) == (0, "")
    first, second = result.stdout.splitlines()
    assert first.endswith("plancton-worker-0123abcd-0-1: started, because there was room for one more (room)")
    assert second.endswith("0-1: killed by SIGKILL, because the owner needs the CPUs (owner-cpu)")


def test_the_last_twenty_or_as_many_as_asked_or_all_of_a_time(planctonctl: Planctonctl, paths: Paths) -> None:
    write(paths, launched(1, ago=7200), *(launched(number, ago=60) for number in range(2, 31)))
    assert pilots_of(planctonctl("events").stdout) == list(range(11, 31))
    assert pilots_of(planctonctl("events", "-n", "2").stdout) == [29, 30]
    assert pilots_of(planctonctl("events", "--since", "1h").stdout) == list(range(2, 31))
    assert pilots_of(planctonctl("events", "--since", "1d").stdout) == list(range(1, 31))
    assert pilots_of(planctonctl("events", "--since", "1d", "-n", "1").stdout) == [30]
    assert planctonctl("events", "-n", "0").stdout == ""


def test_only_kinds_and_only_pilots(planctonctl: Planctonctl, paths: Paths) -> None:
    write(paths, launched(1), launched(12), killed(1, "feedbeef"), killed(12), killed(1))
    assert pilots_of(planctonctl("events", "--kind", "killed").stdout) == [1, 12, 1]
    assert len(planctonctl("events", "--kind", "killed", "--kind", "launched").stdout.splitlines()) == 5
    assert pilots_of(planctonctl("events", "--pilot", "12").stdout) == [12, 12]
    # Not all that is told of a pilot tells its container.
    assert pilots_of(planctonctl("events", "--pilot", "feed").stdout) == [1, 1, 1]
    assert pilots_of(planctonctl("events", "--pilot", "0-12", "--kind", "killed").stdout) == [12]
    assert planctonctl("events", "--kind", "held").stderr == "no such event is told\n"


def test_a_pilot_that_nobody_knows_exits_with_1(planctonctl: Planctonctl, paths: Paths) -> None:
    write(paths, launched(1))
    result = planctonctl("events", "--pilot", "x\x1b[2J")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "planctonctl: the journal tells of no pilot 'x\\\\x1b[2J'\n"


def test_json_is_a_line_each_and_plain_ascii(planctonctl: Planctonctl, paths: Paths) -> None:
    output = "a\nb\x1b[2J\x9b31m\N{SNOWMAN}"
    write(paths, launched(1), msgspec.structs.replace(killed(2), kind=Kind.FIZZLED, output=output))
    result = planctonctl("events", "--json")
    assert result.exit_code == 0
    assert result.stdout.isascii()
    first, second = map(json.loads, result.stdout.splitlines())
    assert (first["kind"], first["pilot"]) == ("launched", "plancton-worker-0123abcd-0-1")
    assert second["output"] == output
    assert isinstance(second["at_unix"], float)


def test_no_journal_is_told_and_no_error(planctonctl: Planctonctl) -> None:
    result = planctonctl("events")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "the journal tells of no event yet\n")
    assert planctonctl("events", "--json").stderr == ""


def test_what_cannot_be_read_exits_with_4_and_part_of_it_is_told_beside(planctonctl: Planctonctl, paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    directory_below(paths.state).write_text("")
    result = planctonctl("events")
    assert (result.exit_code, "can't be read in full" in result.stderr) == (4, True)
    assert planctonctl("events", "--pilot", "1").exit_code == 4
    directory_below(paths.state).unlink()
    write(paths, launched(1))
    with segment_path(directory_below(paths.state), 1).open("ab") as file:
        file.write(b"garbage\n")
    result = planctonctl("events")
    assert (result.exit_code, pilots_of(result.stdout)) == (0, [1])
    assert result.stderr.endswith("a line isn't understood\n")


@pytest.mark.parametrize("bad", [("--since", "5"), ("--since", "x"), ("--kind", "x"), ("-n", "-1"), ("-n", "x")])
def test_nonsense_is_refused(planctonctl: Planctonctl, bad: tuple[str, ...]) -> None:
    assert planctonctl("events", *bad).exit_code == 2


def test_what_cannot_be_read_is_told_once(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    segment_path(directory_below(paths.state), 1).mkdir(parents=True)
    notes, tail = Notes(), Tail(directory_below(paths.state))
    assert [list(notes.entries(tail)) for _ in range(3)] == [[], [], []]
    assert capsys.readouterr().err.count("not a file") == 1


@contextmanager
def following(paths: Paths, output: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "plancton.cli.main", *options(paths), "events", "--follow", *arguments]
    with (
        output.open("wb") as stream,
        subprocess.Popen(command, stdout=stream, stderr=stream, cwd=REPOSITORY) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def catches(pid: int, number: signal.Signals) -> bool:
    """Tell whether a process has a handler of its own for a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_is_added_is_told_until_a_signal(paths: Paths, tmp_path: Path, number: int) -> None:
    output = tmp_path / "output"
    write(paths, *(launched(number) for number in range(1, 5)))
    with following(paths, output, "-n", "2", "--kind", "launched") as process:
        wait_for(lambda: pilots_of(output.read_text()) == [3, 4], 20, "the last two")
        write(paths, killed(4), launched(5))
        wait_for(lambda: pilots_of(output.read_text()) == [3, 4, 5], 20, "what is added")
        process.send_signal(number)
        assert process.wait(10) == 0
    assert pilots_of(output.read_text()) == [3, 4, 5]


def test_a_pilot_that_is_not_known_yet_is_followed(paths: Paths, tmp_path: Path) -> None:
    output = tmp_path / "output"
    write(paths, launched(2))
    with following(paths, output, "--pilot", "7", "--json") as process:
        wait_for(lambda: catches(process.pid, signal.SIGTERM), 20, "it follows")
        write(paths, launched(1), launched(7))
        wait_for(lambda: b"0-7" in output.read_bytes(), 20, "the pilot")
    (only,) = output.read_text().splitlines()
    assert json.loads(only)["pilot"] == "plancton-worker-0123abcd-0-7"


def test_it_ends_once_nobody_reads_though_nothing_happens(paths: Paths) -> None:
    write(paths, launched(1))
    command = [sys.executable, "-m", "plancton.cli.main", *options(paths), "events", "--follow"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=REPOSITORY)
    try:
        assert process.stdout
        assert process.stderr
        assert b"started" in process.stdout.readline()
        process.stdout.close()
        assert process.wait(10) == 1
        assert process.stderr.read() == b""
        process.stderr.close()
    finally:
        process.kill()
        process.wait()


def test_a_reader_that_had_enough_makes_no_noise(paths: Paths) -> None:
    write(paths, *(launched(number) for number in range(2000)))
    command = [sys.executable, "-m", "plancton.cli.main", *options(paths), "events", "-n", "2000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=REPOSITORY)
    try:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.wait(20) == 1
        assert process.stderr.read() == b""
        process.stderr.close()
    finally:
        process.kill()
        process.wait()
