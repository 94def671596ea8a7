"""What came of a simulation, in words."""

from plancton.cli.simulation.report import rows, title
from tests.cli.simulation.scenarios import HOUR, result, scenario, steps


def test_the_title_says_what_was_simulated() -> None:
    assert title(scenario("idle", 24 * HOUR, 8), "idle") == (
        "1 d 0 h of a node with 8 CPUs and 64.0 GiB, an owner as in idle, and pilots of 10 min 0 s"
    )


def test_each_figure_is_told_with_its_meaning() -> None:
    found = dict(enumerate(rows(result(steps((0.0, 0.0), (1000.0, 5.0), (2000.0, 0.0)), pilot_seconds=10_000.0))))
    told = {what: (number, meaning) for what, number, meaning in found.values() if what}
    assert told["evictions"] == ("5", "for the owner; an oracle needs 5")
    assert told["rises"][0] == "1"
    assert told["occupancy"][0].endswith("%")
    lines = [" ".join(row).strip() for row in found.values()]
    assert "5 asked to end: owner-cpu" in lines
    assert any("launches held: after-eviction" in line for line in lines)
    assert any("the timers promise 2 min 12 s" in line for line in lines)


def test_an_owner_who_never_waited_is_told_so() -> None:
    told = {what: meaning for what, _, meaning in rows(result("idle"))}
    assert told["rises"] == "the owner never asked for what pilots had"
