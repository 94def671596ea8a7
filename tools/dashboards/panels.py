"""Panels as Grafana 9 to 11 know them, as plain dictionaries: only what differs from Grafana's defaults, or matters."""

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]

GREEN, YELLOW, ORANGE, RED = "green", "yellow", "orange", "red"
BLUE, PURPLE, GREY = "blue", "purple", "#808080"
VERSION = "10.1.0"
"""The panels' schema; a newer Grafana migrates it, an older one ignores what it doesn't know."""


def thresholds(base: str, *steps: tuple[float, str]) -> Json:
    """Return colours by value: ``base`` below the first step."""
    first: Json = {"value": None, "color": base}
    return {"mode": "absolute", "steps": [first, *({"value": value, "color": color} for value, color in steps)]}


def words(texts: Mapping[str, tuple[str, str]]) -> list[Json]:
    """Return a mapping from each text to what is shown for it, and in which colour. The empty text is ``""``."""
    named = {
        text: {"text": shown, "color": color, "index": index}
        for index, (text, (shown, color)) in enumerate(texts.items())
        if text
    }
    mappings: list[Json] = [{"type": "value", "options": named}]
    if "" in texts:
        shown, color = texts[""]
        result = {"text": shown, "color": color, "index": len(texts)}
        mappings.append({"type": "special", "options": {"match": "empty", "result": result}})
    return mappings


def override(name: str, **properties: Any) -> Json:  # noqa: ANN401 - JSON
    """Return what is different for the series of this name; ``__`` in a property's name stands for a dot."""
    listed = [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": listed}


def colored(**colors: str) -> list[Json]:
    """Return fixed colours for series; ``_`` in a name stands for a space."""
    return [
        override(name.replace("_", " "), color={"mode": "fixed", "fixedColor": color}) for name, color in colors.items()
    ]


def line(name: str, color: str, *, dashed: bool = False) -> Json:
    """Return a series that is a line over the stacked areas."""
    style = {"fill": "dash", "dash": [10, 10]} if dashed else {"fill": "solid"}
    return override(
        name,
        color={"mode": "fixed", "fixedColor": color},
        custom__stacking={"mode": "none", "group": "A"},
        custom__fillOpacity=0,
        custom__lineWidth=2,
        custom__lineStyle=style,
    )


def _panel(
    kind: str,
    title: str,
    description: str,
    targets: Sequence[Json],
    size: tuple[int, int],
    **more: Any,  # noqa: ANN401 - JSON
) -> Json:
    named = [{"refId": chr(ord("A") + number), **target} for number, target in enumerate(targets)]
    return {
        "type": kind,
        "title": title,
        "description": description,
        "pluginVersion": VERSION,
        "gridPos": {"w": size[0], "h": size[1]},
        "targets": named,
        **more,
    }


def stat(  # noqa: PLR0913 - what such a panel is
    title: str,
    description: str,
    *targets: Json,
    unit: str = "none",
    steps: Json | None = None,
    mappings: Sequence[Json] = (),
    decimals: int | None = None,
    fields: str = "",
    size: tuple[int, int] = (4, 4),
) -> Json:
    """Return a panel with the last value; a text where ``fields`` names one."""
    defaults: Json = {
        "unit": unit,
        "color": {"mode": "thresholds"},
        "thresholds": steps or thresholds(BLUE),
        "mappings": list(mappings),
        "noValue": "unknown",
    }
    if decimals is not None:
        defaults["decimals"] = decimals
    options = {
        "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": fields},
        "orientation": "auto",
        "textMode": "auto",
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
    }
    return _panel(
        "stat", title, description, targets, size, options=options, fieldConfig={"defaults": defaults, "overrides": []}
    )


