#!/usr/bin/env python3
"""Draws the panels of the dashboards with what a Prometheus has: show_dashboards.py PORT MINUTES FILE.html

A look at the queries without Grafana: each panel stands at its place in the grid, with its title, a chart or the newest
values of its queries, and "no data" where a query gives none. Prometheus is that of `make up MONITORING=1`, say, on
127.0.0.1. Grafana draws units, colours and heatmaps; this page does not.
"""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Iterator, Mapping
from html import escape
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from make_dashboards import FOLDER

Json = Mapping[str, Any]
COLUMN, ROW, MARGIN = 60, 34, 8  # pixels of Grafana's grid
COLORS = "#3274d9 #73bf69 #f2cc0c #ff9830 #f2495c #b877d9 #5794f2 #96d98d".split()


class Prometheus:
    """One on this machine, asked about the last minutes."""

    def __init__(self, port: int, minutes: float) -> None:
        self._port = port
        self.end = time.time()
        self.start = self.end - 60 * minutes
        self._master = str(self.ask("query", query="locust_up")[0]["metric"]["instance"])

    def ask(self, path: str, **arguments: str) -> list[Json]:
        """The series of an answer. Raises RuntimeError where the query is refused."""
        conn = HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            conn.request("GET", f"/api/v1/{path}?{urlencode(arguments)}")
            reply = json.loads(conn.getresponse().read())
        finally:
            conn.close()
        if reply["status"] != "success":
            raise RuntimeError(f"{reply['error']}: {arguments['query']}")
        found: list[Json] = reply["data"]["result"]
        return found

    def series(self, target: Json) -> list[Json]:
        """What a query of a panel gives, over the time or now."""
        values = {"master": self._master, "path": ".*", "__rate_interval": "20s"}
        query = re.sub(r"\$(\w+)", lambda match: values[match[1]], target["expr"])
        if target.get("instant"):
            return self.ask("query", query=query, time=f"{self.end}")
        return self.ask("query_range", query=query, start=f"{self.start}", end=f"{self.end}", step="5")


def points(series: Json) -> list[tuple[float, float]]:
    """Time and value, numbers only."""
    pairs = series.get("values") or [series["value"]]
    found = ((float(at), float(value)) for at, value in pairs)
    return [(at, value) for at, value in found if math.isfinite(value)]


def legend(series: Json, template: str) -> str:
    """The name of a series, as the query's legend makes it."""
    labels: Mapping[str, str] = series["metric"]
    named = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: labels.get(match[1], ""), template or "")
    return named if named not in ("", "__auto") else " ".join(v for k, v in labels.items() if k != "__name__")


def chart(lines: list[tuple[str, list[tuple[float, float]]]], width: int, height: int, prometheus: Prometheus) -> str:
    """Lines over the time, with the largest value and the legend."""
    top = max((value for _, line in lines for _, value in line), default=0.0) or 1.0
    span = prometheus.end - prometheus.start
    drawn = []
    for number, (_, line) in enumerate(lines):
        path = " ".join(
            f"{(at - prometheus.start) / span * width:.1f},{height - max(value, 0) / top * (height - 4):.1f}"
            for at, value in line
        )
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{COLORS[number % len(COLORS)]}"/>')
    names = " ".join(
        f'<span style="color:{COLORS[number % len(COLORS)]}">{escape(name)}&nbsp;{line[-1][1]:.4g}</span>'
        for number, (name, line) in enumerate(lines[:9])
    )
    return f'<svg width="{width}" height="{height}">{"".join(drawn)}</svg><p>max {top:.4g} — {names}</p>'


def newest(lines: list[tuple[str, list[tuple[float, float]]]]) -> str:
    """The newest values."""
    rows = (f"<tr><td>{escape(name)}<td>{line[-1][1]:.5g}" for name, line in lines[:14])
    return f"<table>{''.join(rows)}</table>"


def panels(prometheus: Prometheus, board: Json) -> Iterator[str]:
    """The panels of a dashboard as HTML."""
    for panel in board["panels"]:
        place = panel["gridPos"]
        width, height = place["w"] * COLUMN - MARGIN, place["h"] * ROW - MARGIN
        style = f"left:{place['x'] * COLUMN}px;top:{place['y'] * ROW}px;width:{width}px;height:{height}px"
        lines, empty = [], []
        for target in panel.get("targets", []):
            found = [(legend(one, target.get("legendFormat", "")), points(one)) for one in prometheus.series(target)]
            found = [(name, line) for name, line in found if line]
            lines += found
            empty += [] if found else [target["refId"]]
        drawn = ""
        if lines and panel["type"] in ("timeseries", "heatmap", "state-timeline"):
            drawn = chart(lines, width - 10, max(height - 75, 20), prometheus)
        elif lines:
            drawn = newest(lines)
        missing = f"<b>no data: {', '.join(empty)}</b>" if empty else ""
        yield f'<div style="{style}"><h2>{escape(panel.get("title", ""))} {missing}</h2>{drawn}</div>'


def page(prometheus: Prometheus, file: Path) -> str:
    """One dashboard."""
    board = json.loads(file.read_text())
    bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    drawn = "".join(panels(prometheus, board))
    return f'<h1>{escape(board["title"])}</h1><section style="height:{bottom * ROW}px">{drawn}</section>'


STYLE = """<meta charset="utf-8"><style>body{font:11px sans-serif;width:1440px}section{position:relative}p{margin:0}
div{position:absolute;overflow:hidden;border:1px solid #bbb;box-sizing:border-box}h2{font-size:11px;margin:2px}
b{color:#c00}td{padding:0 6px;white-space:nowrap}</style>"""


def main() -> int:
    """Writes the page."""
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    prometheus = Prometheus(int(sys.argv[1]), float(sys.argv[2]))
    text = STYLE + "".join(page(prometheus, file) for file in sorted(FOLDER.glob("*.json")))
    Path(sys.argv[3]).write_text(text)
    print(f"{sys.argv[3]}: {text.count('<div')} panels, {text.count('<b>')} of them with a query that gives no data")
    return 0


if __name__ == "__main__":
    sys.exit(main())
