"""A point: what was measured at one moment, as the store on disk, the sinks and planctonctl know it."""

import msgspec


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One point of a series. Every number is a float: InfluxDB refuses a field of another type than it has."""

    series: str
    tags: dict[str, str]
    fields: dict[str, float | str]
    time_unix_ns: int