def graph(  # noqa: PLR0913 - what such a panel is
    title: str,
    description: str,
    *targets: Json,
    unit: str = "short",
    label: str = "",
    stacked: bool = False,
    bars: bool = False,
    points: bool = False,
    top: float | None = None,
    steps: Json | None = None,
    overrides: Sequence[Json] = (),
    table: bool = False,
    size: tuple[int, int] = (8, 8),
) -> Json:
    """Return lines over time: stacked areas, bars for what is counted, points for what happens seldom."""
    custom: Json = {
        "drawStyle": "bars" if bars else "points" if points else "line",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": 70 if bars else 30 if stacked else 5,
        "gradientMode": "none",
        "showPoints": "auto",
        "pointSize": 6 if points else 4,
        # Three times the default of main_sleep: a longer silence is a gap.
        "spanNulls": 90_000,
        "axisLabel": label,
        "axisPlacement": "auto",
        "stacking": {"mode": "normal" if stacked or bars else "none", "group": "A"},
        "thresholdsStyle": {"mode": "line" if steps else "off"},
    }
    defaults: Json = {
        "unit": unit,
        "min": 0,
        "color": {"mode": "palette-classic"},
        "custom": custom,
        "thresholds": steps or thresholds(GREEN),
    }
    if top is not None:
        defaults["max"] = top
    options = {
        "legend": {
            "displayMode": "table" if table else "list",
            "placement": "right" if table else "bottom",
            "showLegend": True,
            "calcs": ["mean", "max"] if table else [],
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    field_config = {"defaults": defaults, "overrides": list(overrides)}
    return _panel("timeseries", title, description, targets, size, options=options, fieldConfig=field_config)


def states(
    title: str,
    description: str,
    *targets: Json,
    mappings: Sequence[Json],
    size: tuple[int, int] = (24, 5),
) -> Json:
    """Return texts over time, a row for each series."""
    defaults: Json = {
        "color": {"mode": "fixed", "fixedColor": GREY},
        "custom": {"fillOpacity": 80, "lineWidth": 0},
        "mappings": list(mappings),
        "thresholds": thresholds(GREY),
    }
    options = {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": "left",
        "rowHeight": 0.9,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    field_config = {"defaults": defaults, "overrides": []}
    return _panel("state-timeline", title, description, targets, size, options=options, fieldConfig=field_config)


def history(  # noqa: PLR0913 - what such a panel is
    title: str,
    description: str,
    *targets: Json,
    unit: str = "none",
    color: Json,
    steps: Json,
    top: float | None = None,
    interval: str = "",
    size: tuple[int, int] = (24, 8),
) -> Json:
    """Return a row for each series and a coloured cell for each stretch of time: a heatmap of nodes."""
    defaults: Json = {
        "unit": unit,
        "min": 0,
        "color": color,
        "custom": {"fillOpacity": 90, "lineWidth": 0},
        "thresholds": steps,
    }
    if top is not None:
        defaults["max"] = top
    options = {
        "rowHeight": 0.9,
        "colWidth": 0.95,
        "showValue": "never",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    field_config = {"defaults": defaults, "overrides": []}
    return _panel(
        "status-history",
        title,
        description,
        targets,
        size,
        options=options,
        fieldConfig=field_config,
        # More columns than this can't be told apart.
        maxDataPoints=96,
        **({"interval": interval} if interval else {}),
    )


def ranking(
    title: str,
    description: str,
    *targets: Json,
    unit: str = "none",
    steps: Json | None = None,
    size: tuple[int, int] = (8, 8),
) -> Json:
    """Return a bar for each series, as long as its value."""
    defaults: Json = {
        "unit": unit,
        "min": 0,
        "color": {"mode": "thresholds"},
        "thresholds": steps or thresholds(BLUE),
        "noValue": "none",
    }
    options = {
        "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": ""},
        "orientation": "horizontal",
        "displayMode": "gradient",
        "showUnfilled": True,
        "minVizWidth": 0,
        "minVizHeight": 10,
        "valueMode": "color",
    }
    field_config = {"defaults": defaults, "overrides": []}
    return _panel("bargauge", title, description, targets, size, options=options, fieldConfig=field_config)


def joined(columns: Mapping[str, str], *left_out: str) -> list[Json]:
    """Return what makes one table of those of several queries: with these columns in this order.

    Rows of the same node become one. Their times differ, so they go first.
    """
    order = {name: index for index, name in enumerate(columns)}
    return [
        {"id": "filterFieldsByName", "options": {"exclude": {"names": ["Time", *left_out]}}},
        {"id": "merge", "options": {}},
        {"id": "organize", "options": {"excludeByName": {}, "indexByName": order, "renameByName": dict(columns)}},
    ]


def table(  # noqa: PLR0913 - what such a panel is
    title: str,
    description: str,
    *targets: Json,
    transformations: Sequence[Json],
    overrides: Sequence[Json],
    sort: str,
    descending: bool = False,
    size: tuple[int, int] = (24, 10),
) -> Json:
    """Return a table, sorted by one of its columns."""
    defaults: Json = {
        "unit": "none",
        "color": {"mode": "thresholds"},
        "thresholds": thresholds(GREEN),
        "custom": {"align": "auto", "inspect": False},
        "noValue": "",
    }
    options = {
        "showHeader": True,
        "cellHeight": "sm",
        "sortBy": [{"displayName": sort, "desc": descending}],
        "footer": {"show": False, "reducer": ["sum"], "countRows": False, "fields": ""},
    }
    return _panel(
        "table",
        title,
        description,
        targets,
        size,
        options=options,
        fieldConfig={"defaults": defaults, "overrides": list(overrides)},
        transformations=list(transformations),
    )
