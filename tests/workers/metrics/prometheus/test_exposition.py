"""What Prometheus is told: the declared metrics, the unknown left out, every known label from the start."""

import itertools

import msgspec
import pytest

from plancton.common.accounting import CallTimes, SinkState, StoreState
from plancton.common.decision import Hold
from plancton.common.freshness import HOST_BOUND_SECONDS, POOL_BOUND_SECONDS
from plancton.common.messages import Counters, HostLook, Mode, Outcome, PoolLook, PoolUnknown, Target
from plancton.common.pilot import Pilot, PilotState
from plancton.common.processes import ProcessState, ProcessStatus
from plancton.common.prometheus_metrics import METRICS, Kind
from plancton.common.reasons import EVICTIONS, Reason
from plancton.common.series import Exit
from plancton.workers.metrics.prometheus.exposed_facts import Facts, Tally
from plancton.workers.metrics.prometheus.exposition import Sample, Snapshot, Use, samples
from tests.support.running import REPOSITORY

NOW = 1000.0
HOST = HostLook(
    ncpus=8,
    interval_seconds=2.0,
    busy_cpus=5.0,
    pilots_cpus=3.0,
    ram_bytes=800,
    available_bytes=500,
    swap_bytes=100,
    stolen_cpus=0.25,
    engine_cpus=0.5,
    stall_cpu=0.1,
    stall_memory=0.2,
    stall_io=0.3,
)
HOLD = Hold(reason=Reason.MAX_DOCKS, detail="", since_unix=1.0)
TARGET = Target(generation=1, valid_until_monotonic=NOW + 1.0, want=3, running=2, capacity=4, room_cpus=2.5, hold=HOLD)
STORE = StoreState(points=7, size_bytes=4096, oldest_unix=1e9, waiting_points=3, dropped_points=2)
SINK = SinkState(
    name="http://h:8086#db", written_points=9, waiting_points=4, dropped_points=1, refused_points=2, server="InfluxDB 2"
)
PROBE = ProcessStatus(
    name="probe",
    state=ProcessState.RUNNING,
    pid=7,
    restarts=2,
    since_unix=1.0,
    beats=40,
    late_seconds=0.5,
)
USE = Use(started_unix=1e9, cpu_seconds=12.5, pss_bytes=1 << 20)
CALLS = CallTimes(operation="list", calls=4, failures=1, seconds=0.5, longest_seconds=0.4)
COUNTERS = Counters(
    fizzled=2,
    suspended=3,
    resumed=1,
    pilot_seconds=600.0,
    ended_by_reason={"owner-cpu": 5, "expired": 1},
    given_core_seconds=100.0,
    free_core_seconds=200.0,
    lost_core_seconds=30.0,
    owner_stall_cpu_seconds=1.5,
    exits={"completed": 6, "evicted": 5},
    sinks=(SINK,),
    store=STORE,
    journal_dropped=1,
)


def pilot(number: int, state: PilotState) -> Pilot:
    return Pilot(
        container_id=str(number), name=f"p{number}", slot=number, incarnation=1, spec="", state=state, created_unix=1.0
    )


POOL = PoolLook(
    pilots=tuple(
        pilot(number, state)
        for number, state in enumerate(
            (
                PilotState.CREATED,
                PilotState.RESTARTING,
                PilotState.RUNNING,
                PilotState.RUNNING,
                PilotState.RUNNING,
                PilotState.PAUSED,
                PilotState.EXITED,
                PilotState.DEAD,
                PilotState.REMOVING,
                PilotState.EXITED,
            )
        )
    ),
    full_look_monotonic=NOW,
    engine_version="20.10",
    api_version="1.41",
)
FACTS = Facts(
    host=HOST,
    host_at=NOW,
    pool=POOL,
    pool_at=NOW,
    target=TARGET,
    mode=Mode.DRAINING,
    processes=(PROBE,),
    calls={("probe", "list"): CALLS},
    launches={"done": Tally(count=2, seconds=0.5)},
    handbacks={"ended": Tally(count=1, seconds=3.0)},
)


