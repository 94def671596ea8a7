"""The engine's answers as docker-py hands them out, to facts: pure. What can't be understood is a ValidationError."""

import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

from plancton.common.engine_types import Container, EngineEvent, EngineInfo
from plancton.common.pilot import ENDED_STATES, PilotState

_EXIT_CODE = re.compile(r"Exited \((\d+)\)")
_OTHER_STATES = {"configured": PilotState.CREATED, "stopped": PilotState.EXITED}
"""Podman's words. What is unknown counts as running, so that nothing is launched in its place."""
_EVENT_ATTRIBUTES = frozenset({"image", "name", "oldName", "exitCode", "execDuration", "signal"})
"""What the engine mixes with the labels."""


class _Answer(msgspec.Struct, rename="pascal"):
    pass


class _Version(_Answer):
    api_version: str


class _Info(_Answer):
    server_version: str
    security_options: list[str] | None = None
    name: str = ""
    cgroup_driver: str = "cgroupfs"
    cgroup_version: str = "1"
    ncpus: int = msgspec.field(default=0, name="NCPU")
    mem_total: int = 0
    docker_root_dir: str = ""
    id: str = msgspec.field(default="", name="ID")


class _Listed(_Answer):
    id: str
    names: list[str] | None
    created: int
    state: str
    image_id: str = msgspec.field(default="", name="ImageID")
    status: str = ""
    labels: dict[str, str] | None = None


class _State(_Answer):
    status: str
    exit_code: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    pid: int = 0
    oom_killed: bool = msgspec.field(default=False, name="OOMKilled")


class _Config(_Answer):
    labels: dict[str, str] | None = None


class _HostConfig(_Answer):
    cgroup_parent: str = ""


class _Inspected(_Answer):
    id: str
    name: str
    created: datetime
    state: _State
    config: _Config
    host_config: _HostConfig | None = None
    image: str = ""


class _Id(_Answer):
    id: str


class _Actor(_Answer):
    id: str = msgspec.field(name="ID")
    attributes: dict[str, str] | None = None


class _Event(msgspec.Struct):
    action: str = msgspec.field(name="Action")
    actor: _Actor = msgspec.field(name="Actor")
    at_nano: int = msgspec.field(name="timeNano")


class _Progress(msgspec.Struct):
    error: str = ""


def api_version(answer: object) -> str:
    """Return the newest API version that the engine speaks, from its answer to ``/version``."""
    return msgspec.convert(answer, _Version).api_version


def info(body: object, api_version: str) -> EngineInfo:
    """Return what ``/info`` says."""
    answer = msgspec.convert(body, _Info)
    return EngineInfo(
        version=answer.server_version,
        api_version=api_version,
        name=answer.name,
        cgroup_driver=answer.cgroup_driver,
        cgroup_version=2 if answer.cgroup_version == "2" else 1,
        apparmor=any("name=apparmor" in option for option in answer.security_options or ()),
        ncpus=answer.ncpus,
        memory_bytes=answer.mem_total,
        root_dir=answer.docker_root_dir,
        engine_id=answer.id,
    )


def listed(body: object) -> tuple[Container, ...]:
    """Return what ``/containers/json`` says."""
    return tuple(_listed(each) for each in msgspec.convert(body, list[_Listed]))


def _listed(answer: _Listed) -> Container:
    exited = _EXIT_CODE.match(answer.status)
    return Container(
        container_id=answer.id,
        name=_name(answer.names[0] if answer.names else ""),
        labels=answer.labels or {},
        state=_state(answer.state),
        created_unix=float(answer.created),
        image_id=answer.image_id,
        exit_code=int(exited[1]) if exited else None,
    )


def inspected(body: object) -> Container:
    """Return what ``/containers/<id>/json`` says."""
    answer = msgspec.convert(body, _Inspected)
    state = _state(answer.state.status)
    ended = state in ENDED_STATES
    return Container(
        container_id=answer.id,
        name=_name(answer.name),
        labels=answer.config.labels or {},
        state=state,
        created_unix=answer.created.timestamp(),
        image_id=answer.image,
        started_unix=_moment(answer.state.started_at),
        # A container that runs again still tells the end of its run before.
        finished_unix=_moment(answer.state.finished_at) if ended else None,
        exit_code=answer.state.exit_code if ended else None,
        pid=answer.state.pid or None,
        oom_killed=answer.state.oom_killed,
        cgroup_parent=answer.host_config.cgroup_parent if answer.host_config else "",
    )


def _name(name: str) -> str:
    return name.removeprefix("/")


def _state(word: str) -> PilotState:
    try:
        return PilotState(word)
    except ValueError:
        return _OTHER_STATES.get(word, PilotState.RUNNING)


def _moment(moment: datetime | None) -> float | None:
    """Return seconds since the epoch; the year 1 is how the engine writes "never"."""
    return moment.timestamp() if moment is not None and moment.year > 1 else None


def id_of(body: object) -> str:
    """Return the id that the engine gives to what was created or asked for."""
    return msgspec.convert(body, _Id).id


def event(body: object) -> EngineEvent:
    """Return one line of ``/events``."""
    answer = msgspec.convert(body, _Event)
    attributes = answer.actor.attributes or {}
    exit_code = attributes.get("exitCode", "")
    return EngineEvent(
        action=answer.action,
        container_id=answer.actor.id,
        name=attributes.get("name", ""),
        labels=_labels(attributes),
        exit_code=int(exit_code) if exit_code.isdecimal() else None,
        at_nano=answer.at_nano,
    )


def _labels(attributes: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in attributes.items() if key not in _EVENT_ATTRIBUTES}


def pull_error(line: object) -> str:
    """Return the error in one line of a pull's progress; empty where there is none."""
    return msgspec.convert(line, _Progress).error


def tail(output: bytes, max_bytes: int) -> str:
    """Return the last ``max_bytes`` of output without a character cut in two at its start."""
    cut = output[max(0, len(output) - max_bytes) :]
    text = cut.decode(errors="replace")
    return text.lstrip("\ufffd") if len(cut) < len(output) else text
