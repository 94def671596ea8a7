"""The three series: the original's names, tags, fields and types, and unknown never as zero."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.messages import EndingAction, EndingOutcome, HostLook, Mode, Outcome, PoolLook
from plancton.common.pilot import Pilot, PilotState
from plancton.common.points import Point
from plancton.common.reasons import Reason
from plancton.workers.metrics.points.series import Load, add, container, daemon, measurement

END = EndingOutcome(
    container_id="1",
    name="a",
    action=EndingAction.REMOVED,
    outcome=Outcome.DONE,
    reason=Reason.ENDED,
    uptime_seconds=60.5,
)


def pool(*states: PilotState) -> PoolLook:
    pilots = tuple(
        Pilot(
            container_id=str(slot),
            name=f"p{slot}",
            slot=slot,
            incarnation=1,
            spec="",
            state=state,
            created_unix=0.0,
        )
        for slot, state in enumerate(states)
    )
    return PoolLook(pilots=pilots, full_look_monotonic=0.0)


def look(busy_cpus: float, interval_seconds: float, ncpus: int = 4) -> HostLook:
    return HostLook(
        ncpus=ncpus,
        interval_seconds=interval_seconds,
        busy_cpus=busy_cpus,
        pilots_cpus=None,
        ram_bytes=1,
        available_bytes=1,
        swap_bytes=0,
    )


@pytest.mark.parametrize(
    ("changes", "started", "killed", "uptime"),
    [
        ({}, "True", "False", 60.5),
        ({"killed": True, "reason": Reason.EXPIRED}, "True", "True", 60.5),
        ({"started": False, "uptime_seconds": None}, "False", "False", 0.0),
        ({"started": False, "killed": True, "uptime_seconds": None}, "False", "False", 0.0),
    ],
)
def test_the_end_of_a_pilot(changes: dict[str, object], started: str, killed: str, uptime: float) -> None:
    row = container(msgspec.structs.replace(END, **changes), "node", 7)
    assert row == Point(
        series="container",
        tags={"hostname": "node", "started": started, "killed": killed},
        fields={"uptime": uptime},
        time_unix_ns=7,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"action": EndingAction.TERMINATED},
        {"action": EndingAction.KILLED},
        {"outcome": Outcome.FAILED},
        {"outcome": Outcome.TIMED_OUT},
        {"uptime_seconds": None},
    ],
)
def test_what_is_no_end_or_has_no_known_uptime_makes_no_point(changes: dict[str, object]) -> None:
    assert container(msgspec.structs.replace(END, **changes), "node", 7) is None


@pytest.mark.parametrize(
    ("mode", "status"),
    [
        (Mode.ACTIVE, "active"),
        (Mode.DRAINING, "draining"),
        (Mode.DRAIN_STOPPING, "draining"),
        (Mode.FORCE_STOPPING, "draining"),
    ],
)
def test_the_daemon_counts_what_the_engine_calls_up(mode: Mode, status: str) -> None:
    row = daemon(5, mode, pool(*PilotState), "node", 7)
    assert row == Point(
        series="daemon",
        tags={"hostname": "node"},
        fields={"uptime": 5.0, "status": status, "containers": 2.0},
        time_unix_ns=7,
    )
    assert all(type(value) in {float, str} for value in row.fields.values())


def test_an_engine_that_cannot_be_asked_is_waited_for_and_has_not_zero_containers() -> None:
    assert daemon(5.0, Mode.ACTIVE, None, "node", 7).fields == {"uptime": 5.0, "status": "waiting"}


def test_the_measurement_weighs_each_look_by_its_interval() -> None:
    load = add(add(Load(), look(4.0, 1.0)), look(0.0, 3.0))
    row = measurement(load, "node", 7)
    assert row == Point(series="measurement", tags={"hostname": "node"}, fields={"cpu_eff": 25.0}, time_unix_ns=7)


@pytest.mark.parametrize("useless", [look(1.0, math.nan), look(1.0, -1.0), look(math.nan, 1.0), look(math.inf, 1.0)])
def test_a_look_that_tells_no_number_changes_nothing(useless: HostLook) -> None:
    assert add(add(Load(), look(2.0, 1.0)), useless) == add(Load(), look(2.0, 1.0))


def test_no_look_makes_no_measurement() -> None:
    assert measurement(Load(), "node", 7) is None


@given(st.lists(st.builds(look, st.floats(-1.0, 10.0), st.floats(0.0, 100.0), st.integers(1, 8)), max_size=20))
def test_the_measurement_is_a_percentage(looks: list[HostLook]) -> None:
    load = Load()
    for each in looks:
        load = add(load, each)
    row = measurement(load, "node", 7)
    assert row is None or 0.0 <= float(row.fields["cpu_eff"]) <= 100.0
