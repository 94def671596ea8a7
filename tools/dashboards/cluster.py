"""The page over many nodes: sums, each node's state, who evicts most, who is full, and who is silent."""

from tools.dashboards.influxql import Queries
from tools.dashboards.page import datasource, link, page, row, variable
from tools.dashboards.panels import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    YELLOW,
    Json,
    colored,
    graph,
    history,
    joined,
    line,
    override,
    stat,
    table,
    thresholds,
)
from tools.dashboards.words_shown import EXITS, MODES, REASONS, STATUSES

_Q = Queries('"hostname" =~ /^$hostname$/')
_EVICTED = "\"exit\" = 'evicted'"
_TO_NODE = {
    "title": "${__value.text}",
    "url": "/d/plancton-node?${datasource:queryparam}&var-hostname=${__value.raw:percentencode}&${__url_time_range}",
    "targetBlank": False,
}


def dashboard() -> Json:
    """Return the dashboard."""
    return page(
        "plancton-cluster",
        "Plancton: all nodes",
        "What a cluster's machines give to pilots together, and which of them need a look. Any InfluxDB that speaks "
        "InfluxQL. Where main_sleep is longer than 30 s, raise the panels' minimum interval to it.",
        kind="influxdb",
        variables=[
            datasource("influxdb", "InfluxDB"),
            variable(
                "influxdb",
                "hostname",
                "Nodes",
                'SHOW TAG VALUES FROM "daemon" WITH KEY = "hostname"',
                several=True,
            ),
        ],
        links=[link("A node", "plancton-node")],
        rows=[
            row("The cluster now, and over the time shown", *_summary()),
            row("The nodes", *_nodes()),
            row("Together", *_together()),
            row("Which nodes", *_which()),
        ],
    )


def _summary() -> list[Json]:
    return [
        stat(
            "Nodes that report",
            "Nodes whose planctond wrote something in the last three minutes.",
            _Q.over_nodes("count", 'last("uptime")', "daemon", time="time > now() - 3m"),
            steps=thresholds(RED, (1, GREEN)),
        ),
        stat(
            "Nodes in this time",
            "Nodes whose planctond wrote something in the time shown. If they are more than those that report, some "
            "have fallen silent: see those last seen.",
            _Q.over_nodes("count", 'last("uptime")', "daemon"),
        ),
        stat(
            "Running",
            "Pilots that run now.",
            _Q.over_nodes("sum", 'last("running")', "target"),
            steps=thresholds(GREEN),
        ),
        stat(
            "Suspended",
            "Pilots that wait until their nodes' owners need less.",
            _Q.over_nodes("sum", 'last("suspended")', "target"),
            steps=thresholds(GREEN, (1, ORANGE)),
        ),
        stat("Wanted", "As many pilots as there should be.", _Q.over_nodes("sum", 'last("want")', "target")),
        stat(
            "Held",
            "Nodes on which nothing further may be launched, for whatever reason: being full is one.",
            _Q.over_nodes("sum", 'last("held")', "target"),
        ),
        stat(
            "Given",
            "CPU-hours that pilots used.",
            _Q.at_last('sum("core_seconds") / 3600', "given"),
            unit="suffix: core-h",
            steps=thresholds(GREEN),
            decimals=1,
        ),
        stat(
            "Used of what was free",
            "CPU time that pilots used, as a share of all that the owners left.",
            _Q.at_last('sum("core_seconds") / sum("free_core_seconds")', "given"),
            unit="percentunit",
            steps=thresholds(RED, (0.5, YELLOW), (0.8, GREEN)),
            decimals=1,
        ),
        stat(
            "Lost",
            "CPU-hours of pilots that were ended before they had finished.",
            _Q.at_last('sum("lost_core_seconds") / 3600', "pilot"),
            unit="suffix: core-h",
            steps=thresholds(GREEN, (1, ORANGE)),
            decimals=1,
        ),
        stat(
            "Ended",
            "Pilots that ended, whatever came of them.",
            _Q.at_last('count("pilot")', "pilot"),
        ),
        stat(
            "Evictions",
            "Pilots that were ended for an owner's sake.",
            _Q.at_last('count("pilot")', "pilot", more=_EVICTED),
            steps=thresholds(GREEN, (1, ORANGE)),
        ),
        stat(
            "Longest hand-back",
            "From the decision that pilots give way until all of them had, on any node.",
            _Q.at_last('max("seconds")', "handback"),
            unit="s",
            steps=thresholds(GREEN, (30, ORANGE)),
            decimals=1,
        ),
    ]


