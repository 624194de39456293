"""Users whose requests are made up, and routes on the master that the tests of the exporter ask."""

from __future__ import annotations

import random
from typing import Any

import gevent
from flask import jsonify
from locust import User, constant, events, task

from master import prometheus_exporter

IDLE = 3600  # seconds
FIXED = 25  # requests of each kind that a Fixed user makes


def record(user: Any, method: str, name: str, milliseconds: float | None, length: int = 0, error: Any = None) -> None:
    user.environment.events.request.fire(
        request_type=method, name=name, response_time=milliseconds, response_length=length, exception=error, context={}
    )


class Busy(User):
    wait_time = constant(0.02)

    @task
    def read(self) -> None:
        record(self, "GET", "/read", random.lognormvariate(2, 2), 512)

    @task
    def write(self) -> None:
        late = random.random() < 0.3
        record(self, "POST", "/write", random.uniform(90, 20000), 100, OSError("too late") if late else None)


class Fixed(User):
    @task
    def once(self) -> None:
        for number in range(FIXED):
            record(self, "GET", "/fixed", 1 + number, 10)
            record(self, "PUT", 'od"d\\na\nme', 0.25, 0, 'said "no"\\\n')
            record(self, "WAIT", "/untimed", None)
        gevent.sleep(IDLE)


class Broken(User):
    wait_time = constant(0.1)

    @task
    def fail(self) -> None:
        raise ValueError("no such luck")


@events.init.add_listener
def add_routes(environment: Any, web_ui: Any, **_: object) -> None:
    if not web_ui:
        return
    views = web_ui.app.view_functions

    @web_ui.app.route("/same-moment")
    def same_moment() -> Any:
        """Both without a switch to another greenlet in between, and /stats/requests past its cache of two seconds."""
        request_stats = views.get("locust.request_stats") or views["request_stats"]  # Locust 2.29 has no blueprint
        while hasattr(request_stats, "__wrapped__"):
            request_stats = request_stats.__wrapped__
        stats = request_stats().get_json()
        return jsonify({"stats": stats, "metrics": views["metrics"]()[0].decode()})

    @web_ui.app.route("/break")
    def break_collector() -> str:
        """From now on a scrape fails."""
        prometheus_exporter.LocustCollector._run = lambda *_: 1 / 0
        return "broken"
