"""The Docker engine: typed calls, each with a deadline, errors as values. The only module that knows docker-py.

docker-py knows addresses, TLS and the DOCKER_* variables, and reads the registries' logins. Its client isn't used: its
calls have a timeout for each wait but none for the whole call, a pull has none at all, and a malformed login file
breaks every call.
"""

import http
import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import docker.auth
import docker.errors
import docker.utils

from plancton.common import engine_answers as answers
from plancton.common.engine_events import EventStream
from plancton.common.engine_socket import SocketAdapter
from plancton.common.engine_types import DEFAULT_ENGINE_URL, Container, EngineInfo, Failure, FailureKind
from plancton.common.engine_wire import ERRORS, RefusedError, Reply, Request, Session, failure_of, send
from plancton.common.masking import mask, mask_url

T = TypeVar("T")


_NEWEST_KNOWN_API = (1, 44)


class Engine:
    """One engine. Any number of threads may call it at once. Constructing one touches no network.

    Each call blocks for at most about ``deadline`` seconds and returns a ``Failure`` for whatever goes wrong outside
    this process. After ``unreachable``, ``timed-out`` and ``broken`` the call may have had its effect all the same.
    """

    def __init__(self, url: str | None = None) -> None:
        """Talk to the engine at ``url``, else at DOCKER_HOST, else at the standard socket.

        DOCKER_CERT_PATH and DOCKER_TLS_VERIFY apply to TCP addresses.
        """
        self._url = url or os.environ.get("DOCKER_HOST") or DEFAULT_ENGINE_URL
        self._peer = self._url if self._url.startswith("unix:") else mask_url(self._url)
        self._idle: list[Session] = []
        """Sessions, each with its connection, that no call uses now: as many as calls were ever under way at once."""
        self._api_version: str | None = None

    def info(self, *, deadline: float = 10.0) -> EngineInfo | Failure:
        """Return what the engine says of itself and its machine."""

        def understand(reply: Reply) -> EngineInfo:
            return answers.decode_info(reply.read(), self._api_version or "")

        return self._call(Request(method="GET", path="/info"), understand, deadline)

    def list_containers(self, labels: Mapping[str, str], *, deadline: float = 10.0) -> tuple[Container, ...] | Failure:
        """Return all containers, in whatever state, that carry all ``labels``. One call, however many there are."""
        params = {"all": "1", "filters": json.dumps({"label": _label_filter(labels)})}
        request = Request(method="GET", path="/containers/json", params=params)
        return self._call(request, lambda reply: answers.decode_list(reply.read()), deadline)

    def inspect(self, container_id: str, *, deadline: float = 10.0) -> Container | Failure:
        """Return the container of this id or name."""
        request = Request(method="GET", path=_container(container_id, "/json"))
        return self._call(request, lambda reply: answers.decode_inspection(reply.read()), deadline)

    def image_id(self, image: str, *, deadline: float = 10.0) -> str | Failure | None:
        """Return the id of the local image of this name; None where the engine doesn't have it."""
        request = Request(method="GET", path=f"/images/{quote(image, safe='/:')}/json")
        found = self._call(request, lambda reply: answers.decode_id(reply.read()), deadline)
        return None if isinstance(found, Failure) and found.kind is FailureKind.NOT_FOUND else found

    def pull(self, image: str, *, deadline: float = 1800.0) -> str | Failure:
        """Have the engine fetch ``image`` from its registry, and return the image's id.

        It logs in to the registry as ``docker login`` was told.
        """
        ends_at = time.monotonic() + deadline
        repository, tag = answers.image_reference(image)
        login = _login(repository)
        if isinstance(login, Failure):
            return login
        params = {"fromImage": repository, "tag": tag}
        request = Request(method="POST", path="/images/create", params=params, headers=login)
        failure = self._call(request, _follow_pull, deadline)
        if failure is not None:
            return failure
        found = self.image_id(image, deadline=ends_at - time.monotonic())
        if found is None:
            detail = "pulled, but not there"
            return Failure(kind=FailureKind.NOT_FOUND, detail=detail, seconds=deadline - (ends_at - time.monotonic()))
        return found

    def create(self, body: Mapping[str, Any], name: str, *, deadline: float = 30.0) -> str | Failure:
        """Create a container of this name from the body of the engine's own call, and return its id.

        ``conflict`` means that the name is taken, ``not-found`` that the image isn't there.
        """
        request = Request(
            method="POST",
            path="/containers/create",
            params={"name": name},
            headers={"Content-Type": "application/json"},
            body=json.dumps(body).encode(),
        )
        return self._call(request, lambda reply: answers.decode_id(reply.read()), deadline)

    def start(self, container_id: str, *, deadline: float = 60.0) -> Failure | None:
        """Start a container; one that runs already is a success, one that has ended runs again."""
        return self._call(Request(method="POST", path=_container(container_id, "/start")), _ignore, deadline)

    def kill(self, container_id: str, signal: str = "SIGKILL", *, deadline: float = 30.0) -> Failure | None:
        """Send a signal to a container's first process; ``conflict`` means that it doesn't run."""
        request = Request(method="POST", path=_container(container_id, "/kill"), params={"signal": signal})
        return self._call(request, _ignore, deadline)

    def remove(self, container_id: str, *, force: bool = False, deadline: float = 60.0) -> Failure | None:
        """Remove a container and its anonymous volumes; one that is gone, or that is being removed, is a success.

        Without ``force``, ``conflict`` means that it runs.
        """
        params = {"v": "1", "force": "1" if force else "0"}
        request = Request(method="DELETE", path=_container(container_id), params=params)
        failure = self._call(request, _ignore, deadline)
        if failure is None or failure.kind is FailureKind.NOT_FOUND:
            return None
        if failure.kind is FailureKind.CONFLICT and "already in progress" in failure.detail:
            return None
        return failure

    def logs_tail(self, container_id: str, lines: int, max_bytes: int, *, deadline: float = 10.0) -> str | Failure:
        """Return the last ``lines`` lines that a container wrote, of them the last ``max_bytes`` at most.

        The container must have been created without a terminal.
        """

        def understand(reply: Reply) -> str:
            tail = answers.LogTail(max_bytes)
            for piece in reply.pieces():
                tail.feed(piece)
            return tail.text()

        params = {"stdout": "1", "stderr": "1", "tail": str(lines)}
        request = Request(method="GET", path=_container(container_id, "/logs"), params=params)
        return self._call(request, understand, deadline)

    def events(
        self, labels: Mapping[str, str], since_nano: int | None = None, *, deadline: float = 10.0
    ) -> EventStream | Failure:
        """Return the events of containers that carry all ``labels``, those since ``since_nano`` first.

        The event at that very moment comes again. The engine keeps 256 events at most, and none over its own restart.
        The deadline is for opening the stream; a frozen engine's stream is silent.
        """
        params = {"filters": json.dumps({"type": ["container"], "label": _label_filter(labels)})}
        if since_nano is not None:
            params["since"] = f"{since_nano // 10**9}.{since_nano % 10**9:09}"
        began = time.monotonic()
        session = self._take()
        if isinstance(session, Failure):
            return session
        try:
            reply = self._send(session, Request(method="GET", path="/events", params=params), began + deadline)
        except ERRORS as error:
            return self._failed(session, error, began)
        reply.wait_forever()
        return EventStream(reply, session.close)

    def close(self) -> None:
        """Close the connections that no call uses now; a later call opens one again."""
        while self._idle:
            self._idle.pop().close()

    def _call(self, request: Request, understand: Callable[[Reply], T], deadline: float) -> T | Failure:
        began = time.monotonic()
        session = self._take()
        if isinstance(session, Failure):
            return session
        try:
            result = understand(self._send(session, request, began + deadline))
        except ERRORS as error:
            return self._failed(session, error, began)
        self._idle.append(session)
        return result

    def _take(self) -> Session | Failure:
        try:
            return self._idle.pop()
        except IndexError:
            return _session(self._url)

    def _send(self, session: Session, request: Request, ends_at: float) -> Reply:
        version = self._api_version
        if version is None:
            answer = send(session, Request(method="GET", path="/version"), ends_at).read()
            version = self._api_version = answers.decode_api_version(answer, _NEWEST_KNOWN_API)
        return send(session, request, ends_at, f"/v{version}")

    def _failed(self, session: Session, error: Exception, began: float) -> Failure:
        if isinstance(error, RefusedError) and "client version" not in error.reason:
            self._idle.append(session)
        else:
            # Another engine, of another version, may answer next time.
            self._api_version = None
            session.close()
        return failure_of(error, self._peer, time.monotonic() - began)


