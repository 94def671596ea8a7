"""What the engine is asked to make a pilot of: the settings as the body of its create call. Pure."""

import posixpath
from collections.abc import Sequence
from typing import Any

from plancton.common.engine_types import EngineInfo
from plancton.common.naming import cgroup_parent, host_name, labels
from plancton.common.settings import Settings
from plancton.common.spec import spec_hash

DIRECTORY_VARIABLE = "PLANCTON_DIRECTORY"
"""What tells a pilot where its directory is."""
_PERIOD_MICROSECONDS = 100_000
_LONGEST_PERIOD_MICROSECONDS = 1_000_000
"""The kernel takes no longer one."""
_LEAST_QUOTA_MICROSECONDS = 50_000
"""A container's set-up takes about 20 ms of CPU from its own quota; with less in a period it waits for the next."""


def create_body(  # noqa: PLR0913 - keyword-only, and each says something else of one pilot
    settings: Settings,
    directory: Sequence[str] = (),
    *,
    image: str,
    node: str,
    instance: str,
    slot: int,
    incarnation: int,
    info: EngineInfo,
) -> dict[str, Any]:
    """Return the create call's body for one pilot.

    Args:
        settings: What a pilot is made of.
        directory: The binds by which the pilot sees its own directory; none where it has none.
        image: The id or the name of an image that the engine has.
        node: The host name of this node.
        instance: Of this planctond.
        slot: Of the pilot.
        incarnation: Of the pilot.
        info: The engine that will run it.

    """
    body: dict[str, Any] = {
        "Image": image,
        "User": settings.user_group,
        "Labels": labels(instance, slot, incarnation, spec_hash(settings)),
        "HostConfig": _host_config(settings, instance, info),
    }
    if settings.docker_cmd:
        body["Cmd"] = list(settings.docker_cmd)
    inside = settings.pilot_directory
    if directory and not _is_bound(settings, inside):
        body["HostConfig"]["Binds"].extend(directory)
        body["Env"] = [f"{DIRECTORY_VARIABLE}={inside}"]
    if not settings.docker_network.startswith("container:"):
        # Who shares another container's network shares its host name.
        body["Hostname"] = host_name(node, slot, incarnation)
    return body


def _host_config(settings: Settings, instance: str, info: EngineInfo) -> dict[str, Any]:
    # The share is the same over any period; small shares get a longer one.
    wanted = max(_PERIOD_MICROSECONDS, round(_LEAST_QUOTA_MICROSECONDS / settings.cpus_per_dock))
    period = min(wanted, _LONGEST_PERIOD_MICROSECONDS)
    config: dict[str, Any] = {
        "CpuPeriod": period,
        "CpuQuota": round(settings.cpus_per_dock * period),
        "Memory": settings.max_dock_mem,
        # The engine counts memory and swap together.
        "MemorySwap": settings.max_dock_mem + settings.max_dock_swap,
        "NetworkMode": settings.docker_network,
        "Privileged": settings.docker_privileged,
        "Binds": [_bind(bind) for bind in settings.binds],
        "Devices": [
            {
                "PathOnHost": device.path_on_host,
                "PathInContainer": device.path_in_container,
                "CgroupPermissions": device.cgroup_permissions,
            }
            for device in settings.devices
        ],
        "CapAdd": [name.removeprefix("+") for name in settings.capabilities if not name.startswith("-")],
        "CapDrop": [name.removeprefix("-") for name in settings.capabilities if name.startswith("-")],
        "SecurityOpt": list(settings.security_opts) if info.apparmor else [],
    }
    if settings.oom_score:
        config["OomScoreAdj"] = settings.oom_score
    if info.cgroup_driver != "none":
        config["CgroupParent"] = cgroup_parent(instance, info.cgroup_driver)
    return config


def _is_bound(settings: Settings, inside: str) -> bool:
    """Tell whether the operator put something else there: the engine refuses a place that is bound twice."""
    taken = {_cleaned(bind.split(":")[1]) for bind in settings.binds}
    return not taken.isdisjoint({_cleaned(inside), _cleaned(f"{inside}/out")})


def _cleaned(path: str) -> str:
    # Two leading slashes would be kept.
    return posixpath.normpath("/" + path.lstrip("/"))


def _bind(bind: str) -> str:
    """Return the bind with ``ro`` unless its options say ``rw``, where the engine would take ``rw`` for granted."""
    host, inside, *rest = bind.split(":")
    options = rest[0].split(",") if rest else []
    if "rw" not in options and "ro" not in options:
        options.insert(0, "ro")
    return ":".join((host, inside, ",".join(options)))
