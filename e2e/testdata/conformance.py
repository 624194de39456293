"""The user classes of e2e/testworker for a stock worker, and what a master needs to run either.

Every class does what its twin in Go does. Where a test compares counts exactly, a user plays a fixed part once and is
idle from then on.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import gevent
from flask import jsonify, request
from locust import HttpUser, SequentialTaskSet, TaskSet, User, constant, events, runners, tag, task
from locust.exception import StopUser
from locust.runners import MasterRunner, WorkerRunner

SAMPLES = json.loads((Path(__file__).parent.parent / "testworker" / "samples.json").read_text(encoding="utf-8"))
IDLE = 3600  # seconds
TICK = 0.1

logger = logging.getLogger("conformance")

# No worker goes missing because the machine is busy: the tests of lost links use another locustfile.
runners.HEARTBEAT_LIVENESS = 30


@events.init_command_line_parser.add_listener
def add_arguments(parser: Any) -> None:
    parser.add_argument("--word", default="plain", help="a text")
    parser.add_argument("--number", type=int, default=7)
    parser.add_argument("--factor", type=float, default=1.5)
    parser.add_argument("--flag", action="store_true", default=False)
    parser.add_argument("--items", nargs="*", default=["a", "b"])
    parser.add_argument("--counts", nargs="*", type=int, default=[1, 2])
    parser.add_argument("--shops", nargs="*", default=None)
    parser.add_argument("--stock", type=json.loads, default='{"a": [1, {"b": null}]}', include_in_web_ui=False)
    parser.add_argument("--hidden", default="not in the UI", include_in_web_ui=False)


class Recorder(User):
    """A user that records samples by itself."""

    abstract = True

    def record(self, kind: str, name: str, ms: float | None = 1, length: int = 0, error: str | None = None) -> None:
        self.environment.events.request.fire(
            request_type=kind,
            name=name,
            response_time=None if ms is None else float(ms),
            response_length=length,
            exception=error,
            context={},
        )


class Script(Recorder):
    """Plays all samples once."""

    wait_time = constant(IDLE)

    @task
    def play(self) -> None:
        for s in SAMPLES:
            for _ in range(s["times"]):
                self.record(s["type"], s["name"], s["ms"], s["length"], s.get("error"))


class Many(Recorder):
    """Records one sample under each of 600 names, half of them failed."""

    wait_time = constant(IDLE)

    @task
    def play(self) -> None:
        for n in range(600):
            self.record("GET", f"/many/{n:03}", n, n, f"error {n % 300:03} of many" if n % 2 else None)


class Ticker(Recorder):
    wait_time = constant(TICK)

    @task
    def tick(self) -> None:
        self.record("TICK", "/tick", 5, 10)


class Heavy(Recorder):
    weight = 3
    wait_time = constant(TICK)

    @task(2)
    def heavy(self) -> None:
        self.record("TICK", "/heavy")

    @task
    def iron(self) -> None:
        self.record("TICK", "/iron")


class Light(Recorder):
    wait_time = constant(TICK)

    @task
    def light(self) -> None:
        self.record("TICK", "/light")


class Fixed(Recorder):
    fixed_count = 1
    wait_time = constant(TICK)

    @task
    def fixed(self) -> None:
        self.record("TICK", "/fixed")


class Failer(Recorder):
    wait_time = constant(TICK)

    @task
    def fail(self) -> None:
        self.record("TICK", "/fail", 5, 10, "always")


class Panicker(User):
    """Raises three times, at two sites."""

    wait_time = constant(0)

    def on_start(self) -> None:
        self.n = 0

    @task
    def play(self) -> None:
        self.n += 1
        if self.n <= 2:
            self.first()
        if self.n == 3:
            self.second()
        gevent.sleep(IDLE)

    def first(self) -> None:
        raise ValueError(f"boom {self.n}")

    def second(self) -> None:
        raise RuntimeError("bang")


class Returner(User):
    """Fails in each of two tasks in turn."""

    wait_time = constant(0)

    @task
    class Turns(SequentialTaskSet):
        @task
        def one(self) -> None:
            raise ValueError("one has failed")

        @task
        def two(self) -> None:
            raise ValueError("two has failed")

        @task
        def rest(self) -> None:
            gevent.sleep(IDLE)


class BadStart(User):
    def on_start(self) -> None:
        raise ValueError("cannot start")

    @task
    def never(self) -> None:
        pass


class Chatty(User):
    """Writes to the log once."""

    wait_time = constant(IDLE)

    @task
    def talk(self) -> None:
        logger.debug("chatty: debug")
        logger.info("chatty: info")
        logger.warning("chatty: warning <b>&")
        logger.error("chatty: error 日本")
        logger.critical("chatty: critical")
        logger.info("chatty: two\nlines")


class Steps(Recorder):
    """Names its rows by the order in which things happen, and ends."""

    wait_time = constant(0)

    def step(self, what: str) -> None:
        self.n = getattr(self, "n", -1) + 1
        self.record("STEP", f"{self.n:02} {what}")

    def on_start(self) -> None:
        self.step("user starts")

    def on_stop(self) -> None:
        self.step("user stops")

    @task
    class March(SequentialTaskSet):
        def on_start(self) -> None:
            self.rounds = 0
            self.user.step("march starts")

        def on_stop(self) -> None:
            self.user.step("march stops")

        @task
        def one(self) -> None:
            self.rounds += 1
            self.user.step("one")

        @task(2)
        def two(self) -> None:
            self.user.step("two")

        @task
        class Halt(TaskSet):
            def on_start(self) -> None:
                self.user.step("halt starts")

            def on_stop(self) -> None:
                self.user.step("halt stops")

            @task
            def rest(self) -> None:
                self.user.step("rest")
                self.interrupt()

        @task
        def four(self) -> None:
            self.user.step("four")
            if self.rounds == 2:
                raise StopUser()


class Nested(Recorder):
    """Sets in sets, for the ratios."""

    wait_time = constant(TICK)

    @task(3)
    def root(self) -> None:
        self.record("TICK", "/root")

    @task(1)
    class Branch(TaskSet):
        @task(1)
        def leaf(self) -> None:
            self.user.record("TICK", "/leaf")
            self.interrupt()

        @task(4)
        class Twig(TaskSet):
            @task
            def bud(self) -> None:
                self.user.record("TICK", "/bud")
                self.interrupt()


class Sleeper(Recorder):
    """Has tasks of 1.5 s."""

    wait_time = constant(0)

    def on_stop(self) -> None:
        self.record("LONG", "/stop")

    @task
    def sleep(self) -> None:
        self.record("LONG", "/begin")
        gevent.sleep(1.5)
        self.record("LONG", "/end")


class Tagged(Recorder):
    wait_time = constant(TICK / 2)

    @tag("read")
    @task
    def read(self) -> None:
        self.record("TICK", "/read")

    @tag("write")
    @task
    def write(self) -> None:
        self.record("TICK", "/write")

    @tag("read", "write")
    @task
    def both(self) -> None:
        self.record("TICK", "/both")

    @task
    def untagged(self) -> None:
        self.record("TICK", "/untagged")


class Arguments(Recorder):
    """Tells in its rows which custom arguments and which host it sees."""

    wait_time = constant(TICK)

    @task
    def tell(self) -> None:
        o = self.environment.parsed_options
        flag = "true" if o.flag else "false"
        values = f"word={o.word} number={o.number + 1} factor={o.factor * 2:.2f} flag={flag} items={'+'.join(o.items)}"
        shops = o.shops or []
        if isinstance(shops, str):  # from the web UI, which does not know that None stands for a list
            shops = shops.split(",")
        values += f" counts={sum(o.counts)} shops={'+'.join(shops)} stock={json.dumps(o.stock, separators=(',', ':'))}"
        self.record("ARGS", f"{values} hidden={o.hidden}")
        self.record("HOST", f"host={self.host}")


class Web(HttpUser):
    wait_time = constant(0.02)

    @task
    def page(self) -> None:
        self.client.get("/page", name="/page")


class Talker(User):
    """Sends the master one custom message."""

    wait_time = constant(IDLE)

    @task
    def talk(self) -> None:
        runner = self.environment.runner
        runner.send_message("hello", {"from": "a user", "index": runner.worker_index, "list": [1, 2.5, None, True]})


# --- messages -----------------------------------------------------------------------------------------------------


def answer(environment: Any, msg: Any, **_: Any) -> None:
    """A worker's handler: sends back what came."""
    runner = environment.runner
    runner.send_message("greeting", {"got": msg.data, "index": runner.worker_index})


