"""Prometheus's settings for this machine, out of those for docker compose."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from stack.config import ROOT, Config, bracketed

SETTINGS = ROOT / "local_conf" / "prometheus.yml"
JOB = "  - job_name: "
DISCOVERY = re.compile(r"^    \w+_configs:$", re.MULTILINE)


def settings(config: Config) -> str:
    """The settings that find the parts of this machine."""
    return with_targets(SETTINGS.read_text(), targets(config))


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


def with_targets(text: str, found: Mapping[str, Sequence[str]]) -> str:
    """The settings with these targets in place of each job's own. Jobs without any are left out."""
    head, *jobs = text.split(JOB)
    kept = [head]
    for job in jobs:
        name = job.partition("\n")[0].strip()
        place = DISCOVERY.search(job)
        if place is None:
            raise ValueError(f"{SETTINGS.name}: the job {name} does not say where its targets are")
        if found.get(name):
            kept.append(f"{job[: place.start()]}    static_configs:\n      - targets: {json.dumps(found[name])}\n")
    return JOB.join(kept)
