"""``planctonctl pilots``."""

import msgspec
import pytest

from plancton.common.messages import PoolUnknown
from plancton.common.pilot import Pilot
from tests.cli.terminal import on_terminal
from tests.fakes.control import NOW, FakePlanctond, report
from tests.support.planctonctl import Planctonctl


def test_a_table_of_aligned_columns(planctonctl: Planctonctl, planctond: FakePlanctond) -> None:
    planctond.report = report(pilots=11)
    result = planctonctl("pilots")
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0] == "SLOT  NAME                           STATE    AGE         CPU   MEMORY  WORK"
    assert lines[1] == "   0  plancton-worker-0123abcd-0-1   running  1 min 0 s  0.50  5.0 MiB  -"
    assert lines[11] == "  10  plancton-worker-0123abcd-10-1  running  1 min 0 s  0.50  5.0 MiB  -"


def test_json_is_a_list(planctonctl: Planctonctl, planctond: FakePlanctond) -> None:
    listed = msgspec.json.decode(planctonctl("pilots", "--json").stdout)
    assert [one["age_seconds"] for one in listed] == [60.0, 60.0]
    assert planctond.report.pool
    assert msgspec.convert(listed, tuple[Pilot, ...]) == planctond.report.pool.pilots


def test_none(planctonctl: Planctonctl, planctond: FakePlanctond) -> None:
    planctond.report = report(pilots=0)
    assert (planctonctl("pilots").stdout, planctonctl("pilots", "--json").stdout) == ("no pilots\n", "[]\n")


@pytest.mark.parametrize("option", [[], ["--json"]])
@pytest.mark.parametrize(
    ("unknown", "words"),
    [
        (None, "planctond hasn't seen its pilots yet"),
        (
            PoolUnknown(why="refused\x07", since_unix=NOW - 30),
            "aren't known for 30 s: the engine can't be asked: refused\\x07",
        ),
    ],
)
def test_unknown_is_not_none(
    planctonctl: Planctonctl, planctond: FakePlanctond, unknown: PoolUnknown | None, words: str, option: list[str]
) -> None:
    planctond.report = msgspec.structs.replace(report(), pool=None, pool_unknown=unknown)
    result = planctonctl("pilots", *option)
    assert (result.exit_code, result.stdout, words in result.stderr) == (1, "", True)


def test_not_running_exits_with_1(planctonctl: Planctonctl) -> None:
    assert planctonctl("pilots").exit_code == 1


def test_on_a_terminal_it_is_a_table_that_reads_no_markup(planctond: FakePlanctond) -> None:
    plain = report(pilots=1)
    assert plain.pool
    hostile = msgspec.structs.replace(plain.pool.pilots[0], name="[blink]x[/]\x1b[2J")
    planctond.report = msgspec.structs.replace(plain, pool=msgspec.structs.replace(plain.pool, pilots=(hostile,)))
    with on_terminal(planctond.paths, "pilots") as terminal:
        assert terminal.process.wait(20) == 0
        text = terminal.read_to_end()
    assert "SLOT" in text
    assert "[blink]x[/]\\x1b[2J" in text
    assert "\x1b[2J" not in text
