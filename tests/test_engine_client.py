"""Whatever a peer says or doesn't say is a failure of the right kind, in time."""

import base64
import json
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from plancton.common.engine import Engine
from plancton.common.engine_types import Failure, FailureKind
from tests.support import scripted_engine as scripted
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
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

DEADLINE_SECONDS = 0.5
TALKS: dict[str, tuple[Talk, FailureKind, str]] = {
    "silence": (say(b""), FailureKind.TIMED_OUT, "no answer within"),
    "half a head": (say(b"HTTP/1.1 200 OK\r\nContent-"), FailureKind.TIMED_OUT, "no answer within"),
    "half a body": (say(answer(b"[" * 10)[:-5]), FailureKind.TIMED_OUT, "no answer within"),
    "half a chunked body": (say(CHUNKED_HEAD + chunk(b"[")), FailureKind.TIMED_OUT, "no answer within"),
    "an end before the head": (say_and_hang_up(b""), FailureKind.UNREACHABLE, "closed connection without"),
    "an end within the head": (say_and_hang_up(b"HTTP/1.1 200 OK\r\nX: y"), FailureKind.BROKEN, "Expecting value"),
    "an end within the body": (say_and_hang_up(answer(b"[" * 10)[:-5]), FailureKind.BROKEN, "IncompleteRead"),
    "an end within a chunk": (say_and_hang_up(CHUNKED_HEAD + b"ff\r\n["), FailureKind.BROKEN, ""),
    "another protocol": (say_and_hang_up(b"SSH-2.0-OpenSSH_9.2\r\n"), FailureKind.BROKEN, "BadStatusLine"),
    "a garbage length": (say_and_hang_up(CHUNKED_HEAD + b"zz\r\n"), FailureKind.BROKEN, ""),
    "no JSON": (say(answer(b"<html>")), FailureKind.BROKEN, "Expecting value"),
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


def test_calls_ask_for_the_version_once_and_leave_no_connection_open(tmp_path: Path) -> None:
    with scripted_engine(tmp_path / "sock", say_each_time(answer(b"[]"))) as server:
        engine = Engine(server.url)
        assert [engine.list_containers({"n": str(number)}) for number in range(5)] == [()] * 5
        assert [head.split()[1].split(b"?")[0] for head in server.requests] == [
            b"/version",
            *[b"/v1.41/containers/json"] * 5,
        ]
        wait_for(lambda: len(server.hung_up) == len(server.connections), 5.0, "the connections' ends")


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
        asked = urlsplit(server.requests[-1].split(b" ")[1].decode())
    assert asked.path == "/v1.41/images/create"
    assert parse_qs(asked.query) == {"fromImage": ["registry.example:5000/pilots/worker"], "tag": ["3"]}


def test_a_pull_that_goes_on_and_on_ends_at_its_deadline(tmp_path: Path) -> None:
    line = chunk(b'{"status":"Downloading"}\n')
    with scripted_engine(tmp_path / "sock", drip(CHUNKED_HEAD, line, 0.02)) as server:
        began = time.monotonic()
        pulled = Engine(server.url).pull("busybox", deadline=0.3)
        assert 0.3 <= time.monotonic() - began < 1.0
        assert isinstance(pulled, Failure)
        assert pulled.kind is FailureKind.TIMED_OUT
        wait_for(lambda: len(server.hung_up) == len(server.connections), 5.0, "the end of the pull's connection")


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[1]\n", b'{"error": 1}'])
def test_a_pull_without_sense_is_a_failure(body: bytes, tmp_path: Path) -> None:
    with scripted_engine(tmp_path / "sock", say_each_time(CHUNKED_HEAD + chunk(body + b"\n") + chunk(b""))) as server:
        pulled = Engine(server.url).pull("busybox", deadline=5.0)
    assert isinstance(pulled, Failure)
    assert pulled.kind is FailureKind.BROKEN


def test_a_refused_event_stream_is_a_failure(tmp_path: Path) -> None:
    refusal = answer(b'{"message":"invalid filter"}', "400 Bad Request")
    with scripted_engine(tmp_path / "sock", say(refusal)) as server:
        failure = Engine(server.url).events({})
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.detail) == (FailureKind.REFUSED, "invalid filter")


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
        ('{"proxies": 1}', None),
        ('{"HttpHeaders": 1}', None),
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


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'"1.41"', b'{"ApiVersion": 1}', b'{"ApiVersion": "newest"}'])
def test_a_garbage_version_is_a_failure(body: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripted, "VERSION", body)
    with scripted_engine(tmp_path / "sock", say_each_time(answer(b"[]"))) as server:
        failure = Engine(server.url).list_containers({})
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.BROKEN


def test_over_tls_with_dockers_own_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates = docker_certificates(tmp_path, monkeypatch)
    with scripted_tls_engine(certificates, say_each_time(answer(b"[]"))) as server:
        monkeypatch.setenv("DOCKER_HOST", server.url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt")
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        engine = Engine()
        assert engine.list_containers({}) == ()
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