def exposed(
    facts: Facts = FACTS, counters: Counters = COUNTERS, uses: dict[str, Use] | None = None, now: float = NOW
) -> list[Sample]:
    snapshot = Snapshot(version="1.2.3", hostname="node", facts=facts, counters=counters)
    return list(samples(snapshot, {"probe": USE} if uses is None else uses, now))


def values(made: list[Sample]) -> dict[tuple[str, ...], float]:
    return {(each.metric, *each.labels): each.value for each in made if not isinstance(each.value, Tally)}


def tallies(made: list[Sample]) -> dict[tuple[str, ...], Tally]:
    return {(each.metric, *each.labels): each.value for each in made if isinstance(each.value, Tally)}


def names(made: list[Sample]) -> set[str]:
    return {each.metric for each in made}


def test_every_declared_metric_is_made_and_no_other() -> None:
    assert names(exposed()) == set(METRICS)


def test_each_sample_has_its_metrics_labels_and_no_two_are_the_same() -> None:
    made = exposed()
    assert all(len(each.labels) == len(METRICS[each.metric].labels) for each in made)
    keys = [(each.metric, each.labels) for each in made]
    assert len(keys) == len(set(keys))


def test_durations_are_tallies_and_all_else_are_numbers() -> None:
    for each in exposed():
        assert isinstance(each.value, Tally) == (METRICS[each.metric].kind in {Kind.SUMMARY, Kind.HISTOGRAM})


@pytest.mark.parametrize(
    ("sample", "value"),
    [
        (("plancton_build_info", "1.2.3", "node"), 1),
        (("plancton_engine_info", "20.10", "1.41"), 1),
        (("plancton_engine_up",), 1),
        (("plancton_host_cpus",), 8),
        (("plancton_host_used_cpus", "owner"), 1.5),
        (("plancton_host_used_cpus", "pilots"), 3),
        (("plancton_host_used_cpus", "engine"), 0.5),
        (("plancton_host_stolen_cpus",), 0.25),
        (("plancton_host_memory_bytes",), 800),
        (("plancton_host_memory_available_bytes",), 500),
        (("plancton_host_swap_bytes",), 100),
        (("plancton_owner_stall_ratio", "cpu"), 0.1),
        (("plancton_owner_stall_ratio", "memory"), 0.2),
        (("plancton_owner_stall_ratio", "io"), 0.3),
        (("plancton_pilots", "starting"), 2),
        (("plancton_pilots", "running"), 3),
        (("plancton_pilots", "suspended"), 1),
        (("plancton_pilots", "ended"), 4),
        (("plancton_pilots_wanted",), 3),
        (("plancton_pilots_capacity",), 4),
        (("plancton_room_cpus",), 2.5),
        (("plancton_launches_held", "max-docks"), 1),
        (("plancton_launches_held", "fizzles"), 0),
        (("plancton_mode", "draining"), 1),
        (("plancton_mode", "active"), 0),
        (("plancton_launches_total", "done"), 2),
        (("plancton_launches_total", "timed-out"), 0),
        (("plancton_exits_total", "completed"), 6),
        (("plancton_exits_total", "never-started"), 0),
        (("plancton_evictions_total", "owner-cpu"), 5),
        (("plancton_evictions_total", "owner-memory"), 0),
        (("plancton_fizzles_total",), 2),
        (("plancton_suspensions_total",), 3),
        (("plancton_resumptions_total",), 1),
        (("plancton_given_core_seconds_total",), 100),
        (("plancton_free_core_seconds_total",), 200),
        (("plancton_lost_core_seconds_total",), 30),
        (("plancton_pilot_seconds_total",), 600),
        (("plancton_owner_stall_seconds_total", "cpu"), 1.5),
        (("plancton_engine_call_failures_total", "probe", "list"), 1),
        (("plancton_process_up", "probe"), 1),
        (("plancton_process_start_time_seconds", "probe"), 1e9),
        (("plancton_process_cpu_seconds_total", "probe"), 12.5),
        (("plancton_process_pss_bytes", "probe"), 1 << 20),
        (("plancton_process_restarts_total", "probe"), 2),
        (("plancton_process_beats_total", "probe"), 40),
        (("plancton_process_late_seconds", "probe"), 0.5),
        (("plancton_sink_info", "http://h:8086#db", "InfluxDB 2"), 1),
        (("plancton_sink_up", "http://h:8086#db"), 1),
        (("plancton_sink_points_written_total", "http://h:8086#db"), 9),
        (("plancton_sink_points_waiting", "http://h:8086#db"), 4),
        (("plancton_sink_points_dropped_total", "http://h:8086#db"), 1),
        (("plancton_sink_points_refused_total", "http://h:8086#db"), 2),
        (("plancton_store_up",), 1),
        (("plancton_store_points",), 7),
        (("plancton_store_size_bytes",), 4096),
        (("plancton_store_oldest_time_seconds",), 1e9),
        (("plancton_store_points_waiting",), 3),
        (("plancton_store_points_dropped_total",), 2),
        (("plancton_journal_entries_dropped_total",), 1),
    ],
)
def test_facts_and_totals_become_samples(sample: tuple[str, ...], value: float) -> None:
    assert values(exposed())[sample] == pytest.approx(value)


