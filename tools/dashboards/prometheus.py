"""The page for Prometheus: the same questions as those for InfluxDB, over one node or many."""

from tools.dashboards.page import datasource, page, row, variable
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
    ranking,
    stat,
    table,
    thresholds,
)
from tools.dashboards.words_shown import EXITS

_HERE = 'instance=~"$instance"'
_RUNNING, _SUSPENDED, _DONE = 'state="running"', 'state="suspended"', 'outcome="done"'
_EXIT_COLORS = [override(name, color={"mode": "fixed", "fixedColor": color}) for name, color in EXITS.items()]


def dashboard() -> Json:
    """Return the dashboard."""
    labels = "label_values(plancton_build_info, instance)"
    return page(
        "plancton-prometheus",
        "Plancton: Prometheus",
        "What machines give to pilots, what that costs their owners, and how planctond does, from /metrics of each "
        "node (prometheus_address).",
        kind="prometheus",
        variables=[
            datasource("prometheus", "Prometheus"),
            variable(
                "prometheus",
                "instance",
                "Nodes",
                {"query": labels, "refId": "StandardVariableQuery"},
                several=True,
            ),
        ],
        links=[],
        rows=[
            row("Now, and over the time shown", *_summary()),
            row("The nodes", *_nodes()),
            row("CPUs, memory and pilots", *_machines()),
            row("What was given, and what it cost", *_account()),
            row("The engine, and planctond itself", *_daemon()),
        ],
    )


def _now(expression: str) -> Json:
    return {"expr": expression, "legendFormat": "__auto", "range": False, "instant": True}


def _over_time(expression: str, legend: str) -> Json:
    return {"expr": expression, "legendFormat": legend, "range": True, "instant": False}


def _rows(expression: str) -> Json:
    return {"expr": expression, "format": "table", "range": False, "instant": True}


def _named(metric: str, *labels: str) -> str:
    """Return a metric of the nodes shown, with conditions on its labels."""
    return f"{metric}{{{', '.join((_HERE, *labels))}}}"


def _increase(metric: str, *labels: str) -> str:
    """Return how much a total grew in the time shown."""
    return f"increase({_named(metric, *labels)}[$__range])"


def _rate(metric: str, *labels: str) -> str:
    return f"rate({_named(metric, *labels)}[$__rate_interval])"


def _grown(metric: str, *labels: str) -> str:
    """Return how much a total grew in each stretch of time."""
    return f"increase({_named(metric, *labels)}[$__rate_interval])"


def _summary() -> list[Json]:
    return [
        stat(
            "Nodes that report",
            "Nodes that Prometheus reaches.",
            _now(f"count({_named('plancton_build_info')})"),
            steps=thresholds(RED, (1, GREEN)),
        ),
        stat(
            "Running",
            "Pilots that run now.",
            _now(f"sum({_named('plancton_pilots', _RUNNING)})"),
            steps=thresholds(GREEN),
        ),
        stat(
            "Suspended",
            "Pilots that wait until their nodes' owners need less.",
            _now(f"sum({_named('plancton_pilots', _SUSPENDED)})"),
            steps=thresholds(GREEN, (1, ORANGE)),
        ),
        stat("Wanted", "As many pilots as there should be.", _now(f"sum({_named('plancton_pilots_wanted')})")),
        stat(
            "Held",
            "Nodes on which nothing further may be launched, for whatever reason: being full is one.",
            _now(f"sum({_named('plancton_launches_held')})"),
        ),
        stat(
            "Engines that are away",
            "Nodes whose engine can't be asked.",
            _now(f"count({_named('plancton_engine_up')} == 0) or vector(0)"),
            steps=thresholds(GREEN, (1, RED)),
        ),
        stat(
            "Given",
            "CPU-hours that pilots used.",
            _now(f"sum({_increase('plancton_given_core_seconds_total')}) / 3600"),
            unit="suffix: core-h",
            steps=thresholds(GREEN),
            decimals=2,
        ),
        stat(
            "Used of what was free",
            "CPU time that pilots used, as a share of all that the owners left.",
            _now(
                f"sum({_increase('plancton_given_core_seconds_total')}) / "
                f"sum({_increase('plancton_free_core_seconds_total')})"
            ),
            unit="percentunit",
            steps=thresholds(RED, (0.5, YELLOW), (0.8, GREEN)),
            decimals=1,
        ),
        stat(
            "Lost",
            "CPU-hours of pilots that were ended before they had finished.",
            _now(f"sum({_increase('plancton_lost_core_seconds_total')}) / 3600"),
            unit="suffix: core-h",
            steps=thresholds(GREEN, (1, ORANGE)),
            decimals=2,
        ),
        stat(
            "Evictions",
            "Pilots that were ended for an owner's sake.",
            _now(f"sum({_increase('plancton_evictions_total')})"),
            steps=thresholds(GREEN, (1, ORANGE)),
            decimals=0,
        ),
        stat(
            "Fizzles",
            "Pilots that ended by themselves too soon.",
            _now(f"sum({_increase('plancton_fizzles_total')})"),
            steps=thresholds(GREEN, (1, PURPLE)),
            decimals=0,
        ),
        stat(
            "Hand-backs within",
            "95 % of all times that pilots had to give way, all of them had within this time.",
            _now(f"histogram_quantile(0.95, sum by (le) ({_increase('plancton_handback_duration_seconds_bucket')}))"),
            unit="s",
            steps=thresholds(GREEN, (30, ORANGE)),
            decimals=1,
        ),
    ]


