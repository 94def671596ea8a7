"""``planctonctl history``: what was given and what it cost, from a store that others wrote."""

import csv
import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plancton.cli import history
from plancton.common.history_schema import store_path
from plancton.common.paths import Paths
from plancton.common.series import SERIES
from tests.cli.history_samples import NOW, berlin, name, points
from tests.cli.terminal import on_terminal
from tests.cli.test_history_view import GOLDEN
from tests.support.history_store import new_store, point, put, store_with
from tests.support.planctonctl import Planctonctl


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(time, "time", lambda: NOW)
    yield from berlin(monkeypatch)


@pytest.fixture
def store(paths: Paths) -> Path:
    """Give a store of six hours."""
    return store_with(paths, *points())


def test_six_hours_in_words_graphs_and_sums(
    planctonctl: Planctonctl, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "has_blocks", lambda _: False)
    result = planctonctl("history", "--since", "6h")
    assert (result.exit_code, result.stderr, result.stdout) == (0, "", GOLDEN), store


def test_the_last_day_is_what_is_asked_for_where_nothing_is(planctonctl: Planctonctl, store: Path) -> None:
    result = planctonctl("history")
    assert result.stdout.startswith("In the last day this machine gave 24.3 core-hours, 90 % of what its owner left")
    assert "No record for 18 h, from 2023-11-14 13:00:00 to 07:00:00.\n" in result.stdout, store
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_from_a_date_to_another(planctonctl: Planctonctl, store: Path) -> None:
    result = planctonctl("history", "--since", "2023-11-15 10:00", "--until", "2023-11-15T11:00+01:00")
    assert result.stdout.startswith("From 10:00:00 to 11:00:00 this machine gave 4.50 core-hours, 90 % of"), store
    assert "No pilot was ended for the owner's sake.\n" in result.stdout
    # The last minute is told by what comes after it, if the end lies within it.
    result = planctonctl("history", "--since", "2023-11-15 10:00", "--until", "2023-11-15 10:59:30", "--json")
    assert json.loads(result.stdout)["total"]["recorded_seconds"] == pytest.approx(59.5 * 60)


def test_json(planctonctl: Planctonctl, store: Path) -> None:
    told = json.loads(planctonctl("history", "--since", "6h", "--bucket", "2h", "--json").stdout)
    assert [bucket["seconds"] for bucket in told["buckets"]] == [3600.0, 7200.0, 7200.0, 3600.0], store
    assert (told["total"]["exits"]["evicted"], told["unread_points"]) == (2, 0)


def test_csv(planctonctl: Planctonctl, store: Path) -> None:
    rows = list(csv.DictReader(planctonctl("history", "--since", "6h", "--bucket", "30m", "--csv").stdout.splitlines()))
    assert [row["evicted_pilots"] for row in rows] == ["0"] * 4 + [""] * 2 + ["0"] * 2 + ["2"] + ["0"] * 3, store


def test_pilots_are_listed_newest_last(planctonctl: Planctonctl, store: Path) -> None:
    result = planctonctl("history", "--pilots", "--since", "2h")
    assert [row.split()[0] for row in result.stdout.splitlines()] == ["PILOT", "3-3", "0-4", "1-5"], store
    listed = json.loads(planctonctl("history", "--pilots", "--json").stdout)
    assert [one["pilot"] for one in listed] == [name(number) for number in range(1, 6)]
    assert (listed[2]["exit"], listed[2]["started_unix"]) == ("evicted", listed[2]["ended_unix"] - 2400)
    rows = list(csv.DictReader(planctonctl("history", "--pilots", "--csv").stdout.splitlines()))
    assert [row["exit_code"] for row in rows] == ["0", "137", "137", "137", "137"]
    assert planctonctl("history", "--pilots", "--since", "1s").stdout == "no pilot ended in that time\n"


def test_a_series_is_printed_point_by_point(planctonctl: Planctonctl, store: Path) -> None:
    lines = planctonctl("history", "--series", "pilot").stdout.splitlines()
    assert [json.loads(line)["fields"]["pilot"] for line in lines] == [name(number) for number in range(1, 6)], store
    rows = list(csv.DictReader(planctonctl("history", "--series", "target", "--csv").stdout.splitlines()))
    assert len(rows) == 299  # The last one is of this very moment, which is yet to pass.
    assert (rows[0]["reason"], rows[0]["want"], rows[0]["hostname"]) == ("max-docks", "", "n1")
    assert "'no-such' is not one of" in planctonctl("history", "--series", "no-such").stderr
    for series in SERIES:
        assert planctonctl("history", "--series", series).exit_code == 0


