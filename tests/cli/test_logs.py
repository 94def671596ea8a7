"""``planctonctl logs``: the output, alone on standard output, from the store or the engine, or why there is none."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from plancton.cli import logs
from plancton.common import engine as engine_module
from plancton.common.engine_types import FailureKind
from plancton.common.history_schema import store_path
from plancton.common.messages import PoolUnknown
from plancton.common.naming import instance_id, labels
from plancton.common.paths import Paths
from tests.cli.history_samples import NOW, berlin, container, name, points
from tests.cli.terminal import on_terminal
from tests.fakes.containers import Program
from tests.fakes.control import FakePlanctond, pilot, report
from tests.fakes.engine import FakeEngine
from tests.support.history_store import new_store, point, put, put_output
from tests.support.planctonctl import Planctonctl, options
from tests.support.running import REPOSITORY

COMMAND = ("/bin/work",)
OUTPUT = "".join(f"line {number}\n" for number in range(1, 151))


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(time, "time", lambda: NOW)
    yield from berlin(monkeypatch)


@pytest.fixture
def store(paths: Paths) -> Path:
    """Give a store with five lives, and the last words of two of them."""
    writer = new_store(paths)
    put(writer, points())
    put_output(writer, container(2), name(2), NOW - 5.2 * 3600, "one\ntwo\nthree")
    put_output(writer, container(3), name(3), NOW - 1.8 * 3600, "a\x1b[2Jb\tc\r\n\x07\n")
    writer.close()
    return store_path(paths.state)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """Give the engine that planctonctl finds at any address; ``urls`` keeps which those were."""
    fake = FakeEngine()
    fake.programs[COMMAND] = Program(output=OUTPUT)

    def find(url: str | None) -> FakeEngine:
        fake.urls.append(url)  # type: ignore[attr-defined]
        return fake

    fake.urls = []  # type: ignore[attr-defined]
    monkeypatch.setattr(engine_module, "Engine", find)
    monkeypatch.setattr(logs, "_KEPT_SECONDS", 0.0)
    return fake


def run(engine: FakeEngine, paths: Paths, slot: int = 7, incarnation: int = 99) -> tuple[str, str]:
    """Run a pilot of these paths' planctond; return its name and its container."""
    instance = instance_id(str(paths.rundir))
    called = f"plancton-worker-{instance}-{slot}-{incarnation}"
    body = {"Image": "busybox", "Cmd": list(COMMAND), "Labels": labels(instance, slot, incarnation, "spec")}
    created = engine.create(body, called)
    assert isinstance(created, str)
    assert engine.start(created) is None
    return called, created


def seen(planctond: FakePlanctond, called: str, container_id: str) -> None:
    """Let planctond see one pilot more."""
    plain = report()
    assert plain.pool
    more = msgspec.structs.replace(pilot(7), name=called, container_id=container_id)
    pool = msgspec.structs.replace(plain.pool, pilots=(*plain.pool.pilots, more))
    planctond.report = msgspec.structs.replace(plain, pool=pool)


@pytest.mark.parametrize("wanted", [name(2), container(2)[:12], "2-2", "02"])
def test_an_ended_pilot_s_last_lines_are_all_of_standard_output(
    planctonctl: Planctonctl, store: Path, wanted: str
) -> None:
    result = planctonctl("logs", wanted)
    assert (result.exit_code, result.stdout) == (0, "one\ntwo\nthree\n"), store
    assert result.stderr == (
        f"{name(2)} ended 07:48:00 after 40 min 0 s with exit code 137 (fizzled, ended); "
        "the last 3 lines that it wrote:\n"
    )


def test_only_the_last_lines(planctonctl: Planctonctl, store: Path) -> None:
    assert planctonctl("logs", "2-2", "-n", "2").stdout == "two\nthree\n", store
    assert planctonctl("logs", "2-2", "-n", "50").stdout == "one\ntwo\nthree\n"
    assert "0 is not in the range" in planctonctl("logs", "2-2", "-n", "0").stderr
    # It has ended, so that nothing follows.
    assert planctonctl("logs", "2-2", "--follow", "-n", "1").stdout == "three\n"


def test_into_a_file_or_a_pipe_it_goes_as_it_is(planctonctl: Planctonctl, store: Path) -> None:
    assert planctonctl("logs", "3-3").stdout_bytes == b"a\x1b[2Jb\tc\r\n\x07\n", store


@pytest.mark.slow
def test_on_a_terminal_nothing_controls_it(paths: Paths, store: Path) -> None:
    with on_terminal(paths, "logs", "3-3") as terminal:
        assert terminal.process.wait(20) == 0, store
        text = terminal.read_to_end()
    assert "a\\x1b[2Jb" in text
    assert "\\x07\r\n" in text
    assert "\x1b" not in text


def test_the_list_of_what_is_kept(planctonctl: Planctonctl, store: Path) -> None:
    lines = planctonctl("logs", "--list").stdout.splitlines()
    assert [line.split() for line in lines[1:]] == [
        [name(2), "07:48:00", "13", "bytes"],
        [name(3), "11:12:00", "12", "bytes"],
    ], store


