"""How a sink lets itself in: a user's password or a token, given as such or in a file that may change."""

import os
from base64 import b64encode
from urllib.parse import quote

from plancton.common.influxdb_setting import InfluxDB

_MOST_BYTES = 4096
_MASK = "***"


class LoginError(Exception):
    """A secret can't be had. The text says which file and why, never what it holds."""


class Login:
    """The ``Authorization`` of one sink, and what must not be shown of it."""

    def __init__(self, sink: InfluxDB) -> None:
        """Log in as the sink says; its file, if any, is read when the header is asked for."""
        self._sink = sink
        self._header: str | None = None
        self._secrets: tuple[str, ...] = ()

    def header(self) -> str:
        """Return the header; empty where no login is wanted.

        Raises:
            LoginError: if the file of the secret can't be read, or doesn't hold one.

        """
        if self._header is None:
            self._header = self._made()
        return self._header

    def forget(self) -> None:
        """Read the file anew next time: the server didn't let this one in."""
        self._header = None

    def hide(self, text: str) -> str:
        """Return the text without the secrets, should whoever wrote it have repeated them."""
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return text

    def _made(self) -> str:
        sink = self._sink
        if sink.database is None:
            token = _secret(sink.token, "token_file", sink.token_file)
            self._secrets = _forms(token)
            return f"Token {token}" if token else ""
        password = _secret(sink.password, "password_file", sink.password_file)
        if sink.user is None:
            return ""
        basic = b64encode(f"{sink.user}:{password}".encode()).decode()
        self._secrets = (basic, *_forms(password))
        return f"Basic {basic}"


def _forms(secret: str) -> tuple[str, ...]:
    """Return the ways in which a text may hold the secret, the longest first."""
    return tuple(sorted({secret, quote(secret), quote(secret, safe="")} - {""}, key=len, reverse=True))


def _secret(given: str | None, key: str, file: str | None) -> str:
    """Return the secret, empty where there is none."""
    if file is None:
        return given or ""
    try:
        # A pipe without a writer must not be waited for.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            content = os.read(descriptor, _MOST_BYTES + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        message = f"{key} {file}: {error.strerror}"
        raise LoginError(message) from None
    if len(content) > _MOST_BYTES:
        message = f"{key} {file}: larger than a secret is"
        raise LoginError(message)
    text = content.decode(errors="replace").rstrip("\r\n")
    if not text.strip():
        message = f"{key} {file}: empty"
        raise LoginError(message)
    if not text.isprintable() or (key == "token_file" and not text.isascii()):
        message = f"{key} {file}: holds more than one line, or what no secret is made of"
        raise LoginError(message)
    return text