def test_a_picture(planctonctl: Planctonctl, store: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.svg"
    result = planctonctl("history", "--since", "6h", "--plot", str(file))
    assert (result.exit_code, result.stderr) == (0, f"drawn: {file}\n"), store
    assert file.read_bytes().startswith(b"<?xml")
    result = planctonctl("history", "--plot", str(tmp_path / "missing" / "a.png"))
    assert (result.exit_code, "can't be written: No such file" in result.stderr) == (1, True)


def test_without_matplotlib_the_remedy_is_told(
    planctonctl: Planctonctl, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plancton.cli.history_plot", None)
    result = planctonctl("history", "--plot", "a.png")
    assert (result.exit_code, "pip install 'plancton[plot]'" in result.stderr) == (1, True), store


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--since", "5"), "5 what?"),
        (("--since", "yesterday"), "no length of time"),
        (("--since", "1h", "--until", "2h"), "--since should be before --until"),
        (("--since", "1h", "--until", "1h"), "--since should be before --until"),
        (("--since", "2030-01-01"), "--since should be before --until, and in the past"),
        (("--since", "1d", "--bucket", "1s"), "more than 10000 buckets"),
        (("--json", "--csv"), "exclude each other"),
        (("--pilots", "--series", "host"), "exclude each other"),
        (("--pilots", "--plot", "a.png"), "exclude each other"),
        (("--plot", "a.txt"), "should end in .png or .svg"),
    ],
)
def test_what_is_asked_wrongly_is_a_usage_error(
    planctonctl: Planctonctl, store: Path, options: tuple[str, ...], complaint: str
) -> None:
    result = planctonctl("history", *options)
    assert (result.exit_code, result.stdout) == (2, ""), store
    assert complaint in result.stderr


@pytest.mark.parametrize("form", [(), ("--json",), ("--csv",), ("--pilots",), ("--series", "host")])
def test_a_store_that_can_not_be_read_is_one_line_with_its_remedy(
    planctonctl: Planctonctl, paths: Paths, form: tuple[str, ...]
) -> None:
    file = store_path(paths.state)
    result = planctonctl("history", *form)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"planctonctl: {file}: there is no history; planctond makes it once it runs")
    new_store(paths, version=7).close()
    assert "its version is 7" in planctonctl("history", *form).stderr
    file.write_bytes(b"nonsense" * 1000)
    result = planctonctl("history", *form)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert "file is not a database" in result.stderr


def test_a_store_without_points_in_that_time_says_of_which_there_are(planctonctl: Planctonctl, paths: Paths) -> None:
    store_with(paths)
    result = planctonctl("history")
    assert result.stdout.startswith("In the last day: no record of the machine.\n")
    assert (result.exit_code, result.stderr) == (0, "The store has no record yet.\n")
    store_path(paths.state).unlink()
    store_with(paths, *points())
    result = planctonctl("history", "--until", "2023-11-10", "--since", "2023-11-09")
    assert result.stderr == "There is a record from 07:01:00 to 13:00:00.\n"


def test_points_that_are_not_understood_are_told(planctonctl: Planctonctl, paths: Paths) -> None:
    file = store_with(paths, *points())
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE points SET fields = '{' WHERE series = 'host' AND id % 100 = 1")
    connection.close()
    for form in ((), ("--json",), ("--series", "host")):
        result = planctonctl("history", *form)
        assert result.exit_code == 0
        assert "couldn't be understood and are left out\n" in result.stderr
    assert json.loads(planctonctl("history", "--json").stdout)["unread_points"] > 0


def test_points_of_the_future_are_in_no_sum(planctonctl: Planctonctl, paths: Paths) -> None:
    store_with(paths, *points(), point("given", NOW + 400, interval_seconds=30, core_seconds=1e6))
    told = json.loads(planctonctl("history", "--since", "6h", "--json").stdout)
    assert told["total"]["given_core_seconds"] == pytest.approx(24.3 * 3600)


def test_it_is_read_while_another_writes(planctonctl: Planctonctl, paths: Paths) -> None:
    writer = new_store(paths)
    put(writer, points())
    writer.execute("BEGIN IMMEDIATE")
    try:
        assert planctonctl("history").stdout.startswith("In the last day this machine gave 24.3")
    finally:
        writer.close()


@pytest.mark.slow
def test_on_a_terminal_it_has_colours_and_its_width(paths: Paths, store: Path) -> None:
    with on_terminal(
        paths, "history", "--since", "2023-11-15 07:00+01:00", "--until", "2023-11-15 13:00+01:00"
    ) as terminal:
        assert terminal.process.wait(20) == 0, store
        text = terminal.read_to_end()
    assert "\x1b[34mCPUs given" in text
    with on_terminal(paths, "history", "--pilots", "--since", "2023-11-15 07:00+01:00") as terminal:
        assert terminal.process.wait(20) == 0
        assert "REASON" in terminal.read_to_end()