def test_without_a_store_there_is_no_list(planctonctl: Planctonctl, paths: Paths) -> None:
    result = planctonctl("logs", "--list")
    assert (result.exit_code, "there is no history" in result.stderr) == (1, True)
    new_store(paths).close()
    assert planctonctl("logs", "--list").stdout == "no output is kept\n"


@pytest.mark.parametrize("arguments", [(), ("x", "--list")])
def test_either_a_pilot_or_the_list(planctonctl: Planctonctl, arguments: tuple[str, ...]) -> None:
    result = planctonctl("logs", *arguments)
    assert (result.exit_code, "give either a PILOT or --list" in result.stderr) == (2, True)


def test_a_running_pilot_s_last_lines_come_from_the_engine(
    planctonctl: Planctonctl, planctond: FakePlanctond, engine: FakeEngine
) -> None:
    called, container_id = run(engine, planctond.paths)
    seen(planctond, called, container_id)
    result = planctonctl("logs", "7")
    assert (result.exit_code, result.stderr) == (0, f"{called} is there; the last lines that it wrote:\n")
    assert result.stdout.splitlines() == [f"line {number}" for number in range(51, 151)]
    assert planctonctl("logs", called, "-n", "2").stdout == "line 149\nline 150\n"
    # Where planctond says that it is, for the settings don't tell.
    assert set(engine.urls) == {"unix:///var/run/docker.sock"}  # type: ignore[attr-defined]


