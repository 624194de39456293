"""The Python side of the worker benchmark: the same user on both of Locust's clients."""

from __future__ import annotations

import os

from locust import FastHttpUser, HttpUser, constant, task

BASE = HttpUser if os.environ.get("BENCH_CLIENT") == "http" else FastHttpUser


class Bench(BASE):  # type: ignore[misc, valid-type]
    """Requests one small page, over and over."""

    wait_time = constant(0)

    @task
    def page(self) -> None:
        """Request the page."""
        self.client.get("/")
