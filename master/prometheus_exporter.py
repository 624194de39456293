"""Prometheus metrics of a Locust master or of a Locust without workers: GET /metrics beside the web UI.

A locustfile has them by importing this module. Without a web UI (--headless), or for a port of their own, there is
--metrics-port, or the variable LOCUST_METRICS_PORT. /metrics asks for no login, also where --web-login guards the UI.

Nothing is counted here: each scrape reads the runner's own state, in one go, so that the figures of a scrape belong
together and are those of /stats/requests at that moment. What has no value any more has no series:

- rows before their first request, and all of them after a reset or the start of a run;
- what happens "now" (users of a class, current requests per second, targets) while no run is on;
- a worker that has quit, and CPU, memory and users of one that is missing.

What a run has counted stays, as in the web UI, until the next one begins. docs/monitoring.md describes all names.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, islice
from operator import itemgetter
from typing import Any

from gevent.pywsgi import WSGIServer
from locust import events
from locust.runners import (
    STATE_CLEANUP,
    STATE_INIT,
    STATE_MISSING,
    STATE_RUNNING,
    STATE_SPAWNING,
    STATE_STOPPED,
    STATE_STOPPING,
    MasterRunner,
    WorkerRunner,
)

try:
    from prometheus_client import CollectorRegistry, ProcessCollector
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
    from prometheus_client.exposition import choose_encoder
except ImportError:  # a worker needs none of it
    CollectorRegistry = None

log = logging.getLogger("exporter")

ROW = ("path", "method")
TOTAL = ("Aggregated", "Aggregated")
MAX_ROWS = 500  # of requests and of errors, as in the web UI: names without bounds would drown Prometheus
QUANTILES = (0.5, 0.95, 0.99)
# Seconds: six steps a decade from 100 µs to 30 s. From 100 ms up all are keys that Locust rounds response times to.
BOUNDS = [float(f"{digits}e{exponent}") for exponent in range(-4, 1) for digits in (1, 1.5, 2, 3, 5, 7)] + [10, 20, 30]
ACTIVE = (STATE_SPAWNING, STATE_RUNNING, STATE_STOPPING, STATE_CLEANUP)
WORKER_STATES = (STATE_INIT, STATE_SPAWNING, STATE_RUNNING, STATE_STOPPING, STATE_STOPPED, STATE_MISSING)

Value = Callable[[Any], float]
Row = tuple[tuple[str, str], Any]
Family = Any

# The names of the exporters before this one, which dashboards use, times in milliseconds: locust_stats_<name> with the
# labels path and method, and, but for the last of TIMES, locust_requests_<name> with the labels method and name.
COUNTS: dict[str, tuple[str, Value]] = {
    "num_requests": ("Requests, failed ones included", lambda e: e.num_requests),
    "num_failures": ("Failed requests", lambda e: e.num_failures),
    "avg_content_length": ("Mean size of the replies, in bytes", lambda e: e.avg_content_length),
}
TIMES: dict[str, tuple[str, Value]] = {
    "avg_response_time": ("Mean response time of the run, in ms", lambda e: e.avg_response_time),
    "min_response_time": ("Shortest response time of the run, in ms", lambda e: e.min_response_time or 0),
    "max_response_time": ("Longest response time of the run, in ms", lambda e: e.max_response_time),
    "median_response_time": ("Median response time of the run, in ms", lambda e: e.median_response_time),
    "ninetieth_response_time": (
        "90th percentile of the run's response times, in ms",
        lambda e: e.get_response_time_percentile(0.9),
    ),
}
CURRENT: dict[str, tuple[str, Value]] = {
    "current_rps": ("Requests per second, a mean of the last ten seconds", lambda e: e.current_rps),
    "current_fail_per_sec": ("Failures per second, a mean of the last ten seconds", lambda e: e.current_fail_per_sec),
}
COUNTERS: dict[str, tuple[str, Value]] = {
    "locust_requests": ("Requests, failed ones included", lambda e: e.num_requests),
    "locust_request_failures": ("Failed requests", lambda e: e.num_failures),
    "locust_response_bytes": ("Size of all replies", lambda e: e.total_content_length),
}


def text(value: object) -> str:
    """The value as a label, which must be UTF-8 whatever a worker has sent."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def gauge(name: str, help_text: str, value: float) -> Family:
    """A metric without labels."""
    return GaugeMetricFamily(name, help_text, value=value)


