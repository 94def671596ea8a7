"""The dashboards of etc/grafana: current, as Grafana knows dashboards, and about series and metrics that exist."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import common, units
from grafana_foundation_sdk.models.dashboard import Dashboard, FieldColorModeId, SpecialValueMatch, ThresholdsMode

from plancton.common.messages import Mode, Outcome
from plancton.common.prometheus_metrics import METRICS, Kind
from plancton.common.reasons import Reason
from plancton.common.series import SERIES, Exit
from tools.dashboards import __main__ as generator
from tools.dashboards.__main__ import DIRECTORY, MADE, text

Json = dict[str, Any]

FILES = tuple(MADE)
INFLUXQL = ("plancton-node.json", "plancton-cluster.json")
VARIABLES = {
    "plancton-node.json": {"datasource", "hostname"},
    "plancton-cluster.json": {"datasource", "hostname"},
    "plancton-prometheus.json": {"datasource", "instance"},
}
BUILT_IN = {"__interval", "timeFilter", "__range", "__rate_interval", "__url_time_range", "__value", "__all", "col"}
WORDS = {
    *Exit,
    *Outcome,
    *("cpu", "memory", "io"),
    *("owner", "pilots", "engine"),
    *("starting", "running", "suspended", "ended"),
}
"""Values of tags and labels that have a colour of their own."""
LISTS: dict[str, set[object]] = {
    "unit": {*(value for name, value in vars(units).items() if name[0] != "_"), "suffix: core-h"},
    "drawStyle": set(common.GraphDrawStyle),
    "lineInterpolation": set(common.LineInterpolation),
    "showPoints": set(common.VisibilityMode),
    "showValue": set(common.VisibilityMode),
    "axisPlacement": set(common.AxisPlacement),
    "placement": set(common.LegendPlacement),
    "displayMode": {*common.LegendDisplayMode, *common.BarGaugeDisplayMode},
    "sort": set(common.SortOrder),
    "orientation": set(common.VizOrientation),
    "colorMode": set(common.BigValueColorMode),
    "graphMode": set(common.BigValueGraphMode),
    "textMode": set(common.BigValueTextMode),
    "justifyMode": set(common.BigValueJustifyMode),
    "valueMode": set(common.BarGaugeValueMode),
    "gradientMode": set(common.GraphGradientMode),
    "cellHeight": set(common.TableCellHeight),
    "stacking.mode": set(common.StackingMode),
    "thresholdsStyle.mode": set(common.GraphTresholdsStyleMode),
    "tooltip.mode": set(common.TooltipDisplayMode),
    "cellOptions.type": set(common.TableCellDisplayMode),
    "color.mode": set(FieldColorModeId),
    "thresholds.mode": set(ThresholdsMode),
    "match": set(SpecialValueMatch),
}
"""Grafana's own lists, by the keys that choose from them."""
NOT_SHOWN = {
    "host": {"busy_cpus"},
    "target": {"held"},
    "given": {"pilot_seconds"},
    "pilot": {"container", "image", "exit_code", "cpu_seconds"},
    "handback": {"first_seconds", "pilots"},
    "launch": {"pilot"},
    "process": {"up"},
}
"""Fields of the catalogue that the node's page leaves to others."""


@cache
def dashboard(file: str) -> Json:
    made: Json = json.loads((DIRECTORY / file).read_text(encoding="utf-8"))
    return made


def panels(file: str) -> list[Json]:
    return [panel for panel in dashboard(file)["panels"] if panel["type"] != "row"]


def queries(file: str) -> Iterator[tuple[str, str]]:
    """Yield each panel's title with each of its queries."""
    for panel in panels(file):
        for target in panel["targets"]:
            yield panel["title"], target.get("query") or target["expr"]


@pytest.mark.parametrize("file", FILES)
def test_the_files_are_what_the_generator_makes(file: str) -> None:
    assert (DIRECTORY / file).read_text(encoding="utf-8") == text(file), "python -m tools.dashboards"


def test_the_generator_writes_all_files_and_there_are_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator, "DIRECTORY", tmp_path)
    generator.main()
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_text(encoding="utf-8") for path in DIRECTORY.glob("*.json")}


