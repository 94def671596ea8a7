"""One value of each message and request, with no field at its default, from which golden bytes are made."""

import msgspec

from plancton.common.accounting import CallTimes, SinkState, StoreState
from plancton.common.codec import Envelope
from plancton.common.decision import Breaker, Ending, Figures, Hold, Suspension, Wish
from plancton.common.influxdb_setting import InfluxDB
from plancton.common.messages import (
    ActiveSettings,
    Beat,
    Counters,
    EndingAction,
    EndingOutcome,
    EngineCalls,
    HostLook,
    Intent,
    LauncherState,
    LaunchOutcome,
    Message,
    Mode,
    Outcome,
    PoolLook,
    PoolUnknown,
    Processes,
    Target,
    Weight,
)
from plancton.common.pilot import Pilot, PilotState
from plancton.common.processes import ProcessState, ProcessStatus
from plancton.common.reasons import Reason
from plancton.common.requests import (
    ClearFizzles,
    Drain,
    Drill,
    Happenings,
    Reload,
    Request,
    Resume,
    ShowSettings,
    Snooze,
    Status,
    Stop,
)
from plancton.common.settings import Device, Settings
from plancton.common.topics import TOPIC_OF

_NAME = "plancton-worker-0123abcd-3-17"
_WISH = Wish(slot=3, incarnation=17, reason=Reason.REPLACEMENT, replaces=True, detail="room for 7")
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
    cpu_seconds=45.5,
    memory_bytes=123456789,
    memory_peak_bytes=234567890,
    anonymous_bytes=23456789,
    busy_since_unix=1700000010.5,
    safe_to_stop=True,
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
    windows=("mon-fri 18:00-08:00",),
    fizzle_seconds=10.0,
    fizzles_allowed=5,
    fizzle_longest_hold=300.0,
    oom_score=500,
    pilot_directory="/host",
    cpu_weight="50",
    io_weight="default",
    reserve_cpus=1.5,
    reserve_mem=10.0,
    start_overlap=0.125,
    end_overlap=0.5,
    grace_grow=20.0,
    suspend=True,
    grace_suspend=2.0,
    suspend_longest=300.0,
    grace_kill=60.0,
    grace_mem=8.0,
    grace_spawn=30.0,
    stall_cpu=50.0,
    stall_memory=20.0,
    stall_io=60.0,
    journal_size=1_048_576,
    updateconfig=10.0,
    image_expiration=7200.0,
    docker_url="unix:///run/docker.sock",
    log_level="debug",
    influxdb_url=(
        "http://user:password@db:8086#plancton",
        InfluxDB(
            url="https://db2:8086",
            database="plancton",
            user="ada",
            password="a password",
            password_file="/etc/plancton/password",
            bucket="nodes",
            org="cluster",
            token="a token",
            token_file="/etc/plancton/token",
            ca_file="/etc/plancton/ca.pem",
            timeout=5.0,
        ),
    ),
    prometheus_address="127.0.0.1:9273",
    history_size=2_097_152,
    history_age=86_400.0,
    output_size=1024,
)

