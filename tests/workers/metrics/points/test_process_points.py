"""planctond's own processes: what each used since the last reading, and nothing made up for whom nobody read."""

from plancton.common.messages import Processes
from plancton.common.processes import ProcessState, ProcessStatus
from plancton.workers.metrics.points.process_points import Reading, Readings, Roll, listed, pids, process_points
from plancton.workers.metrics.points.stamp import Stamp

STAMP = Stamp(hostname="node", time_unix_ns=7)
RUNNING, BACKOFF = ProcessState.RUNNING, ProcessState.BACKOFF


def probe(
    pid: int | None = 10, state: ProcessState = RUNNING, beats: int = 0, late: float = 0.0, restarts: int = 0
) -> Processes:
    status = ProcessStatus(
        name="probe", state=state, pid=pid, restarts=restarts, since_unix=0.0, beats=beats, late_seconds=late
    )
    return Processes(processes=(status,))


def reading(at: float, cpu_seconds: float, started_unix: float = 1000.0, pss: int | None = 5) -> Readings:
    return {10: Reading(at=at, started_unix=started_unix, cpu_seconds=cpu_seconds, pss_bytes=pss)}


def fields(roll: Roll, readings: Readings | None = None) -> tuple[dict[str, float | str], Roll]:
    (made,), after = process_points(roll, readings, STAMP)
    assert (made.series, made.tags) == ("process", {"hostname": "node", "process": "probe"})
    return made.fields, after


def test_its_first_point_tells_what_one_reading_can() -> None:
    made, _ = fields(listed(Roll(), probe(beats=4, late=0.25, restarts=2)), reading(100.0, 3.0))
    assert made == {"up": 1.0, "restarts": 2.0, "late_seconds": 0.25, "pss_bytes": 5.0}


def test_cpus_are_a_mean_between_two_readings() -> None:
    _, roll = fields(listed(Roll(), probe()), reading(100.0, 3.0))
    without, roll = fields(roll)
    assert "pss_bytes" not in without
    made, roll = fields(roll, reading(110.0, 5.5))
    assert made["cpus"] == 0.25
    assert fields(roll, reading(120.0, 5.5, pss=None))[0].keys() == {"up", "restarts", "cpus"}


def test_no_use_is_made_up_where_the_kernel_s_figures_tell_none() -> None:
    _, roll = fields(listed(Roll(), probe()), reading(100.0, 3.0))
    assert "cpus" not in fields(roll, reading(100.0, 4.0))[0], "no time has passed"
    assert "cpus" not in fields(roll, reading(99.0, 4.0))[0]
    assert fields(roll, reading(110.0, 2.0))[0]["cpus"] == 0.0, "its time doesn't go back"
    assert fields(roll, reading(110.0, 4.0))[0]["cpus"] == 0.1


def test_another_process_of_the_same_number_is_another() -> None:
    _, roll = fields(listed(Roll(), probe()), reading(100.0, 3.0))
    assert "cpus" not in fields(roll, reading(110.0, 4.0, started_unix=1009.0))[0]
    assert "cpus" in fields(roll, reading(110.0, 4.0, started_unix=1000.9))[0], "the wall clock was set a little"


def test_one_that_is_gone_is_down_and_uses_nothing_known() -> None:
    _, roll = fields(listed(Roll(), probe()), reading(100.0, 3.0))
    gone, roll = fields(roll, {})
    assert gone == {"up": 1.0, "restarts": 0.0}, "nobody said that it ended"
    down, _ = fields(listed(roll, probe(pid=None, state=BACKOFF, restarts=1)), {})
    assert down == {"up": 0.0, "restarts": 1.0, "beats": 0.0, "late_seconds": 0.0}


def test_beats_are_counted_from_word_to_word() -> None:
    _, roll = fields(listed(Roll(), probe(beats=4)))
    silent, roll = fields(roll)
    assert {"beats", "late_seconds"}.isdisjoint(silent), "nothing was told, which isn't silence"
    roll = listed(listed(roll, probe(beats=6, late=0.5)), probe(beats=7, late=0.1))
    made, roll = fields(roll)
    assert (made["beats"], made["late_seconds"]) == (3.0, 0.5)
    assert "beats" not in fields(listed(roll, probe(beats=1)))[0], "it counts anew, nobody knows since when"


def test_those_that_have_a_process_are_read() -> None:
    assert pids(Roll()) == ()
    assert pids(listed(Roll(), probe())) == (10,)
    assert pids(listed(Roll(), probe(pid=None))) == pids(listed(Roll(), probe(pid=-1))) == ()
