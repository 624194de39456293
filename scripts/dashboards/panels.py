"""Panels and dashboards as Grafana's JSON model has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

Json = dict[str, Any]

COLUMNS = 24
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
GREEN, YELLOW, RED, BLUE, ORANGE, PURPLE = "green", "yellow", "red", "blue", "orange", "purple"

# Units of Grafana.
SECONDS, RATIO, BYTES, BYTES_PER_SECOND, REQUESTS, COUNT = "s", "percentunit", "bytes", "Bps", "reqps", "short"
CORES = "percentunit"  # 100 % is one core


@dataclass(frozen=True)
class Query:
    """One expression and how its series are named. `now` asks for a single moment, `shape` for a form of Grafana's."""

    expr: str
    legend: str = ""
    now: bool = False
    shape: str = "time_series"


@dataclass(frozen=True)
class Panel:
    """One panel. `options` goes into its JSON as it is; `limits` are thresholds: (from which value, colour)."""

    title: str
    kind: str
    queries: Sequence[Query]
    unit: str
    description: str = ""
    width: int = 8
    height: int = 8
    limits: Sequence[tuple[float, str]] = ()
    smallest: float | None = 0
    custom: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    overrides: Sequence[Json] = ()
    transformations: Sequence[Json] = ()
    decimals: int | None = None

    def json(self, number: int, x: int, y: int) -> Json:
        """The panel at its place."""
        defaults: Json = {
            "unit": self.unit,
            "color": {"mode": "thresholds" if self.kind == "stat" else "palette-classic"},
            "custom": dict(self.custom),
            "thresholds": {"mode": "absolute", "steps": list(_steps(self.limits))},
        }
        if self.smallest is not None:
            defaults["min"] = self.smallest
        if self.decimals is not None:
            defaults["decimals"] = self.decimals
        return {
            "id": number,
            "title": self.title,
            "description": self.description,
            "type": self.kind,
            "datasource": DATASOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "fieldConfig": {"defaults": defaults, "overrides": list(self.overrides)},
            "options": dict(self.options),
            "targets": [_target(query, chr(ord("A") + index)) for index, query in enumerate(self.queries)],
            "transformations": list(self.transformations),
        }


def _steps(limits: Iterable[tuple[float, str]]) -> Iterable[Json]:
    yield {"color": GREEN, "value": None}
    for value, color in limits:
        yield {"color": color, "value": value}


def _target(query: Query, letter: str) -> Json:
    return {
        "refId": letter,
        "datasource": DATASOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "instant": query.now,
        "range": not query.now,
        "format": query.shape,
    }


class More(TypedDict, total=False):
    """What any panel may have beside its own."""

    description: str
    height: int
    limits: Sequence[tuple[float, str]]
    decimals: int


