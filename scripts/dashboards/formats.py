"""JSON against hash against string: the same work in three formats, side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dashboards.panels import (
    BLUE,
    BYTES,
    COUNT,
    GREEN,
    MASTER,
    ORANGE,
    RED,
    REQUESTS,
    SECONDS,
    YELLOW,
    Column,
    Json,
    Panel,
    Query,
    Row,
    colored,
    dashboard,
    lines,
    table,
)

PREFIX = "/api/v1/"
COLORS = {"JSON": BLUE, "Hash": ORANGE, "String": GREEN}
SLOWER = ((1.1, YELLOW), (2, RED))


@dataclass(frozen=True)
class Operation:
    """The rows of the load test that do the same in different formats: format to name. One that has a space is a
    command's, of a class that talks to Redis itself; the others are below PREFIX.
    """

    title: str
    classes: str
    rows: Mapping[str, str]


# docs/test-sets.md describes the classes and rows.
OPERATIONS = (
    Operation("Write a user", "HashVsJSONPost", {"JSON": "post_as_json", "Hash": "post_as_hash"}),
    Operation("Read a user", "HashVsJSONGet", {"JSON": "get_as_json", "Hash": "get_as_hash"}),
    Operation("Set a field of a user", "HashVsJSONUpdate", {"JSON": "update_as_json", "Hash": "update_as_hash"}),
    Operation("Write the record", "JSONSet", {"JSON": "add_json", "String": "add_string"}),
    Operation("Read the record", "JSONGet", {"JSON": "get_json", "String": "get_string"}),
    Operation(
        "Read a member of the record",
        "MoreJSON",
        {"JSON": "get_json_by_key_and_field", "String": "get_string_by_key_and_field"},
    ),
    Operation(
        "Write the record, in Redis itself",
        "DirectJSONSet, DirectString",
        {"JSON": "JSON.SET complex:*", "String": "SET complexString:*"},
    ),
    Operation(
        "Read the record, in Redis itself",
        "DirectJSONGet, DirectString",
        {"JSON": "JSON.GET complex:*", "String": "GET complexString:*"},
    ),
    Operation(
        "Write a user, in Redis itself",
        "DirectJSONSet, DirectHash",
        {"JSON": "JSON.SET basicUser:*", "Hash": "HSET hashUser:*"},
    ),
    Operation("Set a field of the record", "JSONChange", {"JSON": "updateField_json", "String": "updateField_string"}),
)


def whole(row: str) -> str:
    """The name of a row as the table has it."""
    return row if " " in row else PREFIX + row


def of(row: str) -> str:
    """The labels of a row, to be closed by more of them or a brace."""
    return f'{{instance="$master",path="{whole(row)}"'


def quantile(q: float, row: str) -> str:
    """The quantile of a row in the last moments."""
    rates = f"rate(locust_response_time_seconds_bucket{of(row)}}}[$__rate_interval])"
    return f"histogram_quantile({q}, sum by (le) ({rates}))"


def per_operation(formats: tuple[str, ...], metric: str, more: str = "") -> str:
    """A series for each operation: the metric's value of its row in the first of the formats that it has."""
    parts = []
    for operation in OPERATIONS:
        name = next((operation.rows[f] for f in formats if f in operation.rows), "")
        if name:
            value = f"sum({metric}{of(name)}{more}}})"
            parts.append(f'label_replace({value}, "operation", "{operation.title}", "", "")')
    return " or ".join(parts)


