"""Texts without the passwords that they may hold."""

import re

from plancton.common.influxdb_setting import InfluxDB, masked

_QUERY = re.compile(r"\?[^#]*")
_HOST = re.compile(r"(?:(?:[\w.-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?)?(?:[/#].*)?", re.DOTALL)
_AFTER_SCHEME = re.compile(r"(?P<scheme>[a-z_]+://)(?P<rest>.*)", re.DOTALL | re.IGNORECASE)


def mask(text: str) -> str:
    """Return a text without the user and password of any URL in it."""
    # Not a regular expression: without an @ it would look for one from every //.
    begin, end = text.find("//"), text.rfind("@")
    return f"{text[:begin]}//***{text[end:]}" if 0 <= begin < end else text


def mask_url(text: str) -> str:
    """Return what is or should have been a URL without user, password and query.

    Of a text in which a password can't be told from the rest, as little as needed is left.
    """
    found = _AFTER_SCHEME.fullmatch(text)
    scheme, rest = (found["scheme"], found["rest"]) if found else ("", text)
    user, at, host = rest.rpartition("@")
    host = _QUERY.sub("?***", host)
    if not _HOST.fullmatch(host):
        host = "***"
    return f"{scheme}{'***' if user else ''}{at}{host}"


def mask_value(value: object) -> object:
    """Return the value of a setting that may hold secrets without them: a URL, a sink, or several."""
    match value:
        case str():
            return mask_url(value)
        case tuple():
            return tuple(map(mask_value, value))
        case InfluxDB():
            return masked(value)
    return value
