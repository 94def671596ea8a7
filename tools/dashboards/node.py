"""A node's page, for its owner and its operator: what is given, what it costs, why it is held, how planctond does."""

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
    line,
    override,
    stat,
    states,
    thresholds,
)
from tools.dashboards.words_shown import EXITS, MODES, REASONS, STATUSES

_Q = Queries("\"hostname\" = '$hostname'")
_EVICTED = "\"exit\" = 'evicted'"
_EXIT_COLORS = [override(name, color={"mode": "fixed", "fixedColor": color}) for name, color in EXITS.items()]


def dashboard() -> Json:
    """Return the dashboard."""
    return page(
        "plancton-node",
        "Plancton: a node",
        "What one machine gives to pilots, what that costs its owner, and how planctond does. Any InfluxDB that speaks "
        "InfluxQL. Where main_sleep is longer than 30 s, raise the panels' minimum interval to it.",
        kind="influxdb",
        variables=[
            datasource("influxdb", "InfluxDB"),
            variable(
                "influxdb",
                "hostname",
                "Node",
                'SHOW TAG VALUES FROM "daemon" WITH KEY = "hostname"',
                several=False,
            ),
        ],
        links=[link("All nodes", "plancton-cluster")],
        rows=[
            row("Now, and over the time shown", *_summary()),
            row("CPUs and memory", *_machine()),
            row("Pilots", *_pilots()),
            row("What was given, and what it cost", *_account()),
            row("The engine", *_engine()),
            row("planctond itself", *_daemon()),
            row("As the original Plancton showed it", *_original()),
        ],
    )


def _summary() -> list[Json]:
    now = [
        stat(
            "Status",
            "What planctond does: it's active, starts nothing new, or waits for the engine.",
            _Q.at_last('last("status") AS "status"', "daemon"),
            mappings=STATUSES,
            fields="/^status$/",
        ),
        stat("Running", "Pilots that run now.", _Q.at_last('last("running")', "target"), steps=thresholds(GREEN)),
        stat(
            "Suspended",
            "Pilots that wait until the owner needs less.",
            _Q.at_last('last("suspended")', "target"),
            steps=thresholds(GREEN, (1, ORANGE)),
        ),
        stat("Wanted", "As many pilots as there should be.", _Q.at_last('last("want")', "target")),
        stat(
            "Launches held",
            "Why nothing further may be launched. Orange: for the owner; violet: the operator said so; blue: the node "
            "is as full as it may be; red: something is missing or broken.",
            _Q.at_last('last("reason") AS "reason"', "target"),
            mappings=REASONS,
            fields="/^reason$/",
        ),
        stat(
            "Up for",
            "Since planctond started; its workers may have been started again since.",
            _Q.at_last('last("uptime")', "daemon"),
            unit="dtdurations",
        ),
    ]
    over_time = [
        stat(
            "Given",
            "CPU-hours that pilots used.",
            _Q.at_last('sum("core_seconds") / 3600', "given"),
            unit="suffix: core-h",
            steps=thresholds(GREEN),
            decimals=2,
        ),
        stat(
            "Used of what was free",
            "CPU time that pilots used, as a share of all that the owner left.",
            _Q.at_last('sum("core_seconds") / sum("free_core_seconds")', "given"),
            unit="percentunit",
            steps=thresholds(RED, (0.5, YELLOW), (0.8, GREEN)),
            decimals=1,
        ),
        stat(
            "Lost",
            "CPU-hours of pilots that were ended before they had finished: work done in vain.",
            _Q.at_last('sum("lost_core_seconds") / 3600', "pilot"),
            unit="suffix: core-h",
            steps=thresholds(GREEN, (1, ORANGE)),
            decimals=2,
        ),
        stat(
            "Evictions",
            "Pilots that were ended for the owner's sake.",
            _Q.at_last('count("pilot")', "pilot", more=_EVICTED),
            steps=thresholds(GREEN, (1, ORANGE)),
        ),
        stat(
            "Owner stalled",
            "For so long some process of the owner's was stalled for want of CPU while pilots ran; unknown where the "
            "kernel doesn't tell.",
            _Q.at_last('sum("owner_stall_cpu_seconds")', "given"),
            unit="s",
            steps=thresholds(GREEN, (60, ORANGE)),
        ),
        stat(
            "Longest hand-back",
            "From the decision that pilots give way until all of them had.",
            _Q.at_last('max("seconds")', "handback"),
            unit="s",
            steps=thresholds(GREEN, (30, ORANGE)),
            decimals=1,
        ),
    ]
    return [*now, *over_time]


