"""From bytes to facts: what engines really write, and what no engine should."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common import engine_answers as answers
from plancton.common.pilot import PilotState

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["Id", "State", "Names", "Actor"]), inner),
    max_leaves=10,
)


@given(st.binary(max_size=50) | JSON.map(json.dumps).map(str.encode))
def test_whatever_comes_is_a_fact_or_a_decode_error(body: bytes) -> None:
    for decode in (
        answers.decode_list,
        answers.decode_inspection,
        answers.decode_id,
        answers.decode_event,
        answers.decode_progress,
        lambda body: answers.decode_info(body, "1.41"),
        lambda body: answers.decode_api_version(body, (1, 44)),
    ):
        try:
            decode(body)
        except (msgspec.MsgspecError, ValueError):
            continue
    assert len(answers.refusal(body)) <= 500


@pytest.mark.parametrize(
    ("newest", "oldest", "spoken"),
    [
        ("1.41", "1.12", "1.41"),
        ("1.44", "1.24", "1.44"),
        ("1.52", "1.24", "1.44"),
        ("1.60", "1.48", "1.48"),
        ("1.9", "", "1.9"),
    ],
)
def test_the_newest_version_that_both_sides_know_is_spoken(newest: str, oldest: str, spoken: str) -> None:
    body = json.dumps({"ApiVersion": newest, "MinAPIVersion": oldest}).encode()
    assert answers.decode_api_version(body, (1, 44)) == spoken


@pytest.mark.parametrize("version", ["", "1", "latest", "1.41.2", "-1.2", "1.41\n"])
def test_what_is_no_version_is_an_error(version: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        answers.decode_api_version(json.dumps({"ApiVersion": version}).encode(), (1, 44))


def test_apparmor_is_told_by_the_security_options() -> None:
    for options, apparmor in [(["name=seccomp,profile=default", "name=apparmor"], True), (["name=seccomp"], False)]:
        body = json.dumps({"ServerVersion": "24.0", "SecurityOptions": options, "CgroupVersion": "2"}).encode()
        info = answers.decode_info(body, "1.43")
        assert (info.apparmor, info.cgroup_version, info.api_version) == (apparmor, 2, "1.43")


@pytest.mark.parametrize(
    ("state", "status", "expected", "exit_code"),
    [
        ("created", "Created", PilotState.CREATED, None),
        ("running", "Up 3 minutes", PilotState.RUNNING, None),
        ("paused", "Up 3 minutes (Paused)", PilotState.PAUSED, None),
        ("exited", "Exited (137) 2 seconds ago", PilotState.EXITED, 137),
        ("dead", "Dead", PilotState.DEAD, None),
        ("removing", "Removal In Progress", PilotState.REMOVING, None),
        ("configured", "", PilotState.CREATED, None),
        ("stopped", "Exited (0) 1 second ago", PilotState.EXITED, 0),
        ("something new", "", PilotState.RUNNING, None),
    ],
)
def test_a_state_unknown_counts_as_running(
    state: str, status: str, expected: PilotState, exit_code: int | None
) -> None:
    listed = {"Id": "c0ffee", "Names": ["/pilot"], "Created": 1, "State": state, "Status": status, "Labels": None}
    (container,) = answers.decode_list(json.dumps([listed]).encode())
    assert (container.name, container.state, container.exit_code) == ("pilot", expected, exit_code)
    assert container.labels == {}


@pytest.mark.parametrize(
    ("image", "repository", "tag"),
    [
        ("busybox", "busybox", "latest"),
        ("busybox:1.36", "busybox", "1.36"),
        ("user/worker", "user/worker", "latest"),
        ("registry:5000/worker", "registry:5000/worker", "latest"),
        ("registry:5000/user/worker:3", "registry:5000/user/worker", "3"),
        ("worker@sha256:00ff", "worker", "sha256:00ff"),
        ("registry:5000/worker:3@sha256:00ff", "registry:5000/worker:3", "sha256:00ff"),
    ],
)
def test_an_image_is_taken_apart(image: str, repository: str, tag: str) -> None:
    assert answers.image_reference(image) == (repository, tag)


def frames(output: list[bytes]) -> bytes:
    """Return the pieces of output as the engine wraps them."""
    return b"".join(b"\1\0\0\0" + len(piece).to_bytes(4, "big") + piece for piece in output)


@given(st.lists(st.binary(max_size=20)), st.integers(min_value=1, max_value=40), st.integers(min_value=1, max_value=9))
def test_a_logs_tail_is_its_last_bytes_however_they_are_cut(output: list[bytes], most: int, cut: int) -> None:
    tail = answers.LogTail(most)
    stream = frames([piece.replace(b"\xff", b"").decode(errors="ignore").encode() for piece in output])
    text = b"".join(piece.replace(b"\xff", b"").decode(errors="ignore").encode() for piece in output)
    for start in range(0, len(stream), cut):
        tail.feed(stream[start : start + cut])
    assert tail.text() == text[max(0, len(text) - most) :].decode(errors="ignore")
