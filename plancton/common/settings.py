"""Every setting, declared once: its name, type, default, bounds, unit and help.

The reference, the sample file, validation and its error texts are all made from these declarations; see
``plancton.common.declarations`` for reading them. Constraints are checked where text becomes settings
(``plancton.common.config``) and where bytes do (the codec), not by the constructor.
"""

from typing import Annotated, Literal, get_type_hints

import msgspec
from msgspec import Meta

Group = Literal["pilots", "pilot", "owner", "daemon", "monitoring"]

_TEN_YEARS = 315_360_000.0
_LARGEST_EXACT = 2**53
"""Beyond this a float, which expressions reckon in, no longer tells neighbouring integers apart."""

_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
_DOMAIN = r"(?:(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?/)?"
_REPOSITORY = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
_TAG = r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
_DIGEST = r"(?:@[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-f]{32,})?"
IMAGE_PATTERN = rf"^{_DOMAIN}{_REPOSITORY}{_TAG}{_DIGEST}\Z"

_BIND_OPTION = r"(?:ro|rw|z|Z|r?shared|r?slave|r?private|nocopy|consistent|cached|delegated)"
BIND_PATTERN = rf"^(?:/[^:\x00-\x1f]*|{_NAME}):/[^:\x00-\x1f]*(?::{_BIND_OPTION}(?:,{_BIND_OPTION})*)?\Z"

_HOST = r"(?:[^\s@#/:\[\]]+|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?"
INFLUXDB_URL_PATTERN = rf"^(?:https?|insecure_https)://(?:[^\s@#/]+@)?{_HOST}(?:/[^\s#]*)?#[^\s#]+\Z"


def _number(group: Group, description: str, unit: str, *, ge: float, le: float) -> Meta:
    return Meta(
        ge=ge, le=le, description=description, extra={"group": group, "unit": unit, "form": "", "secret": False}
    )


def _seconds(group: Group, description: str, *, ge: float, le: float = _TEN_YEARS) -> Meta:
    return _number(group, description, "seconds", ge=ge, le=le)


