"""make up MONITORING=1: a real Prometheus over a real run has data for every query of every panel; all counts agree."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import make_dashboards
from conftest import LOCAL, ROOT, TIMEOUT, free_ports, until
from panelqueries import Prometheus, all_queries, filled
from stack import config, prometheus
from stack.parts import http_body
from stack.resp import Resp
from upharness import READY, Run

Env = dict[str, str]
CADVISOR = Path(__file__).parent / "testdata" / "cadvisor.txt"
CLASSES = (
    "RedisJSONUser HashVsJSONPost HashVsJSONGet HashVsJSONUpdate JSONSet JSONGet JSONChange MoreJSON "
    "DirectJSONSet DirectJSONGet DirectHash DirectString"
).split()
KEYS = 5  # requests with which the master collects documents, in the table but of no worker


@pytest.fixture
def cadvisor() -> Iterator[str]:
    """The address of what serves the recorded reply of a cAdvisor."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(CADVISOR.read_bytes())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def monitored(env: Env, cadvisor: str) -> Iterator[Env]:
    """A make up with monitoring and the class picker, started; its variables."""
    port, redis, worker = free_ports(3)
    given = env | {"MONITORING": "1", "CADVISOR_ADDR": cadvisor, "LOCUST_USERCLASS_PICKER": "true", "SAMPLES": "0"}
    given |= {"PROMETHEUS_PORT": str(port), "REDIS_METRICS_PORT": str(redis), "WORKER_METRICS_PORT": str(worker)}
    run = Run(given | {"WORKERS": "1"})
    try:
        run.wait_for(READY)
        assert f"  Prometheus http://127.0.0.1:{port}\n" in run.text
        yield given
        run.ctrl_c()
        assert run.end() == 0
        assert "killed:" not in run.text
    finally:
        run.close()


def post(env: Env, path: str, **form: object) -> None:
    """An order to the master's web UI."""
    url = f"http://127.0.0.1:{env['LOCUST_WEB_PORT']}{path}"
    data = urllib.parse.urlencode(form, doseq=True).encode()
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, data, timeout=10) as reply:
        assert reply.status == 200


def total(env: Env, port: str, name: str, labels: str = "") -> float:
    """The sum of a metric's series, read from the part itself."""
    text = http_body("127.0.0.1", int(env[port]), "/metrics").decode()
    return sum(float(v) for v in re.findall(rf"^{name}{{[^}}]*{labels}[^}}]*}} (\S+)$", text, re.MULTILINE))


def table(env: Env) -> list[dict[str, float]]:
    """The rows of /stats/requests; the last is the total."""
    found: list[dict[str, float]] = json.loads(http_body("127.0.0.1", int(env["LOCUST_WEB_PORT"]), "/stats/requests"))[
        "stats"
    ]
    return found


def compare_rows(env: Env, prometheus: Prometheus) -> None:
    """Compares what Prometheus has of each row with the table: exactly what Go workers have measured."""
    for row in table(env):
        labels = f'path="{row["name"]}",method="{row["method"] or "Aggregated"}"'
        for name in ("num_requests", "num_failures", "avg_response_time", "median_response_time", "avg_content_length"):
            assert prometheus.values(f"locust_stats_{name}{{{labels}}}") == [pytest.approx(row[name])], (name, labels)
        for q in ("0.95", "0.99"):
            want = row[f"response_time_percentile_{q}"]
            found = prometheus.values(f'1000 * locust_response_time_quantile_seconds{{{labels},quantile="{q}"}}')
            assert found == [pytest.approx(want)], (q, labels)


def state(env: Env) -> str:
    raw = http_body("127.0.0.1", int(env["LOCUST_WEB_PORT"]), "/metrics").decode()
    found = re.search(r'^locust_state{state="(\w+)"}', raw, re.MULTILINE)
    return found[1] if found else ""


def load_documents(env: Env) -> None:
    """Some of every kind."""
    host = f"http://127.0.0.1:{env['API_PORT']}"
    command = [str(ROOT / "bin" / "locustworker"), "data", "-n", "20", "-host", host]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def served(env: Env) -> float:
    return total(env, "API_PORT", "bandwing_api_requests_total", 'route="/api/')


