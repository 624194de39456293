"""Locustfile whose messages are recorded: fixed samples, no traffic."""

import datetime
import logging
import socket
import threading

from locust import User, constant, events, task
from locust.runners import MasterRunner, WorkerRunner

# The id of a worker is made of this, after this file was read.
socket.gethostname = lambda: "worker"

# Traceback frames show the file name that the code was compiled with.
FAILING = compile("def fail():\n    raise ValueError('it broke: \\u00e9')\n", "stub.py", "exec")

ECHOES = {
    "echo_nil": None,
    "echo_scalars": [True, False, 0, -1, 127, 128, 65536, 2**40, -(2**40), 2**64 - 1, 0.5, "", "é€😀"],
    "echo_bytes": {"bin": b"\x00\xff", "long": "x" * 300},
    "echo_keys": {None: "nil", 1: "int", 2.5: "float", "s": "str"},
    "echo_datetime": {"at": datetime.datetime(2026, 11, 23, 15, 4, 5, 678900)},
    "echo_long_list": list(range(1000)),
}

once = threading.Lock()


class Alpha(User):
    wait_time = constant(0.5)

    @task
    def sample(self):
        request = self.environment.events.request
        request.fire(request_type="GET", name="/ok", response_time=12.5, response_length=100, exception=None, context={})
        request.fire(request_type="GET", name="/ok", response_time=0.25, response_length=1, exception=None, context={})
        request.fire(request_type="GET", name="/ok", response_time=1048.75, response_length=7, exception=None, context={})
        request.fire(request_type="MQTT", name="/untimed", response_time=None, response_length=0, exception=None, context={})
        request.fire(
            request_type="POST", name="/fail", response_time=250.25, response_length=0, exception=Exception("bad thing"), context={}
        )
        if once.acquire(blocking=False):
            self.report_error()

    def report_error(self):
        logging.getLogger("stub").warning("one line\nand another")
        scope = {}
        exec(FAILING, scope)
        try:
            scope["fail"]()
        except ValueError as e:
            # the first frame is this one, whose path depends on the machine
            self.environment.events.user_error.fire(user_instance=self, exception=e, tb=e.__traceback__.tb_next)


class Beta(User):
    wait_time = constant(60)

    @task
    def nothing(self):
        pass


@events.init_command_line_parser.add_listener
def add_arguments(parser):
    parser.add_argument("--my-argument", default="my value")


@events.init.add_listener
def register(environment, **_):
    runner = environment.runner
    if isinstance(runner, WorkerRunner):
        for name in ECHOES:
            runner.register_message(name, lambda environment, msg: environment.runner.send_message(msg.type, msg.data))
    if isinstance(runner, MasterRunner):
        for name in ECHOES:
            runner.register_message(name, lambda environment, msg: None)


@events.test_start.add_listener
def send_echoes(environment, **_):
    if isinstance(environment.runner, MasterRunner):
        for name, data in ECHOES.items():
            environment.runner.send_message(name, data)