def _nodes() -> list[Json]:
    columns = {
        "instance": "Node",
        "hostname": "Host",
        "version": "Version",
        "Value #B": "Running",
        "Value #C": "Wanted",
        "reason": "Held for",
        "Value #E": "Room",
        "Value #F": "Used of free",
        "Value #G": "Evictions",
    }
    nodes = table(
        "Nodes",
        "Each node's last word, and what it gave in the time shown.",
        _rows(_named("plancton_build_info")),
        _rows(f"sum by (instance) ({_named('plancton_pilots', _RUNNING)})"),
        _rows(f"sum by (instance) ({_named('plancton_pilots_wanted')})"),
        _rows(f"sum by (instance, reason) ({_named('plancton_launches_held')}) == 1"),
        _rows(f"sum by (instance) ({_named('plancton_room_cpus')})"),
        _rows(
            f"sum by (instance) ({_increase('plancton_given_core_seconds_total')}) / "
            f"sum by (instance) ({_increase('plancton_free_core_seconds_total')})"
        ),
        _rows(f"sum by (instance) ({_increase('plancton_evictions_total')})"),
        transformations=joined(columns, "Value #A", "Value #D", "job", "__name__"),
        overrides=[
            override("Room", unit="short", decimals=1),
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
                "Evictions",
                decimals=0,
                thresholds=thresholds(GREEN, (1, ORANGE)),
                custom__cellOptions={"type": "color-text"},
            ),
        ],
        sort="Node",
    )
    held = history(
        "Why launches are held",
        "A row for each reason that held on any of the nodes; the more nodes, the stronger its colour.",
        _over_time(f"sum by (reason) ({_named('plancton_launches_held')}) > 0", "{{reason}}"),
        color={"mode": "continuous-YlRd"},
        steps=thresholds(GREY, (1, ORANGE)),
    )
    return [nodes, held]


