"""Every series that planctond writes, declared once: name, tags, fields, units, and when a point is written.

The page docs/series.md is made from these declarations; what makes the points, the dashboards, ``planctonctl history``
and the Prometheus exporter are held to them by tests. A field may be added; none changes its meaning. Every point has
the tag ``hostname``.
"""

from enum import StrEnum

import msgspec


class Exit(StrEnum):
    """What came of a pilot; ``EXITS`` tells each."""

    COMPLETED = "completed"
    FAILED = "failed"
    FIZZLED = "fizzled"
    EVICTED = "evicted"
    EXPIRED = "expired"
    STOPPED = "stopped"
    NEVER_STARTED = "never-started"


EXITS: dict[Exit, str] = {
    Exit.COMPLETED: "It ended by itself, with exit code 0.",
    Exit.FAILED: "It ended by itself, with another exit code, or with one that nobody knows.",
    Exit.FIZZLED: "It ended by itself sooner than `fizzle_seconds`, whatever its exit code.",
    Exit.EVICTED: "It was ended for the owner's sake.",
    Exit.EXPIRED: "It had lived for `max_ttl`.",
    Exit.STOPPED: "It was ended because the operator or a window said so, or as there were more than `max_docks`.",
    Exit.NEVER_STARTED: "Its container never ran.",
}


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a series."""

    unit: str
    """``text`` where it is no number; empty for a plain count."""
    description: str


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One series."""

    written: str
    """When."""
    description: str
    tags: dict[str, str] = {}
    """Besides ``hostname``: what each tells."""
    fields: dict[str, Field]
    original: bool = False
    """True for those of the original Plancton, whose dashboards must live."""


_EACH_LOOP = "every `main_sleep`"


def _f(unit: str, description: str) -> Field:
    return Field(unit=unit, description=description)