def filled(family: Family, samples: Iterable[tuple[Iterable[str], float]]) -> Family:
    """The family with samples of these labels and values."""
    for labels, value in samples:
        family.add_metric(list(labels), value)
    return family


def timed(entry: Any) -> bool:
    """Whether there are response times in an entry of the statistics."""
    return bool(entry.response_times)


def buckets(response_times: dict[float, int]) -> list[tuple[str, float]]:
    """Locust's {milliseconds: count} as a cumulative histogram, with upper bounds in seconds."""
    counts = [0] * (len(BOUNDS) + 1)
    bound = 0
    for milliseconds, count in sorted(response_times.items()):
        while bound < len(BOUNDS) and milliseconds > BOUNDS[bound] * 1000 * (1 + 1e-12):
            bound += 1
        counts[bound] += count
    names = [repr(float(b)) for b in BOUNDS] + ["+Inf"]
    return list(zip(names, map(float, accumulate(counts)), strict=True))


class LocustCollector:
    """Reads a runner at each scrape. It yields to no other greenlet while it does."""

    def __init__(self, runner: Any) -> None:
        self.runner = runner

    def collect(self) -> list[Family]:
        """All metrics of this moment (called by the registry)."""
        stats = self.runner.stats
        counted = [
            ((text(e.name), text(e.method)), e) for e in stats.entries.values() if e.num_requests or e.num_failures
        ]
        rows = sorted(counted, key=itemgetter(0))[:MAX_ROWS]
        left_out = len(counted) - len(rows)
        found = [*self._run(left_out), *self._state(), *self._faults(), *self._classic([*rows, (TOTAL, stats.total)])]
        found += self._rows(rows, stats.total)
        if isinstance(self.runner, MasterRunner):
            found += self._workers()
        return found

    def _run(self, left_out: int) -> Iterator[Family]:
        runner, active = self.runner, self.runner.state in ACTIVE
        yield gauge("locust_user_count", "Users that run, of all workers", runner.user_count)
        yield filled(GaugeMetricFamily("locust_state", "1 for the state", labels=["state"]), [([runner.state], 1)])
        yield gauge("locust_fail_ratio", "Failed requests / requests of the run", runner.stats.total.fail_ratio)
        yield gauge("locust_rows_left_out", f"Rows beyond the {MAX_ROWS} that have series here", left_out)
        yield gauge(
            "locust_run_start_time_seconds",
            "Since when requests count: the start of the run or the last reset, as Unix time",
            runner.stats.start_time,
        )
        users = GaugeMetricFamily("locust_class_users", "Users that run, by class", labels=["user_class"])
        target = GaugeMetricFamily("locust_target_users", "Users that the run is to have")
        if active:
            filled(users, (((name,), count) for name, count in sorted(self._users().items())))
            target.add_metric([], runner.target_user_count)
        yield users
        yield target

    def _state(self) -> Iterator[Family]:
        """The state under the names of ContainerSolutions' locust_exporter."""
        runner, total = self.runner, self.runner.stats.total
        step = {STATE_SPAWNING: 1, STATE_RUNNING: 2}.get(runner.state, 0)
        yield gauge("locust_up", "Always 1: a master that is not up has no metrics", 1)
        yield gauge("locust_running", "2 while a run is on, 1 while users are spawned, else 0", step)
        yield gauge("locust_users", "Users that run, of all workers", runner.user_count)
        yield gauge("locust_requests_fail_ratio", "Failed requests / requests of the run", total.fail_ratio)
        for percent in (50, 95):
            family = GaugeMetricFamily(
                f"locust_requests_current_response_time_percentile_{percent}",
                "Percentile of the last ten seconds, in ms",
            )
            now = total.get_current_response_time_percentile(percent / 100) if runner.state in ACTIVE else None
            yield filled(family, [((), now)] if now is not None else [])

    def _users(self) -> dict[str, int]:
        runner = self.runner
        master = isinstance(runner, MasterRunner)
        found = {user_class.__name__: 0 for user_class in runner.user_classes}
        return found | (runner.reported_user_classes_count if master else runner.user_classes_count)

    def _faults(self) -> Iterator[Family]:
        errors: Counter[tuple[str, ...]] = Counter()
        for e in islice(self.runner.errors.values(), MAX_ROWS):
            errors[text(e.name), text(e.method), text(e.parse_error(e.error))] += e.occurrences
        exceptions: Counter[tuple[str, ...]] = Counter()
        for e in islice(self.runner.exceptions.values(), MAX_ROWS):
            exceptions[(text(e["msg"]),)] += e["count"]
        labels = [*ROW, "error"]
        yield filled(
            GaugeMetricFamily("locust_errors", "Failed requests, by error", labels=[*labels, "name"]),
            (((*key, key[0]), count) for key, count in errors.items()),
        )
        yield filled(
            CounterMetricFamily("locust_request_errors", "Failed requests, by error", labels=labels), errors.items()
        )
        yield filled(
            CounterMetricFamily("locust_exceptions", "Exceptions that tasks raised", labels=["exception"]),
            exceptions.items(),
        )

    def _classic(self, rows: list[Row]) -> Iterator[Family]:
        with_times = [(labels, entry) for labels, entry in rows if timed(entry)]
        now = rows if self.runner.state in ACTIVE else []
        for names, members in ((COUNTS, rows), (TIMES, with_times), (CURRENT, now)):
            for name, (help_text, value) in names.items():
                values = [(labels, value(entry)) for labels, entry in members]
                yield filled(GaugeMetricFamily(f"locust_stats_{name}", help_text, labels=ROW), values)
                if name == "ninetieth_response_time":
                    continue
                family = GaugeMetricFamily(f"locust_requests_{name}", help_text, labels=["method", "name"])
                # The total has no method there: dashboards tell it by that from the rows.
                yield filled(family, ((("" if row == TOTAL else row[1], row[0]), number) for row, number in values))

    def _rows(self, rows: list[Row], total: Any) -> Iterator[Family]:
        for name, (help_text, value) in COUNTERS.items():
            family = CounterMetricFamily(name, help_text, labels=ROW)
            yield filled(family, ((labels, value(entry)) for labels, entry in rows))
        histogram = HistogramMetricFamily("locust_response_time_seconds", "Response times", labels=ROW)
        name, labels = "locust_response_time_quantile_seconds", [*ROW, "quantile"]
        quantile = GaugeMetricFamily(name, "Percentiles of the run's response times", labels=labels)
        for row, entry in rows:
            if timed(entry):
                histogram.add_metric(row, buckets(entry.response_times), entry.total_response_time / 1000)
        for row, entry in [*rows, (TOTAL, total)]:
            if timed(entry):
                values = ((q, entry.get_response_time_percentile(q) / 1000) for q in QUANTILES)
                filled(quantile, (((*row, str(q)), value) for q, value in values))
        yield histogram
        yield quantile

    def _workers(self) -> Iterator[Family]:
        clients = list(self.runner.clients.values())
        indexes = self.runner.worker_indexes
        named = [((c.id, str(indexes.get(c.id, ""))), c) for c in clients]
        alive = [(labels, c) for labels, c in named if c.state != STATE_MISSING]
        states = dict.fromkeys(WORKER_STATES, 0) | Counter(c.state for c in clients)
        worker = ("worker", "index")
        yield gauge("locust_slave_count", "Workers that are ready, spawning or running", self.runner.worker_count)
        yield from self._workers_of_others(named, states)
        yield filled(
            GaugeMetricFamily("locust_workers", "Workers, by state", labels=["state"]),
            (((state,), count) for state, count in states.items()),
        )
        yield filled(
            GaugeMetricFamily("locust_worker_state", "1 for the state of a worker", labels=[*worker, "state"]),
            (((*labels, c.state), 1) for labels, c in named),
        )
        for name, help_text, value in (
            ("users", "Users that run on a worker", lambda c: c.user_count),
            ("cpu_usage_ratio", "CPU time per time of a worker: 1 is one core", lambda c: c.cpu_usage / 100),
            ("memory_bytes", "Resident memory of a worker", lambda c: c.memory_usage),
        ):
            family = GaugeMetricFamily(f"locust_worker_{name}", help_text, labels=worker)
            yield filled(family, ((labels, value(c)) for labels, c in alive))

    def _workers_of_others(self, named: list[tuple[tuple[str, str], Any]], states: Any) -> Iterator[Family]:
        """The workers under the names of ContainerSolutions' locust_exporter."""
        for name, help_text, count in (
            ("workers_count", "Workers in any state", len(named)),
            ("slaves_count", "Workers in any state", len(named)),
            ("workers_running_count", "Workers that run users", states[STATE_RUNNING]),
            ("workers_hatching_count", "Workers that spawn users", states[STATE_SPAWNING]),
            ("workers_missing_count", "Workers that are lost", states[STATE_MISSING]),
        ):
            yield gauge(f"locust_{name}", help_text, count)
        detail = GaugeMetricFamily("locust_worker_detail", "Users that run on a worker", labels=["id", "state"])
        yield filled(detail, (((labels[0], client.state), client.user_count) for labels, client in named))