def test_the_engine_of_the_settings_is_asked(
    planctonctl: Planctonctl, planctond: FakePlanctond, engine: FakeEngine
) -> None:
    planctond.paths.confdir.mkdir()
    planctond.paths.config_file.write_text("docker_url: unix:///run/other.sock\n", encoding="utf-8")
    seen(planctond, *run(engine, planctond.paths))
    assert planctonctl("logs", "7-99").exit_code == 0
    assert engine.urls == ["unix:///run/other.sock"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("config", [b"docker_url: [", b"\xff", None])
def test_settings_that_can_not_be_read_leave_the_usual_engine(
    planctonctl: Planctonctl, planctond: FakePlanctond, engine: FakeEngine, config: bytes | None
) -> None:
    planctond.paths.confdir.mkdir()
    if config is None:
        planctond.paths.config_file.mkdir()
    else:
        planctond.paths.config_file.write_bytes(config)
    planctond.report = msgspec.structs.replace(report(), engine_url="tcp://x:***@h:1")
    called, _ = run(engine, planctond.paths)
    assert planctonctl("logs", called).exit_code == 0
    assert set(engine.urls) == {None}  # type: ignore[attr-defined]


def test_a_pilot_is_found_at_the_engine_while_planctond_is_down_or_blind(
    planctonctl: Planctonctl, paths: Paths, engine: FakeEngine
) -> None:
    called, _ = run(engine, paths)
    assert planctonctl("logs", "99").stdout.endswith("line 150\n")
    with FakePlanctond(paths) as planctond:
        unknown = PoolUnknown(why="refused", since_unix=NOW)
        planctond.report = msgspec.structs.replace(report(), pool=None, pool_unknown=unknown)
        assert called in planctonctl("logs", "99").stderr


def test_what_runs_is_followed_to_its_end(
    planctonctl: Planctonctl, planctond: FakePlanctond, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    called, container_id = run(engine, planctond.paths)
    seen(planctond, called, container_id)
    assert engine.kill(container_id) is None
    result = planctonctl("logs", called, "--follow", "-n", "2")
    assert (result.exit_code, result.stdout) == (0, "line 149\nline 150\n")
    assert result.stderr == f"{called}: what it writes, until Ctrl-C:\n{called} has ended with exit code 137\n"

    def interrupted(*_: object, **__: object) -> Iterator[bytes]:
        yield b"half a li"
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "follow_logs", interrupted)
    result = planctonctl("logs", called, "--follow")
    assert (result.exit_code, result.stdout) == (0, "half a li\n")


def test_an_engine_that_breaks_off_is_not_the_pilot_s_end(
    planctonctl: Planctonctl, planctond: FakePlanctond, engine: FakeEngine
) -> None:
    called, container_id = run(engine, planctond.paths)
    seen(planctond, called, container_id)
    result = planctonctl("logs", called, "-f", "-n", "1")
    assert (result.exit_code, result.stdout) == (1, "line 150\n")
    assert result.stderr.endswith("planctonctl: the engine broke off; try again\n")
    engine.fail("inspect", FailureKind.UNREACHABLE, "unix:///x: No such file or directory")
    result = planctonctl("logs", called, "-f", "-n", "1")
    assert (result.exit_code, "the engine can't be asked: unix:///x: No such file" in result.stderr) == (1, True)
    engine.fail("inspect", FailureKind.NOT_FOUND)
    result = planctonctl("logs", called, "-f", "-n", "1")
    assert (result.exit_code, result.stderr.endswith(f"{called} has ended, and is removed\n")) == (0, True)


@pytest.mark.parametrize(
    ("kind", "detail", "words"),
    [
        (FailureKind.UNREACHABLE, "unix:///x: Permission denied", "run this as root, or as a user who may use docker"),
        (FailureKind.UNREACHABLE, "unix:///x: Connection refused", "see to it that it runs, and that docker_url leads"),
        (FailureKind.TIMED_OUT, "no answer within 10 s", "see to it that it runs, and that docker_url leads"),
        (FailureKind.BROKEN, "a\x1b[2Jb", "the engine answered: a\\x1b[2Jb"),
    ],
)
@pytest.mark.parametrize("option", [(), ("--follow",)])
def test_an_engine_that_can_not_be_asked_says_so_with_a_remedy(  # noqa: PLR0913, PLR0917 - the cases
    planctonctl: Planctonctl,
    planctond: FakePlanctond,
    engine: FakeEngine,
    kind: FailureKind,
    detail: str,
    words: str,
    option: tuple[str, ...],
) -> None:
    called, container_id = run(engine, planctond.paths)
    seen(planctond, called, container_id)
    engine.fail("follow_logs" if option else "logs_tail", kind, detail)
    result = planctonctl("logs", called, *option)
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr


def test_one_that_is_removed_meanwhile_is_found_in_the_store(
    planctonctl: Planctonctl, planctond: FakePlanctond, engine: FakeEngine, store: Path
) -> None:
    seen(planctond, name(2), container(2))
    result = planctonctl("logs", name(2))
    assert (result.exit_code, result.stdout) == (0, "one\ntwo\nthree\n"), store
    assert [call.name for call in engine.calls] == ["logs_tail"]


def test_one_that_is_removed_just_now_is_waited_for(
    planctonctl: Planctonctl, planctond: FakePlanctond, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = new_store(planctond.paths)
    monkeypatch.setattr(logs, "_KEPT_SECONDS", 5.0)
    monkeypatch.setattr(time, "sleep", lambda _: put_output(writer, container(2), name(2), NOW, "late\n"))
    seen(planctond, name(2), container(2))
    result = planctonctl("logs", name(2))
    writer.close()
    assert (result.exit_code, result.stdout, len(engine.calls)) == (0, "late\n", 1)


def test_what_fits_several_names_them_with_exit_code_2(planctonctl: Planctonctl, store: Path) -> None:
    result = planctonctl("logs", "worker")
    assert (result.exit_code, result.stdout) == (2, ""), store
    named = "".join(f"  {name(number)}\n" for number in range(1, 6))
    # Those of which something is kept are known by their ends, as all are.
    assert result.stderr == f"planctonctl: 'worker' may be any of 5 pilots:\n{named}"


def test_an_unknown_pilot_says_where_was_looked(planctonctl: Planctonctl, paths: Paths, engine: FakeEngine) -> None:
    engine.stop()
    result = planctonctl("logs", "no\x1bbody")
    assert (result.exit_code, result.stdout) == (1, "")
    for words in ("there is no history", "planctond is not running", "the engine can't be asked: Connection refused"):
        assert words in result.stderr
    assert result.stderr.endswith("planctonctl: no pilot 'no\\x1bbody' is known\n"), paths


def test_where_nothing_is_kept_it_says_why(planctonctl: Planctonctl, store: Path, paths: Paths) -> None:
    result = planctonctl("logs", "5")
    assert (result.exit_code, result.stdout) == (1, ""), store
    assert result.stderr == (
        f"planctonctl: {name(5)} ended 12:50:00 after 40 min 0 s with exit code 137 (expired); "
        "nothing is kept of what it wrote: it wrote nothing, or the engine couldn't give it\n"
    )
    assert "history_size and history_age" in planctonctl("logs", "1-1").stderr
    paths.confdir.mkdir()
    paths.config_file.write_text("output_size: 0\n", encoding="utf-8")
    assert "output_size is 0" in planctonctl("logs", "5").stderr


def test_a_bad_store_is_told_where_the_pilot_is_only_there(
    planctonctl: Planctonctl, paths: Paths, engine: FakeEngine
) -> None:
    new_store(paths, version=9).close()
    result = planctonctl("logs", "12")
    assert (result.exit_code, "its version is 9" in result.stderr) == (1, True)
    # One that runs needs no store.
    run(engine, paths)
    assert planctonctl("logs", "99").exit_code == 0


def test_a_life_without_a_name_is_no_pilot(planctonctl: Planctonctl, paths: Paths, engine: FakeEngine) -> None:
    writer = new_store(paths)
    put(writer, [point("pilot", NOW - 5, {"exit": "failed", "reason": "ended"})])
    writer.close()
    result = planctonctl("logs", "x")
    assert result.stderr.endswith("planctonctl: no pilot 'x' is known\n"), engine


def test_a_pipe_that_nobody_reads_is_no_traceback(store: Path, paths: Paths) -> None:
    readable, writable = os.pipe()
    os.close(readable)
    command = [sys.executable, "-m", "plancton.cli.main", *options(paths), "logs", "2-2"]
    ended = subprocess.run(command, stdout=writable, stderr=subprocess.PIPE, cwd=REPOSITORY, check=False)
    os.close(writable)
    assert (ended.returncode, b"Traceback" in ended.stderr) == (1, False), store
