"""A pilot's life, from what was last seen of it to the point that tells its end."""

from typing import Any

import msgspec
import pytest

from plancton.common.messages import EndingAction, EndingOutcome, Outcome
from plancton.common.pilot import Pilot, PilotState
from plancton.common.points import Point
from plancton.common.reasons import Reason
from plancton.common.series import Exit
from plancton.workers.metrics.points.lives import Life, Lives, known, lost_core_seconds, pilot_point, seen, told
from plancton.workers.metrics.points.stamp import Stamp
from tests.support.facts import EXITED, pilot, pool

STAMP = Stamp(hostname="node", time_unix_ns=7)
USED = pilot(0, cpu_seconds=30.0, memory_peak_bytes=1000)
END = EndingOutcome(
    container_id=USED.container_id,
    name=USED.name,
    action=EndingAction.REMOVED,
    outcome=Outcome.DONE,
    reason=Reason.ENDED,
    uptime_seconds=60.0,
    exit_code=0,
    image_id="sha256:b",
)


def after(*looks: Pilot | None) -> Lives:
    lives = Lives()
    for each in looks:
        lives = seen(lives, pool(*([each] if each else [])))
    return lives


def life(*looks: Pilot | None) -> Life:
    found = known(after(*looks), USED.container_id)
    assert found is not None
    return found


def used(**changes: Any) -> Pilot:  # noqa: ANN401
    return msgspec.structs.replace(USED, **changes)


def point(found: Life | None = None, **changes: object) -> Point:
    made = pilot_point(msgspec.structs.replace(END, **changes), 5.0, found, STAMP)
    assert made is not None
    return made


def test_the_whole_life_of_a_pilot() -> None:
    assert point(life(USED)) == Point(
        series="pilot",
        tags={"hostname": "node", "exit": "completed", "reason": "ended"},
        fields={
            "pilot": USED.name,
            "container": USED.container_id,
            "image": "sha256:b",
            "exit_code": 0.0,
            "uptime_seconds": 60.0,
            "cpu_seconds": 30.0,
            "lost_core_seconds": 0.0,
            "peak_memory_bytes": 1000.0,
            "oom_killed": 0.0,
        },
        time_unix_ns=7,
    )


def test_what_is_unknown_is_absent() -> None:
    unseen = point(None, image_id="", exit_code=None, uptime_seconds=None, reason=Reason.OWNER_CPU, killed=True)
    assert unseen.fields.keys() == {"pilot", "container", "oom_killed"}
    never = point(None, started=False, exit_code=127, uptime_seconds=None, reason=Reason.NEVER_STARTED)
    assert (never.tags["exit"], never.fields["uptime_seconds"]) == ("never-started", 0.0)
    assert "exit_code" not in never.fields
    assert point(life(USED), oom_killed=True).fields["oom_killed"] == 1.0


@pytest.mark.parametrize(
    ("exit_", "lost"),
    [
        (Exit.COMPLETED, 0.0),
        (Exit.FAILED, 0.0),
        (Exit.FIZZLED, 0.0),
        (Exit.NEVER_STARTED, 0.0),
        (Exit.EVICTED, 30.0),
        (Exit.EXPIRED, 30.0),
        (Exit.STOPPED, 30.0),
    ],
)
def test_what_was_cut_short_was_in_vain(exit_: Exit, lost: float) -> None:
    assert lost_core_seconds(exit_, life(USED)) == lost


def test_what_was_in_vain_is_unknown_where_nobody_saw_it() -> None:
    assert lost_core_seconds(Exit.EVICTED, None) is None
    assert lost_core_seconds(Exit.EVICTED, life(used(cpu_seconds=None))) is None
    assert lost_core_seconds(Exit.COMPLETED, None) == 0.0


def test_what_a_pilot_says_is_done_is_not_lost() -> None:
    assert lost_core_seconds(Exit.EVICTED, life(used(safe_to_stop=True))) == 0.0
    one, other = used(cpu_seconds=10.0, busy_since_unix=1.0), used(cpu_seconds=30.0, busy_since_unix=9.0)
    assert lost_core_seconds(Exit.EVICTED, life(one)) == 10.0
    unseen = life(used(cpu_seconds=None, busy_since_unix=1.0), other)
    assert lost_core_seconds(Exit.EVICTED, unseen) == 30.0, "nobody knows what it had done"
    later = used(cpu_seconds=45.0, busy_since_unix=9.0)
    assert lost_core_seconds(Exit.EVICTED, life(one, other, later)) == 35.0
    assert lost_core_seconds(Exit.EVICTED, life(one, other, used(cpu_seconds=1.0, busy_since_unix=9.0))) == 0.0


def test_the_last_word_is_that_of_the_living() -> None:
    safe = life(used(safe_to_stop=True), used(state=EXITED))
    assert lost_core_seconds(Exit.EVICTED, safe) == 0.0
    busy = life(used(busy_since_unix=1.0), used(cpu_seconds=31.0, busy_since_unix=3.0, state=EXITED))
    assert lost_core_seconds(Exit.EVICTED, busy) == 31.0
    unsafe = life(used(safe_to_stop=True), used(busy_since_unix=5.0))
    assert not unsafe.pilot.safe_to_stop


def test_the_last_figures_that_were_known_are_kept() -> None:
    last = life(USED, used(cpu_seconds=None, memory_peak_bytes=None, state=EXITED)).pilot
    assert (last.cpu_seconds, last.memory_peak_bytes, last.state) == (30.0, 1000, EXITED)
    assert life(USED, used(memory_peak_bytes=900)).pilot.memory_peak_bytes == 1000
    assert life(USED, used(memory_peak_bytes=1100)).pilot.memory_peak_bytes == 1100
    assert life(used(memory_peak_bytes=0), used(memory_peak_bytes=None)).pilot.memory_peak_bytes == 0


def test_a_pilot_that_the_pool_no_longer_shows_is_known_until_its_end_is_told() -> None:
    gone = after(USED, None)
    assert known(gone, USED.container_id) == life(USED)
    assert known(told(gone, USED.container_id), USED.container_id) is None
    there = after(USED)
    assert told(there, USED.container_id) == there


def test_only_so_many_are_remembered() -> None:
    lives = Lives()
    for number in range(400):
        lives = seen(lives, pool(pilot(number)))
    lives = seen(lives, pool())
    assert len(lives.there) == 0
    assert len(lives.gone) == 256
    assert known(lives, "c399-400") is not None
    assert known(lives, "c100-101") is None


def test_a_suspended_pilot_is_one_that_lives() -> None:
    assert life(USED, used(state=PilotState.PAUSED, cpu_seconds=31.0)).pilot.cpu_seconds == 31.0
