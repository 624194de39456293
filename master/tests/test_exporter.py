"""The figures of /metrics against /stats/requests of the same moment, of real masters with real workers."""

from __future__ import annotations

import csv
import io
import math
import random
import re
import signal
import subprocess
import sys
from html import unescape
from types import SimpleNamespace

import pytest
from locust.stats import RequestStats, proper_round
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_plain

from cluster import ROOT, Cluster, free_port, get, installed_series, samples, until
from master import prometheus_exporter

TOTAL = ("Aggregated", "Aggregated")
ALIVE = ("ready", "spawning", "running")


@pytest.fixture
def cluster(tmp_path):
    found = Cluster(tmp_path)
    yield found
    found.end()


def rows(stats):
    """Rows with requests, by the labels of their series (method, path)."""
    found = {}
    for row in stats["stats"]:
        key = TOTAL if row["name"] == "Aggregated" else (row["method"], row["name"])
        if row["num_requests"] or key == TOTAL:
            found[key] = row
    return found


def series(metrics, name):
    """{label values: value} of one metric."""
    return {key[1:]: value for key, value in metrics.items() if key[0] == name}


def check(metrics, stats):
    """Compares every value that is in both."""
    active = stats["state"] in prometheus_exporter.ACTIVE
    table = rows(stats)
    assert metrics[("locust_user_count",)] == stats["user_count"]
    assert series(metrics, "locust_state") == {(stats["state"],): 1}
    assert metrics[("locust_fail_ratio",)] == pytest.approx(stats["fail_ratio"])
    for name in ("num_requests", "num_failures", "avg_content_length"):
        want = {key: row[name] for key, row in table.items()}
        assert series(metrics, f"locust_stats_{name}") == pytest.approx(want), name
        check_other_names(metrics, name)
    for name in ("current_rps", "current_fail_per_sec"):
        want = {key: row[name] for key, row in table.items()} if active else {}
        assert series(metrics, f"locust_stats_{name}") == pytest.approx(want), name
        check_other_names(metrics, name)
    assert metrics[("locust_running",)] == {"spawning": 1, "running": 2}.get(stats["state"], 0)
    assert metrics[("locust_users",)] == stats["user_count"]
    assert metrics[("locust_requests_fail_ratio",)] == pytest.approx(stats["fail_ratio"])
    check_times(metrics, table)
    check_counters(metrics, stats, table)
    check_workers(metrics, stats)


def check_other_names(metrics, name):
    """The names of locust_exporter: the same values, the total told by its empty method."""
    got = series(metrics, f"locust_requests_{name}")
    assert got == {
        ("", key[1]) if key == TOTAL else key: value for key, value in series(metrics, f"locust_stats_{name}").items()
    }, name


def check_times(metrics, table):
    with_times = {key: row for key, row in table.items() if row["avg_response_time"]}
    for name in ("avg_response_time", "median_response_time"):
        want = {key: row[name] for key, row in with_times.items()}
        assert series(metrics, f"locust_stats_{name}") == pytest.approx(want), name
    for name in ("min_response_time", "max_response_time"):  # rounded in /stats/requests
        got = {key: proper_round(value) for key, value in series(metrics, f"locust_stats_{name}").items()}
        assert got == {key: row[name] for key, row in with_times.items()}, name
    for name in ("avg_response_time", "median_response_time", "min_response_time", "max_response_time"):
        check_other_names(metrics, name)
    assert series(metrics, "locust_stats_ninetieth_response_time").keys() == with_times.keys()
    quantiles = series(metrics, "locust_response_time_quantile_seconds")
    assert len(quantiles) == 3 * len(with_times)
    for key, row in with_times.items():
        assert quantiles[(*key, "0.95")] == pytest.approx(row["response_time_percentile_0.95"] / 1000)
        assert quantiles[(*key, "0.99")] == pytest.approx(row["response_time_percentile_0.99"] / 1000)


def check_counters(metrics, stats, table):
    plain = {key: row for key, row in table.items() if key != TOTAL}
    assert series(metrics, "locust_requests_total") == {k: row["num_requests"] for k, row in plain.items()}
    assert series(metrics, "locust_request_failures_total") == {k: row["num_failures"] for k, row in plain.items()}
    size = {key: row["avg_content_length"] * row["num_requests"] for key, row in plain.items()}
    assert series(metrics, "locust_response_bytes_total") == pytest.approx(size)
    # Locust 2.29 escapes texts for HTML.
    errors = {tuple(unescape(e[key]) for key in ("error", "method", "name")): e["occurrences"] for e in stats["errors"]}
    assert series(metrics, "locust_request_errors_total") == errors
    assert series(metrics, "locust_errors") == {(*key, key[2]): count for key, count in errors.items()}
    count = series(metrics, "locust_response_time_seconds_count")
    timed = {key: row for key, row in plain.items() if row["avg_response_time"]}
    assert count == {key: row["num_requests"] for key, row in timed.items()}
    total = {key: row["avg_response_time"] * row["num_requests"] / 1000 for key, row in timed.items()}
    assert series(metrics, "locust_response_time_seconds_sum") == pytest.approx(total)


