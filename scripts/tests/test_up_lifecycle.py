"""make up from the start to each of its ends, with everything real."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import Living, until
from stack.parts import http_body, http_status
from stack.resp import Resp
from upharness import READY, UP, Run

Env = dict[str, str]
Starter = Callable[..., Run]


@pytest.fixture
def start(env: Env) -> Iterator[Starter]:
    """Starts up.py (or another command); ends it after the test whatever happens."""
    runs: list[Run] = []

    def starter(*command: str, **variables: str) -> Run:
        runs.append(Run(env | variables, command) if command else Run(env | variables))
        return runs[-1]

    yield starter
    for run in runs:
        run.close()


def workers(env: Env) -> list[str]:
    rows = json.loads(http_body("127.0.0.1", int(env["LOCUST_WEB_PORT"]), "/stats/requests"))["workers"]
    return [row["state"] for row in rows]


def redis_size(env: Env) -> object:
    with Resp(("127.0.0.1", int(env["REDIS_PORT"]))) as conn:
        return conn.call("DBSIZE")


def test_make_up_serves_until_ctrl_c_and_keeps_the_data(start: Starter, env: Env, living: Living) -> None:
    run = start("make", "-s", "up")
    run.wait_for(READY)
    assert workers(env) == ["ready", "ready"]
    assert http_status("127.0.0.1", int(env["API_PORT"]), "/readyz") == 200
    assert redis_size(env) == 40  # 8 of each of 5 kinds
    run.ctrl_c()
    run.end()
    assert "all stopped" in run.text
    assert "killed:" not in run.text
    assert living() == []

    again = start("make", "-s", "up", WORKERS="1")
    again.wait_for(READY)
    assert "the database has 40 keys: no sample documents loaded" in again.text
    assert workers(env) == ["ready"]
    again.ctrl_c()
    again.end()


def test_parts_start_in_order_and_stop_in_reverse(start: Starter) -> None:
    run = start()
    run.wait_for(READY)
    run.ctrl_c()
    assert run.end() == 0
    steps = ["starting Redis", "redis: ready", "starting the API", "api: ready", "samples: 8 of each kind"]
    steps += ["starting the Locust master", "master: ready", "starting worker-1", "starting worker-2", "workers: ready"]
    steps += ["Locust UI", "stopped 2 workers", "stopped master", "stopped api", "stopped redis", "all stopped"]
    found = [run.text.index(step) for step in steps]
    assert found == sorted(found), run.text


def test_a_dead_part_is_named_and_the_rest_goes_on(start: Starter, env: Env) -> None:
    run = start()
    run.wait_for(READY)
    pid = run.pid_of("worker-1")
    os.kill(pid, signal.SIGKILL)
    run.wait_for(f"DIED: worker-1 (pid {pid}) was killed by SIGKILL")
    run.wait_for("/log/worker-1.log, the last lines of it:\n  | ")
    assert http_status("127.0.0.1", int(env["LOCUST_WEB_PORT"]), "/") == 200
    run.ctrl_c()
    assert run.end() == 0
    assert run.text.count("DIED") == 1


def test_a_part_that_cannot_start_ends_the_run(start: Starter, living: Living) -> None:
    run = start(LOCUSTFILE="/nonexistent/locustfile.py")
    assert run.end() == 1
    assert "error: DIED: master" in run.text
    assert "Could not find '/nonexistent/locustfile.py'" in run.text
    assert "stopped api" in run.text
    assert living() == []


def test_python_workers_can_be_asked_for(start: Starter, env: Env) -> None:
    run = start(WORKER_KIND="python", WORKERS="1")
    run.wait_for(READY)
    assert workers(env) == ["ready"]
    assert "starting worker-1 (python)" in run.text
    run.ctrl_c()
    assert run.end() == 0


def test_make_run_ends_with_the_code_of_the_load_test(start: Starter, env: Env, living: Living) -> None:
    options = ["-u", "3", "-t", "2s", "--threshold", "p(50) < 1us"]
    run = start(*UP, "--run", *options)
    assert run.end() == 99
    assert "BREACHED  p(50) < 1us" in run.text
    assert "the load test ended with exit code 99" in run.text
    assert (Path(env["STATE_DIR"]) / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert living() == []


def test_ctrl_c_ends_make_run_with_its_tables(start: Starter, living: Living) -> None:
    run = start(*UP, "--run", "-u", "3", "-t", "1h")
    run.wait_for("All users spawned")
    run.ctrl_c()
    assert run.end() == 0
    assert "Response time percentiles" in run.text
    assert living() == []


def test_the_run_ends_when_nothing_is_left(start: Starter) -> None:
    run = start(WORKERS="0")
    run.wait_for(READY)
    for name in ("redis", "api", "master"):
        os.kill(run.pid_of(name), signal.SIGKILL)
    assert run.end() == 1
    assert run.text.count("DIED") == 3
    assert "no part is left running" in run.text


def test_kill_9_leaves_nothing(start: Starter, living: Living) -> None:
    run = start()
    run.wait_for(READY)
    assert len(living()) >= 6
    run.process.kill()
    run.end()
    until(lambda: not living(), "the end of all children")


def test_kill_9_of_make_ends_the_run(start: Starter, living: Living) -> None:
    run = start("make", "-s", "up")
    run.wait_for(READY)
    run.process.kill()
    until(lambda: not living(), "the end of all children")
    run.end()


@pytest.mark.parametrize("when", ["starting Redis", "redis: ready", "starting the Locust master", "starting worker-1"])
def test_ctrl_c_while_starting(start: Starter, living: Living, when: str) -> None:
    run = start()
    run.wait_for(when)
    run.ctrl_c()
    assert run.end() == 0
    assert "everything runs" not in run.text
    assert living() == []


def test_a_closed_terminal_ends_the_run(start: Starter, living: Living) -> None:
    run = start()
    run.wait_for(READY)
    run.hang_up()
    assert run.end() == 0
    assert living() == []


def test_sigterm_twice_is_still_a_clean_stop(start: Starter) -> None:
    run = start()
    run.wait_for(READY)
    run.process.terminate()
    run.process.terminate()
    assert run.end() == 0
    assert "killed:" not in run.text


def test_a_part_that_does_not_end_is_killed(start: Starter, living: Living) -> None:
    run = start(STOP_TIMEOUT="2")
    run.wait_for(READY)
    os.kill(run.pid_of("worker-2"), signal.SIGSTOP)
    run.ctrl_c()
    assert run.end() == 0
    assert "killed: worker-2" in run.text
    assert "stopped redis" in run.text
    assert living() == []
