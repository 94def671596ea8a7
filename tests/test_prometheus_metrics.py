"""The declared metrics keep to Prometheus's conventions, as ``promtool check metrics`` has them."""

import re

import pytest

from plancton.common.prometheus_metrics import BUCKETS, METRICS, Kind

UNITS = ("seconds", "bytes", "ratio", "cpus")
DURATIONS = {Kind.SUMMARY, Kind.HISTOGRAM}


@pytest.mark.parametrize("name", METRICS)
def test_a_metrics_name_says_whose_it_is_and_of_what_kind(name: str) -> None:
    kind = METRICS[name].kind
    assert re.fullmatch(r"plancton(_[a-z]+)+", name), "plain words, no colon"
    assert name.endswith("_total") == (kind is Kind.COUNTER)
    assert name.endswith("_info") == (kind is Kind.INFO)
    assert name.endswith("_duration_seconds") == (kind in DURATIONS)
    assert not re.search(r"_(count|sum|bucket|created)$", name), "these are Prometheus's own"
    assert not re.search(r"_(gauge|counter|summary|histogram)(_|$)", name)


@pytest.mark.parametrize("name", METRICS)
def test_a_unit_is_a_base_unit_and_comes_last(name: str) -> None:
    words = name.removesuffix("_total").split("_")
    assert not {"milliseconds", "ms", "minutes", "hours", "kilobytes", "mb", "percent"} & set(words)
    assert not set(UNITS) & set(words[:-1]), "a unit is the last word"


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_says_what_it_tells_in_a_sentence(name: str) -> None:
    metric = METRICS[name]
    assert re.fullmatch(r"[A-Z0-9].+\.", metric.help)
    assert all(re.fullmatch(r"[a-z][a-z_]*", label) for label in metric.labels)
    assert not {"instance", "job", "le", "quantile"} & set(metric.labels), "these are Prometheus's own"


def test_buckets_grow() -> None:
    assert list(BUCKETS) == sorted(set(BUCKETS))
