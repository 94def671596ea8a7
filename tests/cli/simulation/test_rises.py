"""How soon the owner had what they asked for."""

from plancton.cli.simulation.rises import Rises


def test_a_rise_is_met_once_the_pilots_leave_what_was_asked_for() -> None:
    rises = Rises(8, 0.75)
    rises.see(0.0, 0.0, 8.0)
    rises.see(10.0, 4.0, 8.0)
    rises.see(100.0, 4.0, 6.0)
    assert (rises.met_after, rises.longest_open(100.0)) == ([], 90.0)
    rises.see(140.0, 4.0, 4.0)
    assert (rises.met_after, rises.longest_open(150.0)) == ([130.0], 0.0)


def test_pilots_in_nobodys_way_make_no_rise() -> None:
    rises = Rises(8, 0.75)
    rises.see(0.0, 4.7, 4.0)
    assert (rises.met_after, rises.gone, rises.longest_open(9.0)) == ([], 0, 0.0)


def test_one_that_passes_by_itself_is_counted_apart() -> None:
    rises = Rises(8, 0.75)
    rises.see(0.0, 4.0, 8.0)
    rises.see(5.0, 0.0, 8.0)
    assert (rises.met_after, rises.gone) == ([], 1)


def test_each_level_of_a_stair_is_a_rise_of_its_own() -> None:
    rises = Rises(8, 0.0)
    rises.see(0.0, 2.0, 8.0)
    rises.see(50.0, 4.0, 8.0)
    rises.see(120.0, 4.0, 6.0)
    rises.see(170.0, 4.0, 4.0)
    assert rises.met_after == [120.0, 120.0]


def test_a_demand_that_falls_is_old_at_its_lower_level() -> None:
    rises = Rises(8, 0.0)
    rises.see(0.0, 6.0, 8.0)
    rises.see(50.0, 3.0, 8.0)
    assert rises.longest_open(60.0) == 60.0
    rises.see(120.0, 3.0, 5.0)
    assert rises.met_after == [120.0]
