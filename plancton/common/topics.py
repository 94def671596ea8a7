"""The topics of the bus, and which message belongs to which."""

from enum import StrEnum

from plancton.common.messages import (
    ActiveSettings,
    Beat,
    Counters,
    EndingOutcome,
    EngineCalls,
    HostLook,
    Intent,
    LauncherState,
    LaunchOutcome,
    Message,
    PoolLook,
    PoolUnknown,
    Processes,
    Target,
)


class Topic(StrEnum):
    """The bus's topics. On a *level* topic the last message is the whole truth; on an *event* topic each counts."""

    BEAT = "beat"
    SETTINGS = "settings"
    INTENT = "intent"
    HOST = "probe.host"
    POOL = "probe.pool"
    TARGET = "target"
    LAUNCHER = "launcher.state"
    LAUNCH_OUTCOME = "launcher.outcome"
    ENDING_OUTCOME = "reaper.outcome"
    COUNTERS = "metrics.counters"
    PROCESSES = "processes"
    ENGINE_CALLS = "engine.calls"


EVENT_TOPICS = frozenset({Topic.BEAT, Topic.LAUNCH_OUTCOME, Topic.ENDING_OUTCOME, Topic.ENGINE_CALLS})

TOPIC_OF: dict[type[Message], Topic] = {
    Beat: Topic.BEAT,
    ActiveSettings: Topic.SETTINGS,
    Intent: Topic.INTENT,
    HostLook: Topic.HOST,
    PoolLook: Topic.POOL,
    PoolUnknown: Topic.POOL,
    Target: Topic.TARGET,
    LauncherState: Topic.LAUNCHER,
    LaunchOutcome: Topic.LAUNCH_OUTCOME,
    EndingOutcome: Topic.ENDING_OUTCOME,
    Counters: Topic.COUNTERS,
    Processes: Topic.PROCESSES,
    EngineCalls: Topic.ENGINE_CALLS,
}
KINDS: dict[str, type[Message]] = {kind.__name__: kind for kind in TOPIC_OF}