def lines(
    title: str,
    unit: str,
    *queries: Query,
    stacked: bool = False,
    width: int = 8,
    overrides: Sequence[Json] = (),
    **more: Unpack[More],
) -> Panel:
    """Series over time. Thresholds, where there are any, are drawn as dashed lines."""
    custom: Json = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 8, "showPoints": "never", "spanNulls": False}
    if stacked:
        custom |= {"stacking": {"mode": "normal", "group": "A"}, "fillOpacity": 30}
    if more.get("limits"):
        custom["thresholdsStyle"] = {"mode": "dashed"}
    options = {
        "legend": {
            "displayMode": "table",
            "placement": "bottom",
            "showLegend": True,
            "calcs": ["mean", "max", "lastNotNull"],
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return Panel(
        title, "timeseries", queries, unit, width=width, custom=custom, options=options, overrides=overrides, **more
    )


def stat(title: str, unit: str, query: Query, text: str = "auto", **more: Unpack[More]) -> Panel:
    """One number of this moment, with its recent course behind it unless it is a text."""
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "none" if query.now else "area",
        "textMode": text,
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
        "justifyMode": "auto",
        "orientation": "auto",
    }
    return Panel(title, "stat", [query], unit, width=3, options=options, **({"height": 4} | more))


@dataclass(frozen=True)
class Column:
    """A column of a table: an expression that gives a series for each row."""

    title: str
    expr: str
    unit: str
    limits: Sequence[tuple[float, str]] = ()


def table(
    title: str, keys: Sequence[str], columns: Sequence[Column], width: int = COLUMNS, **more: Unpack[More]
) -> Panel:
    """A row for each set of the labels `keys`, a column for each expression. Sorted by the first column."""
    letters = [chr(ord("A") + index) for index in range(len(columns))]
    value = {letter: "Value" if len(columns) == 1 else f"Value #{letter}" for letter in letters}
    renamed = {value[letter]: column.title for letter, column in zip(letters, columns, strict=True)}
    order = {name: place for place, name in enumerate([*keys, *renamed])}
    return Panel(
        title,
        "table",
        [Query(column.expr, now=True, shape="table") for column in columns],
        COUNT,
        options={
            "sortBy": [{"displayName": columns[0].title, "desc": True}],
            "cellHeight": "sm",
            "showHeader": True,
            "frameIndex": 0,
        },
        overrides=[_column(column) for column in columns],
        custom={"align": "auto", "filterable": True, "inspect": False},
        transformations=[
            {"id": "merge", "options": {}},
            {
                "id": "organize",
                "options": {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": renamed},
            },
        ],
        width=width,
        **more,
    )


def _column(column: Column) -> Json:
    properties: list[Json] = [{"id": "unit", "value": column.unit}]
    if column.limits:
        properties.append({"id": "thresholds", "value": {"mode": "absolute", "steps": list(_steps(column.limits))}})
        properties.append({"id": "custom.cellOptions", "value": {"type": "color-text"}})
    return {"matcher": {"id": "byName", "options": column.title}, "properties": properties}


def colored(name: str, color: str, **custom: object) -> Json:
    """An override: the series of that name has this colour, and these settings."""
    properties: list[Json] = [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}]
    properties += [{"id": f"custom.{key}", "value": value} for key, value in custom.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": properties}


@dataclass(frozen=True)
class Row:
    """A titled group of panels; they are laid out from left to right."""

    title: str
    panels: Sequence[Panel]


def variable(name: str, label: str, query: str, several: bool = False) -> Json:
    """A variable with the values of a label."""
    found: Json = {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": "values"},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": several,
        "includeAll": several,
    }
    if several:
        found |= {"allValue": ".*", "current": {"selected": True, "text": ["All"], "value": ["$__all"]}}
    return found


MASTER = variable("master", "Master", "label_values(locust_user_count, instance)")


def dashboard(uid: str, title: str, description: str, rows: Sequence[Row], variables: Sequence[Json]) -> Json:
    """A whole dashboard. Its data source is a variable, so that it can be imported anywhere."""
    source = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1}
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["bandwing", "locust"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "links": [_others()],
        "annotations": {"list": [_runs()]},
        "templating": {"list": [source, *variables]},
        "panels": list(_laid_out(rows)),
    }


def _others() -> Json:
    """A link to each of the other dashboards, at the same time."""
    return {
        "type": "dashboards",
        "title": "Bandwing",
        "tooltip": "",
        "icon": "external link",
        "tags": ["bandwing"],
        "asDropdown": False,
        "targetBlank": False,
        "includeVars": True,
        "keepTime": True,
    }


def _runs() -> Json:
    """A mark where a run begins or its table is reset."""
    return {
        "name": "Start of a run",
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": BLUE,
        "expr": 'changes(locust_run_start_time_seconds{instance="$master"}[15s]) > 0',
        "step": "5s",
        "titleFormat": "run or reset",
    }


def _laid_out(rows: Sequence[Row]) -> Iterable[Json]:
    number, y = 1, 0
    for row in rows:
        place = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "gridPos": place, "panels": []}
        number, x, y, tallest = number + 1, 0, y + 1, 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            yield panel.json(number, x, y)
            number, x, tallest = number + 1, x + panel.width, max(tallest, panel.height)
        y += tallest
