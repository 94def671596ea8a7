"""The conversation with one server, by influxdb-client: each request ends in time, and each failure is a value."""

import http.client
import logging
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from influxdb_client.service.ping_service import PingService

from plancton.common.influxdb_setting import InfluxDB
from plancton.workers.metrics.influxdb.address import base_of, is_verified
from plancton.workers.metrics.influxdb.answers import Reply
from plancton.workers.metrics.influxdb.deadline import Deadline, bound
from plancton.workers.metrics.influxdb.login import Login

_VERSION = re.compile(r"v?([0-9][\w.+~-]{0,39})")
_BUILD = re.compile(r"[A-Za-z][\w .-]{0,29}")
_PLAIN_BUILD = "OSS"
_UNREADABLE_BODY = "Cannot parse error response to JSON"


def _tells_no_body(record: logging.LogRecord) -> bool:
    """Tell whether a record may be logged: influxdb-client logs whole answers, and a server may repeat a login."""
    return not str(record.msg).startswith(_UNREADABLE_BODY)


logging.getLogger().addFilter(_tells_no_body)


class Link:
    """One client of one server. Nothing is sent before the first request."""

    def __init__(self, sink: InfluxDB) -> None:
        """Prepare for the sink's server."""
        if not is_verified(sink):
            # The operator asked for it; one warning for each request would say no more.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self.deadline = Deadline(sink.timeout)
        self.login = Login(sink)
        # Proxies of the environment aren't asked: neither the client nor urllib3 looks for them.
        self._client = InfluxDBClient(
            url=base_of(sink),
            timeout=(sink.timeout * 1000, sink.timeout * 1000),
            verify_ssl=is_verified(sink),
            ssl_ca_cert=sink.ca_file,
            enable_gzip=True,
            retries=False,
        )
        bound(self._client.api_client.rest_client.pool_manager, self.deadline)
        self._ca_file = sink.ca_file
        limit = f"within {sink.timeout:g} s"
        self._words: tuple[tuple[type[BaseException], Callable[[Any], str]], ...] = (
            (ssl.SSLCertVerificationError, lambda cause: f"its certificate isn't accepted: {cause.verify_message}"),
            (ssl.SSLError, lambda cause: f"TLS: {cause.reason or 'failed'}"),
            (socket.gaierror, lambda cause: f"its name can't be resolved: {cause.strerror}"),
            (urllib3.exceptions.LocationValueError, lambda _: "its address can't be understood"),
            (OSError, lambda cause: cause.strerror or ""),
            (urllib3.exceptions.ConnectTimeoutError, lambda _: f"no connection {limit}"),
            (urllib3.exceptions.TimeoutError, lambda _: f"no answer {limit}"),
            (TimeoutError, lambda _: f"no answer {limit}"),
        )

    def ask(self, request: Callable[[InfluxDBClient], Any]) -> Reply:
        """Make one request with the login, which must be had already, and return what came of it."""
        header = self.login.header()
        api = self._client.api_client
        if header:
            # In a header, so that no URL holds it that anybody might log.
            api.set_default_header("Authorization", header)  # type: ignore[no-untyped-call]
        try:
            try:
                request(self._client)
            except urllib3.exceptions.ProtocolError:
                # A connection that was kept may have been given up by the other end. To write again harms nothing.
                request(self._client)
        except ApiException as error:
            if error.status:
                return Reply(
                    status=error.status,
                    reason=error.reason or "",
                    body=error.body or "",
                    retry_after=error.retry_after or "",
                )
            return Reply(reason=self._why(error))
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            return Reply(reason=self._why(error))
        answer = api.last_response
        return Reply(status=answer.status, reason=answer.reason or "", body=answer.data)

    def post(self, path: str, query: dict[str, str], body: bytes, headers: dict[str, str]) -> Reply:
        """Make a request that influxdb-client has no method for."""
        return self.ask(
            lambda client: client.api_client.call_api(  # type: ignore[no-untyped-call]
                path, "POST", query_params=query, header_params=dict(headers), body=body
            )
        )

    def version(self) -> str:
        """Return what the server says that it is; empty where it doesn't tell."""
        found: dict[str, str] = {}

        def ping(client: InfluxDBClient) -> None:
            answer = PingService(client.api_client).get_ping_with_http_info()  # type: ignore[no-untyped-call]
            found.update({str(name).lower(): str(value) for name, value in answer[2].items()})

        self.ask(ping)
        version = _VERSION.fullmatch(found.get("x-influxdb-version", ""))
        build = found.get("x-influxdb-build", "")
        if version is None:
            return ""
        known = build if _BUILD.fullmatch(build) and build != _PLAIN_BUILD else ""
        return f"InfluxDB {version[1]} {known}".rstrip()

    def close(self) -> None:
        """Hang up."""
        pools = self._client.api_client.rest_client.pool_manager.pools
        for key in pools.keys():  # noqa: SIM118 - it is no dictionary, and can't be iterated
            # Left to itself, a pool hangs up once it is collected as garbage.
            pools[key].close()
        self._client.close()  # type: ignore[no-untyped-call]

    def _why(self, error: Exception) -> str:
        """Return in a few words why there was no reply."""
        if self._ca_file is not None and (flaw := _flaw_of_certificates(self._ca_file)):
            return flaw
        causes = list(_causes(error))
        for kind, words in self._words:
            for cause in causes:
                if isinstance(cause, kind) and (said := words(cause)):
                    return said
        return f"an answer that can't be read: {type(causes[-1]).__name__}"


def _flaw_of_certificates(file: str) -> str:
    """Return why a ``ca_file`` is of no use; empty where it is. It is read for each connection, so it may change."""
    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        return f"ca_file {file}: holds no certificate"
    except OSError as error:
        return f"ca_file {file}: {error.strerror}"
    return ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those that it came from, the outer first."""
    waiting, seen = [error], set()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        nested = (*each.args, each.__cause__, each.__context__)
        waiting += [cause for cause in nested if isinstance(cause, BaseException)]
