"""The stand-in for planctond's control socket and planctond itself behave alike where planctonctl looks."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import zmq

from plancton.common.control import ask
from plancton.common.lock import holder
from plancton.common.paths import Paths
from plancton.common.requests import (
    Answer,
    ClearFizzles,
    Drain,
    Drill,
    Happenings,
    Request,
    Resume,
    Snooze,
    Status,
    Stop,
    decode_answer,
)
from plancton.common.status import HappeningsReport, StatusReport
from tests.fakes.control import FakePlanctond
from tests.support.planctonctl import options, paths_below
from tests.support.running import REPOSITORY
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(params=["stand-in", "planctond"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Paths]:
    """Paths where one of the two serves."""
    paths = paths_below(tmp_path)
    if request.param == "stand-in":
        with FakePlanctond(paths):
            yield paths
        return
    paths.confdir.mkdir()
    paths.config_file.write_text(f"docker_url: unix://{tmp_path}/no-engine\n")
    command = [sys.executable, "-m", "plancton.planctond", *options(paths), "--detached"]
    with subprocess.Popen(command, cwd=REPOSITORY) as process:
        try:
            wait_for(paths.control_socket.exists, 20, "planctond serves")
            wait_for(lambda: ask(paths.control_socket, Status()).data["ready"], 20, "planctond is ready")
            yield paths
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def pid_of(paths: Paths) -> int:
    pid = holder(paths.lock_file)
    assert pid
    return pid


def raw(paths: Paths, *frames: bytes) -> Answer:
    """Send these frames as they are."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(f"ipc://{paths.control_socket}")
        socket.send_multipart(list(frames))
        assert socket.poll(5000), "no answer"
        return decode_answer(socket.recv_multipart()[-1])


def test_status_is_a_report_of_the_process_that_holds_the_lock(served: Paths) -> None:
    answer = ask(served.control_socket, Status())
    assert answer.ok
    assert msgspec.convert(answer.data, StatusReport).pid == pid_of(served)


def test_only_happenings_after_the_one_named_are_told(served: Paths) -> None:
    answer = ask(served.control_socket, Happenings(after=10**9))
    assert msgspec.convert(answer.data, HappeningsReport).happenings == ()


@pytest.mark.parametrize("what", [Drain(), Resume(), Drain(stop=True), Snooze(), ClearFizzles(), Drill(seconds=0.0)])
def test_a_wish_is_answered_by_a_bare_yes(served: Paths, what: Request) -> None:
    assert ask(served.control_socket, what) == Answer(ok=True)
    assert ask(served.control_socket, Resume()) == Answer(ok=True)


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x93\x01\x02\x03", b"\x82\xa8protocol\x09\xa4verb\xa6status"])
def test_nonsense_and_other_protocols_are_refused_and_harm_nothing(served: Paths, data: bytes) -> None:
    answer = raw(served, b"token", data)
    assert not answer.ok
    assert answer.error.startswith("refused")
    assert ask(served.control_socket, Status()).ok


def test_the_socket_is_for_this_user_alone(served: Paths) -> None:
    assert served.control_socket.stat().st_mode & 0o777 == 0o600
    assert served.rundir.stat().st_mode & 0o777 == 0o700
    assert served.rundir.stat().st_uid == os.geteuid()


def test_stop_frees_the_run_directory(served: Paths) -> None:
    assert ask(served.control_socket, Stop()) == Answer(ok=True)
    wait_for(lambda: holder(served.lock_file) is None, 20, "the run directory is free")
