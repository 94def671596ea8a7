"""A dashboard around its panels: where each stands, where it gets its data, and what leads to the other dashboards."""

from collections.abc import Sequence
from typing import Any

from tools.dashboards.panels import Json

WIDTH = 24
"""Of a dashboard, in Grafana's units."""
SCHEMA = 37
"""Grafana 9's; later ones migrate it."""
_LEAST: dict[str, Json] = {"influxdb": {"interval": "30s"}, "prometheus": {}}
"""The shortest stretch of time: the default of main_sleep, for every other shorter one would be empty. What Prometheus
scrapes has the interval of its data source."""


def row(title: str, *panels: Json) -> tuple[str, Sequence[Json]]:
    """Return panels below a heading."""
    return title, panels


def link(title: str, uid: str) -> Json:
    """Return a link to another dashboard, for the same time."""
    return {
        "title": title,
        "type": "link",
        "url": f"/d/{uid}",
        "icon": "dashboard",
        "tooltip": "",
        "tags": [],
        "asDropdown": False,
        "targetBlank": False,
        "includeVars": False,
        "keepTime": True,
    }


def datasource(kind: str, label: str) -> Json:
    """Return the variable by which a dashboard finds its data."""
    return {
        "type": "datasource",
        "name": "datasource",
        "label": label,
        "query": kind,
        "regex": "",
        "hide": 0,
        "refresh": 1,
        "multi": False,
        "includeAll": False,
        "options": [],
        "current": {},
    }


def variable(kind: str, name: str, label: str, query: Any, *, several: bool) -> Json:  # noqa: ANN401 - JSON
    """Return a variable whose values the data source knows."""
    made: Json = {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": {"type": kind, "uid": "${datasource}"},
        "query": query,
        "regex": "",
        "hide": 0,
        # Whenever the time range changes.
        "refresh": 2,
        "sort": 1,
        "multi": several,
        "includeAll": several,
        "options": [],
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]} if several else {},
    }
    if several:
        made["allValue"] = ".*"
    return made


def page(  # noqa: PLR0913 - what a dashboard is
    uid: str,
    title: str,
    description: str,
    *,
    kind: str,
    variables: Sequence[Json],
    links: Sequence[Json],
    rows: Sequence[tuple[str, Sequence[Json]]],
) -> Json:
    """Return the whole dashboard."""
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["plancton"],
        "timezone": "browser",
        "editable": True,
        "graphTooltip": 1,
        "schemaVersion": SCHEMA,
        "version": 1,
        "time": {"from": "now-24h", "to": "now"},
        "timepicker": {"refresh_intervals": ["10s", "30s", "1m", "5m", "15m", "1h"]},
        "refresh": "30s",
        "links": list(links),
        "templating": {"list": list(variables)},
        "annotations": {"list": []},
        "panels": _placed(rows, {"type": kind, "uid": "${datasource}"}),
    }


def _placed(rows: Sequence[tuple[str, Sequence[Json]]], source: Json) -> list[Json]:
    """Return the panels from left to right and from top to bottom, each row below a heading."""
    placed: list[Json] = []
    y = 0
    for title, panels in rows:
        position = {"x": 0, "y": y, "w": WIDTH, "h": 1}
        placed.append(
            {
                "id": len(placed) + 1,
                "type": "row",
                "title": title,
                "collapsed": False,
                "gridPos": position,
                "panels": [],
            }
        )
        x, y, highest = 0, y + 1, 0
        for panel in panels:
            width, height = panel["gridPos"]["w"], panel["gridPos"]["h"]
            if x + width > WIDTH:
                x, y, highest = 0, y + highest, 0
            targets = [{**target, "datasource": source} for target in panel["targets"]]
            position = {"x": x, "y": y, "w": width, "h": height}
            placed.append(
                {
                    **_LEAST[source["type"]],
                    **panel,
                    "id": len(placed) + 1,
                    "datasource": source,
                    "gridPos": position,
                    "targets": targets,
                }
            )
            x, highest = x + width, max(highest, height)
        y += highest
    return placed
