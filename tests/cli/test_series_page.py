"""The page about the series tells all that is declared, and its queries are ones that InfluxDB answers."""

import re

import pytest
import requests

from plancton.cli.series_page import QUERIES, series_page
from plancton.common.series import EXITS, SERIES, Exit
from tests.support.influx import Influx


def test_every_series_tag_and_field_is_described() -> None:
    page = series_page()
    for name, series in SERIES.items():
        section = re.split(r"^##", page.split(f"\n### `{name}`\n")[1], maxsplit=1, flags=re.MULTILINE)[0]
        assert series.description in section
        assert f"Written {series.written}." in section
        for tag, tells in series.tags.items():
            assert f"| `{tag}` | {tells} |" in section
        for field, told in series.fields.items():
            assert f"| `{field}` | {told.unit} | {told.description} |" in section


def test_every_exit_is_told() -> None:
    assert list(EXITS) == list(Exit)
    assert [end for end in Exit if f"| `{end}` | {EXITS[end]} |" not in series_page()] == []


def test_cells_have_no_bars_and_paragraphs_no_ends() -> None:
    words = [text for series in SERIES.values() for text in (series.description, series.written, *series.tags.values())]
    words += [told.description + told.unit for series in SERIES.values() for told in series.fields.values()]
    assert [text for text in words if "|" in text or "\n" in text or not text] == []


def test_the_original_s_series_are_all_there_with_their_fields_and_tags() -> None:
    original = {name: (set(each.tags), set(each.fields)) for name, each in SERIES.items() if each.original}
    assert original == {
        "daemon": (set(), {"uptime", "containers", "status"}),
        "measurement": (set(), {"cpu_eff"}),
        "container": ({"started", "killed"}, {"uptime"}),
    }


@pytest.mark.influxdb
def test_each_query_of_the_page_returns_rows(influxd: Influx) -> None:
    influxd.query("CREATE DATABASE d")
    lines = []
    for name, series in SERIES.items():
        tags = ",".join(f"{tag}=x" for tag in ("hostname", *series.tags))
        fields = ",".join(
            f'{field}="x"' if told.unit == "text" else f"{field}=1" for field, told in series.fields.items()
        )
        lines.append(f"{name},{tags} {fields}")
    requests.post(f"{influxd.url}/write?db=d", data="\n".join(lines), timeout=10).raise_for_status()
    for what, query in QUERIES.items():
        rows = influxd.query(query, "d")
        assert rows, what
        assert all(value is not None for row in rows for value in row.values()), (what, rows)
