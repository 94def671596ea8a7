"""The engine's answers, from bytes to facts: pure. What can't be understood raises msgspec.DecodeError."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

import msgspec

from plancton.common.engine_types import Container, EngineEvent, EngineInfo
from plancton.common.pilot import ENDED_STATES, PilotState

T = TypeVar("T")

_EXIT_CODE = re.compile(r"Exited \((\d+)\)")
_OTHER_STATES = {"configured": PilotState.CREATED, "stopped": PilotState.EXITED}
"""Podman's words. What is unknown counts as running, so that nothing is launched in its place."""
_EVENT_ATTRIBUTES = frozenset({"image", "name", "oldName", "exitCode", "execDuration", "signal"})
"""What the engine mixes with the labels."""


class _Answer(msgspec.Struct, rename="pascal"):
    pass


class _Version(_Answer):
    api_version: str
    min_api_version: str = msgspec.field(default="", name="MinAPIVersion")


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


class _Inspected(_Answer):
    id: str
    name: str
    created: datetime
    state: _State
    config: _Config
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


class _Refusal(msgspec.Struct):
    message: str


class _Progress(msgspec.Struct):
    error: str = ""


_EVENTS = msgspec.json.Decoder(_Event)
_PROGRESS = msgspec.json.Decoder(_Progress)


def decode_api_version(body: bytes, newest_known: tuple[int, int]) -> str:
    """Return the API version to speak: the newest that both sides know, from an answer to ``/version``."""
    answer = msgspec.json.decode(body, type=_Version)
    newest, oldest = _numbers(answer.api_version), _numbers(answer.min_api_version or answer.api_version)
    # An engine too new for what is known here is spoken to in its oldest words.
    major, minor = max(min(newest, newest_known), oldest)
    return f"{major}.{minor}"


def _numbers(version: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)\.(\d+)", version)
    if match is None:
        message = f"not an API version: {version[:40]!r}"
        raise msgspec.DecodeError(message)
    return int(match[1]), int(match[2])


def decode_info(body: bytes, api_version: str) -> EngineInfo:
    """Return what ``/info`` says."""
    answer = msgspec.json.decode(body, type=_Info)
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


def decode_list(body: bytes) -> tuple[Container, ...]:
    """Return what ``/containers/json`` says."""
    return tuple(_listed(each) for each in msgspec.json.decode(body, type=list[_Listed]))


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


def decode_inspection(body: bytes) -> Container:
    """Return what ``/containers/<id>/json`` says."""
    answer = msgspec.json.decode(body, type=_Inspected)
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


def decode_id(body: bytes) -> str:
    """Return the id that the engine gives to what was created or asked for."""
    return msgspec.json.decode(body, type=_Id).id


def decode_event(line: bytes) -> EngineEvent:
    """Return one line of ``/events``."""
    answer = _EVENTS.decode(line)
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


def decode_progress(line: bytes) -> str:
    """Return the error in one line of a pull's progress; empty where there is none."""
    return _PROGRESS.decode(line).error


def refusal(body: bytes) -> str:
    """Return the reason in an answer of status 400 or above, however it's written: one line of bounded length."""
    try:
        text = msgspec.json.decode(body, type=_Refusal).message
    except msgspec.DecodeError:
        text = body.decode(errors="replace")
    return " ".join(text.split())[:500]


def image_reference(image: str) -> tuple[str, str]:
    """Split ``[registry[:port]/]repository[:tag or @digest]`` into the repository and the tag or digest."""
    repository, at, digest = image.partition("@")
    if at:
        return repository, digest
    head, colon, tag = image.rpartition(":")
    if not colon or "/" in tag:
        return image, "latest"
    return head, tag


class LogTail:
    """The end of a container's output, from the frames that the engine wraps it in (eight bytes, then the output)."""

    _HEADER = 8

    def __init__(self, max_bytes: int) -> None:
        """Keep the last ``max_bytes`` of output."""
        self._max_bytes = max_bytes
        self._kept = bytearray()
        self._pending = bytearray()
        self._left = 0
        """How much of the present frame is still to come."""

    def feed(self, data: bytes) -> None:
        """Take in the next part of the answer."""
        self._pending += data
        while self._pending:
            if self._left == 0:
                if len(self._pending) < self._HEADER:
                    return
                self._left = int.from_bytes(self._pending[4 : self._HEADER], "big")
                del self._pending[: self._HEADER]
            piece = self._pending[: self._left]
            del self._pending[: len(piece)]
            self._left -= len(piece)
            self._kept += piece
            del self._kept[: max(0, len(self._kept) - self._max_bytes)]

    def text(self) -> str:
        """Return the output, without a character cut in two at its start; other bytes that are no text are replaced."""
        start = 0
        while start < min(3, len(self._kept)) and self._kept[start] & 0xC0 == 0x80:  # noqa: PLR2004 - UTF-8's marks
            start += 1
        return self._kept[start:].decode(errors="replace")
