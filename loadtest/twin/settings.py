"""The settings of the load test: variables of the environment, local_conf/app.conf, and custom arguments.

The twin of settings.go and config.go; a test holds the two together.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SIZE_13KB, SIZE_2MB = "13KB", "2MB"
MAX_PIPELINE_DEPTH = 1000
MAX_SAMPLE_SIZE = 100_000  # keys that one request of the service lists

Lookup = Callable[[str], str | None]


class SettingsError(Exception):
    """Settings have faults; the text names all of them."""


@dataclass(frozen=True)
class Config:
    """What the load test does. Times are in seconds."""

    api_endpoint: str = ""
    app_endpoint: str = ""
    sample_size: int = 150
    request_timeout: float = 20.0
    wait_min: float = 0.05
    wait_max: float = 0.2
    document_size: str = SIZE_13KB
    random_documents: int = 10_000
    static: int = 0  # 0: 200, or 10 documents of 2 MB
    redis_url: str = "redis://127.0.0.1:6379"
    pipeline_depth: int = 1
    seed: int = 0
    weights: Mapping[str, int] = field(default_factory=dict)

    @property
    def static_documents(self) -> int:
        """How many keys of each kind of static document are written in turn."""
        return self.static or (10 if self.document_size == SIZE_2MB else 200)

    def faults(self) -> Iterable[str]:
        """What does not fit together."""
        if self.wait_max < self.wait_min:
            yield (f"wait from {self.wait_min} s to {self.wait_max} s: the longest wait must not be below the shortest")
        if self.sample_size > MAX_SAMPLE_SIZE:
            yield f"sample size {self.sample_size}: the service lists from 1 to {MAX_SAMPLE_SIZE} keys"
        if self.pipeline_depth > MAX_PIPELINE_DEPTH:
            yield f"pipeline depth {self.pipeline_depth}: it goes from 1 to {MAX_PIPELINE_DEPTH}"
        if self.document_size not in (SIZE_13KB, SIZE_2MB):
            yield f"document size {self.document_size!r}: there are {SIZE_13KB} and {SIZE_2MB}"


def whole(fault: str, low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers within bounds, and what it says of others."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,20}", text) or not low <= int(text) <= high:
            raise ValueError(fault)
        return int(text)

    return read


count = whole("it must be a whole number above 0", 1, 2**63 - 1)
seed = whole("it must be a whole number above 0", 1, 2**64 - 1)
weight = whole("a weight is a whole number from 0 to 10000", 0, 10_000)


def base_url(text: str) -> str:
    """A base URL."""
    if not re.fullmatch(r"https?://[^\s<>\"']+", text):
        raise ValueError("it must be a base URL such as http://127.0.0.1:5000")
    return text


def redis_url(text: str) -> str:
    """Where Redis is."""
    if not re.fullmatch(r"(rediss?://)?[^\s<>\"'/]+(/[0-9]+)?", text):
        raise ValueError(
            "it must be like redis://127.0.0.1:6379/0, rediss://user:password@host:6380 or host:port,host:port"
        )
    return text


def seconds(text: str) -> float:
    """A time such as 20, 1.5s, 50ms or 1m."""
    parts = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m)?", text)
    if not parts:
        raise ValueError("it must be a time such as 20, 1.5s, 50ms or 1m")
    value = float(parts[1]) * {"ms": 0.001, "m": 60.0}.get(parts[2], 1.0)
    if value > 86400:
        raise ValueError("it must be a time of a day at most")
    return value


def positive_seconds(text: str) -> float:
    """A time above 0."""
    if not seconds(text):
        raise ValueError("it must be above 0")
    return seconds(text)


@dataclass(frozen=True)
class Setting:
    """A variable; in lower case, its name is that of the custom argument."""

    name: str
    default: str
    attribute: str
    parse: Callable[[str], object]
    text: str


SETTINGS = (
    Setting("API_ENDPOINT", "", "api_endpoint", base_url,
            "base URL of the service, where no host is set in the web UI or with --host; "
            "as a custom argument it wins over that host"),
    Setting("APP_ENDPOINT", "", "app_endpoint", base_url,
            "where the master and locustworker data reach the service; default: the host of the run, API_ENDPOINT"),
    Setting("LOAD_GEN_DATA_SAMPLE_SIZE", "150", "sample_size", count,
            "keys of each kind that the master collects for a run, for all workers together"),
    Setting("LOAD_GEN_REQUEST_TIMEOUT", "20s", "request_timeout", positive_seconds,
            "the longest time of a request"),
    Setting("LOAD_GEN_WAIT_MIN", "50ms", "wait_min", seconds, "the shortest pause of a user between two tasks"),
    Setting("LOAD_GEN_WAIT_MAX", "200ms", "wait_max", seconds, "the longest pause of a user between two tasks"),
    Setting("LOAD_GEN_DOCUMENT_SIZE", SIZE_13KB, "document_size", str,
            "size of the static document: 13KB or 2MB"),
    Setting("LOAD_GEN_RANDOM_DOCUMENTS", "10000", "random_documents", count,
            "keys of each kind of random user that are written in turn"),
    Setting("LOAD_GEN_STATIC_DOCUMENTS", "200", "static", count,
            "keys of each kind of static document that are written in turn; 10 with 2MB"),
    Setting("LOAD_GEN_REDIS_URL", "redis://127.0.0.1:6379", "redis_url", redis_url,
            "where the Direct* classes find Redis, such as rediss://user:password@host:6380/0; "
            "several addresses, with commas, are a cluster's"),
    Setting("LOAD_GEN_REDIS_PIPELINE", "1", "pipeline_depth", count,
            "commands that the Direct* classes send in one pipeline"),
    Setting("LOAD_GEN_SEED", "", "seed", seed,
            "seed of what users do, a whole number above 0; each run differs without it"),
    Setting("LOAD_GEN_WEIGHTS", "", "weights", str,
            "weights in one text, such as JSONGet=2 JSONGet.get_json=5"),
)  # fmt: skip


def weight_variable(name: str) -> str:
    """The variable of the weight of a class or of <class>.<task>."""
    return "LOAD_GEN_WEIGHT_" + name.replace(".", "_").upper()


class Settings:
    """Reads settings for the classes and tasks of these names (<class> and <class>.<task>)."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = tuple(names)

    def apply(self, config: Config, lookup: Lookup) -> tuple[Config, list[str]]:
        """The configuration with what lookup has, and the faults; what has one changes nothing."""
        faults: list[str] = []
        weights = dict(config.weights)
        changes: dict[str, object] = {}

        def take(variable: str, parse: Callable[[str], object]) -> object:
            text = (lookup(variable) or "").strip()
            try:
                return parse(text) if text else None
            except ValueError as err:
                faults.append(f"{variable}={text[:60]}: {err}")
            return None

        for setting in SETTINGS:
            if setting.attribute == "weights":
                take(setting.name, lambda text: self._weights(text, weights))
            elif (value := take(setting.name, setting.parse)) is not None:
                changes[setting.attribute] = value
        for name in self.names:
            value = take(weight_variable(name), weight)
            if isinstance(value, int):
                weights[name] = value
        return replace(config, weights=weights, **changes), sorted(faults)  # type: ignore[arg-type]

    def _weights(self, text: str, into: dict[str, int]) -> None:
        """Takes weights as JSONGet=2, JSONGet.get_json=5."""
        for part in re.split(r"[ ,;]+", text):
            name, _, value = part.partition("=")
            if name not in self.names:
                raise ValueError(f"there is no class or <class>.<task> {name[:60]!r}")
            into[name] = weight(value)

    def weights_text(self, config: Config) -> str:
        """The configuration's weights as LOAD_GEN_WEIGHTS has them."""
        return " ".join(f"{name}={value}" for name, value in config.weights.items())


def parse_file(text: str) -> dict[str, str]:
    """Reads lines NAME=VALUE; see ParseFile in settings.go."""
    values = {}
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        name, found, value = (part.strip() for part in line.partition("="))
        if not found or not name:
            raise SettingsError(f"line {number} must be NAME=VALUE")
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        values[name] = value
    return values


def environment(env: Mapping[str, str] = os.environ) -> Lookup:
    """Looks a variable up in the environment, and then in the file LOAD_GEN_CONF."""
    path = ROOT / (env.get("LOAD_GEN_CONF") or "local_conf/app.conf")
    try:
        values = parse_file(path.read_text())
    except FileNotFoundError:
        if env.get("LOAD_GEN_CONF"):
            raise
        values = {}
    return lambda name: env.get(name) or values.get(name)
