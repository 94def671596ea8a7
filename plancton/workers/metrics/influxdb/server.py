"""InfluxDB 1.x, 2.x and 3.x: points as lines, and servers that take them, each call with a deadline."""

import time
from collections.abc import Sequence
from typing import Any

from influxdb_client.client.write.point import Point as Writer

from plancton.common.influxdb_setting import InfluxDB
from plancton.common.points import Point
from plancton.workers.metrics.delivery.outbox import Accepted, Answer, Away
from plancton.workers.metrics.influxdb import v1, v2
from plancton.workers.metrics.influxdb.address import name_of, sink_of
from plancton.workers.metrics.influxdb.answers import judge
from plancton.workers.metrics.influxdb.link import Link
from plancton.workers.metrics.influxdb.login import LoginError

_NOT_LET_IN = frozenset({401, 403})


def line(point: Point) -> str:
    """Return a point in line protocol; empty where no field is left.

    A number that is none, or infinite, is left out, for InfluxDB would refuse the point; so is a tag without a value.
    """
    writer: Any = Writer(point.series)  # type: ignore[no-untyped-call] # influxdb-client doesn't annotate it
    for tag, text in point.tags.items():
        writer.tag(tag, text)
    for field, value in point.fields.items():
        writer.field(field, value)
    written: str = writer.time(point.time_unix_ns).to_line_protocol()
    return written


def open_server(item: str | InfluxDB) -> "Server":
    """Return the server that an item of ``influxdb_url`` leads to; nothing is sent yet. Another item, another one."""
    return Server(sink_of(item))


class Server:
    """One database or bucket on one server. Its calls block; failures come back as values without a secret in them."""

    def __init__(self, sink: InfluxDB) -> None:
        """Prepare for the sink."""
        self.name = name_of(sink)
        """Where it is and what it writes to, without the login; two of one name lead to the same place."""
        self.version = ""
        """What the server says that it is, such as ``InfluxDB 1.6.7``; empty while unknown."""
        self._sink = sink
        self._link = Link(sink)
        self._asked = False

    def __repr__(self) -> str:
        """Return the name: a login isn't shown by accident."""
        return f"<Server {self.name}>"

    def write(self, lines: Sequence[str]) -> Answer:
        """Write lines, of which the empty ones don't count. It takes twice the sink's ``timeout`` at most.

        Neither the resolver nor the disk with a secret's file keeps to that bound; they have their own.
        """
        held = [each for each in lines if each]
        if not held:
            return Accepted()
        self._link.deadline.begin()
        try:
            self._link.login.header()
        except LoginError as error:
            return Away(why=str(error))
        # A host name may hold bytes that are no text; they must not keep a batch from being written.
        body = "\n".join(held).encode(errors="replace")
        dialect = v2.write if self._sink.database is None else v1.write
        reply = dialect(self._link, self._sink, body)
        if reply.status in _NOT_LET_IN:
            self._link.login.forget()
        answer = judge(reply, len(held), time.time(), self._link.login.hide)
        self._find_out_version(answer)
        return answer

    def close(self) -> None:
        """Hang up."""
        self._link.close()

    def _find_out_version(self, answer: Answer) -> None:
        """Ask once, and again after it was away: it may have been upgraded meanwhile."""
        if isinstance(answer, Away):
            self.version, self._asked = "", False
        elif not self._asked:
            self.version, self._asked = self._link.version(), True