def check_workers(metrics, stats):
    workers = stats["workers"]
    alive = {w["id"]: w for w in workers if w["state"] != "missing"}
    states = {state: sum(w["state"] == state for w in workers) for state in prometheus_exporter.WORKER_STATES}
    assert series(metrics, "locust_workers") == {(state,): n for state, n in states.items()}
    assert metrics[("locust_slave_count",)] == sum(w["state"] in ALIVE for w in workers)
    assert metrics[("locust_workers_count",)] == metrics[("locust_slaves_count",)] == len(workers)
    for name, state in (("running", "running"), ("hatching", "spawning"), ("missing", "missing")):
        assert metrics[(f"locust_workers_{name}_count",)] == states[state]
    assert series(metrics, "locust_worker_detail") == {(w["id"], w["state"]): w["user_count"] for w in workers}
    assert {(k[1], k[2]) for k in series(metrics, "locust_worker_state")} == {(w["state"], w["id"]) for w in workers}
    for name, key, unit in (("users", "user_count", 1), ("cpu_usage_ratio", "cpu_usage", 100)):
        got = {labels[1]: value * unit for labels, value in series(metrics, f"locust_worker_{name}").items()}
        assert got == pytest.approx({i: w[key] for i, w in alive.items()}), name
    got = {labels[1]: value for labels, value in series(metrics, "locust_worker_memory_bytes").items()}
    assert got == {i: w["memory_usage"] for i, w in alive.items()}


def check_percentiles(metrics, report):
    """Compares with the master's CSV, which has more percentiles than /stats/requests."""
    for row in csv.DictReader(io.StringIO(report)):
        key = (row["Type"], row["Name"]) if row["Name"] != "Aggregated" else TOTAL
        if row["90%"] == "N/A" or not float(row["Max Response Time"]):
            continue
        assert metrics[("locust_stats_ninetieth_response_time", *key)] == float(row["90%"])
        for quantile, column in (("0.5", "50%"), ("0.95", "95%"), ("0.99", "99%")):
            value = metrics[("locust_response_time_quantile_seconds", *key, quantile)]
            assert value == pytest.approx(float(row[column]) / 1000)


def in_state(state):
    return lambda _, stats: stats["state"] == state


def requests(_, stats):
    return stats["stats"][-1]["num_requests"]


@pytest.mark.parametrize("series_of", ["", *installed_series()])
def test_every_value_in_every_state(tmp_path, series_of):
    cluster = Cluster(tmp_path, series_of)
    try:
        cluster.master("Busy", "Fixed")
        cluster.workers(2)
        check(*cluster.wait(lambda m, _: m[("locust_slave_count",)] == 2, "two workers"))
        cluster.swarm(6, 0.6)  # workers report every 3 s
        check(*cluster.wait(lambda m, s: in_state("spawning")(m, s) and requests(m, s), "requests while spawning"))
        all_users = {
            ("Broken",): 0,
            ("Busy",): 3,
            ("Fixed",): 3,
        }  # as the workers have reported, which may take a while
        started = cluster.wait(
            lambda m, s: in_state("running")(m, s) and series(m, "locust_class_users") == all_users,
            "a run of all users",
        )
        check(*started)
        assert started[0][("locust_target_users",)] == 6
        check(*cluster.wait(lambda m, _: series(m, "locust_stats_current_rps")[TOTAL] > 0, "current requests"))
        check(*cluster.wait(lambda _, s: all(w["memory_usage"] for w in s["workers"]), "memory of workers"))
        cluster.order("/stop")
        metrics, stats = cluster.wait(in_state("stopped"), "the end")
        check(metrics, stats)
        check_percentiles(metrics, get(cluster.url("/stats/requests/csv"))[2])
        assert series(metrics, "locust_class_users") == series(metrics, "locust_target_users") == {}
        assert metrics[("locust_requests_total", "GET", "/fixed")] == 3 * 25
        assert sum(series(metrics, "locust_requests_total").values()) == requests(metrics, stats)
    finally:
        cluster.end()


