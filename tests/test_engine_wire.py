"""Whatever a peer says or doesn't say is a failure of the right kind, in time."""

import base64
import json
import time
from pathlib import Path

import pytest

from plancton.common import engine_wire
from plancton.common.engine import Engine
from plancton.common.engine_types import Failure, FailureKind
from tests.support.black_hole import BlackHole
from tests.support.certificates import docker_certificates
from tests.support.scripted_engine import (
    CHUNKED_HEAD,
    Talk,
    answer,
    chunk,
    drip,
    say,
    say_and_hang_up,
    say_each_time,
    scripted_engine,
    scripted_tls_engine,
)

DEADLINE_SECONDS = 0.5
TALKS: dict[str, tuple[Talk, FailureKind, str]] = {
    "silence": (say(b""), FailureKind.TIMED_OUT, "no answer within"),
    "half a head": (say(b"HTTP/1.1 200 OK\r\nContent-"), FailureKind.TIMED_OUT, "no answer within"),
    "half a body": (say(answer(b"[" * 10)[:-5]), FailureKind.TIMED_OUT, "no answer within"),
    "half a chunked body": (say(CHUNKED_HEAD + chunk(b"[")), FailureKind.TIMED_OUT, "no answer within"),
    "a body that drips for ever": (drip(CHUNKED_HEAD, chunk(b" "), 0.05), FailureKind.TIMED_OUT, "no answer within"),
    "an end before the head": (say_and_hang_up(b""), FailureKind.UNREACHABLE, "closed connection without"),
    "an end within the head": (say_and_hang_up(b"HTTP/1.1 200 OK\r\nX: y"), FailureKind.BROKEN, "truncated"),
    "an end within the body": (say_and_hang_up(answer(b"[" * 10)[:-5]), FailureKind.BROKEN, "IncompleteRead"),
    "an end within a chunk": (say_and_hang_up(CHUNKED_HEAD + b"ff\r\n["), FailureKind.BROKEN, ""),
    "another protocol": (say_and_hang_up(b"SSH-2.0-OpenSSH_9.2\r\n"), FailureKind.BROKEN, "BadStatusLine"),
    "a garbage length": (say_and_hang_up(CHUNKED_HEAD + b"zz\r\n"), FailureKind.BROKEN, ""),
    "no JSON": (say(answer(b"<html>")), FailureKind.BROKEN, "malformed"),
    "other JSON": (say(answer(b'{"a": 1}')), FailureKind.BROKEN, "Expected `array`"),
    "no text": (say(answer(b"\xff\xfe")), FailureKind.BROKEN, ""),
    "a redirection": (say(answer(b"", "301 Moved\r\nLocation: http://nowhere/")), FailureKind.BROKEN, ""),
    "a refusal": (say(answer(b'{"message":"bad  one"}', "400 Bad Request")), FailureKind.REFUSED, "bad one"),
    "a refusal in HTML": (say(answer(b"<h1>no</h1>", "403 Forbidden")), FailureKind.REFUSED, "<h1>no</h1>"),
    "nothing there": (say(answer(b"", "404 Not Found")), FailureKind.NOT_FOUND, ""),
    "a conflict": (say(answer(b'{"message":"taken"}', "409 Conflict")), FailureKind.CONFLICT, "taken"),
    "an engine's own error": (say(answer(b'{"message":"disk full"}', "500 Oh")), FailureKind.BROKEN, "disk full"),
}


@pytest.mark.parametrize("what", TALKS)
def test_a_bad_answer_is_a_failure_in_time(what: str, tmp_path: Path) -> None:
    talk, kind, detail = TALKS[what]
    with scripted_engine(tmp_path / "sock", talk) as server:
        began = time.monotonic()
        failure = Engine(server.url).list_containers({}, deadline=DEADLINE_SECONDS)
        seconds = time.monotonic() - began
    assert isinstance(failure, Failure)
    assert (failure.kind, detail in failure.detail) == (kind, True), failure.detail
    assert len(failure.detail) < 1000
    assert seconds < DEADLINE_SECONDS + 0.4
    assert failure.seconds == pytest.approx(seconds, abs=0.2)
    if kind is FailureKind.TIMED_OUT:
        assert seconds >= DEADLINE_SECONDS


def test_an_answer_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_wire, "_LARGEST_BODY", 10_000)
    with scripted_engine(tmp_path / "sock", drip(CHUNKED_HEAD, chunk(b" " * 5_000), 0.0)) as server:
        listed = Engine(server.url).list_containers({}, deadline=5.0)
        assert isinstance(listed, Failure)
        assert (listed.kind, listed.detail.endswith("an endless answer")) == (FailureKind.BROKEN, True)
    with scripted_engine(tmp_path / "sock2", drip(CHUNKED_HEAD, chunk(b" " * 5_000), 0.0)) as server:
        pulled = Engine(server.url).pull("busybox", deadline=5.0)
        assert isinstance(pulled, Failure)
        assert (pulled.kind, pulled.detail.endswith("an endless line")) == (FailureKind.BROKEN, True)


def test_calls_share_a_connection_and_ask_for_the_version_once(tmp_path: Path) -> None:
    with scripted_engine(tmp_path / "sock", say_each_time(answer(b"[]"))) as server:
        engine = Engine(server.url)
        assert [engine.list_containers({"n": str(number)}) for number in range(5)] == [()] * 5
        assert len(server.connections) == 1
        assert [head.split()[1].split(b"?")[0] for head in server.requests] == [
            b"/version",
            *[b"/v1.41/containers/json"] * 5,
        ]
        engine.close()
        assert engine.list_containers({}) == ()
        assert len(server.connections) == 2


