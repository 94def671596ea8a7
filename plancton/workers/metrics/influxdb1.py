"""The write API of InfluxDB 1.x, which 2.x (for a bucket with a mapping) and 3.x speak too."""

import gzip
import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import msgspec
import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write.point import Point as Writer
from influxdb_client.rest import ApiException

from plancton.common.influxdb_setting import InfluxDB
from plancton.common.points import Point
from plancton.workers.metrics.influxdb_answers import Reply
from plancton.workers.metrics.influxdb_link import Link
from plancton.workers.metrics.outbox import Accepted, Answer, Away, Rejected

_NO_DATABASE = "database not found"
_JSON = {"Accept": "application/json"}
_LINES = {**_JSON, "Content-Type": "text/plain; charset=utf-8", "Content-Encoding": "gzip"}
_FORM = {**_JSON, "Content-Type": "text/plain; charset=utf-8"}


def write(link: Link, sink: InfluxDB, body: bytes) -> Reply:
    """Write lines to the sink's database. One that is missing is created, if the user may."""
    database = sink.database or ""
    # influxdb-client compresses for the path of 2.x only.
    packed = gzip.compress(body, mtime=0)
    reply = link.post("/write", {"db": database}, packed, _LINES)
    if reply.status != _NOT_FOUND or _NO_DATABASE not in reply.body:
        return reply
    quoted = database.replace("\\", "\\\\").replace('"', '\\"')
    made = link.post("/query", {"q": f'CREATE DATABASE "{quoted}"'}, b"", _FORM)
    if made.status // 100 != 2:  # noqa: PLR2004 - the class of success
        return made
    if '"error"' in made.body:
        # Said with a status that all is well.
        return Reply(body=made.body)
    return link.post("/write", {"db": database}, packed, _LINES)


_DEADLINE_MS = 5000
"""For connecting, and for each wait for the answer."""
_LONGEST_COMPLAINT = 200
_NEVER = frozenset({400, 413})
"""The server's answers to what it will not take at any time: bad or conflicting points, and too many bytes."""
_NOT_FOUND = 404
_INSECURE = "insecure_"
_REFUSED_POINTS = re.compile(r"\bdropped=([1-9][0-9]*)")


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed ``influxdb_url``."""

    name: str
    """The URL without the login, to be shown; two URLs of one name lead to the same database."""
    base: str
    database: str
    login: str = ""
    """``user:password``, or empty."""
    verify: bool = True

    def __repr__(self) -> str:
        """Return the name: a login isn't shown by accident."""
        return f"<Address {self.name}>"


def parse(url: str) -> Address:
    """Read an ``influxdb_url`` that the settings' own check has passed. User and password may be percent-encoded."""
    whole, _, database = url.partition("#")
    scheme, _, rest = whole.partition("://")
    authority, slash, path = rest.partition("/")
    login, _, host = authority.rpartition("@")
    path = (slash + path).rstrip("/")
    return Address(
        name=f"{scheme}://{host}{path}#{database}",
        base=f"{scheme.removeprefix(_INSECURE)}://{host}{path}",
        database=database,
        login=unquote(login if ":" in login or not login else f"{login}:"),
        verify=not scheme.startswith(_INSECURE),
    )


def line(point: Point) -> str:
    """Return a point in line protocol."""
    writer: Any = Writer(point.series)  # type: ignore[no-untyped-call] # influxdb-client doesn't annotate it
    for tag, text in point.tags.items():
        writer.tag(tag, text)
    for field, value in point.fields.items():
        writer.field(field, value)
    written: str = writer.time(point.time_unix_ns).to_line_protocol()
    return written


class Server:
    """One database on one server. Its calls block; each failure comes back as a value without the login in it."""

    def __init__(self, address: Address) -> None:
        """Prepare for the address; nothing is sent yet."""
        self._database = address.database
        if not address.verify:
            # The operator asked for it; one warning for each request would say no more.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        # The login travels in a header, so that no URL holds it that anybody might log.
        self._client = InfluxDBClient(
            url=address.base,
            token=address.login,
            auth_basic=bool(address.login),
            timeout=(_DEADLINE_MS, _DEADLINE_MS),
            verify_ssl=address.verify,
        )

    def write(self, lines: Sequence[str]) -> Answer:
        """Write points. A database that is missing is created if the user may."""
        # A host name may hold bytes that are no text; they must not keep a batch from being written.
        body = "\n".join(lines).encode(errors="replace")
        refusal = self._post("/write", {"db": self._database}, body)
        if refusal is not None and refusal.status == _NOT_FOUND and "database not found" in refusal.why:
            name = self._database.replace("\\", "\\\\").replace('"', '\\"')
            refusal = self._post("/query", {"q": f'CREATE DATABASE "{name}"'})
            if refusal is None:
                refusal = self._post("/write", {"db": self._database}, body)
        if refusal is None:
            return Accepted()
        if refusal.status in _NEVER:
            refused = _REFUSED_POINTS.search(refusal.why)
            return Rejected(points=int(refused[1]) if refused else len(lines), why=refusal.why)
        return Away(why=refusal.why)

    def close(self) -> None:
        """Hang up."""
        self._client.close()  # type: ignore[no-untyped-call]

    def _post(self, path: str, query: dict[str, str], body: bytes | None = None) -> "_Refusal | None":
        try:
            answer = self._client.api_client.call_api(  # type: ignore[no-untyped-call]
                path,
                "POST",
                query_params=query,
                header_params={"Content-Type": "text/plain; charset=utf-8", "Accept": "application/json"},
                body=body or b"",
                response_type="object",
                _return_http_data_only=True,
            )
        except ApiException as error:
            return _Refusal(status=error.status, why=_complaint(error))
        except (urllib3.exceptions.HTTPError, OSError) as error:
            # urllib3 begins with the pool and its host, which the sink's name tells already.
            return _Refusal(status=0, why=_short(str(error).partition("): ")[2] or str(error)))
        except ValueError as error:
            return _Refusal(status=0, why=f"an answer that can't be read: {type(error).__name__}")
        return _refusal_within(answer)


class _Refusal(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    """HTTP's; 0 where there was no answer."""
    why: str


def _complaint(error: ApiException) -> str:
    """Return the server's own words where it has some."""
    try:
        words = json.loads(error.body)["error"]
    except (TypeError, ValueError, LookupError):
        words = error.body if error.status == _NOT_FOUND and error.body else error.reason
    return _short(f"{error.status}: {words}" if error.status else str(words))


def _refusal_within(answer: object) -> _Refusal | None:
    """Return the error that a query's answer holds although its status says that all is well."""
    match answer:
        case {"results": [{"error": str(why)}, *_]}:
            return _Refusal(status=0, why=_short(why))
        case _:
            return None


def _short(text: str) -> str:
    line_of_text = " ".join(text.split())
    if len(line_of_text) <= _LONGEST_COMPLAINT:
        return line_of_text
    # The number of points refused stands at the end.
    half = _LONGEST_COMPLAINT // 2
    return f"{line_of_text[:half]}…{line_of_text[-half:]}"