def _machine() -> list[Json]:
    return [
        graph(
            "Who uses the CPUs",
            "Pilots, the owner's processes, and the engine to start and end pilots, against all CPUs and those "
            "that the owner leaves to pilots (room).",
            _Q.over_time(
                'mean("pilots_cpus") AS "pilots", mean("owner_cpus") AS "owner", mean("engine_cpus") AS "engine", '
                'mean("ncpus") AS "all CPUs"',
                "host",
            ),
            _Q.over_time('mean("room_cpus") AS "room"', "target"),
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
            "Memory",
            "What couldn't be had without swapping, against the whole of it. Page cache isn't use.",
            _Q.over_time(
                'mean("ram_bytes") - mean("available_bytes") AS "in use", mean("ram_bytes") AS "all memory", '
                'mean("swap_bytes") AS "swap"',
                "host",
            ),
            unit="bytes",
            stacked=True,
            overrides=[*colored(in_use=ORANGE), line("all memory", GREY), line("swap", PURPLE, dashed=True)],
            size=(12, 9),
        ),
        graph(
            "Owner's processes stalled",
            "Share of time in which some process of the owner's waited for CPU, memory or disks. Absent where "
            "nobody can tell: an older kernel, or cgroup v1 while pilots run.",
            _Q.over_time('mean("cpu") AS "CPU", mean("memory") AS "memory", mean("io") AS "disks"', "pressure"),
            unit="percentunit",
            overrides=colored(CPU=ORANGE, memory=PURPLE, disks=BLUE),
            size=(12, 8),
        ),
        graph(
            "CPUs that a hypervisor gave to others",
            "Stolen from this machine while somebody here wanted them. It isn't counted as the owner's use.",
            _Q.over_time('mean("stolen_cpus") AS "stolen"', "host"),
            label="CPUs",
            overrides=colored(stolen=RED),
            size=(12, 8),
        ),
    ]


