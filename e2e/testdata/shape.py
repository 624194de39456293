"""The classes of conformance.py under a load shape, for masters: workers never see shapes."""

from __future__ import annotations

from conformance import Heavy, Light  # noqa: F401 (user classes)
from locust import LoadTestShape

STAGES = ((5, 2, None), (10, 6, None), (15, 3, [Light]))  # until second, users, classes


class Stages(LoadTestShape):
    def tick(self):
        for until, users, classes in STAGES:
            if self.get_run_time() < until:
                return (users, users, classes) if classes else (users, users)
        return None
