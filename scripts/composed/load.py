"""Runs of the load test, as the master shows them, and what the service has answered meanwhile."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException
from typing import TypedDict
from urllib.parse import urlencode

from composed.engine import ROOT, StepFailed

WAIT = 120.0  # seconds
JOBS = {"api", "cadvisor", "locust_master", "locust_worker", "prometheus", "redis"}
KEYS = "/api/v1/keys"  # asked for by the master at the start of a run, and by the service "samples" whenever it starts
KILLED_SECONDS = 8  # a killed worker reports every 3 s, and its users are another's after a few more


class Row(TypedDict):
    """A row of the master's table, as far as it is read here."""

    method: str
    name: str
    num_requests: int
    num_failures: int


class Worker(TypedDict):
    """A worker, as the master shows it."""

    id: str
    state: str
    user_count: int


class Stats(TypedDict):
    """The master's reply to /stats/requests, as far as it is read here."""

    state: str
    stats: list[Row]
    workers: list[Worker]


class Load:
    """The master's web interface and the service's metrics, both on 127.0.0.1."""

    def __init__(self, web: int, api: int) -> None:
        self._web, self._api = web, api
        self._served_before = 0
        self._began = 0.0
        self._rate = 0.0

    def classes(self) -> list[str]:
        """The user classes of the locustfile."""
        return re.findall(r"^class (\w+)\(", (ROOT / "locustfile.py").read_text(), re.MULTILINE)

    def start(self, users: int, workers: int, classes: Sequence[str] = ()) -> None:
        """Starts a run when so many workers are there. Without classes it is the mixed one.

        After a run, the master counts on a worker again when LOCUST_STOP_TIMEOUT is over.
        """
        self.wait_workers(workers)
        self._served_before = self._served()
        form: list[tuple[str, object]] = [("user_count", users), ("spawn_rate", users)]
        form += [("user_classes", name) for name in classes]
        reply = json.loads(self._ask(self._web, "POST", "/swarm", urlencode(form)))
        if not reply["success"]:
            raise StepFailed(f"the master refuses the run: {reply['message']}")
        self._began = time.monotonic()

    def stop(self) -> None:
        """Stops the run, and waits until no worker runs users."""
        self._rate = self.requests() / (time.monotonic() - self._began)
        self._ask(self._web, "POST", "/stop", "")

        def stopped() -> bool:
            stats = self._stats()
            return stats["state"] in ("stopped", "ready") and all(w["state"] != "running" for w in stats["workers"])

        self._until(stopped, "the end of the run")

    def check(self, what: str, may_miss: bool = False) -> None:
        """Compares the master's total with what the service has answered; no request and no user may have failed.

        With may_miss, the total may lack what one worker makes in KILLED_SECONDS.
        """
        may_lack = int(self._rate * KILLED_SECONDS) if may_miss else 0

        def met() -> bool:
            served = self._served() - self._served_before
            return served - may_lack <= self.requests() <= served

        self._until(met, f"{what}: the master's total to be what was served")
        failed = [row for row in self._stats()["stats"] if row["num_failures"]]
        exceptions = json.loads(self._ask(self._web, "GET", "/exceptions"))["exceptions"]
        if failed or exceptions:
            raise StepFailed(f"{what}: failed rows {failed}, exceptions {exceptions}")
        served = self._served() - self._served_before
        print(f"test-compose: {what}: {served} requests were served, the master counts {self.requests()}", flush=True)

    def requests(self) -> int:
        """How many requests of users to the service the master counts. Some classes send to Redis itself."""
        rows = self._stats()["stats"]
        return sum(
            int(row["num_requests"])
            for row in rows
            if row["name"] not in ("Aggregated", KEYS) and row["method"] != "REDIS"
        )

    def wait_requests(self, count: int) -> None:
        """Waits until the master counts so many requests."""
        self._until(lambda: self.requests() >= count, f"{count} requests")

    def wait_users(self, count: int) -> None:
        """Waits until so many users run, of the workers that are there."""

        def met() -> bool:
            workers = self._stats()["workers"]
            return sum(w["user_count"] for w in workers if w["state"] in ("running", "spawning")) == count

        self._until(met, f"{count} users")

    def wait_shares(self, workers: int, users: int) -> None:
        """Waits until so many workers have an equal share of the users each."""

        def met() -> bool:
            shares = [w["user_count"] for w in self._stats()["workers"] if w["state"] == "running"]
            return len(shares) == workers and sum(shares) == users and max(shares) - min(shares) <= 1

        self._until(met, f"equal shares of {users} users on {workers} workers")

    def wait_workers(self, count: int) -> None:
        """Waits until the master counts on so many workers."""

        def met() -> bool:
            return bool(json.loads(self._ask(self._web, "GET", "/worker-count"))["worker_count"] == count)

        self._until(met, f"{count} workers")

    def check_targets(self, prometheus: int) -> None:
        """Waits until Prometheus reaches all that it is to read."""

        def met() -> bool:
            targets = json.loads(self._ask(prometheus, "GET", "/api/v1/targets"))["data"]["activeTargets"]
            return {t["labels"]["job"] for t in targets} >= JOBS and all(t["health"] == "up" for t in targets)

        self._until(met, "Prometheus to reach all parts")

    def _served(self) -> int:
        """How many requests of users the service has answered."""
        text = self._ask(self._api, "GET", "/metrics")
        pattern = r'^bandwing_api_requests_total\{[^}]*"(/api/v1/[^"]*)"[^}]*\} ([0-9.e+]+)$'
        found = re.findall(pattern, text, re.MULTILINE)
        return int(sum(float(count) for path, count in found if path != KEYS))

    def _stats(self) -> Stats:
        found: Stats = json.loads(self._ask(self._web, "GET", "/stats/requests"))
        return found

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WAIT
        while not condition():
            if time.monotonic() > deadline:
                shown = self._stats()
                workers = [(w["id"], w["state"], w["user_count"]) for w in shown["workers"]]
                raise StepFailed(
                    f"waited {WAIT:g} s in vain for {what}: the master counts {self.requests()} requests, "
                    f"{self._served() - self._served_before} were served; workers {workers}"
                )
            time.sleep(0.5)

    def _ask(self, port: int, method: str, path: str, form: str | None = None) -> str:
        conn = HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        try:
            conn.request(method, path, form, headers)
            response = conn.getresponse()
            text = response.read().decode()
        except (HTTPException, OSError) as err:
            raise StepFailed(f"{method} {path} on port {port}: {err}") from err
        finally:
            conn.close()
        if response.status != 200:
            raise StepFailed(f"{method} {path} on port {port} was answered {response.status}: {text[:300]}")
        return text
