"""From answers to facts: what engines really write, and what no engine should."""

import contextlib

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


@given(JSON)
def test_whatever_comes_is_a_fact_or_a_decode_error(answer: object) -> None:
    for understand in (
        answers.listed,
        answers.inspected,
        answers.id_of,
        answers.event,
        answers.pull_error,
        answers.api_version,
        lambda answer: answers.info(answer, "1.41"),
    ):
        with contextlib.suppress(msgspec.MsgspecError):
            understand(answer)


def test_apparmor_is_told_by_the_security_options() -> None:
    for options, apparmor in [(["name=seccomp,profile=default", "name=apparmor"], True), (["name=seccomp"], False)]:
        answer = {"ServerVersion": "24.0", "SecurityOptions": options, "CgroupVersion": "2"}
        info = answers.info(answer, "1.43")
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
    (container,) = answers.listed([listed])
    assert (container.name, container.state, container.exit_code) == ("pilot", expected, exit_code)
    assert container.labels == {}


@given(st.text(max_size=20), st.integers(min_value=1, max_value=40))
def test_a_logs_tail_is_its_last_bytes_less_half_a_character(text: str, most: int) -> None:
    whole = text.encode(errors="ignore")
    assert answers.tail(whole, most) == whole[max(0, len(whole) - most) :].decode(errors="ignore")


def test_what_is_no_text_in_a_log_is_replaced() -> None:
    assert answers.tail(b"a\xffb", 100) == "a\ufffdb"
    assert answers.tail(b"", 100) == ""