def unknown(mine: object, known: object, place: str = "") -> Iterator[str]:
    """Yield what got lost on the way through Grafana's own schema."""
    if isinstance(mine, dict) and isinstance(known, dict):
        for key, value in mine.items():
            if key not in known:
                # What is empty, or Grafana's default, isn't written again.
                if value not in (None, "", [], {}, False, 0):
                    yield f"{place}.{key}"
            else:
                yield from unknown(value, known[key], f"{place}.{key}")
    elif isinstance(mine, list) and isinstance(known, list):
        if len(mine) != len(known):
            yield f"{place} has other members"
        for number, (one, other) in enumerate(zip(mine, known, strict=False)):
            yield from unknown(one, other, f"{place}[{number}]")
    elif mine != known:
        yield f"{place} is {known!r}"


def through_grafana(made: Json) -> Json:
    register_default_plugins()
    again: Json = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(made)))
    return again


@pytest.mark.parametrize("file", FILES)
def test_grafana_knows_every_key(file: str) -> None:
    assert list(unknown(dashboard(file), through_grafana(dashboard(file)))) == []


@pytest.mark.parametrize("place", ["", "panels.1", "panels.1.options", "panels.1.fieldConfig.defaults"])
def test_a_key_that_grafana_does_not_know_would_be_found(place: str) -> None:
    made = json.loads((DIRECTORY / FILES[0]).read_text(encoding="utf-8"))
    there: Any = made
    for step in filter(None, place.split(".")):
        there = there[int(step)] if step.isdigit() else there[step]
    there["unheardOf"] = 1
    assert [each for each in unknown(made, through_grafana(made)) if each.endswith(".unheardOf")]


def chosen(value: object, key: str = "", parent: str = "") -> Iterator[tuple[str, object]]:
    """Yield all that is chosen of Grafana's lists, with the list's name: the key, or the key above a mere ``mode``."""
    if isinstance(value, list):
        for each in value:
            yield from chosen(each, key, parent)
    elif isinstance(value, dict):
        if set(value) == {"id", "value"}:  # A property of an override, whose name has dots.
            *_, above, last = ("", "", *str(value["id"]).split("."))
            yield from chosen(value["value"], last, above)
        else:
            for name, each in value.items():
                yield from chosen(each, name, key)
    else:
        where = f"{parent}.{key}" if key in {"mode", "type"} else key
        if where in LISTS:
            yield where, value


@pytest.mark.parametrize("file", FILES)
def test_what_is_chosen_is_one_of_grafanas_choices(file: str) -> None:
    made = list(chosen([[panel["options"], panel["fieldConfig"]] for panel in panels(file)]))
    assert {where for where, _ in made} >= {"unit", "color.mode", "drawStyle", "stacking.mode", "tooltip.mode"}
    assert [(where, value) for where, value in made if value not in LISTS[where]] == []


@pytest.mark.parametrize("file", FILES)
def test_every_panel_says_what_it_shows_with_a_unit_and_from_where(file: str) -> None:
    for panel in panels(file):
        assert panel["title"], panel
        assert re.fullmatch(r"(?s)[A-Z0-9].*\.", panel["description"]), panel["title"]
        assert "unit" in panel["fieldConfig"]["defaults"] or panel["type"] == "state-timeline", panel["title"]
        assert "thresholds" in panel["fieldConfig"]["defaults"], panel["title"]
        for place in (panel, *panel["targets"]):
            assert place["datasource"]["uid"] == "${datasource}", panel["title"]
        assert panel["targets"], panel["title"]


