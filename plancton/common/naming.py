"""The names that tie a container to its instance, its slot and its incarnation: pure."""

import hashlib
import re
from collections.abc import Mapping

import msgspec

PREFIX = "plancton-worker"
LABEL_INSTANCE = "plancton.instance"
LABEL_SLOT = "plancton.slot"
LABEL_INCARNATION = "plancton.incarnation"
LABEL_SPEC = "plancton.spec"

_NUMBER = "(0|[1-9][0-9]{0,17})"
_NAME = re.compile(rf"{PREFIX}-([0-9a-f]{{8}})-{_NUMBER}-{_NUMBER}")
_WHOLE = re.compile(_NUMBER)
_LONGEST_HOST_NAME = 63
_LONGEST_NODE = 40


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """What a container's name says."""

    instance: str
    slot: int
    incarnation: int


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What a container's labels say."""

    slot: int
    incarnation: int
    spec: str


def instance_id(rundir: str) -> str:
    """Return the instance of this run directory (its absolute path): 8 hex digits."""
    return hashlib.sha256(rundir.encode(errors="surrogateescape")).hexdigest()[:8]


def container_name(instance: str, slot: int, incarnation: int) -> str:
    """Return the only name that this incarnation's container may have: the engine lets no two have it."""
    return f"{PREFIX}-{instance}-{slot}-{incarnation}"


def parse_name(name: str) -> Name | None:
    """Return what ``container_name`` put into ``name``; None for any other name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    return Name(instance=match[1], slot=int(match[2]), incarnation=int(match[3]))


def labels(instance: str, slot: int, incarnation: int, spec: str) -> dict[str, str]:
    """Return the labels of a pilot's container."""
    return {
        LABEL_INSTANCE: instance,
        LABEL_SLOT: str(slot),
        LABEL_INCARNATION: str(incarnation),
        LABEL_SPEC: spec,
    }


def parse_labels(labels: Mapping[str, str]) -> Identity | None:
    """Return what ``labels`` put there; None where it isn't all there, or isn't what it would have put."""
    slot = _WHOLE.fullmatch(labels.get(LABEL_SLOT, ""))
    incarnation = _WHOLE.fullmatch(labels.get(LABEL_INCARNATION, ""))
    spec = labels.get(LABEL_SPEC)
    if slot is None or incarnation is None or spec is None:
        return None
    return Identity(slot=int(slot[0]), incarnation=int(incarnation[0]), spec=spec)


def is_named_as_labelled(name: str, labels: Mapping[str, str]) -> bool:
    """Tell whether a container has the very name that its labels ask for."""
    named, labelled = parse_name(name), parse_labels(labels)
    if named is None or labelled is None:
        return False
    its_own = (named.instance, named.slot, named.incarnation)
    return its_own == (labels.get(LABEL_INSTANCE), labelled.slot, labelled.incarnation)


def is_pilot(name: str, labels: Mapping[str, str], parent: str | None) -> bool:
    """Tell a pilot from a container that was only given its labels, as any is that runs from an image made of a pilot.

    A pilot has the name that it was made with, or, renamed by hand, still the cgroup ``parent``.
    """
    if parse_labels(labels) is None:
        return False
    # The engine's driver may be another by now than when the pilot was made.
    parents = {cgroup_parent(labels.get(LABEL_INSTANCE, ""), driver) for driver in ("cgroupfs", "systemd")}
    return is_named_as_labelled(name, labels) or parent in parents


def host_name(node: str, slot: int, incarnation: int) -> str:
    """Return the pilot's own host name: valid whatever the node is called, 63 characters at most."""
    end = f"-{slot}-{incarnation}"
    short = re.sub(r"[^a-z0-9]+", "-", node.partition(".")[0].lower())
    longest = min(_LONGEST_NODE, _LONGEST_HOST_NAME - len("plancton-") - len(end))
    # A node's name that leaves nothing still gives a valid one.
    return f"plancton-{short.strip('-')[:longest].rstrip('-') or 'node'}{end}"


def cgroup_parent(instance: str, driver: str) -> str:
    """Return the parent cgroup of this instance's pilots, in the words of the engine's cgroup driver."""
    return f"plancton-{instance}.slice" if driver == "systemd" else f"/plancton-{instance}"


def cgroup_path(instance: str, driver: str) -> str:
    """Return that parent's path below a cgroup mount."""
    # systemd nests a slice in the one that its name begins with.
    return f"plancton.slice/plancton-{instance}.slice" if driver == "systemd" else f"plancton-{instance}"


def cgroup_of(container_id: str, instance: str, driver: str) -> str:
    """Return the path of one pilot's cgroup below a cgroup mount."""
    leaf = f"docker-{container_id}.scope" if driver == "systemd" else container_id
    return f"{cgroup_path(instance, driver)}/{leaf}"