def _pilots() -> list[Json]:
    return [
        graph(
            "Pilots",
            "Running and suspended ones, against as many as there should be and as many as the node has grown to.",
            _Q.over_time(
                'mean("running") AS "running", mean("suspended") AS "suspended", mean("want") AS "wanted", '
                'mean("capacity") AS "grown to"',
                "target",
            ),
            label="pilots",
            stacked=True,
            overrides=[
                *colored(running=GREEN, suspended=YELLOW),
                line("wanted", BLUE),
                line("grown to", GREY, dashed=True),
            ],
            size=(24, 8),
        ),
        states(
            "Why launches are held, and what the operator wants",
            "Orange: for the owner; violet: the operator said so; blue: as full as it may be; red: something is "
            "missing or broken.",
            _Q.over_time('last("reason") AS "held"', "target"),
            _Q.over_time('last("mode") AS "mode"', "target"),
            mappings=[*REASONS, MODES[0]],
        ),
        graph(
            "Launches",
            "Attempts to start a pilot, by what came of them.",
            _Q.over_time('count("seconds")', "launch", "outcome", fill="0"),
            label="launches",
            bars=True,
            overrides=[
                override(name, color={"mode": "fixed", "fixedColor": color})
                for name, color in {"done": GREEN, "refused": GREY, "failed": RED, "timed-out": ORANGE}.items()
            ],
        ),
        graph(
            "Ends",
            "Pilots that ended, by what came of them; fizzled is what ended by itself too soon.",
            _Q.over_time('count("pilot")', "pilot", "exit", fill="0"),
            label="pilots",
            bars=True,
            overrides=_EXIT_COLORS,
        ),
        graph(
            "Evictions by reason",
            "Pilots that were ended for the owner's sake.",
            _Q.over_time('count("pilot")', "pilot", "reason", more=_EVICTED, fill="0"),
            label="pilots",
            bars=True,
        ),
        graph(
            "How long pilots lived",
            "The longest, the mean and the shortest life of those that ended.",
            _Q.over_time(
                'max("uptime_seconds") AS "longest", mean("uptime_seconds") AS "mean", '
                'min("uptime_seconds") AS "shortest"',
                "pilot",
            ),
            unit="s",
        ),
        graph(
            "Pilots' peak memory",
            "The most that a pilot which ended had at a time: the largest, and the mean.",
            _Q.over_time('max("peak_memory_bytes") AS "largest", mean("peak_memory_bytes") AS "mean"', "pilot"),
            unit="bytes",
        ),
        graph(
            "Pilots out of memory",
            "Those of which the kernel ended a process for want of memory.",
            _Q.over_time('sum("oom_killed") AS "out of memory"', "pilot", fill="0", alias="$col"),
            label="pilots",
            bars=True,
            overrides=colored(out_of_memory=RED),
        ),
    ]


def _account() -> list[Json]:
    return [
        graph(
            "CPUs given, of those that were free",
            "What pilots used, against all that the owner left.",
            _Q.over_time(
                'sum("core_seconds") / sum("interval_seconds") AS "given", '
                'sum("free_core_seconds") / sum("interval_seconds") AS "free"',
                "given",
            ),
            label="CPUs",
            stacked=True,
            overrides=[*colored(given=GREEN), line("free", BLUE)],
            size=(12, 8),
        ),
        graph(
            "Share of the free CPUs that was used",
            "Below 80 %, pilots are too few, or use less than they were given.",
            _Q.over_time('sum("core_seconds") / sum("free_core_seconds") AS "used"', "given"),
            unit="percentunit",
            top=1,
            steps=thresholds("transparent", (0.8, GREEN)),
            overrides=colored(used=GREEN),
            size=(12, 8),
        ),
        graph(
            "CPU time lost",
            "Of pilots that were ended before they had finished, by what came of them.",
            _Q.over_time('sum("lost_core_seconds")', "pilot", "exit", fill="0"),
            unit="s",
            bars=True,
            overrides=_EXIT_COLORS,
        ),
        graph(
            "Owner stalled while pilots ran",
            "Share of time in which some process of the owner's waited for CPU, memory or disks while pilots ran: "
            "what lending costs at most. Absent where nobody can tell.",
            _Q.over_time(
                'sum("owner_stall_cpu_seconds") / sum("interval_seconds") AS "CPU", '
                'sum("owner_stall_memory_seconds") / sum("interval_seconds") AS "memory", '
                'sum("owner_stall_io_seconds") / sum("interval_seconds") AS "disks"',
                "given",
            ),
            unit="percentunit",
            overrides=colored(CPU=ORANGE, memory=PURPLE, disks=BLUE),
        ),
        graph(
            "Hand-backs",
            "How long the owner waited, from the decision that pilots give way until all of them were suspended "
            "or gone: the longest.",
            _Q.over_time('max("seconds")', "handback", "by"),
            unit="s",
            points=True,
        ),
    ]