SERIES: dict[str, Series] = {
    "daemon": Series(
        original=True,
        written=_EACH_LOOP,
        description="How planctond is doing.",
        fields={
            "uptime": _f("seconds", "Since planctond started."),
            "containers": _f("", "Pilots that are up, suspended ones too; absent while the engine can't be asked."),
            "status": _f("text", '"active", "draining" while nothing new is started, "waiting" without an engine.'),
        },
    ),
    "measurement": Series(
        original=True,
        written=_EACH_LOOP,
        description="How busy the machine is.",
        fields={"cpu_eff": _f("percent", "Of all CPUs, whoever used them.")},
    ),
    "container": Series(
        original=True,
        written="when a pilot's container is removed",
        description="The end of a pilot.",
        tags={"started": '"True" if it ever ran, else "False"', "killed": '"True" if planctond ended it, else "False"'},
        fields={"uptime": _f("seconds", "How long it ran.")},
    ),
    "host": Series(
        written=_EACH_LOOP,
        description="The machine: for CPUs means since the last point, each over the time in which it was known; for "
        "memory the last look.",
        fields={
            "ncpus": _f("CPUs", "CPUs of the machine."),
            "busy_cpus": _f("CPUs", "In use, by whomever."),
            "owner_cpus": _f("CPUs", "In use by the owner's processes; absent while that is unknown."),
            "pilots_cpus": _f("CPUs", "In use by pilots; absent while that is unknown."),
            "engine_cpus": _f("CPUs", "In use by the engine to start and end pilots: an estimate."),
            "stolen_cpus": _f("CPUs", "Given to others by a hypervisor although somebody here wanted them."),
            "ram_bytes": _f("bytes", "Memory of the machine."),
            "available_bytes": _f("bytes", "Memory that could be had without swapping."),
            "swap_bytes": _f("bytes", "Swap of the machine."),
        },
    ),
    "pressure": Series(
        written=_EACH_LOOP + " where the kernel tells",
        description="Shares of the time since the last point in which some process of the owner's was stalled; absent "
        "where nobody can tell.",
        fields={
            "cpu": _f("share of 1", "For want of CPU."),
            "memory": _f("share of 1", "For want of memory."),
            "io": _f("share of 1", "Waiting for disks."),
        },
    ),
    "target": Series(
        written=_EACH_LOOP,
        description="What the scheduler wants, and what there is; what it wants is absent while it decides nothing.",
        fields={
            "want": _f("pilots", "As many as there should be."),
            "capacity": _f("pilots", "As many as the node has grown to."),
            "running": _f("pilots", "Running; absent while the engine can't be asked."),
            "suspended": _f("pilots", "Suspended; absent while the engine can't be asked."),
            "room_cpus": _f("CPUs", "That the owner leaves to pilots; absent while unknown."),
            "held": _f("0 or 1", "1 while nothing further may be launched."),
            "reason": _f("text", "Why nothing further may be launched; empty where it may."),
            "mode": _f("text", "active, draining, drain-stopping or force-stopping."),
        },
    ),
    "given": Series(
        written=_EACH_LOOP,
        description="What was given to pilots since the last point, and what it cost: to be summed up. Time in which "
        "nobody looked is in no sum; a field of which nothing was known is absent.",
        fields={
            "interval_seconds": _f("seconds", "How long was watched."),
            "core_seconds": _f("CPU-seconds", "Used by pilots."),
            "free_core_seconds": _f(
                "CPU-seconds",
                "Left by the owner, whether pilots used them or not: those of all CPUs less the owner's, and less what "
                "a hypervisor gave to others.",
            ),
            "pilot_seconds": _f("seconds", "Lived by pilots, suspended ones included."),
            "owner_stall_cpu_seconds": _f(
                "seconds", "In which some process of the owner's was stalled for want of CPU while pilots ran."
            ),
            "owner_stall_memory_seconds": _f("seconds", "The same for want of memory."),
            "owner_stall_io_seconds": _f("seconds", "The same, waiting for disks."),
        },
    ),
    "launch": Series(
        written="at each attempt to start a pilot",
        description="The start of a pilot.",
        tags={"outcome": "done, refused, failed or timed-out", "reason": "why it was to be started"},
        fields={
            "seconds": _f("seconds", "How long the attempt took."),
            "pilot": _f("text", "The container's name."),
        },
    ),
    "pilot": Series(
        written="when a pilot's container is removed",
        description="A pilot's whole life. What is unknown is absent.",
        tags={"exit": " or ".join((", ".join(list(Exit)[:-1]), list(Exit)[-1])), "reason": "why it ended"},
        fields={
            "pilot": _f("text", "The container's name."),
            "container": _f("text", "The container's id."),
            "image": _f("text", "The image's digest."),
            "exit_code": _f("", "Of its first process."),
            "uptime_seconds": _f("seconds", "How long it ran."),
            "cpu_seconds": _f("CPU-seconds", "That it used, as far as the last sample before its end tells."),
            "lost_core_seconds": _f(
                "CPU-seconds",
                "Of these, what was done in vain: all where others ended it, but for what it had done by its own "
                "word (`busy`, `safe`); else 0.",
            ),
            "peak_memory_bytes": _f("bytes", "The most memory that it had at a time."),
            "oom_killed": _f("0 or 1", "1 where the kernel ended a process of it for want of memory."),
        },
    ),
    "handback": Series(
        written="once all pilots that had to give way at a time have done so",
        description="How long the owner waited, from the decision to the last pilot's being suspended or gone. One "
        "that may stay after all, before it gave way, isn't counted.",
        tags={"by": "suspended or ended", "reason": "why they had to"},
        fields={
            "seconds": _f("seconds", "From the decision until all had given way."),
            "first_seconds": _f("seconds", "From the decision until the first had."),
            "pilots": _f("pilots", "That had to give way."),
        },
    ),
    "engine": Series(
        written=_EACH_LOOP + " for each operation that was called",
        description="The engine's answers since the last point.",
        tags={"process": "planctond's process that called", "operation": "what was called"},
        fields={
            "calls": _f("", "How many."),
            "failures": _f("", "Of these, without the answer that was asked for."),
            "mean_seconds": _f("seconds", "How long they took."),
            "longest_seconds": _f("seconds", "How long the slowest took."),
        },
    ),
    "process": Series(
        written=_EACH_LOOP + " for each process",
        description="planctond's own processes. Their use is read every 10 seconds at most, and absent in between.",
        tags={"process": "supervisor, template, or the worker's name"},
        fields={
            "up": _f("0 or 1", "1 where it runs."),
            "cpus": _f("CPUs", "That it used, a mean over the time since the last reading."),
            "pss_bytes": _f("bytes", "Its share of memory: what is shared is divided among those that share it."),
            "restarts": _f("", "How often it was started again since planctond started."),
            "beats": _f("", "Signs of life that its loop gave since they were told last; absent where none were."),
            "late_seconds": _f("seconds", "The most that its loop woke after its deadline in that time."),
        },
    ),
    "sink": Series(
        written=_EACH_LOOP + " for each sink",
        description="How points get where they should.",
        tags={"sink": "its address without a login"},
        fields={
            "written": _f("points", "Taken, in all; it goes on over restarts of planctond."),
            "waiting": _f("points", "Not taken yet."),
            "dropped": _f("points", "That the store's bounds left no room, in all."),
            "refused": _f("points", "That it will never take, and said so, in all."),
        },
    ),
    "store": Series(
        written=_EACH_LOOP,
        description="The store on disk that keeps all of these.",
        fields={
            "points": _f("points", "In it."),
            "size_bytes": _f("bytes", "On disk."),
            "dropped": _f("points", "That never got to disk since planctond started."),
        },
    ),
}
"""By name, in the order in which people read them."""
