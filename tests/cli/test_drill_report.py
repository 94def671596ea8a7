"""A drill's report in plain words."""

import msgspec
import pytest

from plancton.cli.drill_report import Count, Deed, DrillReport, Timers, told
from plancton.cli.drill_verdict import Verdict

TIMERS = Timers(weight="cpu.idle=1", suspend=True, grace_suspend=5.0, grace_kill=120.0)
REPORT = DrillReport(
    processes=8,
    ncpus=8,
    seconds=60.0,
    alone_seconds=5.0,
    verdict=Verdict(
        first_cpu_seconds=0.0,
        all_cpus_seconds=1.5,
        cpus=7.9,
        alone_cpus=7.95,
        slowdown=0.0141,
        slowdown_first_second=0.25,
        slowdown_per_cpu_second=-0.001,
    ),
    pilots=(Count(seconds=0.0, running=6, suspended=0), Count(seconds=5.2, running=0, suspended=6)),
    deeds=(Deed(seconds=5.21, who="reaper", text="suspended p-3 \x1b[31m"),),
    timers=TIMERS,
)


def test_a_drill_is_told() -> None:
    assert list(told(REPORT)) == [
        "An owner's 8 busy processes for 1 min 0 s on 8 CPUs",
        "First CPU back     at once",
        "All 8 CPUs back    after 1.5 s",
        "Slowed by          1.4 %; in the first second 25.0 %; for each CPU-second -0.1 %",
        "                   against 5 s without pilots; it had 7.90 CPUs on average, 7.95 then",
        "Pilots             6 running, 0 running and 6 suspended after 5.2 s",
        "                   after 5.2 s: reaper: suspended p-3 \\x1b[31m",
        "Rungs              least weight (cpu.idle=1) always; suspended after 5 s; ended after 2 min 0 s (grace_kill)",
    ]


def test_one_process_has_no_second_cpu_to_wait_for() -> None:
    lines = list(told(msgspec.structs.replace(REPORT, processes=1)))
    assert lines[0] == "An owner's 1 busy process for 1 min 0 s on 8 CPUs"
    assert not any(line.startswith("All") for line in lines)


def test_more_processes_than_cpus_are_told_of_the_cpus_that_there_are() -> None:
    assert "All 8 CPUs back    after 1.5 s" in list(told(msgspec.structs.replace(REPORT, processes=32)))


def test_what_is_not_known_is_not_made_up() -> None:
    verdict = Verdict(first_cpu_seconds=None, all_cpus_seconds=None, cpus=1.25)
    bare = msgspec.structs.replace(
        REPORT, verdict=verdict, alone_seconds=None, pilots=(), deeds=(), timers=None, notes=("it \x07 failed",)
    )
    assert list(told(bare)) == [
        "An owner's 8 busy processes for 1 min 0 s on 8 CPUs",
        "First CPU back     not within the drill",
        "All 8 CPUs back    not within the drill",
        "CPUs               1.25 on average; how fast the load is without pilots isn't known",
        "Pilots             not known",
        "Note: it \\x07 failed",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"suspend": False}, "Rungs              least weight (cpu.idle=1) always; never suspended; ended after 2 min"),
        ({"weight": ""}, "Rungs              weight not known; suspended after 5 s"),
    ],
)
def test_the_rungs_are_those_of_the_settings(change: dict[str, object], words: str) -> None:
    timers = msgspec.structs.replace(TIMERS, **change)
    assert list(told(msgspec.structs.replace(REPORT, timers=timers)))[-1].startswith(words)


def test_many_deeds_are_cut_and_that_is_told() -> None:
    deeds = tuple(Deed(seconds=float(number), who="reaper", text="x") for number in range(40))
    lines = list(told(msgspec.structs.replace(REPORT, deeds=deeds)))
    assert sum("reaper: x" in line for line in lines) == 12
    assert "                   and 28 more lines, see planctonctl watch" in lines


def test_a_load_that_got_nothing_at_all_was_slowed_infinitely() -> None:
    verdict = msgspec.structs.replace(REPORT.verdict, slowdown=None)
    assert any(
        "Slowed by          infinitely;" in line for line in told(msgspec.structs.replace(REPORT, verdict=verdict))
    )
