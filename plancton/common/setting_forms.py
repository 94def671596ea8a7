"""What settings are declared with: their groups, the forms of their texts, and the shapes of a declaration."""

from typing import Literal

from msgspec import Meta

Group = Literal["pilots", "pilot", "owner", "daemon", "monitoring"]

TEN_YEARS = 315_360_000.0
LARGEST_EXACT = 2**53
"""Beyond this a float, which expressions reckon in, no longer tells neighbouring integers apart."""

NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
_DOMAIN = r"(?:(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?/)?"
_REPOSITORY = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
_TAG = r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
_DIGEST = r"(?:@[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-f]{32,})?"
IMAGE_PATTERN = rf"^{_DOMAIN}{_REPOSITORY}{_TAG}{_DIGEST}\Z"

_BIND_OPTION = r"(?:ro|rw|z|Z|r?shared|r?slave|r?private|nocopy|consistent|cached|delegated)"
BIND_PATTERN = rf"^(?:/[^:\x00-\x1f]*|{NAME}):/[^:\x00-\x1f]*(?::{_BIND_OPTION}(?:,{_BIND_OPTION})*)?\Z"

_HOST = r"(?:[^\s@#/:\[\]]+|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?"
INFLUXDB_URL_PATTERN = rf"^(?:https?|insecure_https)://(?:[^\s@#/]+@)?{_HOST}(?:/[^\s#]*)?#[^\s#]+\Z"

WEIGHT_PATTERN = r"^(?:idle|default|[1-9][0-9]{0,3}|10000)\Z"

_DAY = r"(?:mon|tue|wed|thu|fri|sat|sun)"
_TIME = r"(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)"
WINDOW_PATTERN = rf"^(?:daily|{_DAY}(?:-{_DAY})?(?:,{_DAY}(?:-{_DAY})?)*)(?: {_TIME}-{_TIME})?\Z"


def number(group: Group, description: str, unit: str, *, ge: float, le: float) -> Meta:
    """Declare a number of ``unit`` from ``ge`` to ``le``."""
    return Meta(
        ge=ge, le=le, description=description, extra={"group": group, "unit": unit, "form": "", "secret": False}
    )


def seconds(group: Group, description: str, *, ge: float, le: float = TEN_YEARS) -> Meta:
    """Declare a duration."""
    return number(group, description, "seconds", ge=ge, le=le)


def described(group: Group, form: str, description: str, *, pattern: str | None = None, secret: bool = False) -> Meta:
    """Declare what isn't a number: ``form`` says what a right value looks like; a ``secret`` may hold a password."""
    extra = {"group": group, "unit": "", "form": form, "secret": secret}
    return Meta(pattern=pattern, description=description, extra=extra)