def test_durations_are_told_for_each_way_that_they_can_go() -> None:
    made = tallies(exposed())
    assert made["plancton_launch_duration_seconds", "done"].count == 2
    assert made["plancton_launch_duration_seconds", "failed"] == Tally()
    assert made["plancton_handback_duration_seconds", "ended"].seconds == 3.0
    assert made["plancton_handback_duration_seconds", "suspended"] == Tally()
    calls = made["plancton_engine_call_duration_seconds", "probe", "list"]
    assert (calls.count, calls.seconds) == (4, 0.5)


def test_who_knows_nothing_tells_totals_of_nothing_and_no_gauge_but_who_they_are() -> None:
    made = exposed(Facts(), Counters(), {})
    assert all(METRICS[each.metric].kind is not Kind.GAUGE for each in made)
    assert all(value == 0 for (name, *_), value in values(made).items() if name != "plancton_build_info")
    for metric, label in itertools.chain(
        (("plancton_exits_total", each.value) for each in Exit),
        (("plancton_evictions_total", each.value) for each in EVICTIONS),
        (("plancton_launches_total", each.value) for each in Outcome),
    ):
        assert values(made)[metric, label] == 0


@pytest.mark.parametrize(
    ("facts", "gone"),
    [
        (
            msgspec.structs.replace(FACTS, host_at=NOW - HOST_BOUND_SECONDS - 0.1),
            {name for name in METRICS if name.startswith("plancton_host_")} | {"plancton_owner_stall_ratio"},
        ),
        (
            msgspec.structs.replace(FACTS, pool_at=NOW - POOL_BOUND_SECONDS - 0.1),
            {"plancton_engine_up", "plancton_engine_info", "plancton_pilots"},
        ),
        (
            msgspec.structs.replace(FACTS, target=msgspec.structs.replace(TARGET, valid_until_monotonic=NOW - 0.1)),
            {
                "plancton_pilots_wanted",
                "plancton_pilots_capacity",
                "plancton_room_cpus",
                "plancton_launches_held",
            },
        ),
    ],
)
def test_what_is_too_old_is_not_told(facts: Facts, gone: set[str]) -> None:
    assert set(METRICS) - names(exposed(facts)) == gone


def test_facts_within_their_bounds_are_told() -> None:
    facts = msgspec.structs.replace(
        FACTS,
        host_at=NOW - HOST_BOUND_SECONDS,
        pool_at=NOW - POOL_BOUND_SECONDS,
        target=msgspec.structs.replace(TARGET, valid_until_monotonic=NOW),
    )
    assert names(exposed(facts, now=NOW)) == set(METRICS)


def test_an_engine_that_cannot_be_asked_is_down_and_its_pilots_are_unknown() -> None:
    made = exposed(msgspec.structs.replace(FACTS, pool=PoolUnknown(why="it is away", since_unix=1.0)))
    assert values(made)["plancton_engine_up",] == 0
    assert not {"plancton_pilots", "plancton_engine_info"} & names(made)


