"""The Docker engine: typed calls over docker-py, each with a deadline, errors as values."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from plancton.common import engine_answers as answers
from plancton.common.engine_client import OLDEST_API, Client, failure_of, login_for
from plancton.common.engine_events import EventStream
from plancton.common.engine_times import CallBook, timed
from plancton.common.engine_types import DEFAULT_ENGINE_URL, Container, EngineInfo, Failure, FailureKind
from plancton.common.masking import mask_url
from plancton.common.pilot import PilotState

T = TypeVar("T")

_NO_QUOTA = -1
"""In the kernel's words; 0 is the engine's word for leaving the quota as it is."""


class Engine:
    """One engine. Any number of threads may call it at once. Constructing one touches no network.

    Each call blocks for about ``deadline`` seconds at most where the engine is silent, and returns a ``Failure`` for
    whatever goes wrong outside this process. After ``unreachable``, ``timed-out`` and ``broken`` the call may have had
    its effect all the same.

    Each call has a client of its own, for a client serves one thread at a time. To make one costs a tenth of a call.
    """

    def __init__(self, url: str | None = None) -> None:
        """Talk to the engine at ``url``, else at DOCKER_HOST, else at the standard socket.

        DOCKER_CERT_PATH and DOCKER_TLS_VERIFY apply to TCP addresses.
        """
        self._url = url or os.environ.get("DOCKER_HOST") or DEFAULT_ENGINE_URL
        self._peer = self._url if self._url.startswith("unix:") else mask_url(self._url)
        self._api_version: str | None = None
        self.times = CallBook()
        """How its calls went, each under its method's name; a stream of events took as long as its opening."""

    @property
    def is_local(self) -> bool:
        """Whether it's on this machine for certain, so that it sees the same files."""
        return self._url.startswith("unix:")

    @timed
    def info(self, *, deadline: float = 10.0) -> EngineInfo | Failure:
        """Return what the engine says of itself and its machine."""
        return self._call(lambda client: answers.info(client.info(), client.api_version), deadline)

    @timed
    def list_containers(self, labels: Mapping[str, str], *, deadline: float = 10.0) -> tuple[Container, ...] | Failure:
        """Return all containers, in whatever state, that carry all ``labels``. One call, however many there are."""
        filters = {"label": _label_filter(labels)}
        return self._call(lambda client: answers.listed(client.containers(all=True, filters=filters)), deadline)

    @timed
    def inspect(self, container_id: str, *, deadline: float = 10.0) -> Container | Failure:
        """Return the container of this id or name."""
        return self._call(lambda client: answers.inspected(client.inspect_container(container_id)), deadline)

    @timed
    def image_id(self, image: str, *, deadline: float = 10.0) -> str | Failure | None:
        """Return the id of the local image of this name; None where the engine doesn't have it."""

        def look(client: Client) -> str:
            return answers.id_of(client.inspect_image(image))  # type: ignore[no-untyped-call]

        found = self._call(look, deadline)
        return None if isinstance(found, Failure) and found.kind is FailureKind.NOT_FOUND else found

    @timed
    def pull(self, image: str, *, deadline: float = 1800.0) -> str | Failure:
        """Have the engine fetch ``image`` from its registry, and return the image's id.

        It logs in to the registry as ``docker login`` was told.
        """
        began, ends_at = time.monotonic(), time.monotonic() + deadline
        login = login_for(image)
        if isinstance(login, Failure):
            return login

        def follow(client: Client) -> str:
            error = ""
            for line in client.pull(image, stream=True, decode=True, auth_config=login):
                error = answers.pull_error(line) or error
                if time.monotonic() > ends_at:
                    raise TimeoutError
            return error

        error = self._call(follow, deadline)
        if isinstance(error, Failure):
            return error
        if error:
            return Failure(kind=FailureKind.BROKEN, detail=error[:500], seconds=time.monotonic() - began)
        found = self.image_id(image, deadline=ends_at - time.monotonic())
        if found is None:
            detail = "pulled, but not there"
            return Failure(kind=FailureKind.NOT_FOUND, detail=detail, seconds=time.monotonic() - began)
        return found

    @timed
    def create(self, body: Mapping[str, Any], name: str, *, deadline: float = 30.0) -> str | Failure:
        """Create a container of this name from the body of the engine's own call, and return its id.

        ``conflict`` means that the name is taken, ``not-found`` that the image isn't there.
        """

        def create(client: Client) -> str:
            created = client.create_container_from_config(dict(body), name)  # type: ignore[no-untyped-call]
            return answers.id_of(created)

        return self._call(create, deadline)

    @timed
    def start(self, container_id: str, *, deadline: float = 60.0) -> Failure | None:
        """Start a container; one that runs already is a success, one that has ended runs again."""
        return self._call(lambda client: client.start(container_id), deadline)

    @timed
    def kill(self, container_id: str, signal: str = "SIGKILL", *, deadline: float = 30.0) -> Failure | None:
        """Send a signal to a container's first process; ``conflict`` means that it doesn't run."""
        return self._call(lambda client: client.kill(container_id, signal), deadline)

    @timed
    def pause(self, container_id: str, *, deadline: float = 30.0) -> Failure | None:
        """Suspend a container; one that is already is a success, ``conflict`` means that it doesn't run."""
        failure = self._call(lambda client: client.pause(container_id), deadline)
        return None if failure is not None and "already paused" in failure.detail else failure

    @timed
    def unpause(self, container_id: str, *, deadline: float = 30.0) -> Failure | None:
        """Let a suspended container go on; one that runs is a success, ``conflict`` means that it doesn't run."""
        failure = self._call(lambda client: client.unpause(container_id), deadline)
        if failure is None or "not paused" not in failure.detail:
            return failure
        # The engine says the same of one that runs and of one that has ended.
        there = self.inspect(container_id, deadline=deadline)
        if isinstance(there, Failure):
            return there
        if there.state is PilotState.RUNNING:
            return None
        return msgspec.structs.replace(failure, kind=FailureKind.CONFLICT)

    @timed
    def lift_quota(self, container_id: str, *, deadline: float = 30.0) -> Failure | None:
        """Let a container use all the CPUs that are free; one that has no quota is a success, and so is an ended one.

        Podman can't: ``not-found``.
        """

        def lift(client: Client) -> None:
            client.update_container(container_id, cpu_quota=_NO_QUOTA)

        return self._call(lift, deadline)

    @timed
    def remove(self, container_id: str, *, force: bool = False, deadline: float = 60.0) -> Failure | None:
        """Remove a container and its anonymous volumes; one that is gone, or that is being removed, is a success.

        Without ``force``, ``conflict`` means that it runs.
        """
        failure = self._call(lambda client: client.remove_container(container_id, v=True, force=force), deadline)
        if failure is None or failure.kind is FailureKind.NOT_FOUND:
            return None
        if failure.kind is FailureKind.CONFLICT and "already in progress" in failure.detail:
            return None
        return failure

    @timed
    def logs_tail(self, container_id: str, lines: int, max_bytes: int, *, deadline: float = 10.0) -> str | Failure:
        """Return the last ``lines`` lines that a container wrote, of them the last ``max_bytes`` at most."""
        return self._call(lambda client: answers.tail(client.logs(container_id, tail=lines), max_bytes), deadline)

    @timed
    def follow_logs(self, container_id: str, lines: int, *, deadline: float = 10.0) -> Iterator[bytes] | Failure:
        """Return what a container writes as it does, its last ``lines`` lines first, until it ends.

        It may rightly be silent for hours, so the deadline is for the opening alone. Where the engine goes away it
        just ends, too: look at the container for which it was.
        """

        def follow(client: Client) -> Iterator[bytes]:
            return _until_broken(client.logs(container_id, stream=True, follow=True, tail=lines))

        return self._call(follow, deadline)

    @timed
    def events(
        self, labels: Mapping[str, str], since_nano: int | None = None, *, deadline: float = 10.0
    ) -> EventStream | Failure:
        """Return the events of containers that carry all ``labels``, those since ``since_nano`` first.

        The event at that very moment comes again. The engine keeps 256 events at most, and none over its own restart.
        A stream may rightly be silent for hours, so the deadline is for the engine's word that it's there, asked for
        just before; a frozen engine's stream is silent.
        """
        filters = {"type": ["container"], "label": _label_filter(labels)}
        since = None if since_nano is None else f"{since_nano // 10**9}.{since_nano % 10**9:09}"

        def follow(client: Client) -> EventStream:
            # docker-py passes a string on as it is; of a datetime it keeps whole seconds only.
            stream = client.allow_silence().events(since, filters=filters, decode=True)  # type: ignore[call-overload]
            return EventStream(stream, stream.close)

        self._api_version = None
        return self._call(follow, deadline)

    def _call(self, ask: Callable[[Client], T], deadline: float) -> T | Failure:
        began = time.monotonic()
        try:
            with self._client(deadline) as client:
                return ask(client)
        except Exception as error:  # noqa: BLE001 - at an answer that it doesn't expect, docker-py raises anything
            failure = failure_of(error, self._peer, time.monotonic() - began)
        if failure.kind not in {FailureKind.NOT_FOUND, FailureKind.CONFLICT}:
            # Another engine, of another version, may answer next time.
            self._api_version = None
        return failure

    def _client(self, deadline: float) -> Client:
        version = self._api_version
        if version is None:
            with Client(self._url, OLDEST_API, deadline) as client:
                version = self._api_version = answers.api_version(client.version(api_version=False))
        return Client(self._url, version, deadline)


def _until_broken(pieces: Iterator[bytes]) -> Iterator[bytes]:
    with contextlib.suppress(Exception):  # At an end that it doesn't expect, docker-py raises anything.
        yield from pieces


def _label_filter(labels: Mapping[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in labels.items()]