class Page:
    """/metrics of one runner, for the web UI and for a server of its own. A fault costs this reply and no more."""

    def __init__(self, runner: Any) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(LocustCollector(runner))
        ProcessCollector(registry=self.registry)

    def reply(self, accept: str) -> tuple[int, str, bytes]:
        """Status, content type and body, in the format that the Accept header asks for."""
        try:
            encode, content_type = choose_encoder(accept)
            return 200, content_type, encode(self.registry)
        except Exception as err:
            log.exception("the metrics could not be read")
            return 500, "text/plain; charset=utf-8", f"the metrics could not be read: {err!r}\n".encode()

    def wsgi(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        """A server with nothing but /metrics."""
        if environ["PATH_INFO"] != "/metrics":
            start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"here is only /metrics\n"]
        status, content_type, body = self.reply(environ.get("HTTP_ACCEPT", ""))
        start_response("200 OK" if status == 200 else "500 Internal Server Error", [("Content-Type", content_type)])
        return [body]


def add_arguments(parser: Any) -> None:
    """Offers --metrics-port on the command line; nothing in the web UI's form."""
    parser.add_argument(
        "--metrics-port",
        type=int,
        default=0,
        env_var="LOCUST_METRICS_PORT",
        include_in_web_ui=False,
        help="serve /metrics on this port too, at the address of --web-host; needed with --headless (default: none)",
    )


