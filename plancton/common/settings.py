"""Every setting, declared once: its name, type, default, bounds, unit and help.

The reference, the sample file, validation and its error texts are all made from these declarations; see
``plancton.common.declarations`` for reading them. Constraints are checked where text becomes settings
(``plancton.common.config``) and where bytes do (the codec), not by the constructor.
"""

from typing import Annotated, Literal, get_type_hints

import msgspec
from msgspec import Meta

from plancton.common.influxdb_setting import InfluxDB
from plancton.common.masking import mask_value
from plancton.common.owner_settings import OwnerSettings
from plancton.common.setting_forms import (
    BIND_PATTERN,
    IMAGE_PATTERN,
    INFLUXDB_URL_PATTERN,
    LARGEST_EXACT,
    NAME,
    WINDOW_PATTERN,
    described,
    number,
    seconds,
)


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the host that pilots may use."""

    path_on_host: Annotated[str, Meta(pattern=r"^/[^\x00-\x1f]+\Z")]
    path_in_container: Annotated[str, Meta(pattern=r"^/[^\x00-\x1f]+\Z")]
    cgroup_permissions: Annotated[str, Meta(pattern=r"^(?!.*(.).*\1)[rwm]{1,3}\Z")] = "rwm"


class Settings(OwnerSettings, frozen=True, kw_only=True):
    """All settings of one planctond. The constructor without arguments gives the documented defaults."""

    max_docks: Annotated[
        str,
        described(
            "pilots",
            "a number, or arithmetic over ncpus, ram_bytes, swap_bytes, max_dock_mem and max_dock_swap",
            "The most pilots at a time; rounded down, and 0 where it would be negative. Arithmetic, comparisons, "
            "if-else, min, max, int and round may be used over the host's ncpus, ram_bytes and swap_bytes and the "
            "settings max_dock_mem and max_dock_swap.",
        ),
    ] = "max(1, ncpus - 2)"
    docks_per_loop: Annotated[
        int,
        number(
            "pilots", "The most pilots added in each main_sleep; replacements don't count.", "pilots", ge=0, le=10_000
        ),
    ] = 4
    main_sleep: Annotated[
        float, seconds("pilots", "The period in which docks_per_loop pilots may be added.", ge=0.1, le=86_400.0)
    ] = 30.0
    max_ttl: Annotated[float, seconds("pilots", "How long a pilot may live.", ge=1.0)] = 43_200.0
    stop_grace: Annotated[
        float, seconds("pilots", "How long a pilot has to finish between SIGTERM and SIGKILL.", ge=0.0, le=86_400.0)
    ] = 10.0

    windows: Annotated[
        tuple[Annotated[str, Meta(pattern=WINDOW_PATTERN)], ...],
        described(
            "pilots",
            "days and times such as mon-fri 18:00-08:00, sat, sun 06:00-22:00 or daily 20:00-06:00",
            "When pilots may run, in the machine's local time; a window that ends before it begins lasts into the next "
            "day. When the last one closes, pilots that still run are ended; they are told beforehand. Empty: always.",
        ),
    ] = ()
    fizzle_seconds: Annotated[
        float,
        seconds(
            "pilots",
            "A pilot that ends by itself sooner than this fizzles; so does one that can't be started. 0: no life is "
            "too short.",
            ge=0.0,
            le=86_400.0,
        ),
    ] = 3.0
    fizzles_allowed: Annotated[
        int, number("pilots", "So many fizzles in a row hold further launches.", "fizzles", ge=1, le=10_000)
    ] = 3
    fizzle_longest_hold: Annotated[
        float,
        seconds(
            "pilots",
            "Each further fizzle doubles the hold, from about a second up to this long; after it one trial pilot is "
            "started.",
            ge=1.0,
            le=86_400.0,
        ),
    ] = 600.0

    docker_image: Annotated[
        str,
        described(
            "pilot",
            "an image such as busybox, user/name:tag, registry:5000/name:tag or name@sha256:… (lower case)",
            "The image that pilots run, with registry, tag or digest as needed.",
            pattern=IMAGE_PATTERN,
        ),
    ] = "busybox"
    docker_cmd: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[^\x00]*\Z")], ...],
        described(
            "pilot",
            "a command line with balanced quotes, or a list of its words",
            "The command that a pilot runs. A text is split into words as a shell would; no shell runs it. "
            "Empty: the image's own command.",
        ),
    ] = ("/bin/sleep", "60")
    cpus_per_dock: Annotated[
        float,
        number("pilot", "CPUs of a pilot, a hard quota; fractions are allowed.", "CPUs", ge=0.01, le=4096.0),
    ] = 1.0
    max_dock_mem: Annotated[
        int,
        number("pilot", "The most memory of a pilot.", "bytes", ge=6 * 2**20, le=LARGEST_EXACT),
    ] = 2_000_000_000
    max_dock_swap: Annotated[
        int, number("pilot", "The most swap of a pilot, beyond its memory.", "bytes", ge=0, le=LARGEST_EXACT)
    ] = 0
    user_group: Annotated[
        str,
        described(
            "pilot",
            'uid:gid such as "1000:1000"',
            "Whom a pilot runs as inside its container.",
            pattern=rf"^(?:[0-9]{{1,10}}|{NAME})(?::(?:[0-9]{{1,10}}|{NAME}))?\Z",
        ),
    ] = "0:0"
    binds: Annotated[
        tuple[Annotated[str, Meta(pattern=BIND_PATTERN)], ...],
        described(
            "pilot",
            "host:container or host:container:options such as /data:/data:rw, with absolute paths",
            "Directories and files of the host that pilots see; read-only unless the options say rw.",
        ),
    ] = ()
    devices: Annotated[
        tuple[Device, ...],
        described(
            "pilot",
            "host:container:permissions such as /dev/fuse:/dev/fuse:rwm, or a mapping with PathOnHost, PathInContainer "
            "and CgroupPermissions",
            "Devices of the host that pilots may use.",
        ),
    ] = ()
    capabilities: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[+-]?[A-Z][A-Z_]*[A-Z]\Z")], ...],
        described(
            "pilot", "SYS_ADMIN or +SYS_ADMIN to add, -MKNOD to drop", "Capabilities added to or taken from pilots."
        ),
    ] = ()
    security_opts: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[a-z][a-z-]*(?:[:=][^\x00-\x1f]+)?\Z")], ...],
        described(
            "pilot",
            "a Docker security option such as apparmor=profile",
            "Security options of pilots; used only where AppArmor is on.",
        ),
    ] = ()
    oom_score: Annotated[
        int,
        number(
            "pilot",
            "Added to a pilot's score when the kernel chooses whom to kill for want of memory: at 1000 pilots go "
            "first.",
            "points",
            ge=-1000,
            le=1000,
        ),
    ] = 1000
    pilot_directory: Annotated[
        str,
        described(
            "pilot",
            "an absolute path within the pilot, or nothing",
            "Where a pilot finds its deadline, and may say whether it is busy or safe to stop; see docs/pilots.md. "
            "Empty: nowhere.",
            pattern=r"^(?:/[^:\x00-\x1f]*[^:/\x00-\x1f])?\Z",
        ),
    ] = "/plancton"
    docker_privileged: Annotated[
        bool, described("pilot", "true or false", "Run pilots privileged: they own the machine then.")
    ] = False
    docker_network: Annotated[
        str,
        described(
            "pilot",
            "bridge, host, none or a network's name",
            "The network that pilots are on.",
            pattern=rf"^{NAME}(?::{NAME})?\Z",
        ),
    ] = "bridge"

    updateconfig: Annotated[
        float, seconds("daemon", "How often the configuration file is read again.", ge=0.1, le=86_400.0)
    ] = 60.0
    image_expiration: Annotated[
        float, seconds("daemon", "How often the image is asked for anew at its registry.", ge=1.0)
    ] = 43_200.0
    docker_url: Annotated[
        Annotated[str, Meta(pattern=r"^(?:unix://.+|(?:tcp|https?)://[^\s/]+(?:/\S*)?)\Z")] | None,
        described(
            "daemon",
            "unix:///path/of/a.sock, tcp://host:port or nothing",
            "The Docker engine. Empty: what DOCKER_HOST and its companions say, then the standard socket.",
            secret=True,
        ),
    ] = None
    journal_size: Annotated[
        int,
        number(
            "daemon",
            "The most that the journal of decisions takes on disk; it feeds planctonctl why.",
            "bytes",
            ge=65_536,
            le=LARGEST_EXACT,
        ),
    ] = 8 * 2**20
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        described("daemon", "debug, info, warning or error", "The least important messages that are logged."),
    ] = "info"

    influxdb_url: Annotated[
        tuple[Annotated[str, Meta(pattern=INFLUXDB_URL_PATTERN)] | InfluxDB, ...],
        described(
            "monitoring",
            "http[s]://[user:password@]host:port#database or insecure_https://…, or a mapping with url and either "
            "database, user, password_file or bucket, org, token_file, and maybe ca_file and timeout; one or a list",
            "Where measurements are sent; insecure_https doesn't check the server's certificate. Empty: nowhere.",
            secret=True,
        ),
    ] = ()
    prometheus_address: Annotated[
        str,
        described(
            "monitoring",
            "an address of this machine alone such as 127.0.0.1:9273 or [::1]:9273, or nothing",
            "Where Prometheus finds /metrics. Empty: nowhere.",
            pattern=r"^(?:(?:127(?:\.[0-9]{1,3}){3}|localhost|\[::1\]):[0-9]{1,5})?\Z",
        ),
    ] = ""
    history_size: Annotated[
        int,
        number(
            "monitoring",
            "The most that the store of measurements takes on disk: history, and what waits for a sink that is away.",
            "bytes",
            ge=2**20,
            le=LARGEST_EXACT,
        ),
    ] = 128 * 2**20
    history_age: Annotated[float, seconds("monitoring", "How long measurements are kept in the store.", ge=60.0)] = (
        2_592_000.0
    )
    output_size: Annotated[
        int,
        number(
            "monitoring",
            "How much of the end of each pilot's output is kept; 0: none, but of pilots that fizzle.",
            "bytes",
            ge=0,
            le=65_536,
        ),
    ] = 4096

    def __repr__(self) -> str:
        """Return the settings that aren't the default, without secrets."""
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """Return the same for a library that would look inside."""
        default = Settings()
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return [
            (name, mask_value(value) if name in _SECRET_KEYS else value)
            for name, value in values.items()
            if value != getattr(default, name)
        ]


_DECLARED = {name: hint.__metadata__[0].extra for name, hint in get_type_hints(Settings, include_extras=True).items()}
_SECRET_KEYS = frozenset(name for name, extra in _DECLARED.items() if extra["secret"])
SPEC_KEYS = frozenset(name for name, extra in _DECLARED.items() if extra["group"] == "pilot")
"""What a pilot's container is made of: a change of these applies to new pilots only."""