MESSAGES: tuple[Message, ...] = (
    Beat(ready=True, late_seconds=0.125),
    ActiveSettings(settings=_SETTINGS, generation=7),
    Intent(
        mode=Mode.DRAIN_STOPPING,
        since_unix=1700000000.5,
        lost_workers=("reaper",),
        drain_reason="a new kernel",
        drain_deadline_unix=1700003600.5,
        snooze_until_unix=1700007200.5,
        fizzles_cleared_unix=1699999999.5,
        drill_until_unix=1700000010.5,
    ),
    HostLook(
        ncpus=8,
        interval_seconds=1.5,
        busy_cpus=5.25,
        pilots_cpus=3.5,
        ram_bytes=34_359_738_368,
        available_bytes=17_179_869_184,
        swap_bytes=1_073_741_824,
        stolen_cpus=0.25,
        engine_cpus=0.125,
        stall_cpu=0.0625,
        stall_memory=0.03125,
        stall_io=0.5,
        stall_detail="I/O: estimated",
        pilots_io_share=0.75,
    ),
    PoolLook(
        pilots=(_PILOT,),
        full_look_monotonic=4321.5,
        engine_version="20.10.24",
        api_version="1.41",
        stream_since_monotonic=4000.5,
    ),
    PoolUnknown(why="no answer within 5 s", since_unix=1700000001.5),
    Target(
        generation=41,
        valid_until_monotonic=4400.5,
        want=7,
        running=5,
        launch=(_WISH,),
        withdrawn=(Wish(slot=4, incarnation=18, reason=Reason.ROOM, replaces=True, detail="as above"),),
        end=(Ending(container_id="4f" * 32, name=_NAME, reason=Reason.OWNER_CPU, at_once=True, detail="7.5 of 8"),),
        hold=Hold(
            reason=Reason.GROWTH_LIMIT,
            detail="2 of 2 launched in 30 s",
            since_unix=1700000002.5,
            until_unix=1700000032.5,
        ),
        room_cpus=6.5,
        owner_cpus=1.5,
        next_incarnation=19,
        capacity=7,
        suspend=(
            Suspension(
                container_id="5e" * 32,
                name="plancton-worker-0123abcd-2-16",
                reason=Reason.OWNER_STALL_CPU,
                detail="stalled for 40 %",
                since_monotonic=4390.5,
            ),
        ),
        deadline_unix=1700003600.5,
        figures=Figures(
            ncpus=8,
            reserve_cpus=0.5,
            owner_cpus=1.5,
            owner_peak_cpus=2.5,
            owner_sustained_cpus=1.25,
            stolen_cpus=0.25,
            pilots_cpus=5.5,
            available_bytes=17_179_869_184,
            reserve_bytes=1_717_986_918,
            stall_cpu=0.4,
            stall_memory=0.05,
            stall_io=0.1,
            may_grow_to=5,
            may_keep=6,
            by_memory=9,
            by_max_docks=7,
        ),
        breaker=Breaker(
            fizzles=3,
            reason=Reason.FIZZLES,
            last_unix=1700000001.5,
            last="plancton-worker-0123abcd-3-16 ended after 0.2 s",
            open_until_monotonic=4401.5,
            subject="sha256:a1 0123456789ab",
        ),
    ),
    LauncherState(
        image="busybox",
        image_id="sha256:" + "a1" * 32,
        detail="the registry doesn't answer",
        pulling=True,
        pulled_unix=1700000003.5,
        in_flight=2,
        weight=Weight(cpu="cpu.idle=1", io="io.weight=1", problems=("none",)),
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
        figures="room for 7",
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
        figures="max_ttl: 3600 s",
        output="no such queue\n",
        oom_killed=True,
        image_id="sha256:" + "0d" * 32,
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
                refused_points=2,
                server="InfluxDB 1.6.7",
            ),
        ),
        suspended=4,
        resumed=3,
        fizzled=2,
        journal_dropped=1,
        given_core_seconds=7200.5,
        free_core_seconds=8000.5,
        lost_core_seconds=60.5,
        owner_stall_cpu_seconds=1.5,
        owner_stall_memory_seconds=0.25,
        owner_stall_io_seconds=0.75,
        exits={"completed": 7, "evicted": 1},
        store=StoreState(
            points=1000,
            size_bytes=65536,
            oldest_unix=1700000000.5,
            waiting_points=3,
            dropped_points=1,
            error="No space left on device",
            error_unix=1700000005.5,
            set_aside="history.sqlite.corrupt",
        ),
    ),
    Processes(
        processes=(
            ProcessStatus(
                name="probe",
                state=ProcessState.BACKOFF,
                pid=4242,
                restarts=1,
                since_unix=1700000000.5,
                last_end="killed by SIGKILL",
                beats=100,
                late_seconds=0.25,
            ),
        ),
    ),
    EngineCalls(
        calls=(CallTimes(operation="start", calls=3, failures=1, seconds=1.5, longest_seconds=0.75),),
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
        Drain(stop=True, reason="a new kernel", deadline_unix=1700003600.5),
        Snooze(until_unix=1700007200.5),
        ClearFizzles(),
        Drill(seconds=7.5),
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
