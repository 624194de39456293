"""The load test's locustfile for a master that can be made busy: its program stands still, as it does in a listener
that blocks or over a large report, while its ZeroMQ threads go on taking connections and bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import gevent
from flask import request
from gevent.monkey import get_original
from locust import events

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from locustfile import *  # noqa: F403

block = get_original("time", "sleep")


@events.init.add_listener
def add_busy_page(environment: Any, **_: Any) -> None:
    """Let POST /busy?seconds=N block the whole program for N seconds, just after the answer."""
    if environment.web_ui is None:
        return

    @environment.web_ui.app.route("/busy", methods=["POST"])
    def busy() -> str:
        gevent.spawn_later(0.05, block, float(request.args["seconds"]))
        return "busy"
