"""The system: what the load costs the service, Redis, the workers and the containers, on one time axis."""

from __future__ import annotations

from dashboards.panels import (
    BYTES,
    BYTES_PER_SECOND,
    CORES,
    COUNT,
    MASTER,
    ORANGE,
    RATIO,
    RED,
    REQUESTS,
    SECONDS,
    YELLOW,
    Json,
    Panel,
    Query,
    Row,
    colored,
    dashboard,
    lines,
)

# The jobs of local_conf/prometheus.yml, and of monitors in Kubernetes: locust-master, <namespace>/locust-worker.
API, LOCUST, WORKER = 'job="api"', 'job=~"(.*/)?locust.master"', 'job=~"(.*/)?locust.worker"'
MINE = '{instance="$master"}'
SERVED = '{route=~"/api/.*"}'
NAME = "container_label_com_docker_compose_service"
LEGEND = f"{{{{{NAME}}}}}"
IN_COMPOSE = f'{{{NAME}!=""}}'


def per_second(name: str, by: str, labels: str = "") -> str:
    """How much of a counter is added a second, by a label."""
    return f"sum by ({by}) (rate({name}{labels}[$__rate_interval]))"


def load() -> Row:
    """What the rest is to be read against."""
    buckets = f"rate(locust_response_time_seconds_bucket{MINE}[$__rate_interval])"
    return Row(
        "The load",
        [
            lines("Users", COUNT, Query(f"locust_user_count{MINE}", "users")),
            lines(
                "Requests per second",
                REQUESTS,
                Query(f"sum(rate(locust_requests_total{MINE}[$__rate_interval]))", "sent"),
                Query(f"sum(rate(bandwing_api_requests_total{SERVED}[$__rate_interval]))", "answered by the service"),
                Query(f"sum(rate(locust_request_failures_total{MINE}[$__rate_interval]))", "failed"),
                overrides=[colored("failed", RED)],
            ),
            lines(
                "Response times",
                SECONDS,
                *[
                    Query(f"histogram_quantile({q}, sum by (le) ({buckets}))", f"p{q * 100:g}")
                    for q in (0.5, 0.95, 0.99)
                ],
                limits=((1, RED),),
            ),
        ],
    )


def overview() -> Row:
    """CPU and memory of all processes, and the cost of a request."""
    cpu, memory = (
        "rate(process_cpu_seconds_total{%s}[$__rate_interval])",
        "process_resident_memory_bytes{%s}",
    )
    redis = "rate(redis_cpu_sys_seconds_total[$__rate_interval]) + rate(redis_cpu_user_seconds_total[$__rate_interval])"
    jobs = {API: "service", WORKER: "Go workers", LOCUST: "master"}
    cores = {title: f"sum({cpu % job})" for job, title in jobs.items()} | {"Redis": f"sum({redis})"}
    requests = f"sum(rate(bandwing_api_requests_total{SERVED}[$__rate_interval]))"
    bytes_of = {title: f"sum({memory % job})" for job, title in jobs.items()}
    bytes_of |= {"Redis": "sum(redis_memory_used_rss_bytes)"}
    return Row(
        "What it costs",
        [
            lines(
                "CPU",
                CORES,
                *[Query(expr, title) for title, expr in cores.items()],
                stacked=True,
                description="100 % is one core. All workers together; Redis runs commands on one core",
            ),
            lines("Memory", BYTES, *[Query(expr, title) for title, expr in bytes_of.items()]),
            lines(
                "CPU time of a request",
                SECONDS,
                *[Query(f"{expr} / ({requests} > 0)", title) for title, expr in cores.items() if title != "master"],
                description="CPU time of all processes of a kind, divided by the requests that the service answered",
            ),
        ],
    )


def service() -> Row:
    """The REST service."""
    took = "bandwing_api_request_duration_seconds_bucket"
    return Row(
        "Service",
        [
            lines(
                "Requests per second by route",
                REQUESTS,
                Query(per_second("bandwing_api_requests_total", "method, route", SERVED), "{{method}} {{route}}"),
                stacked=True,
            ),
            lines(
                "Replies per second by status",
                REQUESTS,
                Query(per_second("bandwing_api_requests_total", "status", SERVED), "{{status}}"),
                stacked=True,
            ),
            lines(
                "p95 in the service by route",
                SECONDS,
                Query(f"histogram_quantile(0.95, {per_second(took, 'le, route', SERVED)})", "{{route}}"),
                limits=((1, RED),),
            ),
            lines(
                "CPU",
                CORES,
                Query(f"rate(process_cpu_seconds_total{{{API}}}[$__rate_interval])", "{{instance}}"),
                description="100 % is one core",
            ),
            lines(
                "Memory",
                BYTES,
                Query(f"process_resident_memory_bytes{{{API}}}", "resident"),
                Query(f"go_memstats_heap_inuse_bytes{{{API}}}", "heap"),
                Query(f"go_memstats_next_gc_bytes{{{API}}}", "heap at the next collection"),
            ),
            lines(
                "Connections to Redis",
                COUNT,
                Query("sum by (state) (bandwing_api_redis_pool_connections)", "{{state}}"),
                Query(per_second("bandwing_api_redis_pool_uses_total", "result"), "{{result}} per second"),
                stacked=False,
            ),
        ],
    )


