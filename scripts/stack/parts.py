"""The parts of the system: how each is started, and how it is seen to answer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import quote

from stack import prometheus
from stack.config import ROOT, Config, RedisConfig, bracketed
from stack.process import Spec
from stack.resp import Resp, RespError, has_json

PROBE_TIMEOUT = 2.0


@dataclass(frozen=True)
class Part:
    """One process of the system. `answers` is asked again and again after the start, never blocks for long."""

    title: str
    spec: Spec
    answers: Callable[[], bool]


# --- Redis ------------------------------------------------------------------------------------------------------


def connect(redis: RedisConfig) -> Resp:
    """A connection to that Redis, logged in. Raises OSError or RespError."""
    conn = Resp((redis.host, redis.port), PROBE_TIMEOUT)
    try:
        if redis.password:
            conn.call("AUTH", *([redis.username] if redis.username else []), redis.password)
        conn.call("PING")
    except (OSError, RespError):
        conn.close()
        raise
    return conn


def redis_answers(redis: RedisConfig) -> bool:
    """Whether that Redis takes commands and has JSON."""
    try:
        with connect(redis) as conn:
            return has_json(conn)
    except (OSError, RespError):
        return False


def database_size(redis: RedisConfig) -> int:
    """The number of keys in that Redis. Raises OSError or RespError."""
    with connect(redis) as conn:
        size = conn.call("DBSIZE")
    return size if isinstance(size, int) else 0


def fault_of_redis(redis: RedisConfig) -> str:
    """Why the Redis at REDIS_HOST cannot be used, and what to do; "" when it can."""
    place = f"the Redis at {bracketed(redis.host)}:{redis.port} (REDIS_HOST, REDIS_PORT)"
    try:
        with connect(redis) as conn:
            if has_json(conn):
                return ""
    except RespError as err:
        hint = "set REDIS_PASSWORD (and REDIS_USERNAME)" if _is_login(str(err)) else "mend it or choose another"
        return f"{place} refuses us: {err}\n  {hint}"
    except OSError as err:
        return f"{place} does not answer: {err}\n  start it, or leave REDIS_HOST out: make up then starts its own"
    return (
        f"{place} has no JSON module: it does not know JSON.SET\n"
        "  use Redis 8, Redis Stack or a Redis Cloud database with JSON, or leave REDIS_HOST out: "
        "make up then starts its own"
    )


def _is_login(text: str) -> bool:
    return text.startswith(("NOAUTH", "WRONGPASS", "NOPERM", "ERR AUTH", "ERR invalid password"))


def redis_part(config: Config) -> Part:
    """Our own Redis with the RedisJSON module."""
    redis, data = config.redis, config.state / "data"
    command = ["redis-server", str(ROOT / "local_conf" / "redis.conf"), "--port", str(redis.port), "--dir", str(data)]
    command += ["--loadmodule", str(config.local / "redis" / "rejson.so")]
    secret = ""
    if redis.password:
        command.append("-")  # read more configuration from stdin
        secret = 'requirepass "' + "".join(f"\\x{byte:02x}" for byte in redis.password.encode()) + '"\n'
    return Part(
        title=f"Redis with RedisJSON on 127.0.0.1:{redis.port}, data in {short(data)}",
        spec=Spec("redis", command, _log(config, "redis"), stdin=secret),
        answers=lambda: redis_answers(redis),
    )


# --- API, master, workers ---------------------------------------------------------------------------------------


def api_part(config: Config) -> Part:
    """The REST service under test."""
    redis = config.redis
    env = {"API_ADDR": config.api_addr, "REDIS_HOST": redis.host, "REDIS_PORT": str(redis.port)}
    env |= {"REDIS_USERNAME": redis.username, "REDIS_PASSWORD": redis.password}
    return Part(
        title=f"the API on {config.api_url}",
        spec=Spec("api", [str(ROOT / "bin" / "api")], _log(config, "api"), env),
        answers=lambda: http_status(config.api_host, config.api_port, "/readyz") == 200,
    )


def master_part(config: Config) -> Part:
    """The stock Locust master with its web UI."""
    command = [*_locust(config), "--master", "--class-picker"]
    command += ["--master-bind-port", str(config.master_port), "--web-port", str(config.web_port)]
    command += ["--host", config.target or config.api_url]
    return Part(
        title=f"the Locust master on {config.web_url}, workers to port {config.master_port}",
        spec=Spec("master", command, _log(config, "master")),
        answers=lambda: http_status("127.0.0.1", config.web_port, "/") == 200,
    )


def _locust(config: Config) -> list[str]:
    files = ",".join(str(file) for file in config.locustfiles)
    return [str(config.local / "venv" / "bin" / "locust"), "-f", files]


def samples_spec(config: Config) -> Spec:
    """The program that loads sample documents of every kind, and ends."""
    command = [str(ROOT / "bin" / "locustworker"), "data", "-n", str(config.samples), "-host", config.api_url]
    return Spec("samples", command, _log(config, "samples"))


def test_spec(config: Config, options: Sequence[str]) -> Spec:
    """A run of the load test without a master, and its report; the options win over ours."""
    report = config.state / "report.html"
    command = [str(ROOT / "bin" / "locustworker"), "--headless", "--host", config.target or config.api_url]
    command += ["--users", "20", "--spawn-rate", "10", "--run-time", "30s", "--html", str(report), *options]
    return Spec("load-test", command, _log(config, "load-test"), shown=True)


def worker_parts(config: Config) -> Iterator[Part]:
    """The workers; each "answers" when the master lists as many as there are to be."""
    program = [str(ROOT / "bin" / "locustworker")]
    if config.worker_kind == "python":
        program = _locust(config)
    command = [*program, "--worker", "--master-host", "127.0.0.1", "--master-port", str(config.master_port)]
    addresses = [["--metrics-addr", f"127.0.0.1:{port}"] for port in config.worker_metrics_ports]
    for number in range(1, config.workers + 1):
        name = f"worker-{number}"
        own = addresses[number - 1] if addresses else []
        yield Part(
            title=f"{name} ({config.worker_kind})",
            spec=Spec(name, [*command, *own], _log(config, name), _direct(config)),
            answers=lambda: workers_listed(config) >= config.workers,
        )


def _direct(config: Config) -> dict[str, str]:
    """Where the Direct* classes find Redis, unless that is set."""
    if os.environ.get("LOAD_GEN_REDIS_URL"):
        return {}
    redis = config.redis
    who = f"{quote(redis.username, safe='')}:{quote(redis.password, safe='')}@" if redis.password else ""
    return {"LOAD_GEN_REDIS_URL": f"redis://{who}{bracketed(redis.host)}:{redis.port}"}


def workers_listed(config: Config) -> int:
    """How many workers the master knows and does not miss; 0 while it does not say.

    Not from /stats/requests, which the master computes every two seconds only.
    """
    raw = http_body("127.0.0.1", config.web_port, "/worker-count")
    try:
        count = json.loads(raw)["worker_count"] if raw else 0
    except (ValueError, KeyError, TypeError):
        return 0
    return count if isinstance(count, int) else 0


# --- monitoring -------------------------------------------------------------------------------------------------


def monitoring_parts(config: Config) -> Iterator[Part]:
    """The exporter for Redis, then Prometheus."""
    yield _redis_exporter(config)
    yield _prometheus(config)


def _redis_exporter(config: Config) -> Part:
    redis, address = config.redis, f"127.0.0.1:{config.monitoring.redis_port}"
    # Where redis_exporter looks for them; a password belongs on no command line.
    env = {"REDIS_ADDR": f"redis://{bracketed(redis.host)}:{redis.port}"}
    env |= {"REDIS_USER": redis.username, "REDIS_PASSWORD": redis.password}
    return Part(
        title=f"the exporter for Redis on http://{address}",
        spec=Spec(
            "redis-exporter",
            ["prometheus-redis-exporter", "-web.listen-address", address],
            _log(config, "redis-exporter"),
            env,
        ),
        answers=lambda: b"\nredis_up 1\n" in http_body("127.0.0.1", config.monitoring.redis_port, "/metrics"),
    )


def _prometheus(config: Config) -> Part:
    folder = config.state / "prometheus"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "prometheus.yml"
    file.write_text(prometheus.settings(config))
    port = config.monitoring.prometheus_port
    command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}"]
    return Part(
        title=f"Prometheus on http://127.0.0.1:{port}, settings and data in {short(folder)}",
        spec=Spec("prometheus", command, _log(config, "prometheus")),
        answers=lambda: http_status("127.0.0.1", port, "/-/ready") == 200,
    )


def _log(config: Config, name: str) -> Path:
    return config.state / "log" / f"{name}.log"


def short(path: Path) -> str:
    """The path as seen from the project's root, when it is below it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


# --- HTTP -------------------------------------------------------------------------------------------------------


def http_status(host: str, port: int, path: str) -> int:
    """The status of a GET; 0 when there is no answer."""
    return _get(host, port, path)[0]


def http_body(host: str, port: int, path: str) -> bytes:
    """The body of a GET that ended in 200; empty otherwise."""
    status, body = _get(host, port, path)
    return body if status == 200 else b""


def _get(host: str, port: int, path: str) -> tuple[int, bytes]:
    # Not urllib: it would ask a proxy for 127.0.0.1 where the environment names one.
    conn = HTTPConnection(host, port, timeout=PROBE_TIMEOUT)
    try:
        conn.request("GET", path)
        response = conn.getresponse()
        return response.status, response.read()
    except (OSError, HTTPException):
        return 0, b""
    finally:
        conn.close()
