"""The settings by which the owner is protected; see ``plancton.common.settings`` for the others."""

from typing import Annotated

import msgspec

from plancton.common.setting_forms import WEIGHT_PATTERN, described, number, seconds


class OwnerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How pilots give way."""

    cpu_weight: Annotated[
        str,
        described(
            "owner",
            "idle, default, or a whole number from 1 to 10000, where 100 is a normal process group's",
            "The weight of all pilots together against the owner's processes, where both want the same CPU. idle: the "
            "owner always comes first; default: planctond doesn't touch it.",
            pattern=WEIGHT_PATTERN,
        ),
    ] = "idle"
    io_weight: Annotated[
        str,
        described(
            "owner",
            "idle, default, or a whole number from 1 to 10000, where 100 is a normal process group's",
            "The same for disks, as far as the kernel's I/O scheduler heeds weights. idle: the least that it knows.",
            pattern=WEIGHT_PATTERN,
        ),
    ] = "idle"
    reserve_cpus: Annotated[
        float, number("owner", "CPUs kept free for the owner, whatever they use.", "CPUs", ge=0.0, le=4096.0)
    ] = 0.0
    reserve_mem: Annotated[
        float,
        number(
            "owner", "The share of the machine's memory that stays available to the owner.", "percent", ge=0, le=100
        ),
    ] = 5.0
    start_overlap: Annotated[
        float,
        number(
            "owner",
            "How much of a pilot's CPUs the owner may be using when it is started.",
            "pilots",
            ge=0.0,
            le=1.0,
        ),
    ] = 0.25
    end_overlap: Annotated[
        float,
        number(
            "owner",
            "How much of a pilot's CPUs the owner may come to use before there are too many pilots; never less than "
            "start_overlap.",
            "pilots",
            ge=0.0,
            le=1.0,
        ),
    ] = 0.75
    grace_grow: Annotated[
        float, seconds("owner", "How long there must have been room before a pilot is added.", ge=0.0, le=86_400.0)
    ] = 10.0
    suspend: Annotated[
        bool,
        described(
            "owner",
            "true or false",
            "Suspend pilots (docker pause) while the owner needs their CPUs, before ending them. A suspended pilot "
            "keeps its memory.",
        ),
    ] = False
    grace_suspend: Annotated[
        float,
        seconds("owner", "How long there must have been too little room before pilots are suspended.", ge=0.0),
    ] = 5.0
    suspend_longest: Annotated[float, seconds("owner", "A pilot that was suspended for so long is ended.", ge=0.0)] = (
        600.0
    )
    grace_kill: Annotated[
        float,
        seconds(
            "owner", "How long there must have been too little room before pilots are ended for the owner.", ge=0.0
        ),
    ] = 120.0
    grace_mem: Annotated[
        float,
        seconds("owner", "How long the owner's memory reserve must have been short before pilots are ended.", ge=0.0),
    ] = 4.0
    grace_spawn: Annotated[
        float, seconds("owner", "How long nothing is launched after a pilot was ended for the owner.", ge=0.0)
    ] = 60.0
    stall_cpu: Annotated[
        float,
        number(
            "owner",
            "When the owner's processes are stalled for want of CPU for more than this share of the time, pilots give "
            "way. 0: never for that.",
            "percent",
            ge=0.0,
            le=100.0,
        ),
    ] = 25.0
    stall_memory: Annotated[float, number("owner", "The same for want of memory.", "percent", ge=0.0, le=100.0)] = 10.0
    stall_io: Annotated[
        float,
        number("owner", "The same for want of disk I/O, while pilots use the disks too.", "percent", ge=0.0, le=100.0),
    ] = 40.0