def _top(  # noqa: PLR0913 - what such a panel is
    title: str, description: str, rows: Json, column: str, *, color: str, unit: str = "none"
) -> Json:
    """Return the nodes with a bar for each one's value, the largest first."""
    return table(
        title,
        description,
        rows,
        transformations=joined({"hostname": "Node", "value": column}),
        overrides=[
            override("Node", links=[_TO_NODE]),
            override(
                column,
                unit=unit,
                min=0,
                color={"mode": "fixed", "fixedColor": color},
                custom__cellOptions={"type": "gauge", "mode": "basic"},
            ),
        ],
        sort=column,
        descending=True,
        size=(8, 9),
    )


def _nodes() -> list[Json]:
    columns = {
        "hostname": "Node",
        "status": "Status",
        "mode": "Mode",
        "running": "Running",
        "suspended": "Suspended",
        "want": "Wanted",
        "reason": "Held for",
        "room": "Room",
        "core_hours": "Given",
        "used": "Used of free",
        "evictions": "Evictions",
    }
    nodes = table(
        "Nodes",
        "Each node's last word, and what it gave in the time shown. A click on its name leads to its page.",
        _Q.rows('last("status") AS "status"', "daemon", "hostname"),
        _Q.rows(
            'last("running") AS "running", last("suspended") AS "suspended", last("want") AS "want", '
            'last("reason") AS "reason", last("mode") AS "mode", last("room_cpus") AS "room"',
            "target",
            "hostname",
        ),
        _Q.rows(
            'sum("core_seconds") / 3600 AS "core_hours", sum("core_seconds") / sum("free_core_seconds") AS "used"',
            "given",
            "hostname",
        ),
        _Q.rows('count("pilot") AS "evictions"', "pilot", "hostname", more=_EVICTED),
        transformations=joined(columns),
        overrides=[
            override("Node", links=[_TO_NODE]),
            override("Status", mappings=STATUSES, custom__cellOptions={"type": "color-text"}),
            override("Mode", mappings=MODES, custom__cellOptions={"type": "color-text"}),
            override("Held for", mappings=REASONS, custom__cellOptions={"type": "color-text"}),
            override("Room", unit="short", decimals=1),
            override("Given", unit="suffix: core-h", decimals=2),
            override(
                "Used of free",
                unit="percentunit",
                min=0,
                max=1,
                decimals=0,
                thresholds=thresholds(RED, (0.5, YELLOW), (0.8, GREEN)),
                custom__cellOptions={"type": "gauge", "mode": "basic"},
            ),
            override(
                "Evictions", thresholds=thresholds(GREEN, (1, ORANGE)), custom__cellOptions={"type": "color-text"}
            ),
        ],
        sort="Node",
        size=(17, 11),
    )
    seen = table(
        "Last seen",
        "When each node's last word came, those that are silent longest first. Minutes ago means that it is down, or "
        "can't reach this InfluxDB: planctond keeps its points and sends them later.",
        _Q.rows('last("uptime") AS "uptime"', "daemon", "hostname"),
        transformations=[
            {
                "id": "organize",
                "options": {
                    "excludeByName": {},
                    "indexByName": {"hostname": 0, "Time": 1, "uptime": 2},
                    "renameByName": {"hostname": "Node", "Time": "Last seen", "uptime": "Had been up for"},
                },
            },
        ],
        overrides=[
            override("Node", links=[_TO_NODE]),
            override("Last seen", unit="dateTimeFromNow"),
            override("Had been up for", unit="dtdurations"),
        ],
        sort="Last seen",
        size=(7, 11),
    )
    silent = history(
        "Who reports, and who doesn't",
        "Green: the node wrote something in that stretch of time; red: nothing came, though it did before or after.",
        _Q.over_time('count("uptime")', "daemon", "hostname", fill="0"),
        color={"mode": "thresholds"},
        steps=thresholds(RED, (1, GREEN)),
        # In a shorter one a node that is well may have nothing to say.
        interval="2m",
    )
    return [nodes, seen, silent]


