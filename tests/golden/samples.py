"""One value of each message and request, with no field at its default, from which golden bytes are made."""

import msgspec

from plancton.common.codec import Envelope
from plancton.common.decision import Ending, Hold, Wish
from plancton.common.messages import (
    TOPIC_OF,
    ActiveSettings,
    Beat,
    Counters,
    EndingAction,
    EndingOutcome,
    HostLook,
    Intent,
    LauncherState,
    LaunchOutcome,
    Message,
    Mode,
    Outcome,
    PoolLook,
    PoolUnknown,
    SinkState,
    Target,
)
from plancton.common.pilot import Pilot, PilotState
from plancton.common.reasons import Reason
from plancton.common.requests import Drain, Happenings, Reload, Request, Resume, ShowSettings, Status, Stop
from plancton.common.settings import Device, Settings

_NAME = "plancton-worker-0123abcd-3-17"
_WISH = Wish(slot=3, incarnation=17, reason=Reason.REPLACEMENT, replaces=True)
_PILOT = Pilot(
    container_id="4f" * 32,
    name=_NAME,
    slot=3,
    incarnation=17,
    spec="0123456789ab",
    state=PilotState.EXITED,
    created_unix=1700000000.25,
    started_unix=1700000000.5,
    ended_unix=1700000060.75,
    exit_code=137,
    cpu_cores=0.75,
    memory_bytes=123456789,
)
_SETTINGS = Settings(
    max_docks="min(ncpus - 1, ram_bytes // max_dock_mem)",
    docks_per_loop=2,
    main_sleep=5.5,
    max_ttl=3600.0,
    stop_grace=20.0,
    docker_image="registry:5000/grid/pilot:v1",
    docker_cmd=("/bin/sh", "-c", "exec pilot --größe 1"),
    cpus_per_dock=0.5,
    max_dock_mem=1_000_000_000,
    max_dock_swap=500_000_000,
    user_group="1000:1000",
    binds=("/data:/data:ro",),
    devices=(Device(path_on_host="/dev/fuse", path_in_container="/dev/fuse", cgroup_permissions="rw"),),
    capabilities=("SYS_ADMIN", "-MKNOD"),
    security_opts=("apparmor=profile",),
    docker_privileged=True,
    docker_network="host",
    grace_kill=60.0,
    grace_spawn=30.0,
    updateconfig=10.0,
    image_expiration=7200.0,
    docker_url="unix:///run/docker.sock",
    log_level="debug",
    influxdb_url=("http://user:password@db:8086#plancton",),
)

MESSAGES: tuple[Message, ...] = (
    Beat(ready=True, late_seconds=0.125),
    ActiveSettings(settings=_SETTINGS, generation=7),
    Intent(mode=Mode.DRAIN_STOPPING, since_unix=1700000000.5, lost_workers=("reaper",)),
    HostLook(
        ncpus=8,
        interval_seconds=1.5,
        busy_cpus=5.25,
        pilots_cpus=3.5,
        ram_bytes=34_359_738_368,
        available_bytes=17_179_869_184,
        swap_bytes=1_073_741_824,
    ),
    PoolLook(pilots=(_PILOT,), full_look_monotonic=4321.5, engine_version="20.10.24", api_version="1.41"),
    PoolUnknown(why="no answer within 5 s", since_unix=1700000001.5),
    Target(
        generation=41,
        valid_until_monotonic=4400.5,
        want=7,
        running=5,
        launch=(_WISH,),
        withdrawn=(Wish(slot=4, incarnation=18, reason=Reason.ROOM, replaces=True),),
        end=(Ending(container_id="4f" * 32, name=_NAME, reason=Reason.OWNER_CPU, at_once=True),),
        hold=Hold(reason=Reason.GROWTH_LIMIT, detail="2 of 2 launched in 30 s", since_unix=1700000002.5),
        room_cpus=6.5,
        owner_cpus=1.5,
        next_incarnation=19,
        capacity=7,
    ),
    LauncherState(
        image="busybox",
        image_id="sha256:" + "a1" * 32,
        detail="the registry doesn't answer",
        pulling=True,
        pulled_unix=1700000003.5,
        in_flight=2,
    ),
    LaunchOutcome(
        slot=3,
        incarnation=17,
        name=_NAME,
        outcome=Outcome.TIMED_OUT,
        reason=Reason.REPLACEMENT,
        detail="no answer within 20 s",
        seconds=20.25,
        image_id="sha256:" + "a1" * 32,
    ),
    EndingOutcome(
        container_id="4f" * 32,
        name=_NAME,
        action=EndingAction.REMOVED,
        outcome=Outcome.FAILED,
        reason=Reason.EXPIRED,
        detail="removal is already in progress",
        seconds=0.5,
        started=False,
        killed=True,
        uptime_seconds=60.25,
        exit_code=137,
    ),
    Counters(
        launched=10,
        launch_failures=2,
        ended_by_themselves=7,
        never_started=1,
        ended_by_reason={"expired": 2, "owner-cpu": 1},
        pilot_seconds=600.5,
        sinks=(
            SinkState(
                name="db:8086#plancton",
                written_points=100,
                waiting_points=5,
                dropped_points=1,
                error="refused",
                error_unix=1700000004.5,
            ),
        ),
    ),
)
ENVELOPES: dict[str, Envelope] = {
    type(message).__name__: Envelope(
        topic=TOPIC_OF[type(message)],
        sender="scheduler",
        boot="0011aabbccdd",
        sequence=42,
        monotonic=4321.75,
        message=message,
    )
    for message in MESSAGES
}
REQUESTS: dict[str, Request] = {
    request.__struct_config__.tag: request
    for request in (
        Status(),
        Happenings(after=12),
        Drain(stop=True),
        Resume(),
        Reload(),
        Stop(force=True),
        ShowSettings(),
    )
    if isinstance(request.__struct_config__.tag, str)
}


def at_default(value: object, where: str = "") -> list[str]:
    """Return which fields of ``value``, however deep, have their default: they would prove nothing."""
    found: list[str] = []
    if isinstance(value, msgspec.Struct):
        for field in msgspec.structs.fields(value):
            inner = getattr(value, field.name)
            if field.name != "protocol" and inner == field.default:
                found.append(f"{where}.{field.name}")
            found += at_default(inner, f"{where}.{field.name}")
    elif isinstance(value, tuple):
        for each in value:
            found += at_default(each, where)
    return found