def test_a_reset_and_the_next_run_begin_anew(cluster):
    cluster.master("Busy")
    cluster.workers(1)
    cluster.wait(lambda m, _: m[("locust_slave_count",)] == 1, "a worker")
    cluster.swarm(2, 2)
    cluster.wait(lambda m, s: requests(m, s) > 50, "requests")
    cluster.order("/stop")
    before, stats = cluster.wait(in_state("stopped"), "the end")
    cluster.order("/stats/reset")
    after, stats = cluster.both()
    check(after, stats)
    assert {len(key) for key in after if key[0].startswith("locust_stats")} == {3}
    assert {key[1:] for key in after if key[0].startswith("locust_stats")} == {TOTAL}
    assert series(after, "locust_requests_total") == series(after, "locust_response_time_seconds_bucket") == {}
    assert series(after, "locust_errors") == {}
    assert after[("locust_run_start_time_seconds",)] > before[("locust_run_start_time_seconds",)]
    cluster.swarm(1, 1)
    again, stats = cluster.wait(lambda m, s: requests(m, s) > 0, "a second run")
    check(again, stats)
    assert again[("locust_run_start_time_seconds",)] > after[("locust_run_start_time_seconds",)]


def test_counters_and_buckets_never_fall_within_a_run(cluster):
    cluster.master("Busy")
    cluster.workers(2)
    cluster.wait(lambda m, _: m[("locust_slave_count",)] == 2, "two workers")
    cluster.swarm(4, 1)
    before = {}

    def grown(metrics, stats):
        for key, value in before.items():
            assert metrics[key] >= value, key
        before.update({key: value for key, value in metrics.items() if key[0].endswith(growing)})
        return requests(metrics, stats) > 500

    growing = ("_total", "_bucket", "_seconds_count", "_sum")
    cluster.wait(grown, "500 requests")


def test_a_lost_worker_leaves_and_so_does_one_that_quits(cluster):
    cluster.master("Busy")
    killed, quits, _ = cluster.workers(3)
    cluster.wait(lambda m, _: m[("locust_slave_count",)] == 3, "three workers")
    cluster.swarm(6, 6)
    cluster.wait(lambda m, s: in_state("running")(m, s) and m[("locust_user_count",)] == 6, "six users")
    killed.send_signal(signal.SIGKILL)
    metrics, stats = cluster.wait(lambda m, _: m[("locust_workers", "missing")] == 1, "a missing worker")
    check(metrics, stats)
    assert len(series(metrics, "locust_worker_cpu_usage_ratio")) == metrics[("locust_slave_count",)] == 2
    quits.send_signal(signal.SIGTERM)
    metrics, stats = cluster.wait(lambda m, _: m[("locust_slave_count",)] == 1, "one worker")
    check(metrics, stats)
    assert len(series(metrics, "locust_worker_state")) == 2


def test_headless_on_a_port_of_its_own(cluster):
    port = free_port()
    address = ["--web-host", "127.0.0.1", "--expect-workers", "2", "-u", "4", "-r", "4"]
    cluster.master("Fixed", *address, headless=True, LOCUST_METRICS_PORT=str(port))
    cluster.workers(2)
    url = f"http://127.0.0.1:{port}"

    def scrape():
        status, _, body = get(url + "/metrics")
        return samples(body) if status == 200 else {}

    found = until(lambda: (m := scrape()) and m.get(("locust_requests_total", "GET", "/fixed")) == 100 and m, "all")
    assert found[("locust_stats_num_requests", *TOTAL)] == 300
    assert (
        found[("locust_stats_num_failures", *TOTAL)] == found[("locust_request_failures_total", "PUT", 'od"d\\na\nme')]
    )
    assert found[("locust_errors", 'said "no"\\\n', "PUT", *['od"d\\na\nme'] * 2)] == 100
    assert series(found, "locust_state") == {("running",): 1}
    assert ("locust_response_time_seconds_count", "WAIT", "/untimed") not in found
    assert get(url + "/")[0] == 404


def test_a_port_that_is_taken_is_said(cluster):
    with_web = cluster.master("Fixed", "--metrics-port", str(cluster.web))
    other = Cluster(cluster.folder)
    until(lambda: get(cluster.url("/metrics"))[0] == 200 or with_web.poll() is not None, "a master")
    taken = other.start("taken", "--headless", "--web-host", "127.0.0.1", "--metrics-port", str(cluster.web), "Fixed")
    try:
        assert taken.wait(60) == 1
        assert f"--metrics-port {cluster.web} cannot be had" in other.log("taken")
    finally:
        other.end()


def test_every_name_is_described(cluster):
    cluster.master("Fixed")
    until(lambda: get(cluster.url("/metrics"))[0] == 200, "metrics")
    shown = dict(re.findall(r"^# TYPE (locust_\w+) (\w+)$", get(cluster.url("/metrics"))[2], re.MULTILINE))
    page = (ROOT / "docs" / "monitoring.md").read_text()
    assert dict(re.findall(r"^\| `(locust_\w+)` \| (\w+) \|", page, re.MULTILINE)) == shown


