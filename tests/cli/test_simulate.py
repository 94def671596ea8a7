"""``planctonctl simulate``: figures, files, and what is refused."""

import json
import sys
from pathlib import Path

import pytest

from plancton.common.paths import Paths
from tests.support.planctonctl import Planctonctl

BRIEF = ("--days", "0.02", "--cpus", "4")


def test_the_figures_are_told_and_nobody_need_run(planctonctl: Planctonctl) -> None:
    result = planctonctl("simulate", *BRIEF, "--synthetic", "constant", "--load", "25")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("28 min 48 s of a node with 4 CPUs and 16.0 GiB, an owner as in constant")
    assert "occupancy" in result.stdout
    assert "times as fast as real time" in result.stdout


def test_json_holds_all_figures_and_the_same_seed_gives_the_same(planctonctl: Planctonctl) -> None:
    told = [planctonctl("simulate", *BRIEF, "--seed", "3", "--synthetic", "bursty", "--json").stdout for _ in range(2)]
    assert told[0] == told[1]
    figures = json.loads(told[0])
    assert {"occupancy", "evicted", "oracle", "lost_core_seconds", "rises", "held_seconds"} <= figures.keys()


def test_the_configuration_in_force_is_simulated_or_the_one_that_is_given(
    planctonctl: Planctonctl, paths: Paths, tmp_path: Path
) -> None:
    paths.confdir.mkdir()
    paths.config_file.write_text("max_docks: 1\n")
    other = tmp_path / "other.yaml"
    other.write_text("max_docks: 3\n")
    running = [
        json.loads(planctonctl("simulate", *BRIEF, "--synthetic", "idle", "--json", *more).stdout)["running"]
        for more in ((), ("--config", str(other)))
    ]
    assert running == [1, 3]


def test_a_trace_is_simulated_to_its_end(planctonctl: Planctonctl, tmp_path: Path) -> None:
    file = tmp_path / "load.csv"
    file.write_text("seconds,cpus\n0,1\n900,3\n1800,0\n")
    result = planctonctl("simulate", "--trace", str(file), "--cpus", "4", "--ram", "8GiB", "--json")
    figures = json.loads(result.stdout)
    assert (figures["seconds"], figures["owner_core_seconds"]) == (1800.0, pytest.approx(3600.0))


def test_a_picture_is_drawn(planctonctl: Planctonctl, tmp_path: Path) -> None:
    file = tmp_path / "week.svg"
    result = planctonctl("simulate", *BRIEF, "--plot", str(file))
    assert result.exit_code == 0
    assert f"drawn: {file}" in result.stderr
    assert file.read_text(encoding="utf-8").startswith("<?xml")


def test_without_matplotlib_the_remedy_is_told(
    planctonctl: Planctonctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plancton.cli.simulation.plot", None)
    result = planctonctl("simulate", *BRIEF, "--plot", str(tmp_path / "a.png"))
    assert result.exit_code == 1
    assert "pip install 'plancton[plot]'" in result.stderr


@pytest.mark.parametrize(
    ("options", "exit_code", "complaint"),
    [
        (("--trace", "x", "--synthetic", "idle"), 2, "exclude each other"),
        (("--load", "5"), 2, "--load is for --synthetic constant and noise"),
        (("--cpus", "0"), 2, "0 is not in the range"),
        (("--ram", "much"), 2, "is no size such as 64GB"),
        (("--plot", "a.gif"), 2, "should end in .png or .svg"),
        (("--trace", "/nowhere.csv"), 66, "/nowhere.csv: can't be read: No such file"),
        (("--config", "/nowhere.yaml"), 66, "/nowhere.yaml: there is no such file"),
    ],
)
def test_what_can_not_be_simulated_is_refused(
    planctonctl: Planctonctl, options: tuple[str, ...], exit_code: int, complaint: str
) -> None:
    result = planctonctl("simulate", *options)
    assert result.exit_code == exit_code
    assert complaint in result.stderr


def test_bad_configurations_and_traces_are_told_with_their_lines(planctonctl: Planctonctl, tmp_path: Path) -> None:
    config, load = tmp_path / "bad.yaml", tmp_path / "bad.csv"
    config.write_text("max_docks: [\n")
    load.write_text("seconds,cpus\n0,many\n")
    first = planctonctl("simulate", "--config", str(config))
    second = planctonctl("simulate", "--trace", str(load))
    assert (first.exit_code, second.exit_code) == (78, 66)
    assert f"{config}:" in first.stderr
    assert f"{load}:2: cpus should be a number" in second.stderr
