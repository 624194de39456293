"""Prometheus and the exporter for Redis: what `make up MONITORING=1` starts beside the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from stack.config import ROOT, Config, bracketed
from stack.parts import Part, http_body, http_status, log_of, short
from stack.process import Spec

SETTINGS = ROOT / "local_conf" / "prometheus.yml"
JOB = "  - job_name: "
DISCOVERY = re.compile(r"^    \w+_configs:$", re.MULTILINE)


def parts(config: Config) -> Iterator[Part]:
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
            log_of(config, "redis-exporter"),
            env,
        ),
        answers=lambda: b"\nredis_up 1\n" in http_body("127.0.0.1", config.monitoring.redis_port, "/metrics"),
    )


def _prometheus(config: Config) -> Part:
    folder = config.state / "prometheus"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "prometheus.yml"
    file.write_text(with_targets(SETTINGS.read_text(), targets(config)))
    port = config.monitoring.prometheus_port
    command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}"]
    return Part(
        title=f"Prometheus on http://127.0.0.1:{port}, settings and data in {short(folder)}",
        spec=Spec("prometheus", command, log_of(config, "prometheus")),
        answers=lambda: http_status("127.0.0.1", port, "/-/ready") == 200,
    )


def targets(config: Config) -> dict[str, list[str]]:
    """Where the jobs of local_conf/prometheus.yml are found on this machine."""
    return {
        "locust_master": [f"127.0.0.1:{config.web_port}"],
        "locust_worker": [f"127.0.0.1:{port}" for port in config.worker_metrics_ports],
        "api": [f"{bracketed(config.api_host)}:{config.api_port}"],
        "redis": [f"127.0.0.1:{config.monitoring.redis_port}"],
        "cadvisor": [config.monitoring.cadvisor] if config.monitoring.cadvisor else [],
        "prometheus": [f"127.0.0.1:{config.monitoring.prometheus_port}"],
    }


def with_targets(settings: str, found: Mapping[str, Sequence[str]]) -> str:
    """The settings with these targets in place of each job's own. Jobs without any are left out."""
    head, *jobs = settings.split(JOB)
    kept = [head]
    for job in jobs:
        name = job.partition("\n")[0].strip()
        place = DISCOVERY.search(job)
        if place is None:
            raise ValueError(f"{SETTINGS.name}: the job {name} does not say where its targets are")
        if found.get(name):
            kept.append(f"{job[: place.start()]}    static_configs:\n      - targets: {json.dumps(found[name])}\n")
    return JOB.join(kept)