def test_a_login_does_not_keep_prometheus_out(cluster):
    cluster.master("Fixed", "--web-login")
    until(lambda: get(cluster.url("/metrics"))[0] == 200, "metrics")
    assert '"stats"' not in get(cluster.url("/stats/requests"))[2]


def test_exceptions_of_tasks_are_counted(cluster):
    cluster.start("local", "--web-host", "127.0.0.1", "--web-port", str(cluster.web), "Broken")
    until(lambda: get(cluster.url("/metrics"))[0] == 200, "a Locust without workers")
    cluster.swarm(1, 1)
    url = cluster.url("/metrics")
    until(lambda: samples(get(url)[2]).get(("locust_exceptions_total", "no such luck"), 0) > 2, "exceptions")
    found = samples(get(url)[2])
    assert series(found, "locust_class_users") == {("Broken",): 1}
    assert series(found, "locust_workers") == {}


def test_a_fault_costs_the_scrape_and_nothing_else(cluster):
    cluster.master("Busy")
    cluster.workers(1)
    cluster.wait(lambda m, _: m[("locust_slave_count",)] == 1, "a worker")
    cluster.swarm(1, 1)
    assert get(cluster.url("/break"))[2] == "broken"
    status, _, body = get(cluster.url("/metrics"))
    assert (status, body) == (500, "the metrics could not be read: ZeroDivisionError('division by zero')\n")
    until(lambda: '"state":"running"' in get(cluster.url("/stats/requests"))[2].replace(" ", ""), "the run goes on")


# --- without processes ------------------------------------------------------------------------------------------


def fake_runner(stats):
    return SimpleNamespace(
        stats=stats, errors=stats.errors, exceptions={}, state="running", user_count=0, user_classes=[],
        user_classes_count={}, target_user_count=0,
    )  # fmt: skip


def test_buckets_hold_what_is_at_most_their_bound():
    counts = dict.fromkeys((0, 0.1, 0.11, 1, 1.5, 100, 110, 150, 160, 30000, 31000), 1)
    found = dict(prometheus_exporter.buckets(counts))
    for bound, count in found.items():
        want = sum(milliseconds <= round(float(bound) * 1000, 9) for milliseconds in counts) if bound != "+Inf" else 11
        assert count == want, bound
    assert list(map(float, found)) == sorted(map(float, found))


def test_sums_are_the_master_s_own():
    stats = RequestStats()
    times = [random.lognormvariate(1, 3) for _ in range(2000)]
    for time in times:
        stats.log_request("GET", "/", time, 3)
    found = samples(prometheus_exporter.Page(fake_runner(stats)).reply("")[2].decode())
    assert found[("locust_response_time_seconds_sum", "GET", "/")] == pytest.approx(math.fsum(times) / 1000)
    assert found[("locust_response_time_seconds_count", "GET", "/")] == 2000
    assert found[("locust_response_bytes_total", "GET", "/")] == 6000


def test_rows_have_a_limit_as_in_the_web_ui():
    stats = RequestStats()
    for number in range(prometheus_exporter.MAX_ROWS + 7):
        stats.log_request("GET", f"/{number}", 1, 1)
    found = samples(prometheus_exporter.Page(fake_runner(stats)).reply("")[2].decode())
    assert found[("locust_rows_left_out",)] == 7
    assert len(series(found, "locust_requests_total")) == prometheus_exporter.MAX_ROWS
    assert found[("locust_stats_num_requests", *TOTAL)] == prometheus_exporter.MAX_ROWS + 7


def test_both_formats_say_the_same():
    stats = RequestStats()
    stats.log_request("GET", "/caf\udce9", 3, 1)
    stats.log_error("GET", "/café", 'a "b"\n\\c')
    page = prometheus_exporter.Page(fake_runner(stats))
    found = []
    for accept, parse in (
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", parse_openmetrics),
        ("text/plain", parse_plain),
    ):
        status, kind, body = page.reply(accept)
        assert (status, kind.partition(";")[0]) == (200, accept.partition(";")[0])
        parsed = [sample for family in parse(body.decode()) for sample in family.samples]
        found.append({(s.name, *sorted(s.labels.values())): s.value for s in parsed if s.name.startswith("locust")})
    assert found[0] == found[1]
    assert found[0][("locust_requests_total", "/caf?", "GET")] == 1
    assert found[0][("locust_errors", "/café", "/café", "GET", 'a "b"\n\\c')] == 1


def test_a_worker_runs_without_prometheus_client():
    without = "import sys; sys.modules['prometheus_client'] = None; from master import prometheus_exporter; "
    shown = "print(prometheus_exporter.CollectorRegistry)"
    done = subprocess.run([sys.executable, "-c", without + shown], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "None\n"
