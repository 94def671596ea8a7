"""Every panel of every dashboard shows something: asked as Grafana asks, of real servers, fed by a real planctond."""

import json
import math
import re
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families

from plancton.cli.metrics_page import QUERIES
from plancton.common.prometheus_metrics import METRICS, Kind
from tests.support.engine import Engine
from tests.support.eventful import DATABASE, Measured, eventful
from tests.support.running import REPOSITORY
from tests.support.waiting import wait_for
from tests.workers.metrics.scraping import get

pytestmark = [
    pytest.mark.engine,
    pytest.mark.influxdb,
    pytest.mark.slow,
    # The first one to run waits for all that happens.
    pytest.mark.timeout(400),
]

Json = dict[str, Any]
Case = tuple[str, int, int]
"""The file, the panel's number, and which of its queries."""

TELLS_STALLS = Path("/proc/pressure/cpu").exists()
"""Whether this kernel tells how long processes were stalled; on another one some panels stay empty."""
PATIENCE = 60.0
"""Until what just happened has been written, and the slowest fact told: a share of memory, each ten seconds."""


@cache
def panels(file: str) -> dict[int, Json]:
    made = json.loads((REPOSITORY / "etc" / "grafana" / file).read_text(encoding="utf-8"))
    return {panel["id"]: panel for panel in made["panels"] if panel["type"] != "row"}


def cases(file: str) -> list[Any]:
    """Return a case for each query of each panel."""
    return [
        pytest.param((file, number, place), id=f"{panel['title']}-{target['refId']}")
        for number, panel in panels(file).items()
        for place, target in enumerate(panel["targets"])
        if TELLS_STALLS or not re.search('stall|"pressure"', target.get("query") or target["expr"])
    ]


def target_of(case: Case) -> Json:
    file, number, place = case
    target: Json = panels(file)[number]["targets"][place]
    return target


@pytest.fixture(scope="module")
def measured(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    """Yield a node with a short but eventful life, and the servers that know it."""
    with eventful(engine, tmp_path_factory.mktemp("measured")) as made:
        yield made


def interpolated(text: str, **values: str) -> str:
    """Return the query with its variables replaced; one that isn't known stays, and is a mistake."""
    for name, value in values.items():
        text = text.replace(f"${name}", value)
    assert not re.search(r"\$[A-Za-z_{]", text), text
    return text


def asked_of_influxdb(measured: Measured, case: Case, hostname: str) -> list[Json]:
    now = time.time()
    query = interpolated(
        target_of(case)["query"],
        hostname=hostname,
        timeFilter=f"time >= {int(measured.began_unix * 1000)}ms and time <= {int(now * 1000)}ms",
        __interval="2s",
    )
    return measured.influx.query(query, DATABASE)


def shows_something(query: str, rows: list[Json]) -> bool:
    """Tell whether each column has a value, and what is counted a number of them."""
    assert rows, "no rows"
    outer = re.sub(r"\(SELECT .*\)", "", query)
    tags = set(re.findall(r'"(\w+)"', outer.partition(" GROUP BY ")[2]))
    for column in rows[0].keys() - {"time"} - tags:
        values = [row[column] for row in rows if row.get(column) is not None]
        assert values, f"{column} is always null"
        if "count(" in query:
            assert any(value > 0 for value in values), f"{column} is always 0"
    for tag in tags:
        assert all(row[tag] for row in rows), f"{tag} is empty"
    return True


def hostname_of(measured: Measured) -> str:
    rows = measured.influx.query('SHOW TAG VALUES FROM "daemon" WITH KEY = "hostname"', DATABASE)
    (hostname,) = [row["value"] for row in rows]
    return str(hostname)


@pytest.mark.parametrize("case", cases("plancton-node.json"))
def test_every_query_of_the_nodes_page_returns_data(measured: Measured, case: Case) -> None:
    query, hostname = target_of(case)["query"], hostname_of(measured)
    wait_for(lambda: shows_something(query, asked_of_influxdb(measured, case, hostname)), PATIENCE, query)


@pytest.mark.parametrize("chosen", ["all", "one", "several"])
@pytest.mark.parametrize("case", cases("plancton-cluster.json"))
def test_every_query_of_the_clusters_page_returns_data(measured: Measured, case: Case, chosen: str) -> None:
    hostname = re.escape(hostname_of(measured))
    # As Grafana puts them into a regular expression.
    value = {"all": ".*", "one": f"({hostname})", "several": rf"({hostname}|another\.node)"}[chosen]
    query = target_of(case)["query"]
    wait_for(lambda: shows_something(query, asked_of_influxdb(measured, case, value)), PATIENCE, query)


@pytest.mark.parametrize("chosen", ["all", "one"])
@pytest.mark.parametrize("case", cases("plancton-prometheus.json"))
def test_every_query_of_prometheus_returns_data(measured: Measured, case: Case, chosen: str) -> None:
    target = target_of(case)
    value = {"all": ".*", "one": re.escape(measured.address).replace("\\", "\\\\")}[chosen]

    def shows() -> bool:
        now = time.time()
        expression = interpolated(
            target["expr"],
            instance=value,
            __range=f"{math.ceil(now - measured.began_unix)}s",
            __rate_interval="10s",
        )
        if target["instant"]:
            found = measured.scraper.now(expression)
        else:
            found = measured.scraper.over(expression, measured.began_unix, now, 2.0)
        return any(not math.isnan(value) for _, values in found for value in values)

    wait_for(shows, PATIENCE, target["expr"])


@pytest.mark.parametrize("query", [line for queries in QUERIES.values() for line in queries.splitlines()])
def test_queries_of_the_page_are_ones_that_a_scraper_understands(measured: Measured, query: str) -> None:
    found = wait_for(lambda: [measured.scraper.now(query)], PATIENCE, query)
    assert found[0] or "==" in query or ">" in query, "only an alert may have nothing to say"


def test_every_declared_metric_is_told_and_no_other(measured: Measured) -> None:
    port = int(measured.address.rpartition(":")[2])

    def told() -> dict[str, Family]:
        return {family.name: family for family in text_string_to_metric_families(get(port)[1])}

    declared = {
        re.sub(r"_total$", "", name): metric for name, metric in METRICS.items() if TELLS_STALLS or "stall" not in name
    }
    wait_for(lambda: told().keys() >= declared.keys(), PATIENCE, f"all of {sorted(declared)}")
    assert told().keys() == declared.keys()
    for name, family in told().items():
        metric = declared[name]
        assert family.documentation == metric.help
        assert family.type == ("gauge" if metric.kind is Kind.INFO else metric.kind.value)
        for sample in family.samples:
            assert sample.labels.keys() - {"le"} == set(metric.labels), sample


def test_a_field_that_nobody_writes_would_be_noticed(measured: Measured) -> None:
    query = 'SELECT mean("pilots_cpus") AS "pilots" FROM "host" WHERE "hostname" =~ /.+/ GROUP BY time(1h), "hostname"'
    assert shows_something(query, measured.influx.query(query, DATABASE))
    for right, wrong in (("pilots_cpus", "no_such_field"), ("/.+/", "/none/"), ('"host"', '"no_such_series"')):
        mistaken = query.replace(right, wrong)
        with pytest.raises(AssertionError, match="no rows"):
            shows_something(mistaken, measured.influx.query(mistaken, DATABASE))
    two = query.replace(" FROM", ', mean("no_such_field") AS "other" FROM')
    with pytest.raises(AssertionError, match="other is always null"):
        shows_something(two, measured.influx.query(two, DATABASE))
