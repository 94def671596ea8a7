"""Whether planctond runs, and what it answers: silence, nonsense and refusals are told apart."""

import os
from pathlib import Path

import msgspec
import pytest

from plancton.cli import contact
from plancton.cli.contact import NotRunning, Refused, Unreachable, live_pilots, request, running, status
from plancton.common import lock
from plancton.common.codec import pack
from plancton.common.messages import PoolLook, PoolUnknown
from plancton.common.paths import Paths
from plancton.common.pilot import PilotState
from plancton.common.requests import Answer, Request, Resume
from tests.fakes.control import NOW, FakePlanctond, Reply, pilot, report


def test_nobody_has_the_run_directory(paths: Paths) -> None:
    assert running(paths) is None
    with pytest.raises(NotRunning, match="not running"):
        request(paths, Resume())


def test_a_lock_file_that_nobody_holds_is_nobody(paths: Paths) -> None:
    paths.prepare()
    paths.lock_file.write_text("1\n")
    assert running(paths) is None


def test_the_holder_is_told(paths: Paths, planctond: FakePlanctond) -> None:
    assert planctond.asked == []
    assert running(paths) == os.getpid()
    assert status(paths) == planctond.report


def test_silence_has_an_end(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact, "ANSWER_SECONDS", 0.1)
    with FakePlanctond(paths, lambda _: None), pytest.raises(Unreachable, match=r"no answer within 0.1 s"):
        status(paths)


def test_one_that_goes_instead_of_answering_is_not_running(paths: Paths) -> None:
    def go(_: Request) -> Reply:
        fake.let_go()
        return None

    fake = FakePlanctond(paths, go)
    with fake, pytest.raises(NotRunning):
        status(paths, 60)


def test_silence_is_asked_again(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact, "_FIRST_PATIENCE_SECONDS", 0.05)
    answers = iter([None, None, Answer(ok=True, data=7)])
    with FakePlanctond(paths, lambda _: next(answers)):
        assert request(paths, Resume()) == 7


def test_a_holder_without_a_socket_can_not_be_asked(paths: Paths) -> None:
    paths.prepare()
    descriptor = lock.acquire(paths.lock_file)
    with pytest.raises(Unreachable, match=f"pid {os.getpid()}, holds"):
        status(paths, 0.1)
    os.close(descriptor)


@pytest.mark.parametrize("nonsense", [b"", b"\xff\xff", b"GET / HTTP/1.1", pack([1, 2]), pack({"okay": 1})])
def test_nonsense_is_not_understood(paths: Paths, nonsense: bytes) -> None:
    with FakePlanctond(paths, lambda _: nonsense), pytest.raises(Unreachable, match="another protocol"):
        status(paths)


@pytest.mark.parametrize("data", [None, 7, [], {"version": 3}, {**msgspec.to_builtins(report()), "pid": "x"}])
def test_an_answer_of_another_version_is_not_understood(paths: Paths, data: object) -> None:
    with (
        FakePlanctond(paths, lambda _: Answer(ok=True, data=data)),
        pytest.raises(Unreachable, match="another version"),
    ):
        status(paths)


def test_fields_of_a_later_version_are_passed_over(paths: Paths) -> None:
    data = {**msgspec.to_builtins(report()), "mood": "good"}
    with FakePlanctond(paths, lambda _: Answer(ok=True, data=data)):
        assert status(paths) == report()


@pytest.mark.parametrize(("error", "told"), [("no \x1b[2J way", r"no \\x1b\[2J way"), ("", "without a reason")])
def test_a_refusal_is_told_in_its_words(paths: Paths, error: str, told: str) -> None:
    with FakePlanctond(paths, lambda _: Answer(ok=False, error=error)), pytest.raises(Refused, match=told):
        status(paths)


def test_a_run_directory_that_is_a_file_is_told(tmp_path: Path, paths: Paths) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(Unreachable, match="can't look"):
        running(paths)


def test_another_users_run_directory_comes_with_the_remedy(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(contact, "holder", denied)
    with pytest.raises(Unreachable, match=r"permission denied .* as root, or with --user"):
        running(paths)


def test_another_users_socket_comes_with_the_remedy(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> Reply:
        raise PermissionError

    monkeypatch.setattr(contact, "ask", denied)
    with FakePlanctond(paths), pytest.raises(Unreachable, match="permission denied"):
        status(paths)


def test_only_live_pilots_count() -> None:
    pool = PoolLook(
        pilots=tuple(pilot(slot, state) for slot, state in enumerate(PilotState)),
        full_look_monotonic=0.0,
    )
    assert live_pilots(msgspec.structs.replace(report(), pool=pool)) == 4


def test_an_unknown_pool_is_not_an_empty_one() -> None:
    unknown = PoolUnknown(why="refused", since_unix=NOW)
    assert live_pilots(msgspec.structs.replace(report(), pool=None, pool_unknown=unknown)) is None
