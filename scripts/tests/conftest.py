"""Fixtures: a make up of its own for every test, on free ports, with its own data; and a proof that it left nothing."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent
ROOT = SCRIPTS.parent
LOCAL = Path(os.environ.get("LOCAL", ROOT / ".local"))
MARK = "BANDWING_TEST_MARK"
TIMEOUT = 60.0

sys.path.insert(0, str(SCRIPTS))


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different, and none of those that Linux gives to outgoing connections."""
    found: set[int] = set()
    while len(found) < count:
        port = random.randrange(10_240, 32_768)
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)):
                found.add(port)
    return list(found)


def until(condition: Callable[[], bool], what: str) -> None:
    """Waits for a condition; fails the test when it does not come."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, f"waited {TIMEOUT:g} s in vain for {what}"
        time.sleep(0.02)


Living = Callable[[], list[str]]


@pytest.fixture
def mark() -> str:
    """A mark for the environment of what a test starts."""
    return uuid.uuid4().hex


@pytest.fixture
def living(mark: str, tmp_path: Path) -> Iterator[Living]:
    """Lists what this test started and what still runs. After the test nothing may.

    Known by the mark in their environment, or by a working directory below the test's own: Redis writes its title
    over its environment, but works in its data folder.
    """

    def look() -> list[str]:
        return [f"{entry.name} {_command(entry)}" for entry in Path("/proc").iterdir() if _belongs(entry)]

    def _belongs(entry: Path) -> bool:
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
            return f"{MARK}={mark}".encode() in environment or (entry / "cwd").readlink().is_relative_to(tmp_path)
        except OSError:
            return False

    yield look
    until(lambda: not look(), f"the end of {look()}")


def _command(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "?"


@pytest.fixture
def env(mark: str, living: Living, tmp_path: Path) -> dict[str, str]:
    """The environment of a make up: free ports, a data folder of its own, few documents."""
    redis, api, web, master = free_ports(4)
    dropped = (
        "MAKE",
        "MFLAGS",
        "LOCUST",
        "REDIS",
        "API",
        "WORKER",
        "SAMPLES",
        "MONITORING",
        "START_TIMEOUT",
        "STOP_TIMEOUT",
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {
        MARK: mark,
        "LOCAL": str(LOCAL),
        "STATE_DIR": str(tmp_path / "state"),
        "REDIS_PORT": str(redis),
        "API_PORT": str(api),
        "LOCUST_WEB_PORT": str(web),
        "LOCUST_MASTER_PORT": str(master),
        "SAMPLES": "8",
    }


@pytest.fixture
def plain_redis(living: Living, tmp_path: Path) -> Iterator[int]:
    """A Redis without modules; its port."""
    yield from _redis(tmp_path)


@pytest.fixture
def json_redis(living: Living, tmp_path: Path) -> Iterator[int]:
    """A Redis with RedisJSON; its port."""
    yield from _redis(tmp_path, "--loadmodule", str(LOCAL / "redis" / "rejson.so"))


def _redis(tmp_path: Path, *more: str) -> Iterator[int]:
    port = free_ports(1)[0]
    log = tmp_path / "redis-of-test.log"
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path), *more]
    with log.open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        until(lambda: b"Ready to accept connections" in log.read_bytes() or server.poll() is not None, "Redis")
        assert server.poll() is None, f"redis-server does not start, run `make deps`:\n{log.read_text()}"
        yield port
    finally:
        server.kill()
        server.wait()