def test_after_a_silence_the_version_is_asked_for_again_before_anything_is_done(tmp_path: Path) -> None:
    with scripted_engine(tmp_path / "sock", say(b"")) as server:
        engine = Engine(server.url)
        for _ in range(2):
            silent = engine.start("x", deadline=0.1)
            assert isinstance(silent, Failure)
            assert silent.kind is FailureKind.TIMED_OUT
        assert [head.split()[1] for head in server.requests] == [b"/version", b"/v1.41/containers/x/start"] * 2


def test_who_answers_with_a_redirection_did_nothing(tmp_path: Path) -> None:
    with scripted_engine(tmp_path / "sock", say(answer(b"", "302 Found\r\nLocation: /login"))) as server:
        lost = Engine(server.url).start("x")
        assert isinstance(lost, Failure)
        assert lost.kind is FailureKind.BROKEN


def test_a_start_of_what_runs_is_done(tmp_path: Path) -> None:
    with scripted_engine(tmp_path / "sock", say(b"HTTP/1.1 304 Not Modified\r\n\r\n")) as server:
        assert Engine(server.url).start("x") is None


def test_a_removal_under_way_is_done(tmp_path: Path) -> None:
    busy = b'{"message":"removal of container x is already in progress"}'
    with scripted_engine(tmp_path / "sock", say(answer(busy, "409 Conflict"))) as server:
        assert Engine(server.url).remove("x") is None


def test_a_pulls_error_comes_within_its_progress(tmp_path: Path) -> None:
    lines = b'{"status":"Pulling"}\n{"errorDetail":{"message":"no space left"},"error":"no space left"}\r\n'
    with scripted_engine(tmp_path / "sock", say(CHUNKED_HEAD + chunk(lines) + chunk(b""))) as server:
        failed = Engine(server.url).pull("registry.example:5000/pilots/worker:3")
        assert isinstance(failed, Failure)
        assert (failed.kind, failed.detail) == (FailureKind.BROKEN, "no space left")
        asked = server.requests[-1].split(b" ")[1]
        assert asked == b"/v1.41/images/create?fromImage=registry.example%3A5000%2Fpilots%2Fworker&tag=3"


def test_a_pull_logs_in_as_docker_login_was_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    login = base64.b64encode(b"pilot:secret").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"registry.example:5000": {"auth": login}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with scripted_engine(tmp_path / "sock", say_each_time(answer(b'{"Id":"sha256:1"}'))) as server:
        assert Engine(server.url).pull("registry.example:5000/worker") == "sha256:1"
        assert Engine(server.url).pull("elsewhere.example/worker") == "sha256:1"
    with_login, without = (head for head in server.requests if b"/images/create" in head)
    header = with_login.split(b"X-Registry-Auth: ")[1].split(b"\r\n")[0]
    told = json.loads(base64.urlsafe_b64decode(header))
    assert (told["username"], told["password"]) == ("pilot", "secret")
    assert b"X-Registry-Auth" not in without


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ("{", None),
        ('{"auths": {"registry.example": {"auth": "!"}}}', FailureKind.REFUSED),
        ('{"auths": 1}', FailureKind.REFUSED),
        ("[]", FailureKind.REFUSED),
        ('{"credsStore": "that-is-not-there"}', FailureKind.REFUSED),
    ],
)
def test_a_malformed_login_file_stops_pulls_at_most(
    config: str, kind: FailureKind | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text(config)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with scripted_engine(tmp_path / "sock", say_each_time(answer(b'{"Id":"sha256:1"}'))) as server:
        pulled = Engine(server.url).pull("registry.example/worker", deadline=5.0)
        assert (pulled.kind if isinstance(pulled, Failure) else None) is kind
        assert Engine(server.url).image_id("x") == "sha256:1"


@pytest.mark.parametrize("url", ["ssh://node", "tcp://", "nonsense://x", "tcp://user:secret@node:2375"])
def test_an_address_that_cannot_be_used_is_a_failure(url: str) -> None:
    failure = Engine(url).info(deadline=1.0)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.REFUSED
    assert "secret" not in failure.detail


def test_a_name_that_no_server_has_is_unreachable() -> None:
    failure = Engine("tcp://no-such-node.invalid:2375").info(deadline=20.0)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.UNREACHABLE


def test_over_tls_with_dockers_own_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates = docker_certificates(tmp_path, monkeypatch)
    with scripted_tls_engine(certificates, say_each_time(answer(b"[]"))) as server:
        monkeypatch.setenv("DOCKER_HOST", server.url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt")
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        engine = Engine()
        assert engine.list_containers({}) == ()
        engine.close()
        monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates / "elsewhere"))
        refused = Engine().list_containers({})
        assert isinstance(refused, Failure)
        assert refused.kind is FailureKind.REFUSED


def test_a_silent_tls_server_costs_the_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, black_hole: BlackHole
) -> None:
    docker_certificates(tmp_path, monkeypatch)
    began = time.monotonic()
    silent = Engine(f"tcp://127.0.0.1:{black_hole.port}").info(deadline=0.3)
    assert isinstance(silent, Failure)
    assert silent.kind is FailureKind.TIMED_OUT
    assert time.monotonic() - began < 1.0
