"""What make up says instead of starting; and that it starts nothing then."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator

import pytest

from conftest import ROOT, free_ports
from stack.resp import Resp
from upharness import READY, UP, Run

Env = dict[str, str]


def refuse(env: Env) -> str:
    """Runs up.py, which must fail before it starts anything; its output."""
    done = subprocess.run(UP, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (1, 2), done.stdout
    assert "starting" not in done.stdout
    assert done.stdout.startswith("up: error: ")
    return done.stdout


@pytest.fixture
def listener() -> Iterator[int]:
    """A port that the test process itself holds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("variable", "user"),
    [
        ("REDIS_PORT", "Redis"),
        ("API_PORT", "the API"),
        ("LOCUST_WEB_PORT", "the Locust web UI"),
        ("LOCUST_MASTER_PORT", "the Locust master (for its workers)"),
    ],
)
def test_port_in_use(env: Env, listener: int, variable: str, user: str) -> None:
    text = refuse(env | {variable: str(listener)})
    assert f"port {listener} is in use, and {user} needs it" in text
    assert f"make up {variable}=" in text
    assert "held by pid" in text
    assert "pytest" in text  # the command line of the process that holds it: ours


@pytest.mark.parametrize(
    ("variable", "offset", "user"),
    [
        ("PROMETHEUS_PORT", 0, "Prometheus"),
        ("REDIS_METRICS_PORT", 0, "the exporter for Redis"),
        ("WORKER_METRICS_PORT", 1, "a worker's metrics"),
    ],
)
def test_port_of_monitoring_in_use(env: Env, listener: int, variable: str, offset: int, user: str) -> None:
    prometheus, redis = free_ports(2)
    given = {"MONITORING": "1", "PROMETHEUS_PORT": str(prometheus), "REDIS_METRICS_PORT": str(redis)}
    text = refuse(env | given | {variable: str(listener - offset)})
    assert f"port {listener} is in use, and {user} needs it" in text
    assert f"make up {variable}=" in text


def test_all_ports_in_use_are_named_at_once(env: Env, listener: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as second:
        other = second.getsockname()[1]
        text = refuse(env | {"API_PORT": str(listener), "LOCUST_WEB_PORT": str(other)})
    assert f"port {listener} is in use" in text
    assert f"port {other} is in use" in text


def test_wrong_variables_are_named_at_once(env: Env) -> None:
    text = refuse(env | {"WORKERS": "many", "LOCUST_WEB_PORT": "0", "WORKER_KIND": "rust"})
    assert "WORKERS=many: needs a whole number" in text
    assert "LOCUST_WEB_PORT=0: needs a whole number from 1 to 65535" in text
    assert "WORKER_KIND=rust: may be go or python" in text


def test_redis_that_is_not_there(env: Env) -> None:
    port = free_ports(1)[0]
    text = refuse(env | {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(port)})
    assert f"the Redis at 127.0.0.1:{port} (REDIS_HOST, REDIS_PORT) does not answer" in text
    assert "leave REDIS_HOST out" in text


def test_redis_without_json(env: Env, plain_redis: int) -> None:
    text = refuse(env | {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(plain_redis)})
    assert "has no JSON module: it does not know JSON.SET" in text


def test_redis_that_wants_a_password(env: Env, json_redis: int) -> None:
    with Resp(("127.0.0.1", json_redis)) as conn:
        conn.call("CONFIG", "SET", "requirepass", "secret")
    outside = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(json_redis)}
    assert "set REDIS_PASSWORD" in refuse(env | outside)
    assert "WRONGPASS" in refuse(env | outside | {"REDIS_PASSWORD": "wrong"})


def test_something_else_than_redis(env: Env, listener: int) -> None:
    text = refuse(env | {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(listener)})
    assert "does not answer: " in text  # it listens and is silent


def test_redis_of_somebody_else_is_used_and_left_alone(env: Env, json_redis: int) -> None:
    with Resp(("127.0.0.1", json_redis)) as conn:
        conn.call("CONFIG", "SET", "requirepass", "se cret\n")
    run = Run(env | {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(json_redis), "REDIS_PASSWORD": "se cret\n"})
    try:
        run.wait_for(READY)
        assert f"using the Redis at 127.0.0.1:{json_redis} (REDIS_HOST); it has JSON" in run.text
        run.ctrl_c()
        assert run.end() == 0
    finally:
        run.close()
    assert "stopped redis" not in run.text
    with Resp(("127.0.0.1", json_redis)) as conn:
        conn.call("AUTH", "se cret\n")
        assert conn.call("DBSIZE") == 40


def test_our_own_redis_takes_a_password(env: Env) -> None:
    run = Run(env | {"REDIS_PASSWORD": 'qu"ote \\ and space'})
    try:
        run.wait_for(READY)
        run.ctrl_c()
        assert run.end() == 0
    finally:
        run.close()


def test_two_runs_on_one_folder(env: Env) -> None:
    first = Run(env)
    try:
        first.wait_for("starting Redis")
        ports = dict(zip(("REDIS_PORT", "API_PORT", "LOCUST_WEB_PORT"), map(str, free_ports(3)), strict=True))
        text = refuse(env | ports)
        assert f"another make up (pid {first.process.pid}) runs on" in text
    finally:
        first.close()
