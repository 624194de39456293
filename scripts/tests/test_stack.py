"""The parts of make up that need nothing started."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from conftest import free_ports
from stack import config, ports
from stack.resp import Resp, RespError


def load(**variables: str) -> config.Config:
    return config.load(variables)


def test_defaults() -> None:
    found = load()
    assert found.redis == config.RedisConfig(start=True, host="127.0.0.1", port=6379, username="", password="")
    assert (found.api_addr, found.api_port, found.web_port, found.master_port) == (":5000", 5000, 8089, 5557)
    assert (found.workers, found.worker_kind, found.samples) == (2, "go", 60)
    assert found.local == found.state == config.ROOT / ".local"
    assert found.locustfiles == (config.ROOT / "locustfile.py", config.ROOT / "master" / "load_shapes.py")
    assert found.api_url == "http://127.0.0.1:5000"


@pytest.mark.parametrize(
    ("variables", "addr", "url"),
    [
        ({"API_PORT": "81"}, ":81", "http://127.0.0.1:81"),
        ({"API_ADDR": "0.0.0.0:82"}, "0.0.0.0:82", "http://127.0.0.1:82"),
        ({"API_ADDR": "10.1.2.3:83", "API_PORT": "84"}, "10.1.2.3:83", "http://10.1.2.3:83"),
        ({"API_ADDR": "[::1]:85"}, "[::1]:85", "http://[::1]:85"),
        ({"API_ADDR": "[::]:86"}, "[::]:86", "http://127.0.0.1:86"),
    ],
)
def test_api_address(variables: dict[str, str], addr: str, url: str) -> None:
    found = load(**variables)
    assert (found.api_addr, found.api_url) == (addr, url)


@pytest.mark.parametrize(
    ("variables", "fault"),
    [
        ({"API_ADDR": "5000"}, "API_ADDR=5000: needs host:port or :port"),
        ({"API_ADDR": ":http"}, "API_ADDR=:http: needs host:port or :port"),
        ({"API_PORT": "65536"}, "API_PORT=65536: needs a whole number from 1 to 65535"),
        ({"WORKERS": "-1"}, "WORKERS=-1: needs a whole number from 0 to 1000"),
        ({"WORKERS": "²"}, "WORKERS=²: needs a whole number"),
        ({"STOP_TIMEOUT": "nan"}, "STOP_TIMEOUT=nan: needs a number of seconds above 0"),
        ({"API_PORT": "8089"}, "API_PORT and LOCUST_WEB_PORT are both 8089"),
        ({"MONITORING": "yes"}, "MONITORING=yes: may be 0 or 1"),
        ({"MONITORING": "1", "PROMETHEUS_PORT": "8091"}, "PROMETHEUS_PORT and WORKER_METRICS_PORT+1 are both 8091"),
        ({"MONITORING": "1", "CADVISOR_ADDR": "8080"}, "CADVISOR_ADDR=8080: needs host:port"),
        ({"REDIS_USERNAME": "ann"}, "REDIS_USERNAME=ann: only together with REDIS_HOST"),
    ],
)
def test_faults(variables: dict[str, str], fault: str) -> None:
    with pytest.raises(config.ConfigError) as caught:
        load(**variables)
    assert fault in str(caught.value)


def test_redis_elsewhere_may_share_a_port_number_with_ours() -> None:
    found = load(REDIS_HOST="db", REDIS_PORT="5000", REDIS_USERNAME="ann", REDIS_PASSWORD=" x ")
    assert found.redis == config.RedisConfig(start=False, host="db", port=5000, username="ann", password=" x ")


def test_monitoring_has_ports_only_where_it_is_asked_for() -> None:
    usual = config.own_ports(load())
    assert config.own_ports(load(PROMETHEUS_PORT="5000", WORKER_METRICS_PORT="5000")) == usual
    more = {"PROMETHEUS_PORT": 9090, "REDIS_METRICS_PORT": 9121, "WORKER_METRICS_PORT": 8090}
    assert config.own_ports(load(MONITORING="1")) == usual | more | {"WORKER_METRICS_PORT+1": 8091}
    assert load(MONITORING="1", WORKER_KIND="python").worker_metrics_ports == []


def test_every_variable_is_in_the_help_with_its_default() -> None:
    described = {line.split()[0] for line in config.VARIABLES.splitlines()[1:]}
    read: set[str] = set()

    class Spy(dict[str, str]):
        def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
            read.add(name)
            return default

    config.load(Spy())
    assert read == described


def test_a_held_port_is_not_free_and_its_holder_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not ports.is_free("127.0.0.1", port)
        assert not ports.is_free("", port)
        assert [line.partition(" (")[0] for line in ports.holders(port)] == [f"pid {os.getpid()}"]
        assert ports.next_free("", port) > port
    assert ports.is_free("", port)
    assert ports.holders(port) == []


def test_a_port_held_on_ipv6_only_is_not_free() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        port = server.getsockname()[1]
        assert not ports.is_free("", port)
        assert ports.holders(port)


def test_an_address_of_another_machine_is_an_error() -> None:
    with pytest.raises(OSError, match="assign"):
        ports.is_free("192.0.2.1", free_ports(1)[0])


def answering(reply: bytes) -> int:
    """A server that sends `reply` to the first who asks; its port."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with server:
            conn, _ = server.accept()
            with conn:
                conn.recv(1000)
                conn.sendall(reply)

    threading.Thread(target=serve, daemon=True).start()
    port: int = server.getsockname()[1]
    return port


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        (b"+OK\r\n", "OK"),
        (b":42\r\n", 42),
        (b"$-1\r\n", None),
        (b"$5\r\na\r\nbc\r\n", "a\r\nbc"),
        (b"*2\r\n$1\r\nx\r\n*1\r\n:7\r\n", ["x", [7]]),
        (b"*0\r\n", []),
    ],
)
def test_replies(raw: bytes, want: object) -> None:
    with Resp(("127.0.0.1", answering(raw))) as conn:
        assert conn.call("ANY") == want


@pytest.mark.parametrize("raw", [b"", b"+OK", b"$5\r\nab", b"*2\r\n:1\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_broken_replies_are_connection_errors(raw: bytes) -> None:
    with Resp(("127.0.0.1", answering(raw))) as conn, pytest.raises(ConnectionError):
        conn.call("ANY")


def test_error_replies_keep_their_text() -> None:
    with (
        Resp(("127.0.0.1", answering(b"-NOAUTH who are you\r\n"))) as conn,
        pytest.raises(RespError, match="NOAUTH who are you"),
    ):
        conn.call("ANY")


def test_paths_are_seen_from_the_root() -> None:
    assert load(LOCAL="/tmp/x").local == Path("/tmp/x")
    assert load(LOCUSTFILE="/a.py, b.py").locustfiles == (Path("/a.py"), config.ROOT / "b.py")
    assert load(LOCAL="x", STATE_DIR="y/z").state == config.ROOT / "y" / "z"