def _machines() -> list[Json]:
    return [
        graph(
            "Who uses the CPUs",
            "Pilots, the owners' processes, and the engines to start and end pilots, against all CPUs and those "
            "that the owners leave to pilots (room).",
            _over_time(f"sum by (by) ({_named('plancton_host_used_cpus')})", "{{by}}"),
            _over_time(f"sum({_named('plancton_host_cpus')})", "all CPUs"),
            _over_time(f"sum({_named('plancton_room_cpus')})", "room"),
            label="CPUs",
            stacked=True,
            overrides=[
                *colored(pilots=GREEN, owner=ORANGE, engine=PURPLE),
                line("all CPUs", GREY),
                line("room", BLUE, dashed=True),
            ],
            size=(12, 9),
        ),
        graph(
            "Pilots",
            "By the state of their containers, against as many as there should be and as many as the nodes have "
            "grown to.",
            _over_time(f"sum by (state) ({_named('plancton_pilots')})", "{{state}}"),
            _over_time(f"sum({_named('plancton_pilots_wanted')})", "wanted"),
            _over_time(f"sum({_named('plancton_pilots_capacity')})", "grown to"),
            label="pilots",
            stacked=True,
            overrides=[
                *colored(running=GREEN, suspended=YELLOW, starting=BLUE, ended=GREY),
                line("wanted", BLUE),
                line("grown to", GREY, dashed=True),
            ],
            size=(12, 9),
        ),
        graph(
            "Memory",
            "What couldn't be had without swapping, against the whole of it.",
            _over_time(
                f"sum({_named('plancton_host_memory_bytes')}) - sum({_named('plancton_host_memory_available_bytes')})",
                "in use",
            ),
            _over_time(f"sum({_named('plancton_host_memory_bytes')})", "all memory"),
            _over_time(f"sum({_named('plancton_host_swap_bytes')})", "swap"),
            unit="bytes",
            stacked=True,
            overrides=[*colored(in_use=ORANGE), line("all memory", GREY), line("swap", PURPLE, dashed=True)],
        ),
        graph(
            "Owners' processes stalled",
            "Share of time in which some process of an owner's waited for CPU, memory or disks: the worst node. "
            "Absent where nobody can tell.",
            _over_time(f"max by (resource) ({_named('plancton_owner_stall_ratio')})", "{{resource}}"),
            unit="percentunit",
            overrides=colored(cpu=ORANGE, memory=PURPLE, io=BLUE),
        ),
        graph(
            "CPUs that a hypervisor gave to others",
            "Stolen from these machines while somebody there wanted them.",
            _over_time(f"sum by (instance) ({_named('plancton_host_stolen_cpus')})", "{{instance}}"),
            label="CPUs",
        ),
        graph(
            "Launches",
            "Attempts to start a pilot, by what came of them.",
            _over_time(f"sum by (outcome) ({_grown('plancton_launches_total')})", "{{outcome}}"),
            label="launches",
            bars=True,
        ),
        graph(
            "Ends",
            "Pilots that ended, by what came of them; fizzled is what ended by itself too soon.",
            _over_time(f"sum by (exit) ({_grown('plancton_exits_total')})", "{{exit}}"),
            label="pilots",
            bars=True,
            overrides=_EXIT_COLORS,
        ),
        graph(
            "Evictions by reason",
            "Pilots that were ended for an owner's sake.",
            _over_time(f"sum by (reason) ({_grown('plancton_evictions_total')})", "{{reason}}"),
            label="pilots",
            bars=True,
        ),
    ]


def _account() -> list[Json]:
    return [
        graph(
            "CPUs given, of those that were free",
            "What pilots used, against all that the owners left.",
            _over_time(f"sum({_rate('plancton_given_core_seconds_total')})", "given"),
            _over_time(f"sum({_rate('plancton_free_core_seconds_total')})", "free"),
            label="CPUs",
            stacked=True,
            overrides=[*colored(given=GREEN), line("free", BLUE)],
            size=(12, 8),
        ),
        history(
            "How much of each node's free CPUs was used",
            "A row for each node, from red (idle CPUs that nobody used) to green (all used).",
            _over_time(
                f"sum by (instance) ({_rate('plancton_given_core_seconds_total')}) / "
                f"sum by (instance) ({_rate('plancton_free_core_seconds_total')})",
                "{{instance}}",
            ),
            unit="percentunit",
            top=1,
            color={"mode": "continuous-RdYlGr"},
            steps=thresholds(RED, (0.5, YELLOW), (0.8, GREEN)),
            size=(12, 8),
        ),
        graph(
            "CPU time lost",
            "CPUs whose work was done in vain: of pilots that were ended before they had finished.",
            _over_time(f"sum by (instance) ({_rate('plancton_lost_core_seconds_total')})", "{{instance}}"),
            label="CPUs",
        ),
        graph(
            "Owners stalled while pilots ran",
            "Share of time in which some process of an owner's waited for this while pilots ran: the worst node. "
            "Absent where nobody can tell.",
            _over_time(f"max by (resource) ({_rate('plancton_owner_stall_seconds_total')})", "{{resource}}"),
            unit="percentunit",
            overrides=colored(cpu=ORANGE, memory=PURPLE, io=BLUE),
        ),
        graph(
            "Hand-backs within",
            "Half of all times, and 95 % of them, pilots that had to give way had all done so within this time.",
            *(
                _over_time(
                    f"histogram_quantile({share}, sum by (le) ({_rate('plancton_handback_duration_seconds_bucket')}))",
                    legend,
                )
                for share, legend in ((0.5, "half of them"), (0.95, "95 %"))
            ),
            unit="s",
            points=True,
        ),
        ranking(
            "Evictions by node",
            "Where owners took the most back.",
            {
                **_now(f"topk(20, sum by (instance) ({_increase('plancton_evictions_total')}))"),
                "legendFormat": "{{instance}}",
            },
            steps=thresholds(ORANGE),
            size=(12, 8),
        ),
        graph(
            "Suspensions",
            "Pilots that were suspended, and that went on afterwards.",
            _over_time(f"sum({_grown('plancton_suspensions_total')})", "suspended"),
            _over_time(f"sum({_grown('plancton_resumptions_total')})", "went on"),
            label="pilots",
            overrides=colored(suspended=YELLOW, went_on=GREEN),
            size=(12, 8),
        ),
    ]