@events.init.add_listener
def set_up(environment: Any, **_: Any) -> None:
    runner = environment.runner
    if isinstance(runner, WorkerRunner):
        runner.register_message("greet", answer)
        runner.register_message("break", lambda environment, msg, **_: 1 / 0)
    if isinstance(runner, MasterRunner):
        set_up_master(environment)


@events.report_to_master.add_listener
def add_note(client_id: str, data: dict[str, Any]) -> None:
    data["note"] = {"by": "a worker", "value": 42}


def set_up_master(environment: Any) -> None:
    """Shows at /conformance/seen what workers have sent, and sends them what is posted to /conformance/send."""
    messages: list[Any] = []
    notes: dict[str, Any] = {}

    def collect(environment: Any, msg: Any, **_: Any) -> None:
        messages.append({"type": msg.type, "node": msg.node_id, "data": msg.data})

    def note(client_id: str, data: dict[str, Any]) -> None:
        notes[client_id] = data.get("note")

    environment.runner.register_message("greeting", collect)
    environment.runner.register_message("hello", collect)
    environment.events.worker_report.add_listener(note)
    if environment.web_ui is None:
        return

    @environment.web_ui.app.route("/conformance/seen")
    def seen() -> Any:
        return jsonify({"messages": messages, "notes": notes})

    @environment.web_ui.app.route("/conformance/send", methods=["POST"])
    def send() -> Any:
        post = json.loads(request.data)
        environment.runner.send_message(post["type"], post["data"], post.get("client"))
        return jsonify({"success": True})