def soon(condition: Callable[[], bool], missing: Iterable[object]) -> None:
    """Waits for a condition, second by second; says what is missing when it does not come."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, "no data for " + "\n".join(map(str, missing))
        time.sleep(1)


def test_a_run_gives_data_to_every_panel_and_all_counts_agree(monitored: Env) -> None:
    env, data = monitored, Prometheus(int(monitored["PROMETHEUS_PORT"]))
    master = f"127.0.0.1:{env['LOCUST_WEB_PORT']}"
    jobs = ("api", "cadvisor", "locust_master", "locust_worker", "prometheus", "redis")
    until(lambda: data.targets() == {job: ["up"] for job in jobs}, "all targets")
    began = time.time()
    post(env, "/swarm", user_count=1, spawn_rate=1, user_classes="JSONGet")  # finds nothing to read: an exception
    until(lambda: data.values("locust_exceptions_total") != [], "an exception")
    post(env, "/stop")
    until(lambda: state(env) == "stopped", "the end of the first run")
    load_documents(env)
    before = served(env)
    post(env, "/swarm", user_count=24, spawn_rate=24, user_classes=CLASSES)
    unanswered = {query: filled(query.expr, master) for query in all_queries()}

    def all_answered_but(*words: str) -> bool:
        now = time.time()
        for query, expr in list(unanswered.items()):
            if data.values(expr, now - began, now):
                del unanswered[query]
        return all(any(word in query.expr for word in words) for query in unanswered)

    soon(lambda: all_answered_but("errors"), unanswered)
    with Resp(("127.0.0.1", int(env["REDIS_PORT"]))) as redis:
        redis.call("FLUSHALL")  # so that reads fail
    soon(all_answered_but, unanswered)
    post(env, "/stop")
    until(lambda: state(env) == "stopped", "the end of the run")
    count = total(env, "LOCUST_WEB_PORT", "locust_requests_total")
    until(
        lambda: table(env)[-1]["num_requests"] == count,
        "the table to show the last requests (it is kept for two seconds)",
    )
    assert count > 100
    direct = total(env, "LOCUST_WEB_PORT", "locust_requests_total", 'method="REDIS"')
    assert direct > 0
    assert count - direct == served(env) - before
    assert count == total(env, "WORKER_METRICS_PORT", "bandwing_worker_requests_total") + KEYS
    until(lambda: data.values("sum(locust_requests_total)") == [count], "the last scrape")
    assert data.values('locust_stats_num_requests{method="Aggregated"}') == [count]
    compare_rows(env, data)
    until(lambda: data.values("locust_stats_current_rps") == [], "the end of what is current")
    assert data.values("locust_user_count") == [0]


def test_the_dashboards_are_what_the_script_makes() -> None:
    made = make_dashboards.files()
    assert set(make_dashboards.FOLDER.glob("*")) == set(made)
    for file, text in made.items():
        assert file.read_text() == text, f"{file.name}: run python3 scripts/make_dashboards.py"


def test_the_dashboards_are_whole() -> None:
    ids = set()
    for text in make_dashboards.files().values():
        model = json.loads(text)
        ids.add(model["uid"])
        assert "id" not in model, "an id of one Grafana would be imported into another"
        assert model["templating"]["list"][0]["type"] == "datasource"
        assert len({panel["id"] for panel in model["panels"]}) == len(model["panels"])
        taken: set[tuple[int, int]] = set()
        for panel in model["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert not cells & taken, f"{panel['title']} lies on another panel"
            assert max(x for x, _ in cells) < 24
            taken |= cells
            for target in panel.get("targets", []):
                assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            if panel["type"] != "row":
                defaults = panel["fieldConfig"]["defaults"]
                assert defaults["unit"]
                assert defaults["thresholds"]["steps"][0]["value"] is None
    assert len(ids) == len(make_dashboards.files())


def test_the_settings_for_this_machine_keep_all_jobs(tmp_path: Path) -> None:
    ours = config.load({"MONITORING": "1", "API_ADDR": "[::1]:5000", "CADVISOR_ADDR": "127.0.0.1:8080"})
    found = prometheus.settings(ours)
    file = tmp_path / "prometheus.yml"
    file.write_text(found)
    subprocess.run(["promtool", "check", "config", str(file)], check=True, capture_output=True)
    script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))"
    python = LOCAL / "venv" / "bin" / "python"
    done = subprocess.run([python, "-c", script], input=found, capture_output=True, text=True, check=True)
    jobs = {job["job_name"]: job["static_configs"][0]["targets"] for job in json.loads(done.stdout)["scrape_configs"]}
    assert jobs == prometheus.targets(ours)
    assert jobs["api"] == ["[::1]:5000"]
    assert jobs["locust_worker"] == ["127.0.0.1:8090", "127.0.0.1:8091"]


def test_a_job_without_targets_is_left_out() -> None:
    settings = "a: 1\nscrape_configs:\n  - job_name: x\n    static_configs:\n      - targets: [x:1]\n"
    assert prometheus.with_targets(settings, {}) == "a: 1\nscrape_configs:\n"
    with pytest.raises(ValueError, match="the job y does not say where its targets are"):
        prometheus.with_targets("  - job_name: y\n", {"y": ["y:1"]})


def test_a_redis_with_a_password_is_read_and_python_workers_are_not(env: Env) -> None:
    port, redis = free_ports(2)
    given = {"MONITORING": "1", "PROMETHEUS_PORT": str(port), "REDIS_METRICS_PORT": str(redis)}
    run = Run(env | given | {"REDIS_PASSWORD": ' a"b\\', "WORKER_KIND": "python", "WORKERS": "1"})
    try:
        run.wait_for(READY)
        wanted = {job: ["up"] for job in ("api", "locust_master", "prometheus", "redis")}
        until(lambda: Prometheus(port).targets() == wanted, "all targets")
        run.ctrl_c()
        assert run.end() == 0
    finally:
        run.close()
