"""The samples as prometheus_client knows metrics, made anew whenever somebody asks."""

import math
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from plancton.common.prometheus_metrics import BUCKETS, METRICS, Kind
from plancton.workers.metrics.prometheus.exposed_facts import Tally
from plancton.workers.metrics.prometheus.exposition import Sample, Snapshot, samples
from plancton.workers.metrics.prometheus.readings import Readings

_FAMILIES: dict[Kind, type[Any]] = {
    Kind.GAUGE: GaugeMetricFamily,
    Kind.COUNTER: CounterMetricFamily,
    Kind.SUMMARY: SummaryMetricFamily,
    Kind.HISTOGRAM: HistogramMetricFamily,
}


class Published(Collector):
    """Makes what was published last into prometheus_client's metrics, whenever it's asked."""

    def __init__(self) -> None:
        """Have nothing yet."""
        self.snapshot: Snapshot | None = None
        self._readings = Readings()
        self._lock = threading.Lock()

    def describe(self) -> Iterator[Family]:
        """Yield every metric without samples: a request may ask for some by name."""
        for name in METRICS:
            yield _family(name)

    def collect(self) -> Iterator[Family]:
        """Yield the metrics that have samples."""
        snapshot = self.snapshot
        if snapshot is None:
            return
        now = time.monotonic()
        with self._lock:
            uses = self._readings.read(snapshot.facts.processes, now)
        yield from families(samples(snapshot, uses, now))


def families(made: Iterable[Sample]) -> Iterator[Family]:
    """Yield the samples as prometheus_client's metrics, in the order of their declaration."""
    by_name: dict[str, list[Sample]] = {}
    for sample in made:
        by_name.setdefault(sample.metric, []).append(sample)
    for name in METRICS:
        if name in by_name:
            family = _family(name)
            for sample in by_name[name]:
                _add(family, name, sample)
            yield family


def _family(name: str) -> Any:  # noqa: ANN401 - prometheus_client's families have no common way to add a sample
    metric = METRICS[name]
    if metric.kind is Kind.INFO:
        return InfoMetricFamily(name.removesuffix("_info"), metric.help)
    return _FAMILIES[metric.kind](name, metric.help, labels=metric.labels)


def _add(family: Any, name: str, sample: Sample) -> None:  # noqa: ANN401 - see _family
    value = sample.value
    if METRICS[name].kind is Kind.INFO:
        family.add_metric([], dict(zip(METRICS[name].labels, sample.labels, strict=True)))
    elif not isinstance(value, Tally):
        family.add_metric(sample.labels, value)
    elif METRICS[name].kind is Kind.SUMMARY:
        family.add_metric(sample.labels, count_value=value.count, sum_value=value.seconds)
    else:
        family.add_metric(sample.labels, buckets=list(_cumulated(value)), sum_value=value.seconds)


def _cumulated(tally: Tally) -> Iterator[tuple[str, float]]:
    total = 0
    for bound, number in zip((*BUCKETS, float("inf")), tally.buckets, strict=True):
        total += number
        yield "+Inf" if math.isinf(bound) else str(bound), float(total)