def init(environment: Any, runner: Any, web_ui: Any, **_: object) -> None:
    """Serves /metrics of a runner that is no worker. Raises SystemExit when the port asked for cannot be had."""
    options = environment.parsed_options
    port = getattr(options, "metrics_port", 0)
    if runner is None or isinstance(runner, WorkerRunner) or not (web_ui or port):
        return
    if CollectorRegistry is None:
        log.warning("no /metrics: the Python package prometheus_client is missing (pip install prometheus_client)")
        return
    page = Page(runner)
    if web_ui:
        from flask import request  # only where there is a web UI

        @web_ui.app.route("/metrics")
        def metrics() -> tuple[bytes, int, dict[str, str]]:
            status, content_type, body = page.reply(request.headers.get("Accept", ""))
            return body, status, {"Content-Type": content_type}

    if port:
        host = options.web_host if options.web_host != "*" else ""
        server = WSGIServer((host, port), page.wsgi, log=None, error_log=log)
        try:
            server.start()
        except (OSError, OverflowError) as err:
            raise SystemExit(f"exporter: --metrics-port {port} cannot be had: {err}: choose another") from err
        log.info("metrics at http://%s:%d/metrics", host or "0.0.0.0", port)


events.init_command_line_parser.add_listener(add_arguments)
events.init.add_listener(init)
