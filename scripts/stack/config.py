"""What `make up` runs and where: read from the environment in one place, checked at once."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

VARIABLES = """\
variables (environment, or make up NAME=value):
  API_ADDR            address that the API listens on                               :5000
  API_PORT            its port only, short for API_ADDR=:PORT
  LOCUST_WEB_PORT     port of the Locust web UI                                     8089
  LOCUST_MASTER_PORT  port that Locust workers connect to                           5557
  LOCUST_HOST         base URL that is tested (make up HOST=... on the command line) the API
  LOCUSTFILE          what the master runs, files separated by commas    locustfile.py,master/load_shapes.py
  REDIS_HOST          use this Redis and start none
  REDIS_PORT          port of Redis, of that one or of the one that is started      6379
  REDIS_USERNAME      user of that Redis
  REDIS_PASSWORD      password of Redis, of that one or of the one that is started
  WORKERS             number of Locust workers                                      2
  WORKER_KIND         go, or python for stock Locust workers                        go
  SAMPLES             documents of each kind to load into an empty database; 0: none  60
  START_TIMEOUT       seconds that a part has to answer                             60
  STOP_TIMEOUT        seconds that a part has to end before it is killed            10
  LOCAL               where `make deps` installed                                   .local
  STATE_DIR           where data, logs and the lock go                              LOCAL
  MONITORING          1: also start Prometheus and an exporter for Redis            0
  PROMETHEUS_PORT     port of Prometheus                                            9090
  WORKER_METRICS_PORT port of the first Go worker's metrics; the next have the next 8090
  REDIS_METRICS_PORT  port of the exporter for Redis                                9121
  CADVISOR_ADDR       host:port of a cAdvisor that Prometheus is to scrape too
"""


class ConfigError(Exception):
    """The variables make no sense; the text lists every fault."""


@dataclass(frozen=True)
class RedisConfig:
    """Which Redis; `start` says whether it is ours to start. `host` is never empty."""

    start: bool
    host: str
    port: int
    username: str
    password: str


@dataclass(frozen=True)
class MonitoringConfig:
    """Whether Prometheus is started, and the ports that it and what it needs have. `cadvisor` is not ours to start."""

    start: bool
    prometheus_port: int
    worker_port: int
    redis_port: int
    cadvisor: str


@dataclass(frozen=True)
class Config:
    """All settings of one run. Paths are absolute, ports valid and different from each other."""

    redis: RedisConfig
    api_addr: str
    api_port: int
    web_port: int
    master_port: int
    target: str
    locustfiles: tuple[Path, ...]
    workers: int
    worker_kind: str
    samples: int
    start_timeout: float
    stop_timeout: float
    local: Path
    state: Path
    monitoring: MonitoringConfig

    @property
    def api_host(self) -> str:
        """The host under which this machine reaches the API."""
        host = self.api_addr.rpartition(":")[0].strip("[]")
        return "127.0.0.1" if host in ("", "0.0.0.0", "::") else host

    @property
    def api_url(self) -> str:
        """The API's base URL, seen from this machine."""
        return f"http://{bracketed(self.api_host)}:{self.api_port}"

    @property
    def worker_metrics_ports(self) -> list[int]:
        """A port for the metrics of each worker: none without monitoring, and none for Python workers."""
        if not self.monitoring.start or self.worker_kind != "go":
            return []
        return list(range(self.monitoring.worker_port, self.monitoring.worker_port + self.workers))

    @property
    def web_url(self) -> str:
        """The Locust web UI, seen from this machine."""
        return f"http://127.0.0.1:{self.web_port}"


