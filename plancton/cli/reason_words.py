"""Each reason in plain words: pure."""

import msgspec

from plancton.common.reasons import Reason


class Words(msgspec.Struct, frozen=True):
    """What a reason means."""

    why: str
    """A clause that may stand after "because"."""
    ends: str = ""
    """What ends a hold for this reason; empty where it is never one."""


_TRIAL = "a trial pilot that lives long enough, another image or command, or planctonctl clear-fizzles"
_LESS_USE = "room for as long as grace_grow: the owner needs less, or pilots need less each"

WORDS: dict[Reason, Words] = {
    Reason.DRAINING: Words("the operator drained the node", "planctonctl resume"),
    Reason.STOPPING: Words("planctond stops once the last pilot has ended", "planctonctl resume"),
    Reason.SNOOZED: Words("the owner wants no pilots for a while", "planctonctl snooze off"),
    Reason.OUTSIDE_WINDOWS: Words("it is none of the times for pilots", "the next of the windows in the settings"),
    Reason.DRAIN_DEADLINE: Words("the deadline of the drain has passed", "planctonctl resume"),
    Reason.NO_SETTINGS: Words("the scheduler has no settings yet", "the supervisor's word, within seconds"),
    Reason.HOST_UNKNOWN: Words("how busy the machine is isn't known", "a look at the machine; the log tells more"),
    Reason.OWNER_CPU_UNKNOWN: Words(
        "what the owner uses can't be told, for what the pilots use isn't known",
        "a look at the pilots' cgroups; the log tells more",
    ),
    Reason.ENGINE_UNKNOWN: Words("the engine can't be asked", "an engine that answers"),
    Reason.NO_IMAGE: Words(
        "the pilots' image isn't here", "the image, once it is here; planctonctl reload tries again at once"
    ),
    Reason.NO_LAUNCHER: Words("the launcher was given up after it failed again and again", "a restart of planctond"),
    Reason.NO_REAPER: Words("the reaper was given up after it failed again and again", "a restart of planctond"),
    Reason.OWNER_CPU: Words("the owner needs the CPUs", _LESS_USE),
    Reason.OWNER_MEMORY: Words("the owner needs the memory", "more memory that is available"),
    Reason.OWNER_STALL_CPU: Words("the owner's processes wait for CPUs", _LESS_USE),
    Reason.OWNER_STALL_MEMORY: Words("the owner's processes wait for memory", "more memory that is available"),
    Reason.OWNER_STALL_IO: Words("the owner's processes wait for disks", "less use of the disks"),
    Reason.MAX_DOCKS: Words("there are as many pilots as are allowed", "a larger max_docks in the settings"),
    Reason.AFTER_EVICTION: Words("pilots were ended for the owner just now", "the end of grace_spawn"),
    Reason.GROWTH_LIMIT: Words("only a few pilots are added at a time", "the next main_sleep"),
    Reason.LAUNCHES_FAIL: Words("pilots can't be started", "a start that succeeds, or planctonctl clear-fizzles"),
    Reason.FIZZLES: Words("pilots end too soon after their start", _TRIAL),
    Reason.SUSPENDED_FIRST: Words("suspended pilots go on before any is started", "room for those"),
    Reason.SUSPENDED_TOO_LONG: Words("it was suspended for longer than suspend_longest"),
    Reason.ROOM: Words("there was room for one more"),
    Reason.REPLACEMENT: Words("it takes the place of one that ended"),
    Reason.TRIAL: Words("one pilot tries whether others would still end too soon"),
    Reason.ROOM_AGAIN: Words("there is room again"),
    Reason.DRILL: Words("a drill measures the machine without pilots", "the end of the drill"),
    Reason.EXPIRED: Words("it reached max_ttl, the longest life of a pilot"),
    Reason.ENDED: Words("it ended by itself"),
    Reason.NEVER_STARTED: Words("it was made and never started"),
    Reason.FORCE_STOP: Words("planctond was told to end all pilots"),
    Reason.SURPLUS: Words("there were more pilots than max_docks allows"),
}


def words(reason: str) -> Words:
    """Return what a reason means; of one that a newer version gave, only its name."""
    try:
        return WORDS[Reason(reason)]
    except ValueError:
        return Words(reason, "")
