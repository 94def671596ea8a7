"""An InfluxDB as the configuration names it where a URL alone doesn't say enough."""

from typing import Annotated

import msgspec
from msgspec import Meta

_TEXT = r"^[^\x00-\x1f\x7f]+\Z"
_FILE = r"^/[^\x00-\x1f\x7f]+\Z"


class InfluxDB(msgspec.Struct, frozen=True, kw_only=True):
    """One sink: a ``database`` of InfluxDB 1.x's write API, or a ``bucket`` of 2.x's; one of the two is given.

    A password or token is given itself or in a file, which is read anew whenever the server doesn't let it in.
    """

    url: Annotated[str, Meta(pattern=r"^(?:https?|insecure_https)://[^\s@#/?]+(?:/[^\s#?]*)?\Z")]
    database: Annotated[str, Meta(pattern=_TEXT)] | None = None
    user: Annotated[str, Meta(pattern=_TEXT)] | None = None
    password: Annotated[str, Meta(pattern=_TEXT)] | None = None
    password_file: Annotated[str, Meta(pattern=_FILE)] | None = None
    bucket: Annotated[str, Meta(pattern=_TEXT)] | None = None
    org: Annotated[str, Meta(pattern=_TEXT)] | None = None
    token: Annotated[str, Meta(pattern=_TEXT)] | None = None
    token_file: Annotated[str, Meta(pattern=_FILE)] | None = None
    ca_file: Annotated[str, Meta(pattern=_FILE)] | None = None
    timeout: Annotated[float, Meta(ge=0.1, le=300.0)] = 10.0
    """Seconds to wait for a connection, and for each answer."""