def test_what_a_look_does_not_know_is_left_out() -> None:
    blind = msgspec.structs.replace(HOST, pilots_cpus=None, stall_cpu=None, stall_io=None)
    counters = msgspec.structs.replace(COUNTERS, owner_stall_cpu_seconds=0.0)
    told = values(exposed(msgspec.structs.replace(FACTS, host=blind), counters))
    assert {key[1] for key in told if key[0] == "plancton_host_used_cpus"} == {"engine"}
    assert {key[1] for key in told if key[0] == "plancton_owner_stall_ratio"} == {"memory"}
    assert {key[1] for key in told if key[0] == "plancton_owner_stall_seconds_total"} == {"memory"}


def test_a_total_of_stalls_stays_once_there_was_one() -> None:
    told = values(exposed(msgspec.structs.replace(FACTS, host=None)))
    assert {key[1:]: value for key, value in told.items() if key[0] == "plancton_owner_stall_seconds_total"} == {
        ("cpu",): 1.5
    }


def test_nothing_is_held_where_there_is_no_hold() -> None:
    target = msgspec.structs.replace(TARGET, hold=None, room_cpus=None)
    told = values(exposed(msgspec.structs.replace(FACTS, target=target)))
    held = {key[1]: value for key, value in told.items() if key[0] == "plancton_launches_held"}
    assert held
    assert not any(held.values())
    assert ("plancton_room_cpus",) not in told


@pytest.mark.parametrize("reason", Reason)
def test_exactly_the_reason_of_the_hold_is_one(reason: Reason) -> None:
    target = msgspec.structs.replace(TARGET, hold=Hold(reason=reason, detail="", since_unix=1.0))
    told = values(exposed(msgspec.structs.replace(FACTS, target=target)))
    assert [key[1] for key, value in told.items() if key[0] == "plancton_launches_held" and value] == [reason.value]


def test_every_reason_that_the_policy_holds_for_has_a_label_from_the_start() -> None:
    told = values(exposed(msgspec.structs.replace(FACTS, target=msgspec.structs.replace(TARGET, hold=None))))
    policy = (REPOSITORY / "plancton/common/policy/holds.py").read_text(encoding="utf-8")
    holding = {reason for reason in Reason if f"Why(Reason.{reason.name}" in policy}
    assert len(holding) > 10
    assert {key[1] for key in told if key[0] == "plancton_launches_held"} >= {reason.value for reason in holding}


def test_a_process_that_is_gone_tells_no_use() -> None:
    stopped = msgspec.structs.replace(PROBE, state=ProcessState.BACKOFF, pid=None)
    told = values(exposed(msgspec.structs.replace(FACTS, processes=(stopped,)), uses={}))
    assert told["plancton_process_up", "probe"] == 0
    assert ("plancton_process_cpu_seconds_total", "probe") not in told
    unreadable = values(exposed(uses={"probe": msgspec.structs.replace(USE, pss_bytes=None)}))
    assert unreadable["plancton_process_cpu_seconds_total", "probe"] == 12.5
    assert ("plancton_process_pss_bytes", "probe") not in unreadable


@pytest.mark.parametrize(("error", "written", "up"), [("", 1, 1), ("away", 1, 0), ("away", 0, 0), ("", 0, None)])
def test_a_sink_is_up_if_it_took_what_came_last(error: str, written: int, up: int | None) -> None:
    sink = msgspec.structs.replace(SINK, error=error, written_points=written, server="")
    made = exposed(counters=msgspec.structs.replace(COUNTERS, sinks=(sink,)))
    assert values(made).get(("plancton_sink_up", SINK.name)) == up
    assert "plancton_sink_info" not in names(made)


def test_a_store_that_fails_is_down() -> None:
    store = msgspec.structs.replace(STORE, error="disk full", oldest_unix=None)
    told = values(exposed(counters=msgspec.structs.replace(COUNTERS, store=store)))
    assert told["plancton_store_up",] == 0
    assert ("plancton_store_oldest_time_seconds",) not in told


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_not_told(value: float) -> None:
    host = msgspec.structs.replace(HOST, busy_cpus=value, stolen_cpus=value)
    told = values(exposed(msgspec.structs.replace(FACTS, host=host)))
    assert ("plancton_host_stolen_cpus",) not in told
    assert told["plancton_host_used_cpus", "pilots"] == 3
