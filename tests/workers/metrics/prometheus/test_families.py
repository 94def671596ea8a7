"""Whatever is said, what comes of it is text that Prometheus can read, each sample once."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from plancton.common.codec import Envelope
from plancton.common.messages import (
    Counters,
    EngineCalls,
    HostLook,
    Intent,
    LaunchOutcome,
    Message,
    Outcome,
    PoolLook,
    PoolUnknown,
    Processes,
    Target,
)
from plancton.common.prometheus_metrics import METRICS, Kind
from plancton.common.reasons import Reason
from plancton.common.topics import TOPIC_OF
from plancton.workers.metrics.prometheus.exposed_facts import Facts, heard
from plancton.workers.metrics.prometheus.exposition import Snapshot, samples
from plancton.workers.metrics.prometheus.families import Published, families
from tests.support.any_struct import any_struct

HEARD = (HostLook, PoolLook, PoolUnknown, Target, Intent, Processes, EngineCalls, LaunchOutcome)
Sample = tuple[str, tuple[tuple[str, str], ...]]


class Fixed(Published):
    """Tells of one snapshot at one moment, and of no process."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Tell of this one."""
        super().__init__()
        self.fixed = snapshot

    def collect(self):  # type: ignore[no-untyped-def]  # noqa: ANN201 - as the class above it
        """Yield its metrics."""
        yield from families(samples(self.fixed, {}, 0.0))


def alone(processes: Processes) -> bool:
    return len({each.name for each in processes.processes}) == len(processes.processes)


def told(messages: list[Message]) -> Facts:
    facts = Facts()
    for message in messages:
        topic = TOPIC_OF[type(message)]
        said = Envelope(topic=topic, sender="probe", boot="b", sequence=1, monotonic=0.0, message=message)
        facts = heard(facts, said)
    return facts


def keys(text: str) -> list[Sample]:
    return [
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in read_text(text)
        for sample in family.samples
        if not math.isnan(sample.value)
    ]


@settings(deadline=None)
@given(
    messages=st.lists(
        st.one_of(*(any_struct(kind) for kind in HEARD)).filter(
            lambda message: not isinstance(message, Processes) or alone(message)
        ),
        max_size=6,
    ),
    counters=any_struct(Counters).filter(
        lambda counters: len({each.name for each in counters.sinks}) == len(counters.sinks)
    ),
)
def test_whatever_is_said_prometheus_can_read(messages: list[Message], counters: Counters) -> None:
    registry = CollectorRegistry(auto_describe=False)
    facts = told(messages)
    registry.register(Fixed(Snapshot(version="1", hostname="h", facts=facts, counters=counters)))
    found = keys(generate_latest(registry).decode())
    assert found
    assert len(found) == len(set(found)), "Prometheus refuses a page that tells a thing twice"
    bare = {name.removesuffix("_info").removesuffix("_total") for name in METRICS}
    assert {family.name for family in read_openmetrics(generate_openmetrics(registry).decode())} <= bare  # type: ignore[no-untyped-call]


def test_every_declared_metric_can_be_asked_for_by_name() -> None:
    registry = CollectorRegistry(auto_describe=False)
    launch = LaunchOutcome(slot=1, incarnation=1, name="p", outcome=Outcome.DONE, reason=Reason.ROOM, seconds=0.2)
    facts = told([launch])
    registry.register(Fixed(Snapshot(version="1", hostname="h", facts=facts, counters=Counters())))
    for name in ("plancton_fizzles_total", "plancton_launch_duration_seconds_bucket", "plancton_build_info"):
        text = generate_latest(registry.restricted_registry([name])).decode()
        assert {key[0] for key in keys(text)} == {name}


def test_each_kind_is_told_as_what_it_is() -> None:
    described = {family.name: family.type for family in Published().describe()}
    for name, metric in METRICS.items():
        bare = name.removesuffix("_info") if metric.kind is Kind.INFO else name.removesuffix("_total")
        assert described[bare] == metric.kind.value
