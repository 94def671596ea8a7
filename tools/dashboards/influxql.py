"""InfluxQL for the panels, in what InfluxDB 1.x, 2.x (by a DBRP mapping) and 3.x have in common."""

from tools.dashboards.panels import Json

TIME = "time($__interval)"


class Queries:
    """Queries about the nodes that a condition on the tag ``hostname`` selects."""

    def __init__(self, nodes: str) -> None:
        """Remember the condition."""
        self._nodes = nodes

    def over_time(
        self, what: str, series: str, *tags: str, more: str = "", fill: str = "null", alias: str = ""
    ) -> Json:
        """Return a value for each stretch of time, and for each value of the tags."""
        query = _select(what, f'"{series}"', self._where(more), TIME, *map(_quoted, tags), fill=fill)
        return _target(query, alias or _alias(tags))

    def at_last(self, what: str, series: str, *tags: str, more: str = "") -> Json:
        """Return one value for the whole time, or one for each value of the tags."""
        return _target(_select(what, f'"{series}"', self._where(more), *map(_quoted, tags)), _alias(tags))

    def rows(self, what: str, series: str, *tags: str, more: str = "") -> Json:
        """Return a table's rows, one for each value of the tags."""
        query = _select(what, f'"{series}"', self._where(more), *map(_quoted, tags))
        return {"rawQuery": True, "query": query, "resultFormat": "table"}

    def over_nodes(self, outer: str, what: str, series: str, *, time: str = "$timeFilter") -> Json:
        """Return what ``outer`` makes of one value of each node."""
        inner = _select(f'{what} AS "value"', f'"{series}"', f"{self._nodes} AND {time}", '"hostname"')
        return _target(_select(f'{outer}("value")', f"({inner})", time), "$col")

    def summed(self, name: str, what: str, series: str, *tags: str, by: str = "") -> Json:
        """Return the sum, over nodes and other tags, of each one's value in each stretch of time."""
        inner = _select(
            f'{what} AS "value"', f'"{series}"', self._where(), TIME, '"hostname"', *map(_quoted, tags), fill="none"
        )
        groups = (TIME, *((_quoted(by),) if by else ()))
        query = _select(f'sum("value") AS "{name}"', f"({inner})", "$timeFilter", *groups, fill="null")
        return _target(query, _alias((by,) if by else ()))

    def _where(self, more: str = "") -> str:
        return " AND ".join(filter(None, (self._nodes, more, "$timeFilter")))


def _select(what: str, source: str, where: str, *groups: str, fill: str = "") -> str:
    query = f"SELECT {what} FROM {source} WHERE {where}"  # noqa: S608 - nothing here comes from outside
    if groups:
        query += f" GROUP BY {', '.join(groups)}"
    return f"{query} fill({fill})" if fill else query


def _quoted(tag: str) -> str:
    return f'"{tag}"'


def _alias(tags: tuple[str, ...]) -> str:
    return " ".join(f"$tag_{tag}" for tag in tags) if tags else "$col"


def _target(query: str, alias: str) -> Json:
    return {"rawQuery": True, "query": query, "resultFormat": "time_series", "alias": alias}