def bracketed(host: str) -> str:
    """The host as it stands in a URL: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host


class _Reader:
    """Reads typed variables and collects the faults, so that all are shown at once."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.faults: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        return self._env.get(name, "").strip() or default

    def verbatim(self, name: str) -> str:
        """A password may begin or end with anything."""
        return self._env.get(name, "")

    def number(self, name: str, default: int, low: int, high: int) -> int:
        raw = self.text(name, str(default))
        if raw.isascii() and raw.isdecimal() and low <= int(raw) <= high:
            return int(raw)
        self.faults.append(f"{name}={raw}: needs a whole number from {low} to {high}")
        return default

    def seconds(self, name: str, default: float) -> float:
        raw = self.text(name, str(default))
        try:
            value = float(raw)
        except ValueError:
            value = -1.0
        if 0 < value < 86400:
            return value
        self.faults.append(f"{name}={raw}: needs a number of seconds above 0")
        return default

    def choice(self, name: str, *allowed: str) -> str:
        raw = self.text(name, allowed[0])
        if raw not in allowed:
            self.faults.append(f"{name}={raw}: may be {' or '.join(allowed)}")
        return raw

    def address(self, name: str) -> str:
        raw = self.text(name)
        if raw and not re.fullmatch(r"[^\s/]+:\d{1,5}", raw):
            self.faults.append(f"{name}={raw}: needs host:port")
        return raw

    def path(self, name: str, default: Path) -> Path:
        return (ROOT / self.text(name, str(default))).resolve()

    def paths(self, name: str, default: str) -> tuple[Path, ...]:
        """Paths separated by commas."""
        return tuple((ROOT / part.strip()).resolve() for part in self.text(name, default).split(","))

    def api(self) -> tuple[str, int]:
        """API_ADDR, or :API_PORT, and its port."""
        addr = self.text("API_ADDR")
        if not addr:
            port = self.number("API_PORT", 5000, 1, 65535)
            return f":{port}", port
        raw = addr.rpartition(":")[2]
        if ":" in addr and raw.isascii() and raw.isdecimal() and 1 <= int(raw) <= 65535:
            return addr, int(raw)
        self.faults.append(f"API_ADDR={addr}: needs host:port or :port, such as :5000")
        return addr, 5000


def load(env: Mapping[str, str] = os.environ) -> Config:
    """Reads and checks all variables. Raises ConfigError with every fault found."""
    reader = _Reader(env)
    addr, port = reader.api()
    local = reader.path("LOCAL", ROOT / ".local")
    config = Config(
        redis=_redis(reader),
        api_addr=addr,
        api_port=port,
        web_port=reader.number("LOCUST_WEB_PORT", 8089, 1, 65535),
        master_port=reader.number("LOCUST_MASTER_PORT", 5557, 1, 65535),
        target=reader.text("LOCUST_HOST"),
        locustfiles=reader.paths("LOCUSTFILE", "locustfile.py,master/load_shapes.py"),
        workers=reader.number("WORKERS", 2, 0, 1000),
        worker_kind=reader.choice("WORKER_KIND", "go", "python"),
        samples=reader.number("SAMPLES", 60, 0, 1_000_000),
        start_timeout=reader.seconds("START_TIMEOUT", 60),
        stop_timeout=reader.seconds("STOP_TIMEOUT", 10),
        local=local,
        state=reader.path("STATE_DIR", local),
        monitoring=_monitoring(reader),
    )
    reader.faults += _clashes(config)
    if reader.faults:
        raise ConfigError("\n".join(reader.faults))
    return config


def _redis(reader: _Reader) -> RedisConfig:
    host = reader.text("REDIS_HOST")
    username = reader.text("REDIS_USERNAME")
    if not host and username not in ("", "default"):
        reader.faults.append(f"REDIS_USERNAME={username}: only together with REDIS_HOST; our own Redis has one user")
    return RedisConfig(
        start=not host,
        host=host or "127.0.0.1",
        port=reader.number("REDIS_PORT", 6379, 1, 65535),
        username=username,
        password=reader.verbatim("REDIS_PASSWORD"),
    )


def _monitoring(reader: _Reader) -> MonitoringConfig:
    return MonitoringConfig(
        start=reader.choice("MONITORING", "0", "1") == "1",
        prometheus_port=reader.number("PROMETHEUS_PORT", 9090, 1, 65535),
        worker_port=reader.number("WORKER_METRICS_PORT", 8090, 1, 64535),
        redis_port=reader.number("REDIS_METRICS_PORT", 9121, 1, 65535),
        cadvisor=reader.address("CADVISOR_ADDR"),
    )


def _clashes(config: Config) -> list[str]:
    """One fault for every port that two of our own parts would share."""
    taken: dict[int, str] = {}
    faults = []
    for name, port in own_ports(config).items():
        if port in taken:
            faults.append(f"{taken[port]} and {name} are both {port}: choose two different ports")
        taken[port] = name
    return faults


def own_ports(config: Config) -> dict[str, int]:
    """The ports that our parts will listen on, by the variable that sets them: "WORKER_METRICS_PORT+1" for the next."""
    ports = {"REDIS_PORT": config.redis.port} if config.redis.start else {}
    ports |= {
        "API_PORT": config.api_port,
        "LOCUST_WEB_PORT": config.web_port,
        "LOCUST_MASTER_PORT": config.master_port,
    }
    if config.monitoring.start:
        ports["PROMETHEUS_PORT"] = config.monitoring.prometheus_port
        ports["REDIS_METRICS_PORT"] = config.monitoring.redis_port
    for number, port in enumerate(config.worker_metrics_ports):
        ports["WORKER_METRICS_PORT" + (f"+{number}" if number else "")] = port
    return ports