@pytest.mark.parametrize("file", FILES)
def test_panels_have_numbers_and_places_of_their_own(file: str) -> None:
    numbers = [panel["id"] for panel in dashboard(file)["panels"]]
    assert len(set(numbers)) == len(numbers)
    taken: set[tuple[int, int]] = set()
    for panel in dashboard(file)["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("file", FILES)
def test_a_dashboard_is_known_by_its_name_renews_itself_and_names_no_server(file: str) -> None:
    made = dashboard(file)
    assert made["uid"] == file.removesuffix(".json")
    assert (made["refresh"], made["time"]) == ("30s", {"from": "now-24h", "to": "now"})
    assert made["tags"] == ["plancton"]
    assert "id" not in made
    assert not re.search(r"https?://|password|token|secret", json.dumps(made), re.IGNORECASE)


@pytest.mark.parametrize("file", FILES)
def test_variables_are_declared_and_all_that_is_used_is(file: str) -> None:
    declared = {each["name"] for each in dashboard(file)["templating"]["list"]}
    assert declared == VARIABLES[file]
    used = set(re.findall(r"\$\{?([A-Za-z_]+)", json.dumps(dashboard(file))))
    assert used - declared - BUILT_IN - {f"tag_{tag}" for tag in tags()} == set()
    assert declared <= used


def tags() -> set[str]:
    return {"hostname", *(tag for series in SERIES.values() for tag in series.tags)}


def test_links_lead_to_dashboards_that_exist() -> None:
    links = {url for file in FILES for url in re.findall(r'"/d/([\w-]+)', json.dumps(dashboard(file)))}
    assert {"plancton-node", "plancton-cluster"} <= links
    assert {f"{uid}.json" for uid in links} <= set(FILES)


@pytest.mark.parametrize("file", INFLUXQL)
def test_queries_are_about_series_tags_and_fields_of_the_catalogue(file: str) -> None:
    for title, query in queries(file):
        (series,) = set(re.findall(r'FROM "(\w+)"', query))
        names = set(re.findall(r'"([^"]+)"', query)) - {series} - set(re.findall(r'AS "([^"]+)"', query))
        known = {"hostname", *SERIES[series].tags, *SERIES[series].fields}
        assert names - known == set(), f"{title}: {query}"
        assert "hostname" in names, title
        assert "$timeFilter" in query or "now() - 3m" in query, title


@pytest.mark.parametrize("file", INFLUXQL)
def test_conditions_are_about_values_that_exist(file: str) -> None:
    for title, query in queries(file):
        assert set(re.findall(r"\"exit\" = '(\S+)'", query)) <= set(Exit), title
        assert set(re.findall(r"\"outcome\" = '(\S+)'", query)) <= {"done"}, title


@pytest.mark.parametrize("series", SERIES)
def test_the_nodes_page_shows_every_field_but_those_that_are_named(series: str) -> None:
    about = [query for _, query in queries("plancton-node.json") if f'FROM "{series}"' in query]
    shown = {field for field in SERIES[series].fields for query in about if f'("{field}")' in query}
    assert SERIES[series].fields.keys() - shown == NOT_SHOWN.get(series, set())


@pytest.mark.parametrize("file", INFLUXQL)
def test_only_functions_that_every_influxdb_knows_are_used(file: str) -> None:
    # InfluxDB 3's InfluxQL lacks some of 1.x's; of those it has, these are enough.
    known = {"count", "fill", "last", "max", "mean", "min", "non_negative_difference", "now", "sum", "time"}
    for title, query in queries(file):
        assert set(re.findall(r"(\w+)\(", query)) <= known, title


@pytest.mark.parametrize("file", FILES)
def test_what_is_said_of_a_series_is_said_of_one_that_can_be(file: str) -> None:
    for panel in panels(file):
        if panel["type"] == "table":
            (renamed,) = [
                each["options"]["renameByName"] for each in panel["transformations"] if each["id"] == "organize"
            ]
            series = set(renamed.values())
        else:
            series = set().union(*map(series_of, panel["targets"]))
        named = {each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"]}
        assert named <= series, panel["title"]


def series_of(target: Json) -> set[str]:
    """Return the names that a query's series may have."""
    if "expr" in target:
        return {target["legendFormat"]} if "{" not in target["legendFormat"] else WORDS
    return set(re.findall(r'AS "([^"]+)"', target["query"])) | (WORDS if "$tag_" in target["alias"] else set())


@pytest.mark.parametrize("file", FILES)
def test_tables_of_several_queries_join_the_rows_of_a_node(file: str) -> None:
    for panel in panels(file):
        if panel["type"] == "table" and len(panel["targets"]) > 1:
            steps = panel["transformations"]
            assert [step["id"] for step in steps] == ["filterFieldsByName", "merge", "organize"]
            assert "Time" in steps[0]["options"]["exclude"]["names"], "rows of different times would stay apart"
            columns = steps[2]["options"]["renameByName"]
            assert steps[2]["options"]["indexByName"].keys() == columns.keys()
            for column in columns:
                assert any(column in columns_of(target) for target in panel["targets"]), column


def columns_of(target: Json) -> set[str]:
    if "expr" in target:
        return {
            f"Value #{target['refId']}",
            *re.findall(r"\w+", target["expr"]),
            *METRICS["plancton_build_info"].labels,
        }
    return {*re.findall(r'AS "([^"]+)"', target["query"]), *re.findall(r'GROUP BY "(\w+)"', target["query"])}


def test_queries_of_prometheus_are_about_metrics_and_labels_that_exist() -> None:
    for title, query in queries("plancton-prometheus.json"):
        for name, labels in re.findall(r"(plancton_\w+)(\{[^}]*\})", query):
            metric = METRICS.get(name) or METRICS[re.sub(r"_(bucket|sum|count)$", "", name)]
            if name not in METRICS:
                assert metric.kind in {Kind.SUMMARY, Kind.HISTOGRAM}, title
            used = set(re.findall(r"(\w+)=", labels))
            assert used - {"instance", *metric.labels} == set(), title
        grouped = {each.strip() for group in re.findall(r"by \(([^)]*)\)", query) for each in group.split(",")}
        known = {"instance", "le", *(label for metric in METRICS.values() for label in metric.labels)}
        assert grouped <= known, title


def test_a_total_of_prometheus_is_asked_for_its_growth_alone() -> None:
    for title, query in queries("plancton-prometheus.json"):
        for before, name in re.findall(r"(\w*\(?)(plancton_\w+)\{", query):
            if name.endswith(("_total", "_bucket", "_sum", "_count")):
                assert before in {"rate(", "increase("}, title
            else:
                assert before not in {"rate(", "increase("}, title


def test_words_of_reasons_and_modes_all_have_their_colour() -> None:
    shown = json.dumps(dashboard("plancton-node.json"))
    for word in (*Reason, *Mode, *Exit):
        assert f'"{word.value}"' in shown


def test_what_is_provisioned_fits_the_dashboards_and_holds_no_secret() -> None:
    folder = DIRECTORY / "provisioning"
    sources = yaml.safe_load((folder / "datasources" / "plancton.yaml").read_text(encoding="utf-8"))
    assert {each["type"] for each in sources["datasources"]} == {"influxdb", "prometheus"}
    influxdb = next(each for each in sources["datasources"] if each["type"] == "influxdb")
    assert influxdb["jsonData"]["version"] == "InfluxQL"
    assert influxdb["jsonData"]["dbName"] == influxdb["database"] == "plancton"
    (provider,) = yaml.safe_load((folder / "dashboards" / "plancton.yaml").read_text(encoding="utf-8"))["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"].startswith("/")


@pytest.mark.parametrize(("secret", "other"), [("password", "httpHeaderValue1"), ("httpHeaderValue1", "password")])
def test_what_is_commented_out_takes_secrets_from_the_environment(secret: str, other: str) -> None:
    shipped = (DIRECTORY / "provisioning" / "datasources" / "plancton.yaml").read_text(encoding="utf-8")
    used = re.sub(rf"(?m)^ *# secureJsonData:\n *# +{other}: .*\n", "", shipped)
    used = re.sub(r"(?m)^( *)# (?=(?:user|httpHeaderName1|secureJsonData| +password| +httpHeaderValue1):)", r"\1", used)
    influxdb = yaml.safe_load(used)["datasources"][0]
    assert influxdb["secureJsonData"].keys() == {secret}
    assert influxdb["secureJsonData"][secret].split()[-1].startswith("$PLANCTON_")
    assert influxdb["jsonData"]["httpHeaderName1"] == "Authorization"
