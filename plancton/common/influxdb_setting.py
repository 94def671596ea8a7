"""An InfluxDB as the configuration names it where a URL alone doesn't say enough."""

from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta

_TEXT = r"^[^\x00-\x1f\x7f]+\Z"
_FILE = r"^/[^\x00-\x1f\x7f]+\Z"
LONGEST_TIMEOUT = 300.0
SHORTEST_TIMEOUT = 0.1
MASK = "***"
SECRETS = frozenset({"password", "token"})
"""The keys whose values are shown nowhere."""


def _key(form: str, description: str, pattern: str) -> Meta:
    return Meta(pattern=pattern, description=description, extra={"form": form})


class InfluxDB(msgspec.Struct, frozen=True, kw_only=True):
    """One sink: a ``database`` of InfluxDB 1.x's write API, or a ``bucket`` of 2.x's; one of the two is given.

    A password or token is given itself or in a file, which is read anew whenever the server doesn't let it in.
    """

    url: Annotated[
        str,
        _key(
            "http[s]://host:port or insecure_https://host:port, without login, ? or #",
            "The server. insecure_https doesn't check its certificate.",
            r"^(?:https?|insecure_https)://[^\s@#/?]+(?:/[^\s#?@]*)?\Z",
        ),
    ]
    database: (
        Annotated[
            str, _key("a name in one line", "The database to write to, by the API of 1.x, which 3.x knows too.", _TEXT)
        ]
        | None
    ) = None
    user: Annotated[str, _key("a name in one line", "Who may write to the database.", _TEXT)] | None = None
    password: Annotated[str, _key("a password in one line", "The user's password.", _TEXT)] | None = None
    password_file: (
        Annotated[str, _key("a file's absolute path", "The file that holds nothing but the password.", _FILE)] | None
    ) = None
    bucket: (
        Annotated[
            str,
            _key("a name in one line", "The bucket to write to, by the API of 2.x, which 1.8 and 3.x know too.", _TEXT),
        ]
        | None
    ) = None
    org: (
        Annotated[str, _key("a name in one line", "The bucket's organisation, which only 2.x needs.", _TEXT)] | None
    ) = None
    token: (
        Annotated[str, _key("a token in one line of ASCII", "The token that may write to the bucket.", r"^[ -~]+\Z")]
        | None
    ) = None
    token_file: (
        Annotated[str, _key("a file's absolute path", "The file that holds nothing but the token.", _FILE)] | None
    ) = None
    ca_file: (
        Annotated[
            str,
            _key(
                "a file's absolute path",
                "Certificates, in PEM, of whoever vouches for the server. Without it: the system's.",
                _FILE,
            ),
        ]
        | None
    ) = None
    timeout: Annotated[
        float,
        Meta(
            ge=SHORTEST_TIMEOUT,
            le=LONGEST_TIMEOUT,
            description="How long to wait for a connection, and then for the answer. Without it: 10 seconds.",
            extra={"form": "a number of seconds from 0.1 to 300"},
        ),
    ] = 10.0

    def __repr__(self) -> str:
        """Return what it is made of, without the secrets."""
        return f"InfluxDB({', '.join(f'{key}={value!r}' for key, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """Return the same for a library that would look inside."""
        return list(given(masked(self)).items())


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key of the mapping as it was declared."""

    bounded: Any
    """The type with its bounds, for ``msgspec.convert``."""
    form: str
    """What a right value looks like."""
    description: str


def _read(hint: Any) -> Key:  # noqa: ANN401 - a type with its bounds has no narrower type
    declared = next(part for part in (hint, *getattr(hint, "__args__", ())) if hasattr(part, "__metadata__"))
    (meta,) = declared.__metadata__
    return Key(bounded=declared, form=meta.extra["form"], description=meta.description)


KEYS = {name: _read(hint) for name, hint in get_type_hints(InfluxDB, include_extras=True).items()}
"""By name, in the order that people read them."""


def given(sink: InfluxDB) -> dict[str, str | float]:
    """Return the keys of a mapping that says the same, with their values."""
    values = {key: getattr(sink, key) for key in sink.__struct_fields__}
    return {key: value for key, value in values.items() if value is not None and (key, value) != ("timeout", 10.0)}


def masked(sink: InfluxDB) -> InfluxDB:
    """Return the same without its secrets."""
    return msgspec.structs.replace(sink, **{key: MASK for key in SECRETS if getattr(sink, key) is not None})


def contradictions(keys: frozenset[str], *, verified: bool) -> dict[str, str]:
    """Return what is wrong with keys that stand in one mapping: by key, what to do about it.

    ``verified`` tells whether its URL makes the server prove who it is. The key is ``url`` where one is missing.
    """
    found: dict[str, str] = {}
    places = keys & _PLACES
    if not places:
        found["url"] = "leads to no place to write to; add database (1.x, 3.x) or bucket (2.x)"
    for one, other in _EXCLUSIVE:
        if {one, other} <= keys:
            found[other] = f"and {one} exclude each other; keep one"
    for place, strangers, remedy in _STRANGERS:
        if places == {place}:
            found |= dict.fromkeys(keys & strangers, remedy)
    if "user" not in keys:
        for key in keys & {"password", "password_file"}:
            found.setdefault(key, "needs the user that it belongs to; add user")
    if "ca_file" in keys and not verified:
        found["ca_file"] = "has no use where the certificate isn't checked; write https:// in url, or leave it out"
    return found


_PLACES = frozenset({"database", "bucket"})
_EXCLUSIVE = (("database", "bucket"), ("password", "password_file"), ("token", "token_file"))
_STRANGERS = (
    (
        "database",
        frozenset({"org", "token", "token_file"}),
        "belongs to a bucket; with database, write user and password instead, or bucket in place of database",
    ),
    (
        "bucket",
        frozenset({"user", "password", "password_file"}),
        "belongs to a database; with bucket, write token instead, or database in place of bucket",
    ),
)
