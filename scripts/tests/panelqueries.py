"""The queries of the dashboards, and what a Prometheus answers to them."""

from __future__ import annotations

import json
import math
import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass

from conftest import ROOT
from stack.parts import http_body

DASHBOARDS = ROOT / "grafanaTemplate" / "dashboards"


@dataclass(frozen=True)
class Asked:
    """A query of a panel, as it stands in the dashboard."""

    dashboard: str
    panel: str
    expr: str
    now: bool


def all_queries() -> Iterator[Asked]:
    """The queries of all panels, and those of the marks at the start of a run."""
    for file in sorted(DASHBOARDS.glob("*.json")):
        model = json.loads(file.read_text())
        for mark in model["annotations"]["list"]:
            yield Asked(file.stem, mark["name"], mark["expr"], False)
        for panel in model["panels"]:
            for target in panel.get("targets", []):
                yield Asked(file.stem, panel["title"], target["expr"], target["instant"])


def filled(expr: str, master: str) -> str:
    """The query with what Grafana would put in place of its variables. Fails where one is left."""
    values = {"master": master, "path": ".*", "__rate_interval": "20s"}
    found = re.sub(r"\$(\w+)", lambda match: values[match[1]], expr)
    assert "$" not in found, found
    return found


class Prometheus:
    """One that runs on this machine."""

    def __init__(self, port: int) -> None:
        self._port = port

    def _get(self, path: str, **arguments: str) -> list[dict[str, object]]:
        body = http_body("127.0.0.1", self._port, f"/api/v1/{path}?{urllib.parse.urlencode(arguments)}")
        assert body, f"{path} was refused: {arguments}"
        data = json.loads(body)["data"]
        found: list[dict[str, object]] = data["result"] if "result" in data else data["activeTargets"]
        return found

    def values(self, expr: str, seconds: float = 0, until: float | None = None) -> list[float]:
        """The numbers that the query gives, now or in the last seconds; what is no number is none."""
        if seconds and until:
            rows = self._get("query_range", query=expr, start=f"{until - seconds}", end=f"{until}", step="5")
            raw = [pair[1] for row in rows for pair in row["values"]]  # type: ignore[attr-defined]
        else:
            raw = [row["value"][1] for row in self._get("query", query=expr)]  # type: ignore[index]
        return [number for number in map(float, raw) if math.isfinite(number)]

    def targets(self) -> dict[str, list[str]]:
        """The state of each target, by job."""
        found: dict[str, list[str]] = {}
        for target in self._get("targets"):
            labels = target["labels"]
            assert isinstance(labels, dict)
            found.setdefault(labels["job"], []).append(str(target["health"]))
        return found
