"""What the engine is asked to make a pilot of: the settings as the body of its create call. Pure."""

import hashlib
from typing import Any

import msgspec

from plancton.common.engine_types import EngineInfo
from plancton.common.naming import cgroup_parent, host_name, labels
from plancton.common.settings import SPEC_KEYS, Settings

_PERIOD_MICROSECONDS = 100_000
_LONGEST_PERIOD_MICROSECONDS = 1_000_000
"""The kernel takes no longer one."""
_LEAST_QUOTA_MICROSECONDS = 50_000
"""A container's set-up takes about 20 ms of CPU from its own quota; with less in a period it waits for the next."""


def spec_hash(settings: Settings) -> str:
    """Return 12 hex digits that differ where containers made of these settings would."""
    spec = [(key, getattr(settings, key)) for key in sorted(SPEC_KEYS)]
    return hashlib.sha256(msgspec.json.encode(spec)).hexdigest()[:12]


def create_body(  # noqa: PLR0913 - keyword-only, and each says something else of one pilot
    settings: Settings, *, image: str, node: str, instance: str, slot: int, incarnation: int, info: EngineInfo
) -> dict[str, Any]:
    """Return the create call's body for one pilot.

    Args:
        settings: What a pilot is made of.
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
    if info.cgroup_driver != "none":
        config["CgroupParent"] = cgroup_parent(instance, info.cgroup_driver)
    return config


def _bind(bind: str) -> str:
    """Return the bind with ``ro`` unless its options say ``rw``, where the engine would take ``rw`` for granted."""
    host, inside, *rest = bind.split(":")
    options = rest[0].split(",") if rest else []
    if "rw" not in options and "ro" not in options:
        options.insert(0, "ro")
    return ":".join((host, inside, ",".join(options)))
