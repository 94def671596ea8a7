"""The write API of InfluxDB 1.x, which 2.x (for a bucket with a mapping) and 3.x speak too."""

import gzip

from plancton.common.influxdb_setting import InfluxDB
from plancton.workers.metrics.influxdb.answers import Reply, own_words
from plancton.workers.metrics.influxdb.link import Link

_NOT_FOUND = 404
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
    refusal = own_words(made.body)
    if refusal is not None:
        # Said with a status that all is well.
        return Reply(reason=f"the database can't be created: {link.login.hide(refusal)}")
    return link.post("/write", {"db": database}, packed, _LINES)