def redis() -> Row:
    """Redis, by its exporter."""
    return Row(
        "Redis",
        [
            lines(
                "CPU",
                CORES,
                Query("rate(redis_cpu_user_main_thread_seconds_total[$__rate_interval])", "main thread, user"),
                Query("rate(redis_cpu_sys_main_thread_seconds_total[$__rate_interval])", "main thread, system"),
                Query(
                    "rate(redis_cpu_user_children_seconds_total[$__rate_interval])"
                    " + rate(redis_cpu_sys_children_seconds_total[$__rate_interval])",
                    "snapshots",
                ),
                stacked=True,
                limits=((0.8, YELLOW), (1, RED)),
                description="Commands run in the main thread: at 100 % Redis is the limit",
            ),
            lines(
                "Memory",
                BYTES,
                Query("redis_memory_used_bytes", "used"),
                Query("redis_memory_used_dataset_bytes", "data"),
                Query("redis_memory_used_rss_bytes", "resident"),
                Query("redis_memory_max_bytes > 0 or redis_memory_used_peak_bytes", "limit, or else the most so far"),
            ),
            lines(
                "Commands per second",
                "ops",
                Query(f"{per_second('redis_commands_total', 'cmd')} > 0", "{{cmd}}"),
                stacked=True,
            ),
            lines(
                "Time spent in commands",
                CORES,
                Query(f"{per_second('redis_commands_duration_seconds_total', 'cmd')} > 0", "{{cmd}}"),
                stacked=True,
                description="Seconds of the main thread per second: what it is busy with",
            ),
            lines(
                "Network",
                BYTES_PER_SECOND,
                Query("rate(redis_net_input_bytes_total[$__rate_interval])", "received"),
                Query("rate(redis_net_output_bytes_total[$__rate_interval])", "sent"),
            ),
            lines(
                "Keys and clients",
                COUNT,
                Query("sum(redis_db_keys)", "keys"),
                Query("redis_connected_clients", "clients"),
                Query("rate(redis_evicted_keys_total[$__rate_interval])", "evicted per second"),
                overrides=[colored("clients", ORANGE, axisPlacement="right")],
            ),
        ],
    )


def workers() -> Row:
    """The Go workers, by their own metrics."""
    job = f"{{{WORKER}}}"
    buckets = per_second("bandwing_worker_request_duration_seconds_bucket", "le")
    return Row(
        "Workers",
        [
            lines(
                "CPU",
                CORES,
                Query(f"rate(process_cpu_seconds_total{job}[$__rate_interval])", "{{instance}}"),
                description="100 % is one core; a Go worker uses as many as it finds",
            ),
            lines("Memory", BYTES, Query(f"process_resident_memory_bytes{job}", "{{instance}}")),
            lines(
                "Connections and goroutines",
                COUNT,
                Query("sum(bandwing_worker_open_connections)", "connections to the service"),
                Query(f"sum(go_goroutines{job})", "goroutines"),
            ),
            lines(
                "Samples per second",
                REQUESTS,
                Query(per_second("bandwing_worker_samples_recorded_total", "instance"), "{{instance}} recorded"),
                Query(per_second("bandwing_worker_samples_confirmed_total", "instance"), "{{instance}} confirmed"),
            ),
            lines(
                "Link to the master",
                COUNT,
                Query("sum by (state) (bandwing_worker_link_state)", "{{state}}"),
                stacked=True,
                description="Workers by the state of their connection",
            ),
            lines(
                "Response times as the workers measured them",
                SECONDS,
                *[Query(f"histogram_quantile({q}, {buckets})", f"p{q * 100:g}") for q in (0.5, 0.99)],
            ),
        ],
    )


def containers() -> Row:
    """The containers of docker compose, by cAdvisor."""

    def panel(title: str, unit: str, name: str, counter: bool = True, description: str = "") -> Panel:
        expr = per_second(name, NAME, IN_COMPOSE) if counter else f"sum by ({NAME}) ({name}{IN_COMPOSE})"
        return lines(title, unit, Query(expr, LEGEND), description=description)

    return Row(
        "Containers (docker compose with --profile monitoring)",
        [
            panel("CPU", CORES, "container_cpu_usage_seconds_total", description="100 % is one core"),
            panel("Memory", BYTES, "container_memory_working_set_bytes", counter=False),
            panel(
                "Held back by a CPU limit",
                CORES,
                "container_cpu_cfs_throttled_seconds_total",
                description="Seconds per second that a container would have run but for its limit: "
                "response times measured meanwhile are not the software's",
            ),
            panel("Network, received", BYTES_PER_SECOND, "container_network_receive_bytes_total"),
            panel("Network, sent", BYTES_PER_SECOND, "container_network_transmit_bytes_total"),
            lines(
                "Memory of its limit",
                RATIO,
                Query(
                    f"sum by ({NAME}) (container_memory_working_set_bytes{IN_COMPOSE})"
                    f" / (sum by ({NAME}) (container_spec_memory_limit_bytes{IN_COMPOSE}) > 0)",
                    LEGEND,
                ),
                limits=((0.8, YELLOW), (1, RED)),
            ),
        ],
    )


def system_dashboard() -> Json:
    """The dashboard."""
    return dashboard(
        "bandwing-system",
        "Bandwing: the system",
        "CPU and memory of the service, Redis, workers and containers, beside the load that causes them.",
        [load(), overview(), service(), redis(), workers(), containers()],
        [MASTER],
    )
