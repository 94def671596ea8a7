"""The write API of InfluxDB 2.x, which 1.8 and 3.x speak too, as influxdb-client has it."""

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS

from plancton.common.influxdb_setting import InfluxDB
from plancton.workers.metrics.influxdb.answers import Reply
from plancton.workers.metrics.influxdb.link import Link


def write(link: Link, sink: InfluxDB, body: bytes) -> Reply:
    """Write lines to the sink's bucket. influxdb-client compresses them."""

    def request(client: InfluxDBClient) -> None:
        # 1.8 and 3.x know no organisation, but the client wants one.
        client.write_api(write_options=SYNCHRONOUS).write(bucket=sink.bucket or "", org=sink.org or "", record=body)

    return link.ask(request)