def _daemon() -> list[Json]:
    calls = "plancton_engine_call_duration_seconds"
    return [
        graph(
            "How long the engine's answers take",
            "A mean for each kind of call.",
            _over_time(
                f"sum by (operation) ({_rate(f'{calls}_sum')}) / sum by (operation) ({_rate(f'{calls}_count')})",
                "{{operation}}",
            ),
            unit="s",
            table=True,
        ),
        graph(
            "Calls of the engine without an answer",
            "In each second, by kind of call: refused, failed, or too late.",
            _over_time(f"sum by (operation) ({_rate('plancton_engine_call_failures_total')})", "{{operation}}"),
            unit="cps",
        ),
        graph(
            "How long launches take",
            "Half of those that succeeded, and 95 % of them, took no longer.",
            *(
                _over_time(
                    f"histogram_quantile({share}, sum by (le) "
                    f"({_rate('plancton_launch_duration_seconds_bucket', _DONE)}))",
                    legend,
                )
                for share, legend in ((0.5, "half of them"), (0.95, "95 %"))
            ),
            unit="s",
        ),
        graph(
            "CPUs of its processes",
            "How many CPUs each of planctond's processes uses, on all nodes together.",
            _over_time(f"sum by (process) ({_rate('plancton_process_cpu_seconds_total')})", "{{process}}"),
            label="CPUs",
            stacked=True,
            table=True,
        ),
        graph(
            "Memory of its processes",
            "Each one's share (PSS), on all nodes together: what they share is divided among them.",
            _over_time(f"sum by (process) ({_named('plancton_process_pss_bytes')})", "{{process}}"),
            unit="bytes",
            stacked=True,
            table=True,
        ),
        graph(
            "Restarts and lateness",
            "How often processes were started again, and the most that a loop woke after its deadline.",
            _over_time(f"sum by (process) ({_grown('plancton_process_restarts_total')})", "{{process}}: restarts"),
            _over_time(f"max by (process) ({_named('plancton_process_late_seconds')})", "{{process}}: late (s)"),
            table=True,
        ),
        graph(
            "Processes that don't run",
            "Those of planctond's that are stopped, starting, or given up.",
            _over_time(f"count by (process) ({_named('plancton_process_up')} == 0) or vector(0)", "{{process}}"),
            label="processes",
            steps=thresholds(GREEN, (1, RED)),
        ),
        graph(
            "Points for sinks",
            "Written in each second, and those that wait; they grow while a sink is away.",
            _over_time(f"sum({_rate('plancton_sink_points_written_total')})", "written per second"),
            _over_time(f"sum by (instance) ({_named('plancton_sink_points_waiting')})", "{{instance}}: waiting"),
        ),
        graph(
            "The store on disk",
            "Its size; it keeps history, and what waits for a sink that is away.",
            _over_time(f"sum by (instance) ({_named('plancton_store_size_bytes')})", "{{instance}}"),
            unit="bytes",
        ),
    ]
