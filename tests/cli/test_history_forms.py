"""History for scripts."""

import csv
import json
import math
from collections.abc import Iterator

import pytest

from plancton.cli.buckets import edges
from plancton.cli.history_forms import csv_lines, line, local, plain, point_cells, point_header
from plancton.cli.history_summary import summarise
from plancton.common.series import SERIES
from tests.cli.history_samples import NOW, berlin, points
from tests.support.history_store import point

SINCE = NOW - 6 * 3600.0


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from berlin(monkeypatch)


def rows() -> list[dict[str, str]]:
    """Return the CSV of six hours as a script reads it."""
    return list(csv.DictReader(csv_lines(summarise(points(), edges(SINCE, NOW, 3600.0))), strict=True))


def test_a_line_for_each_bucket_under_the_same_header() -> None:
    found = rows()
    assert [row["since"] for row in found] == [f"2023-11-15T{hour:02}:00:00+01:00" for hour in range(7, 13)]
    assert all(None not in row and None not in row.values() for row in found)
    assert found[0]["given_core_seconds"] == "25920.0"
    assert (found[4]["evicted_pilots"], found[4]["handbacks"], found[4]["handback_worst_seconds"]) == ("2", "2", "2.5")
    assert (found[0]["launches"], found[0]["failed_launches"]) == ("2", "1")
    assert (found[4]["held_seconds"], found[4]["held_longest_reason"]) == ("3600.0", "owner-cpu")


def test_what_has_no_record_is_empty_and_no_zero() -> None:
    gap = rows()[2]
    assert (gap.pop("recorded_seconds"), gap.pop("seconds")) == ("0.0", "3600.0")
    assert {name: value for name, value in gap.items() if value} == {
        "since": "2023-11-15T09:00:00+01:00",
        "since_unix": str(SINCE + 7200.0),
    }
    # Nobody can tell the owner's waiting for disks there.
    assert {row["owner_stall_io_seconds"] for row in rows()} == {""}


def test_json_has_all_of_it_and_nothing_that_is_no_number() -> None:
    summary = summarise(points(), edges(SINCE, NOW, 3600.0))
    told = plain(summary, 3)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert (told["since_unix"], told["until_unix"], told["unread_points"]) == (SINCE, NOW, 3)
    assert told["gaps"] == [{"since_unix": SINCE + 7200, "until_unix": SINCE + 10_800, "seconds": 3600.0}]
    assert told["total"]["occupancy"] == pytest.approx(0.9)
    assert told["total"]["handbacks"] == 2
    assert told["total"]["exits"] == {"completed": 1, "fizzled": 1, "evicted": 2, "expired": 1}
    assert [bucket["given_core_seconds"] is None for bucket in told["buckets"]] == [
        False,
        False,
        True,
        False,
        False,
        False,
    ]
    total = sum(bucket["given_core_seconds"] or 0.0 for bucket in told["buckets"])
    assert math.isclose(total, told["total"]["given_core_seconds"])


@pytest.mark.parametrize("series", sorted(SERIES))
def test_a_point_has_a_cell_for_each_column(series: str) -> None:
    header = point_header(series)
    declared = SERIES[series]
    field = next(iter(declared.fields))
    value: float | str = "x" if declared.fields[field].unit == "text" else 1.0
    cells = dict(zip(header, point_cells(point(series, NOW, None, **{field: value})), strict=True))
    assert (cells["time"], cells["hostname"], cells[field]) == ("2023-11-15T13:00:00+01:00", "n1", value)
    assert sum(cell is not None for cell in cells.values()) == 4


def test_cells_with_commas_and_quotes_are_quoted() -> None:
    assert line(["a,b", 'say "x"', None, 1.5]) == '"a,b","say ""x""",,1.5'


def test_local_time_tells_its_offset() -> None:
    # The hour that there is twice.
    assert (local(1_792_888_200.0), local(1_792_891_800.0)) == (
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+01:00",
    )
