"""Every message on the bus: who says it, when, and what a receiver may conclude.

All messages are frozen and keyword-only. Units are in the field names; moments named ``*_monotonic`` are
CLOCK_MONOTONIC seconds, which every process of one host shares; those named ``*_unix`` are for people. A field may be
added with a default; none is renamed or given another meaning: bytes kept from any version must decode for ever.
"""

from enum import StrEnum

import msgspec

from plancton.common.accounting import CallTimes, SinkState, StoreState
from plancton.common.decision import Breaker, Ending, Figures, Hold, Suspension, Wish
from plancton.common.pilot import Pilot
from plancton.common.processes import ProcessStatus
from plancton.common.reasons import Reason
from plancton.common.settings import Settings


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A body that the bus can carry; its class decides the envelope's ``kind``."""


class Mode(StrEnum):
    """What the operator wants of this node."""

    ACTIVE = "active"
    DRAINING = "draining"
    DRAIN_STOPPING = "drain-stopping"
    FORCE_STOPPING = "force-stopping"


class Beat(Message, frozen=True, kw_only=True):
    """From each worker's own loop, at least every ``BEAT_SECONDS``: the loop turns. Silence means that it doesn't.

    ``ready`` says that the worker does its work; until then the supervisor allows it a longer silence.
    """

    ready: bool
    late_seconds: float = 0.0
    """The most that this loop woke after its deadline since the last beat."""


class ActiveSettings(Message, frozen=True, kw_only=True):
    """From the supervisor at each (re)load: the settings in force. A receiver replaces all that it had."""

    settings: Settings
    generation: int


class Intent(Message, frozen=True, kw_only=True):
    """From the supervisor whenever it changes: what the operator wants, and which hands are gone for good."""

    mode: Mode
    since_unix: float
    lost_workers: tuple[str, ...] = ()
    """Workers given up as FATAL. Without a launcher or a reaper nothing new may be started."""
    drain_reason: str = ""
    """Why the operator drained the node, in their words."""
    drain_deadline_unix: float | None = None
    """When pilots that still run during a drain are ended; None: they live out their lives."""
    snooze_until_unix: float | None = None
    """Until then the owner wants no pilots at all."""
    fizzles_cleared_unix: float = 0.0
    """What fizzled before this moment holds no launches any more."""
    drill_until_unix: float | None = None
    """Until then all pilots are suspended, so that a drill can measure the machine without them."""


class HostLook(Message, frozen=True, kw_only=True):
    """From the probe at each sample: the host's CPU and memory over the last interval."""

    ncpus: int
    interval_seconds: float
    busy_cpus: float
    """CPUs doing anything but idling or waiting for I/O; steal is not counted, for nobody here can use it."""
    pilots_cpus: float | None
    """What the pilots' cgroups used of ``busy_cpus``; None when their accounting couldn't be read."""
    ram_bytes: int
    available_bytes: int
    """MemAvailable: what could be had without swapping; page cache isn't use."""
    swap_bytes: int
    stolen_cpus: float = 0.0
    """CPUs that a hypervisor gave to others while somebody here wanted them."""
    engine_cpus: float = 0.0
    """An estimate of what the engine spent on starting and ending pilots; it isn't the owner's use."""
    stall_cpu: float | None = None
    """Share of the interval in which some process of the owner's was stalled for want of CPU, 0 to 1; None where the
    kernel doesn't tell, or where the pilots' own stall can't be told from it."""
    stall_memory: float | None = None
    stall_io: float | None = None
    stall_detail: str = ""
    """Why a stall is None, or how it was estimated."""
    pilots_io_share: float | None = None
    """The pilots' share of all bytes read and written on disks, 0 to 1; None where nobody can tell."""

    @property
    def owner_cpus(self) -> float | None:
        """CPUs that the owner used: neither the pilots nor the engine for them. None while the pilots' is unknown."""
        if self.pilots_cpus is None:
            return None
        return max(0.0, self.busy_cpus - self.pilots_cpus - self.engine_cpus)


class PoolLook(Message, frozen=True, kw_only=True):
    """From the probe after each event and each full look: all containers of this instance. Nothing else exists."""

    pilots: tuple[Pilot, ...]
    full_look_monotonic: float
    """When the engine last listed all containers; events since then are folded in."""
    engine_version: str = ""
    api_version: str = ""
    stream_since_monotonic: float = 0.0
    """Since when events are followed without a gap, or while none are, when that ended; a later moment means that the
    engine went away in between."""


class PoolUnknown(Message, frozen=True, kw_only=True):
    """From the probe in PoolLook's place while the engine can't be asked: nothing may be concluded about pilots."""

    why: str
    since_unix: float


