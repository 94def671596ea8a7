"""The pilots as rows."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.cli.pilot_rows import HEADINGS, NUMERIC, pilot_age, rows
from plancton.common.pilot import PilotState
from tests.fakes.control import NOW, pilot


def test_rows_are_by_slot_and_unknown_figures_are_no_zeros() -> None:
    unknown = msgspec.structs.replace(pilot(1), cpu_cores=None, memory_bytes=None)
    assert rows([pilot(2), unknown], NOW) == [
        ("1", "plancton-worker-0123abcd-1-1", "running", "1 min 0 s", "?", "?", "-"),
        ("2", "plancton-worker-0123abcd-2-1", "running", "1 min 0 s", "0.50", "5.0 MiB", "-"),
    ]


def test_an_ended_pilot_shows_its_exit_code_and_grows_no_older() -> None:
    ended = msgspec.structs.replace(pilot(0, PilotState.EXITED), exit_code=137, ended_unix=NOW - 50)
    assert rows([ended], NOW)[0][2:4] == ("exited (137)", "10 s")


def test_a_pilot_whose_start_was_not_seen_is_as_old_as_its_container() -> None:
    assert pilot_age(msgspec.structs.replace(pilot(0), started_unix=None), NOW) == 61


@pytest.mark.parametrize(
    ("state", "changes", "shown", "work"),
    [
        (PilotState.RUNNING, {"busy_since_unix": NOW - 750.5}, "running", "busy 12 min 30 s"),
        (PilotState.RUNNING, {"busy_since_unix": NOW + 60}, "running", "busy 0 s"),
        (PilotState.RUNNING, {"safe_to_stop": True}, "running", "safe to stop"),
        (PilotState.PAUSED, {"safe_to_stop": True, "busy_since_unix": NOW - 9}, "suspended", "safe to stop"),
        (PilotState.PAUSED, {}, "suspended", "-"),
        (PilotState.EXITED, {"safe_to_stop": True, "exit_code": 0}, "exited (0)", "-"),
    ],
)
def test_a_pilot_s_own_word_is_shown_while_it_lives(
    state: PilotState, changes: dict[str, object], shown: str, work: str
) -> None:
    row = dict(zip(HEADINGS, rows([msgspec.structs.replace(pilot(0, state), **changes)], NOW)[0], strict=True))
    assert (row["STATE"], row["WORK"]) == (shown, work)


def test_a_clock_that_jumped_back_makes_no_negative_age() -> None:
    assert pilot_age(pilot(0), NOW - 3600) == 0


@given(st.text())
def test_a_name_is_harmless(name: str) -> None:
    (row,) = rows([msgspec.structs.replace(pilot(0), name=name)], NOW)
    assert len(row) == len(HEADINGS)
    assert all(cell.isprintable() for cell in row)


def test_numbers_are_columns_of_the_table() -> None:
    assert set(HEADINGS) > NUMERIC