def _engine() -> list[Json]:
    return [
        graph(
            "How long the engine's answers take",
            "A mean for each kind of call.",
            _Q.over_time('mean("mean_seconds")', "engine", "operation"),
            unit="s",
            table=True,
        ),
        graph(
            "The slowest answers",
            "The longest wait for each kind of call.",
            _Q.over_time('max("longest_seconds")', "engine", "operation"),
            unit="s",
            table=True,
        ),
        graph(
            "Calls of the engine",
            "How many, and how many of them without the answer that was asked for.",
            _Q.over_time('sum("calls") AS "calls", sum("failures") AS "failures"', "engine", fill="0"),
            label="calls",
            bars=True,
            overrides=[
                *colored(calls=BLUE),
                override(
                    "failures",
                    color={"mode": "fixed", "fixedColor": RED},
                    custom__stacking={"mode": "none", "group": "A"},
                ),
            ],
        ),
        graph(
            "How long launches take",
            "Attempts that succeeded: the longest and the mean.",
            _Q.over_time(
                'max("seconds") AS "longest", mean("seconds") AS "mean"', "launch", more="\"outcome\" = 'done'"
            ),
            unit="s",
            size=(24, 8),
        ),
    ]


def _daemon() -> list[Json]:
    return [
        graph(
            "CPUs of its processes",
            "How many CPUs each of planctond's processes uses.",
            _Q.over_time('mean("cpus")', "process", "process"),
            label="CPUs",
            stacked=True,
            table=True,
        ),
        graph(
            "Memory of its processes",
            "Each one's share (PSS): what they share is divided among them.",
            _Q.over_time('mean("pss_bytes")', "process", "process"),
            unit="bytes",
            stacked=True,
            table=True,
        ),
        graph(
            "Restarts",
            "How often each process was started again since planctond started.",
            _Q.over_time('last("restarts")', "process", "process"),
            label="restarts",
            table=True,
        ),
        graph(
            "Signs of life",
            "Beats that each loop gave. One that hangs gives none, and is killed.",
            _Q.over_time('sum("beats")', "process", "process"),
            label="beats",
            table=True,
        ),
        graph(
            "Lateness",
            "The most that a loop woke after its deadline: a busy machine, or one that was suspended.",
            _Q.over_time('max("late_seconds")', "process", "process"),
            unit="s",
            table=True,
        ),
        graph(
            "The store on disk",
            "Its size; it keeps history, and what waits for a sink that is away.",
            _Q.over_time('last("size_bytes") AS "size"', "store"),
            _Q.over_time('last("points") AS "points"', "store"),
            unit="bytes",
            overrides=[override("points", unit="short", custom__axisPlacement="right")],
        ),
        graph(
            "Points taken by sinks",
            "In each stretch of time.",
            _Q.over_time('non_negative_difference(last("written"))', "sink", "sink"),
            label="points",
        ),
        graph(
            "Points that wait for sinks",
            "Not taken yet. It grows while a sink is away.",
            _Q.over_time('last("waiting")', "sink", "sink"),
            label="points",
        ),
        graph(
            "Points lost",
            "Dropped for want of room, refused for good, or never on disk, since planctond started.",
            _Q.over_time(
                'last("dropped") AS "dropped", last("refused") AS "refused"',
                "sink",
                "sink",
                alias="$tag_sink $col",
            ),
            _Q.over_time('last("dropped") AS "never on disk"', "store"),
            label="points",
            steps=thresholds(GREEN, (1, RED)),
        ),
    ]


def _original() -> list[Json]:
    return [
        graph(
            "Efficiency",
            "How busy all CPUs were, whoever used them (the series measurement).",
            _Q.over_time('mean("cpu_eff") AS "cpu_eff"', "measurement"),
            unit="percent",
            top=100,
        ),
        graph(
            "Containers",
            "Pilots that were up, suspended ones too (the series daemon).",
            _Q.over_time('mean("containers") AS "containers"', "daemon"),
            label="containers",
        ),
        graph(
            "Lives of containers",
            "How long those lived that ended (the series container), by whether planctond ended them.",
            _Q.over_time('mean("uptime")', "container", "killed", alias="killed: $tag_killed"),
            unit="s",
            points=True,
        ),
    ]
