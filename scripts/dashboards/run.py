"""The run: what the table of the web UI shows, over time."""

from __future__ import annotations

from dashboards.panels import (
    BLUE,
    BYTES,
    CORES,
    COUNT,
    GREEN,
    MASTER,
    ORANGE,
    PURPLE,
    RATIO,
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
    stat,
    table,
    variable,
)

ROWS = '{instance="$master",path=~"$path"}'
MINE = '{instance="$master"}'
TOTAL = '{instance="$master",method="Aggregated"}'
RUN_TIMES = "locust_response_time_quantile_seconds"
FAILING = ((0.001, YELLOW), (0.01, RED))
STATES = {"ready": BLUE, "spawning": YELLOW, "running": GREEN, "stopping": YELLOW, "stopped": ORANGE, "missing": RED}


def quantile(q: float, by: str = "") -> str:
    """The quantile of the response times in the last moments, of all rows or `by` these labels."""
    buckets = f"rate(locust_response_time_seconds_bucket{ROWS}[$__rate_interval])"
    return f"histogram_quantile({q}, sum by (le{by and f', {by}'}) ({buckets}))"


def rate(name: str, by: str = "") -> str:
    """Events a second, in all or `by` these labels."""
    return f"sum{by and f' by ({by})'} (rate({name}{ROWS}[$__rate_interval]))"


def row(name: str) -> str:
    """The value of each row of the table now."""
    return f"sum by (method, path) ({name}{ROWS})"


def run_quantile(q: str) -> str:
    """The quantile of each row over the whole run."""
    return f'sum by (method, path) ({RUN_TIMES}{{instance="$master",path=~"$path",quantile="{q}"}})'


def dashboard_rows() -> list[Row]:
    """All of it, from top to bottom."""
    return [
        Row("Now", _now()),
        Row("Over time", _over_time()),
        Row("Table of the run", [_requests(), _errors(), _exceptions()]),
        Row("Is the load generator itself all right?", _generator()),
    ]


def _now() -> list[Panel]:
    failing = f"{rate('locust_request_failures_total')} / {rate('locust_requests_total')}"
    return [
        stat("State", "string", Query(f"locust_state{MINE} == 1", "{{state}}", now=True), text="name"),
        stat("Users", COUNT, Query(f"locust_user_count{MINE}")),
        stat("Requests per second", REQUESTS, Query(rate("locust_requests_total"))),
        stat("Failing now", RATIO, Query(failing), limits=FAILING, decimals=2),
        stat("p95 now", SECONDS, Query(quantile(0.95)), limits=((0.5, YELLOW), (1, RED))),
        stat("Requests of the run", COUNT, Query(f"locust_stats_num_requests{TOTAL}")),
        stat("Failed in the run", RATIO, Query(f"locust_fail_ratio{MINE}"), limits=FAILING, decimals=2),
        stat(
            "Workers",
            COUNT,
            Query(f"locust_slave_count{MINE}"),
            limits=((0, RED), (1, GREEN)),
            description="Ready, spawning or running",
        ),
    ]


def _over_time() -> list[Panel]:
    quantiles = [Query(quantile(q), f"p{q * 100:g}") for q in (0.5, 0.95, 0.99)]
    buckets = f"locust_response_time_seconds_bucket{ROWS}"
    colors = [colored("p50", GREEN), colored("p95", ORANGE), colored("p99", RED)]
    return [
        lines(
            "Users",
            COUNT,
            Query(f"locust_class_users{MINE}", "{{user_class}}"),
            Query(f"locust_target_users{MINE}", "target"),
            stacked=True,
            overrides=[colored("target", PURPLE, fillOpacity=0, stacking={"mode": "none"}, lineStyle={"fill": "dash"})],
        ),
        lines(
            "Requests per second",
            REQUESTS,
            Query(rate("locust_requests_total", "method, path"), "{{method}} {{path}}"),
            stacked=True,
        ),
        lines(
            "Failures per second",
            REQUESTS,
            Query(rate("locust_request_failures_total", "method, path"), "{{method}} {{path}}"),
            stacked=True,
        ),
        lines(
            "Response times of all requests",
            SECONDS,
            *quantiles,
            width=12,
            limits=((1, RED),),
            overrides=colors,
            description="Percentiles of the last moments, of all chosen rows, as exact as the histogram's steps",
        ),
        lines(
            "p95 by request",
            SECONDS,
            Query(quantile(0.95, "method, path"), "{{method}} {{path}}"),
            width=12,
            limits=((1, RED),),
        ),
        Panel(
            "Response times",
            "heatmap",
            [Query(f"sum by (le) (increase({buckets}[$__rate_interval]))", "{{le}}", shape="heatmap")],
            SECONDS,
            width=12,
            description="How many requests took how long",
            options={
                "calculate": False,
                "yAxis": {"unit": SECONDS, "axisPlacement": "left"},
                "color": {
                    "mode": "scheme",
                    "scheme": "Turbo",
                    "scale": "exponential",
                    "exponent": 0.5,
                    "steps": 64,
                    "fill": "dark-orange",
                    "reverse": False,
                },
                "cellGap": 1,
                "showValue": "never",
                "legend": {"show": True},
                "exemplars": {"color": "rgba(255,0,255,0.7)"},
                "tooltip": {"mode": "single", "yHistogram": True},
            },
        ),
        lines(
            "Errors per second",
            REQUESTS,
            Query(rate("locust_request_errors_total", "error"), "{{error}}"),
            width=12,
            stacked=True,
        ),
    ]


