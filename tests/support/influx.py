"""A real InfluxDB 1.x for tests: Debian's influxd with a small configuration of its own on free loopback ports."""

import base64
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.running import free_port, program, running
from tests.support.waiting import wait_for

USER, PASSWORD = "ada", "a secret: #1 @home"
CONFIG = """\
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{directory}/meta"
[data]
  dir = "{directory}/data"
  wal-dir = "{directory}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{http}"
  auth-enabled = {login}
  log-enabled = true
  flux-enabled = false
  https-enabled = {tls}
  https-certificate = "{certificates}/cert.pem"
  https-private-key = "{certificates}/key.pem"
  max-body-size = {most_bytes}
"""
MOST_BYTES = 25_000_000
"""Of a batch, unpacked, by default."""


class Influx:
    """One running influxd."""

    def __init__(self, port: int, user: str = "", password: str = "", ca_file: Path | None = None) -> None:
        """Remember where it listens and who may log in; no user means that it asks for none.

        It speaks TLS if there is a ``ca_file`` that vouches for it.
        """
        self.port = port
        self.user = user
        self.password = password
        self.ca_file = ca_file

    @property
    def url(self) -> str:
        """Its address, without login or database."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def scheme(self) -> str:
        """What its address begins with."""
        return "https" if self.ca_file else "http"

    def setting(self, database: str) -> str:
        """Return the value of ``influxdb_url`` that writes to the database."""
        login = f"{self.user}:{urllib.parse.quote(self.password, safe='')}@" if self.user else ""
        return f"{self.scheme}://{login}127.0.0.1:{self.port}#{database}"

    def query(self, statement: str, database: str = "") -> list[dict[str, Any]]:
        """Return the rows of an InfluxQL statement, each with its columns and tags by name.

        Raises:
            AssertionError: if InfluxDB refuses the statement.

        """
        request = urllib.request.Request(
            f"{self.url}/query",
            data=urllib.parse.urlencode({"q": statement, "db": database}).encode(),
        )
        if self.user:
            login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {login}")
        try:
            with urllib.request.urlopen(request, timeout=10, context=self._tls()) as answer:
                (result,) = json.load(answer)["results"]
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(error.read().decode()) from None
        assert "error" not in result, result["error"]
        return [
            {**series.get("tags", {}), **dict(zip(series["columns"], values, strict=True))}
            for series in result.get("series", [])
            for values in series.get("values", [])
        ]

    def is_up(self) -> bool:
        """Tell whether it answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/ping", timeout=1, context=self._tls()):
                return True
        except OSError:
            return False

    def _tls(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=str(self.ca_file)) if self.ca_file else None


@contextmanager
def influxd(
    directory: Path,
    *,
    login: bool = False,
    port: int | None = None,
    certificates: Path | None = None,
    most_bytes: int = MOST_BYTES,
) -> Iterator[Influx]:
    """Run influxd with its data in the directory; run it there again, on the same port, to see it come back.

    With ``login`` the administrator ``USER`` with ``PASSWORD`` exists, and nobody else may do anything. With
    ``certificates``, a directory that ``tests.support.certificates`` made, it speaks TLS.
    """
    binary = program("influxd", "influxdb")
    directory.mkdir(exist_ok=True)
    database = Influx(port or free_port(), ca_file=certificates and certificates / "ca.pem")
    config = directory / "influxdb.conf"
    config.write_text(
        CONFIG.format(
            directory=directory,
            http=database.port,
            rpc=free_port(),
            login=json.dumps(login),
            tls=json.dumps(certificates is not None),
            certificates=certificates or "",
            most_bytes=most_bytes,
        ),
        encoding="utf-8",
    )
    with running([binary, "-config", config], directory / "log") as process:
        wait_for(
            lambda: database.is_up() or process.poll() is not None,
            20.0,
            f"influxd answers; its log: {directory}/log",
        )
        assert process.poll() is None, (directory / "log").read_text(encoding="utf-8")[-2000:]
        if login:
            if not (directory / "has-login").exists():
                database.query(f"CREATE USER {USER} WITH PASSWORD '{PASSWORD}' WITH ALL PRIVILEGES")
                (directory / "has-login").touch()
            database = Influx(database.port, USER, PASSWORD, database.ca_file)
        yield database
