"""The page about what Prometheus finds tells all that is declared, and its queries are about that."""

import re

import pytest

from plancton.cli.metrics_page import QUERIES, VALUES, metrics_page
from plancton.common.prometheus_metrics import METRICS
from plancton.common.reasons import Reason
from plancton.workers.metrics.prometheus.server import CONNECTION_SECONDS, MOST_CONNECTIONS
from tests.workers.metrics.prometheus.test_exposition import exposed


def test_every_metric_is_described_with_its_labels() -> None:
    for name, metric in METRICS.items():
        (row,) = re.findall(rf"^\| `{name}` \|.*$", metrics_page(), re.MULTILINE)
        assert row.endswith(f" | {metric.help} |")
        assert f"| {metric.kind} |" in row
        assert all(f"`{label}`" in row for label in metric.labels)


def test_values_of_labels_are_those_that_are_told() -> None:
    found: dict[tuple[str, str], set[str]] = {}
    for sample in exposed():
        for label, value in zip(METRICS[sample.metric].labels, sample.labels, strict=True):
            found.setdefault((sample.metric, label), set()).add(value)
    assert {key: found[key] for key in VALUES} == {key: set(values) for key, values in VALUES.items()}
    page = metrics_page()
    assert all(f"`{value}`" in page for values in VALUES.values() for value in values)


def test_cells_have_no_bars_and_rows_no_ends() -> None:
    assert [metric.help for metric in METRICS.values() if "|" in metric.help or "\n" in metric.help] == []


@pytest.mark.parametrize("query", [line for queries in QUERIES.values() for line in queries.splitlines()])
def test_queries_are_about_metrics_that_exist(query: str) -> None:
    names = [re.sub(r"_bucket$", "", name) for name in re.findall(r"plancton_\w+", query)]
    assert set(names) <= set(METRICS)
    assert names or query.startswith("up{")


def test_the_reasons_that_alarm_are_some_and_not_those_of_everyday() -> None:
    (pattern,) = re.findall(r'reason=~"([^"]+)"', metrics_page())
    alarming = {reason.value for reason in Reason if re.fullmatch(pattern, reason.value)}
    assert {"fizzles", "launches-fail", "no-image", "engine-unknown", "owner-cpu-unknown"} <= alarming
    assert not {"max-docks", "owner-cpu", "draining", "snoozed", "growth-limit"} & alarming


def test_bounds_are_told_as_they_are() -> None:
    assert MOST_CONNECTIONS == 16
    assert f"longer than {CONNECTION_SECONDS:g} s is cut off" in metrics_page()