def _session(url: str) -> Session | Failure:
    """Return a session that has not connected yet."""
    unix = url.startswith("unix:")
    session = Session()
    try:
        tls = None if unix else docker.utils.kwargs_from_env().get("tls")
        base_url = str(docker.utils.parse_host(url, tls=tls is not None))
        if tls is not None:
            # Any session of requests will do.
            tls.configure_client(session)  # type: ignore[arg-type]
    except (docker.errors.DockerException, OSError, ValueError) as error:
        return Failure(kind=FailureKind.REFUSED, detail=mask(f"{url}: {error}"), seconds=0.0)
    if unix:
        session.mount("http://", SocketAdapter("/" + base_url.removeprefix("http+unix://").lstrip("/")))
    session.base_url = "http://localhost" if unix else base_url
    return session


def _login(repository: str) -> dict[str, str] | Failure:
    """Return the header that logs in to the repository's registry; empty where there is no login for it."""
    try:
        registry, _ = docker.auth.resolve_repository_name(repository)
        # Read each time: the operator may have logged in since.
        login = docker.auth.load_config().resolve_authconfig(registry)
        return {"X-Registry-Auth": docker.auth.encode_header(login).decode()} if login else {}
    except Exception as error:  # noqa: BLE001 - a malformed file, or a credential helper, makes docker-py raise anything
        detail = f"the login for {repository}: {type(error).__name__}: {error}"
        return Failure(kind=FailureKind.REFUSED, detail=detail, seconds=0.0)


def _follow_pull(reply: Reply) -> None:
    error = ""
    for line in reply.lines():
        error = answers.decode_progress(line) or error
    if error:
        raise RefusedError(http.HTTPStatus.INTERNAL_SERVER_ERROR, error)


def _ignore(reply: Reply) -> None:
    reply.read()


def _container(container_id: str, call: str = "") -> str:
    return f"/containers/{quote(container_id, safe='')}{call}"


def _label_filter(labels: Mapping[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in labels.items()]