def comparison() -> Panel:
    """A row for each operation, with the ratio of JSON to the other."""

    def median(*formats: str) -> str:
        return per_operation(formats, "locust_response_time_quantile_seconds", ',quantile="0.5"')

    def high(*formats: str) -> str:
        return per_operation(formats, "locust_response_time_quantile_seconds", ',quantile="0.95"')

    def ratio(of_what: str, to_what: str) -> str:
        return f"({of_what}) / on (operation) ({to_what})"

    columns = [
        Column("JSON p50", median("JSON"), SECONDS),
        Column("Hash p50", median("Hash"), SECONDS),
        Column("String p50", median("String"), SECONDS),
        Column("p50: JSON / other", ratio(median("JSON"), median("Hash", "String")), "none", limits=SLOWER),
        Column("JSON p95", high("JSON"), SECONDS),
        Column("Hash p95", high("Hash"), SECONDS),
        Column("String p95", high("String"), SECONDS),
        Column("p95: JSON / other", ratio(high("JSON"), high("Hash", "String")), "none", limits=SLOWER),
        Column("JSON requests", per_operation(("JSON",), "locust_requests_total"), COUNT),
        Column("Other requests", per_operation(("Hash", "String"), "locust_requests_total"), COUNT),
        Column("Failures", failures(), COUNT, limits=((1, RED),)),
    ]
    return table(
        "The run: JSON against the other format",
        ["operation"],
        columns,
        height=9,
        decimals=2,
        description="Run the classes named below; both formats get equal load. A ratio below 1: JSON is faster",
    )


def failures() -> str:
    """The failures of each operation, of all formats."""
    parts = []
    for operation in OPERATIONS:
        paths = "|".join(re.escape(whole(name)).replace("\\", "\\\\") for name in operation.rows.values())
        value = f'sum(locust_request_failures_total{{instance="$master",path=~"{paths}"}})'
        parts.append(f'label_replace({value}, "operation", "{operation.title}", "", "")')
    return " or ".join(parts)


def over_time(operation: Operation) -> Row:
    """Response times, rates and sizes of one operation."""
    times = [
        Query(quantile(q, name), f"{kind} p{q * 100:g}") for kind, name in operation.rows.items() for q in (0.5, 0.95)
    ]
    rates = [
        Query(f"sum(rate(locust_requests_total{of(name)}}}[$__rate_interval]))", kind)
        for kind, name in operation.rows.items()
    ]
    sizes = [Query(f"sum(locust_stats_avg_content_length{of(name)}}})", kind) for kind, name in operation.rows.items()]
    quantiles = [colored(f"{kind} p50", COLORS[kind]) for kind in operation.rows]
    quantiles += [
        colored(f"{kind} p95", COLORS[kind], lineStyle={"fill": "dash", "dash": [6, 4]}) for kind in operation.rows
    ]
    plain = [colored(kind, COLORS[kind]) for kind in operation.rows]
    return Row(
        f"{operation.title} ({operation.classes})",
        [
            lines("Response times", SECONDS, *times, width=12, overrides=quantiles),
            lines("Requests per second", REQUESTS, *rates, width=7, overrides=plain),
            lines("Mean size of a reply", BYTES, *sizes, width=5, overrides=plain),
        ],
    )


def service() -> Row:
    """The same without the network and the load generator: measured in the service."""
    took = "bandwing_api_request_duration_seconds"
    mean = (
        f"sum by (route) (rate({took}_sum[$__rate_interval])) / sum by (route) (rate({took}_count[$__rate_interval]))"
    )
    high = f"histogram_quantile(0.95, sum by (le, route) (rate({took}_bucket[$__rate_interval])))"
    seconds = "sum by (cmd) (rate(redis_commands_duration_seconds_total[$__rate_interval]))"
    calls = "sum by (cmd) (rate(redis_commands_total[$__rate_interval]))"
    return Row(
        "In the service and in Redis",
        [
            lines("Mean time in the service, by route", SECONDS, Query(mean, "{{route}}")),
            lines("p95 in the service, by route", SECONDS, Query(high, "{{route}}")),
            lines(
                "Mean time of a command in Redis",
                SECONDS,
                Query(f"{seconds} / ({calls} > 0)", "{{cmd}}"),
                description="CPU time of the command itself: JSON.GET against HGETALL against GET",
            ),
        ],
    )


def formats_dashboard() -> Json:
    """The dashboard."""
    return dashboard(
        "bandwing-formats",
        "Bandwing: JSON, hash and string",
        "The same work on documents that Redis keeps as JSON, as hashes and as strings.",
        [Row("Comparison", [comparison()]), *map(over_time, OPERATIONS), service()],
        [MASTER],
    )