def _together() -> list[Json]:
    return [
        graph(
            "Who uses the CPUs",
            "Pilots and the owners' processes, against all CPUs of the nodes that report and those that the owners "
            "leave to pilots (room).",
            _Q.summed("pilots", 'mean("pilots_cpus")', "host"),
            _Q.summed("owners", 'mean("owner_cpus")', "host"),
            _Q.summed("all CPUs", 'mean("ncpus")', "host"),
            _Q.summed("room", 'mean("room_cpus")', "target"),
            label="CPUs",
            stacked=True,
            overrides=[
                *colored(pilots=GREEN, owners=ORANGE),
                line("all CPUs", GREY),
                line("room", BLUE, dashed=True),
            ],
            size=(12, 9),
        ),
        graph(
            "Pilots",
            "Running and suspended ones, against as many as there should be.",
            _Q.summed("running", 'mean("running")', "target"),
            _Q.summed("suspended", 'mean("suspended")', "target"),
            _Q.summed("wanted", 'mean("want")', "target"),
            label="pilots",
            stacked=True,
            overrides=[*colored(running=GREEN, suspended=YELLOW), line("wanted", BLUE)],
            size=(12, 9),
        ),
        graph(
            "Ends",
            "Pilots that ended, by what came of them.",
            _Q.over_time('count("pilot")', "pilot", "exit", fill="0"),
            label="pilots",
            bars=True,
            overrides=[override(name, color={"mode": "fixed", "fixedColor": color}) for name, color in EXITS.items()],
        ),
        graph(
            "Evictions by reason",
            "Pilots that were ended for an owner's sake.",
            _Q.over_time('count("pilot")', "pilot", "reason", more=_EVICTED, fill="0"),
            label="pilots",
            bars=True,
        ),
        graph(
            "CPU time lost",
            "Of pilots that were ended before they had finished.",
            _Q.over_time('sum("lost_core_seconds")', "pilot", "reason", fill="0"),
            unit="s",
            bars=True,
        ),
    ]


def _which() -> list[Json]:
    return [
        history(
            "How much of each node's free CPUs was used",
            "A row for each node, from red (idle CPUs that nobody used) to green (all used).",
            _Q.over_time('sum("core_seconds") / sum("free_core_seconds")', "given", "hostname"),
            unit="percentunit",
            top=1,
            color={"mode": "continuous-RdYlGr"},
            steps=thresholds(RED, (0.5, YELLOW), (0.8, GREEN)),
            size=(24, 9),
        ),
        _top(
            "Evictions by node",
            "Where owners took the most back.",
            _Q.rows('count("pilot") AS "value"', "pilot", "hostname", more=_EVICTED),
            "Evictions",
            color=ORANGE,
        ),
        _top(
            "CPU-hours given by node",
            "What pilots used on each node.",
            _Q.rows('sum("core_seconds") / 3600 AS "value"', "given", "hostname"),
            "Given",
            unit="suffix: core-h",
            color=GREEN,
        ),
        _top(
            "CPU-hours lost by node",
            "Of pilots that were ended before they had finished.",
            _Q.rows('sum("lost_core_seconds") / 3600 AS "value"', "pilot", "hostname"),
            "Lost",
            unit="suffix: core-h",
            color=RED,
        ),
        _top(
            "Owners stalled",
            "For so long some process of the owner's waited for CPU while pilots ran, where the kernel tells.",
            _Q.rows('sum("owner_stall_cpu_seconds") AS "value"', "given", "hostname"),
            "Stalled",
            unit="s",
            color=ORANGE,
        ),
        _top(
            "Longest hand-backs",
            "From the decision that pilots give way until all of them had.",
            _Q.rows('max("seconds") AS "value"', "handback", "hostname"),
            "Longest",
            unit="s",
            color=ORANGE,
        ),
        _top(
            "Fizzles by node",
            "Pilots that ended by themselves too soon: a queue that is away, or an image that doesn't work there.",
            _Q.rows('count("pilot") AS "value"', "pilot", "hostname", more="\"exit\" = 'fizzled'"),
            "Fizzles",
            color=PURPLE,
        ),
        graph(
            "Points that wait on nodes",
            "Not taken yet by a sink: one that is away, or slow.",
            _Q.over_time('last("waiting")', "sink", "hostname", "sink"),
            label="points",
            size=(12, 8),
        ),
        graph(
            "Memory of planctond",
            "All its processes together (PSS), on each node.",
            _Q.summed("value", 'mean("pss_bytes")', "process", "process", by="hostname"),
            unit="bytes",
            size=(12, 8),
        ),
    ]