def _described(group: Group, form: str, description: str, *, pattern: str | None = None, secret: bool = False) -> Meta:
    """Declare what isn't a number: ``form`` says what a right value looks like; a ``secret`` may hold a password."""
    extra = {"group": group, "unit": "", "form": form, "secret": secret}
    return Meta(pattern=pattern, description=description, extra=extra)


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the host that pilots may use."""

    path_on_host: Annotated[str, Meta(pattern=r"^/[^\x00-\x1f]+\Z")]
    path_in_container: Annotated[str, Meta(pattern=r"^/[^\x00-\x1f]+\Z")]
    cgroup_permissions: Annotated[str, Meta(pattern=r"^(?!.*(.).*\1)[rwm]{1,3}\Z")] = "rwm"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings of one planctond. The constructor without arguments gives the documented defaults."""

    max_docks: Annotated[
        str,
        _described(
            "pilots",
            "a number, or arithmetic over ncpus, ram_bytes, swap_bytes, max_dock_mem and max_dock_swap",
            "The most pilots at a time; rounded down, and 0 where it would be negative. Arithmetic, comparisons, "
            "if-else, min, max, int and round may be used over the host's ncpus, ram_bytes and swap_bytes and the "
            "settings max_dock_mem and max_dock_swap.",
        ),
    ] = "max(1, ncpus - 2)"
    docks_per_loop: Annotated[
        int,
        _number(
            "pilots", "The most pilots added in each main_sleep; replacements don't count.", "pilots", ge=0, le=10_000
        ),
    ] = 4
    main_sleep: Annotated[
        float, _seconds("pilots", "The period in which docks_per_loop pilots may be added.", ge=0.1, le=86_400.0)
    ] = 30.0
    max_ttl: Annotated[float, _seconds("pilots", "How long a pilot may live.", ge=1.0)] = 43_200.0
    stop_grace: Annotated[
        float, _seconds("pilots", "How long a pilot has to finish between SIGTERM and SIGKILL.", ge=0.0, le=86_400.0)
    ] = 10.0

    docker_image: Annotated[
        str,
        _described(
            "pilot",
            "an image such as busybox, user/name:tag, registry:5000/name:tag or name@sha256:… (lower case)",
            "The image that pilots run, with registry, tag or digest as needed.",
            pattern=IMAGE_PATTERN,
        ),
    ] = "busybox"
    docker_cmd: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[^\x00]*\Z")], ...],
        _described(
            "pilot",
            "a command line with balanced quotes, or a list of its words",
            "The command that a pilot runs. A text is split into words as a shell would; no shell runs it. "
            "Empty: the image's own command.",
        ),
    ] = ("/bin/sleep", "60")
    cpus_per_dock: Annotated[
        float,
        _number("pilot", "CPUs of a pilot, a hard quota; fractions are allowed.", "CPUs", ge=0.01, le=4096.0),
    ] = 1.0
    max_dock_mem: Annotated[
        int,
        _number("pilot", "The most memory of a pilot.", "bytes", ge=6 * 2**20, le=_LARGEST_EXACT),
    ] = 2_000_000_000
    max_dock_swap: Annotated[
        int, _number("pilot", "The most swap of a pilot, beyond its memory.", "bytes", ge=0, le=_LARGEST_EXACT)
    ] = 0
    user_group: Annotated[
        str,
        _described(
            "pilot",
            'uid:gid such as "1000:1000"',
            "Whom a pilot runs as inside its container.",
            pattern=rf"^(?:[0-9]{{1,10}}|{_NAME})(?::(?:[0-9]{{1,10}}|{_NAME}))?\Z",
        ),
    ] = "0:0"
    binds: Annotated[
        tuple[Annotated[str, Meta(pattern=BIND_PATTERN)], ...],
        _described(
            "pilot",
            "host:container or host:container:options such as /data:/data:rw, with absolute paths",
            "Directories and files of the host that pilots see; read-only unless the options say rw.",
        ),
    ] = ()
    devices: Annotated[
        tuple[Device, ...],
        _described(
            "pilot",
            "host:container:permissions such as /dev/fuse:/dev/fuse:rwm, or a mapping with PathOnHost, PathInContainer "
            "and CgroupPermissions",
            "Devices of the host that pilots may use.",
        ),
    ] = ()
    capabilities: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[+-]?[A-Z][A-Z_]*[A-Z]\Z")], ...],
        _described(
            "pilot", "SYS_ADMIN or +SYS_ADMIN to add, -MKNOD to drop", "Capabilities added to or taken from pilots."
        ),
    ] = ()
    security_opts: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[a-z][a-z-]*(?:[:=][^\x00-\x1f]+)?\Z")], ...],
        _described(
            "pilot",
            "a Docker security option such as apparmor=profile",
            "Security options of pilots; used only where AppArmor is on.",
        ),
    ] = ()
    docker_privileged: Annotated[
        bool, _described("pilot", "true or false", "Run pilots privileged: they own the machine then.")
    ] = False
    docker_network: Annotated[
        str,
        _described(
            "pilot",
            "bridge, host, none or a network's name",
            "The network that pilots are on.",
            pattern=rf"^{_NAME}(?::{_NAME})?\Z",
        ),
    ] = "bridge"

    grace_kill: Annotated[
        float,
        _seconds("owner", "How long there must have been no room before a pilot is ended for the owner.", ge=0.0),
    ] = 120.0
    grace_spawn: Annotated[
        float, _seconds("owner", "How long nothing is launched after a pilot was ended for the owner.", ge=0.0)
    ] = 60.0

    updateconfig: Annotated[
        float, _seconds("daemon", "How often the configuration file is read again.", ge=0.1, le=86_400.0)
    ] = 60.0
    image_expiration: Annotated[
        float, _seconds("daemon", "How often the image is asked for anew at its registry.", ge=1.0)
    ] = 43_200.0
    docker_url: Annotated[
        Annotated[str, Meta(pattern=r"^(?:unix://.+|(?:tcp|https?)://[^\s/]+(?:/\S*)?)\Z")] | None,
        _described(
            "daemon",
            "unix:///path/of/a.sock, tcp://host:port or nothing",
            "The Docker engine. Empty: what DOCKER_HOST and its companions say, then the standard socket.",
            secret=True,
        ),
    ] = None
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        _described("daemon", "debug, info, warning or error", "The least important messages that are logged."),
    ] = "info"

    influxdb_url: Annotated[
        tuple[Annotated[str, Meta(pattern=INFLUXDB_URL_PATTERN)], ...],
        _described(
            "monitoring",
            "http[s]://[user:password@]host:port#database or insecure_https://…, one or a list",
            "Where measurements are sent; insecure_https doesn't check the server's certificate. Empty: nowhere.",
            secret=True,
        ),
    ] = ()


SPEC_KEYS = frozenset(
    name
    for name, hint in get_type_hints(Settings, include_extras=True).items()
    if hint.__metadata__[0].extra["group"] == "pilot"
)
"""What a pilot's container is made of: a change of these applies to new pilots only."""