def _requests() -> Panel:
    requests, failures = row("locust_requests_total"), row("locust_request_failures_total")
    columns = [
        Column("Requests", requests, COUNT),
        Column("Failures", failures, COUNT, limits=((1, RED),)),
        Column("Failed", f"{failures} / {requests}", RATIO, limits=FAILING),
        Column("Requests/s", f"sum by (method, path) (rate(locust_requests_total{ROWS}[1m]))", REQUESTS),
        Column("Mean", row("locust_stats_avg_response_time") + " / 1000", SECONDS),
        Column("p50", run_quantile("0.5"), SECONDS),
        Column("p95", run_quantile("0.95"), SECONDS, limits=((0.5, YELLOW), (1, RED))),
        Column("p99", run_quantile("0.99"), SECONDS, limits=((0.5, YELLOW), (1, RED))),
        Column("Longest", row("locust_stats_max_response_time") + " / 1000", SECONDS),
        Column("Mean size", row("locust_stats_avg_content_length"), BYTES),
    ]
    return table(
        "Requests",
        ["method", "path"],
        columns,
        height=10,
        description="Of the whole run, as in the web UI; Requests/s of the last minute",
    )


def _errors() -> Panel:
    columns = [Column("Occurrences", f"sum by (method, path, error) (locust_errors{ROWS})", COUNT)]
    return table("Errors", ["method", "path", "error"], columns, width=14)


def _exceptions() -> Panel:
    columns = [Column("Occurrences", f"sum by (exception) (locust_exceptions_total{MINE})", COUNT)]
    return table("Exceptions in tasks", ["exception"], columns, width=10)


def _generator() -> list[Panel]:
    late = "sum by (le) (rate(bandwing_worker_scheduler_lateness_seconds_bucket[$__rate_interval]))"
    return [
        lines(
            "CPU of each worker",
            CORES,
            Query(f"locust_worker_cpu_usage_ratio{MINE}", "worker {{index}}"),
            limits=((0.9, RED),),
            description="100 % is one core. A Python worker measures itself, not the service, from 90 % on; "
            "a Go worker uses all cores",
        ),
        lines("Users of each worker", COUNT, Query(f"locust_worker_users{MINE}", "worker {{index}}"), stacked=True),
        lines(
            "Workers by state",
            COUNT,
            Query(f"locust_workers{MINE}", "{{state}}"),
            stacked=True,
            overrides=[colored(state, color) for state, color in STATES.items()],
        ),
        lines(
            "Users wake up late by",
            SECONDS,
            Query(f"histogram_quantile(0.5, {late})", "p50"),
            Query(f"histogram_quantile(0.99, {late})", "p99"),
            limits=((0.05, RED),),
            description="Go workers: how long after the end of its pause a user runs. "
            "Where it grows the load generator is short of CPU, and response times are too long by as much",
        ),
        lines(
            "Samples not yet confirmed",
            COUNT,
            Query("sum by (instance) (bandwing_worker_samples_pending)", "{{instance}}"),
            description="Go workers: recorded, and not yet proven to have reached the master. Reports go every 3 s",
        ),
        lines(
            "Requests cut off at a stop",
            COUNT,
            Query("sum by (instance) (bandwing_worker_requests_cut_total)", "{{instance}}"),
            description="Go workers: sent, but not answered before the stop was over; they are in no table",
        ),
    ]


def dashboard_variables() -> list[Json]:
    """The master and the rows to look at."""
    path = variable("path", "Request", 'label_values(locust_requests_total{instance="$master"}, path)', several=True)
    return [MASTER, path]


def run_dashboard() -> Json:
    """The dashboard."""
    return dashboard(
        "bandwing-run",
        "Bandwing: the run",
        "Users, requests, response times and errors of a load test, from the Locust master.",
        dashboard_rows(),
        dashboard_variables(),
    )
