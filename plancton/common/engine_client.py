"""One docker-py client for one call, with the call's deadline, and what its errors mean."""

import http
from typing import Any, Self

import docker
import docker.auth
import docker.constants
import docker.errors
import docker.utils
import requests

from plancton.common.engine_types import Failure, FailureKind
from plancton.common.masking import mask

OLDEST_API = docker.constants.MINIMUM_DOCKER_API_VERSION
"""For asking which one the engine speaks: that question has no version in its path."""
_SHORTEST_WAIT = 0.001
"""A timeout of zero or less is an error to urllib3."""


class Client(docker.APIClient):
    """docker-py's client, whose every wait has an end. Constructing one touches no network.

    docker-py gives pulls and event streams no timeout at all. All its requests go through ``request``, so that is
    where each gets one.
    """

    def __init__(self, url: str, version: str, deadline: float) -> None:
        """Talk to the engine at ``url`` in this version of its API.

        DOCKER_CERT_PATH and DOCKER_TLS_VERIFY apply to TCP addresses.

        Raises:
            docker.errors.DockerException: an address or certificates that can't be used.

        """
        tls = None if url.startswith("unix:") else docker.utils.kwargs_from_env().get("tls")
        super().__init__(url, version, tls=tls or False)
        # REQUESTS_CA_BUNDLE would take the place of the engine's own authority, and a proxy for the registries that of
        # the engine.
        self.trust_env = False
        # A redirected POST becomes the GET of a page that can be anything: a success that did nothing.
        self.max_redirects = 0
        self._connect_seconds = max(deadline, _SHORTEST_WAIT)
        self._silent_seconds: float | None = self._connect_seconds

    def allow_silence(self) -> Self:
        """Let the answers to come take any time, once connected."""
        self._silent_seconds = None
        return self

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - whatever requests takes
        """Ask, and return the answer, of which what is streamed is still to be read.

        Connecting may take the deadline, and so may each wait for data: an engine either answers or is frozen.
        """
        kwargs["timeout"] = (self._connect_seconds, self._silent_seconds)
        response = super().request(*args, **kwargs)
        # docker-py doesn't look at the status of an event stream, and then takes the refusal for its end.
        self._raise_for_status(response)  # type: ignore[attr-defined] # the stubs leave it out
        return response

    @property
    def _general_configs(self) -> dict[str, Any]:
        """What docker-py has read of ~/.docker/config.json: nothing, for a malformed login there would break each call.

        A dict that isn't empty keeps it from reading the file once more. Pulls look for their login with ``login_for``.
        """
        return {"auths": {}}

    @_general_configs.setter
    def _general_configs(self, _read: object) -> None:
        pass


def login_for(image: str) -> dict[str, Any] | Failure | None:
    """Return what ``docker login`` was told for the image's registry; None where it was told nothing."""
    try:
        registry, _ = docker.auth.resolve_repository_name(image)
        # Read each time: the operator may have logged in since.
        login: dict[str, Any] | None = docker.auth.load_config().resolve_authconfig(registry)
    except Exception as error:  # noqa: BLE001 - a malformed file, or a credential helper, makes docker-py raise anything
        detail = f"the login for {image}: {type(error).__name__}: {error}"
        return Failure(kind=FailureKind.REFUSED, detail=detail, seconds=0.0)
    return login


def failure_of(error: Exception, peer: str, seconds: float) -> Failure:
    """Return what ``error`` means to a caller that waited ``seconds`` for ``peer``."""
    if isinstance(error, docker.errors.APIError):
        detail = " ".join(str(error.explanation).split())[:500]
        return Failure(kind=_kind_of_status(error.status_code or 0), detail=detail, seconds=seconds)
    root = _root(error)
    if isinstance(root, TimeoutError):
        return Failure(kind=FailureKind.TIMED_OUT, detail=f"{peer}: no answer within {seconds:.2f} s", seconds=seconds)
    detail = (root.strerror if isinstance(root, OSError) else None) or f"{type(root).__name__}: {root}"
    return Failure(kind=_kind_of_root(root), detail=f"{peer}: {mask(detail)[:500]}", seconds=seconds)


def _kind_of_status(status: int) -> FailureKind:
    match status:
        case 404:
            return FailureKind.NOT_FOUND
        case 409:
            return FailureKind.CONFLICT
        case _ if status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
            return FailureKind.REFUSED
        case _:
            return FailureKind.BROKEN


def _kind_of_root(root: BaseException) -> FailureKind:
    match root:
        case requests.TooManyRedirects():
            return FailureKind.BROKEN
        case docker.errors.DockerException() | requests.RequestException():
            # What the libraries themselves won't send, such as to an address of an unknown kind.
            return FailureKind.REFUSED
        case OSError():
            return FailureKind.UNREACHABLE
        case _:
            return FailureKind.BROKEN


def _root(error: BaseException) -> BaseException:
    """Return what the layers of libraries wrapped; docker-py's own errors say best what they mean."""
    while not isinstance(error, docker.errors.DockerException):
        wrapped = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if wrapped is None:
            break
        error = wrapped
    return error