class Target(Message, frozen=True, kw_only=True):
    """From the scheduler after each decision: the whole wish, never a change of it. Void after ``valid_until``."""

    generation: int
    valid_until_monotonic: float
    want: int
    """How many pilots there should be, suspended ones included."""
    running: int
    launch: tuple[Wish, ...] = ()
    withdrawn: tuple[Wish, ...] = ()
    """Wishes not to be started now. A launch under way may fulfil them yet, so their slots stay theirs."""
    end: tuple[Ending, ...] = ()
    hold: Hold | None = None
    room_cpus: float | None = None
    """CPUs that the owner leaves to pilots; None while unknown."""
    owner_cpus: float | None = None
    next_incarnation: int = 1
    """The first incarnation number never wished for; a restarted scheduler goes on from here."""
    capacity: int = 0
    """How many pilots the node has grown to; replacing up to here isn't growth."""
    suspend: tuple[Suspension, ...] = ()
    """Pilots to be suspended; every other one that is goes on."""
    deadline_unix: float | None = None
    """When all pilots must have ended, as far as is known; None where only each one's own ``max_ttl`` counts."""
    figures: Figures | None = None
    """What was decided on; None where nothing was known."""
    breaker: Breaker | None = None
    """None while no pilot fizzles."""


class Outcome(StrEnum):
    """How a hand's attempt ended."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    TIMED_OUT = "timed-out"


class LaunchOutcome(Message, frozen=True, kw_only=True):
    """From the launcher after each attempt to start a pilot. What runs is seen only in the next PoolLook."""

    slot: int
    incarnation: int
    name: str
    outcome: Outcome
    reason: Reason
    detail: str = ""
    seconds: float = 0.0
    image_id: str = ""
    figures: str = ""
    """On which figures it was decided, in the scheduler's words."""


class Weight(msgspec.Struct, frozen=True, kw_only=True):
    """How much the kernel prefers the owner's processes to the pilots, as found after it was set."""

    cpu: str = ""
    """What is in force, such as ``cpu.idle=1``; empty where nothing could be set."""
    io: str = ""
    problems: tuple[str, ...] = ()
    """What couldn't be set, and why."""


class LauncherState(Message, frozen=True, kw_only=True):
    """From the launcher whenever it changes: whether pilots could be started, and how many starts are under way."""

    image: str
    image_id: str | None
    """None while it is neither here nor to be had: launches are held."""
    detail: str = ""
    """The warning or the error that goes with it."""
    pulling: bool = False
    pulled_unix: float | None = None
    """When a registry last gave the image or said that it's current; None while none did."""
    in_flight: int = 0
    weight: Weight | None = None
    """None until it was tried."""


class EndingAction(StrEnum):
    """What the reaper did to a container."""

    SUSPENDED = "suspended"
    RESUMED = "resumed"
    TERMINATED = "terminated"
    KILLED = "killed"
    REMOVED = "removed"


class EndingOutcome(Message, frozen=True, kw_only=True):
    """From the reaper after each attempt on a container."""

    container_id: str
    name: str
    action: EndingAction
    outcome: Outcome
    reason: Reason
    detail: str = ""
    seconds: float = 0.0
    started: bool = True
    """False where the container never ran."""
    killed: bool = False
    """True where the reaper ended it, False where it ended by itself."""
    uptime_seconds: float | None = None
    exit_code: int | None = None
    figures: str = ""
    """On which figures it was decided, in the scheduler's words."""
    output: str = ""
    """The last lines of a pilot that has ended, within bounds."""
    oom_killed: bool = False
    """True where the kernel ended it, or a process of it, for want of memory."""
    image_id: str = ""
    """The image that it ran, by its digest."""


class Counters(Message, frozen=True, kw_only=True):
    """From the metrics worker after each change: totals since planctond started, a restart of the worker included.

    Those of the sinks, which the store keeps, go on over planctond's restarts as well.
    """

    launched: int = 0
    launch_failures: int = 0
    ended_by_themselves: int = 0
    never_started: int = 0
    ended_by_reason: dict[str, int] = {}
    pilot_seconds: float = 0.0
    """Sum of the uptimes of the pilots removed."""
    sinks: tuple[SinkState, ...] = ()
    suspended: int = 0
    resumed: int = 0
    fizzled: int = 0
    """Pilots that ended by themselves sooner than ``fizzle_seconds``."""
    journal_dropped: int = 0
    """Entries that couldn't be written to the journal of decisions."""
    given_core_seconds: float = 0.0
    """CPU time that pilots used."""
    free_core_seconds: float = 0.0
    """CPU time that the owner left, whether pilots used it or not."""
    lost_core_seconds: float = 0.0
    """CPU time of pilots that were ended before they had finished: work that was done in vain."""
    owner_stall_cpu_seconds: float = 0.0
    """For so long some process of the owner's was stalled for want of CPU while pilots ran, where that can be told."""
    owner_stall_memory_seconds: float = 0.0
    owner_stall_io_seconds: float = 0.0
    exits: dict[str, int] = {}
    """Pilots that ended, by what came of them: an ``Exit``."""
    store: StoreState | None = None
    """None until there is one."""


class Processes(Message, frozen=True, kw_only=True):
    """From the supervisor after each change of a worker's state, and now and then: all processes of planctond."""

    processes: tuple[ProcessStatus, ...]


class EngineCalls(Message, frozen=True, kw_only=True):
    """From whoever calls the engine, now and then: how its calls went since it last said so."""

    calls: tuple[CallTimes, ...]
