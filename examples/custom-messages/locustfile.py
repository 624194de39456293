"""The master's side of custom-messages: deals out vouchers, and counts those that were redeemed."""

import itertools
import logging

from locust import User, events, task
from locust.runners import MasterRunner

codes = (f"V{n:06}" for n in itertools.count(1))
redeemed = set()


class Client(User):
    @task
    def redeem(self): ...


def deal(environment, msg, **kwargs):
    """Sends as many vouchers as the worker asks for, none of them to any other worker."""
    vouchers = list(itertools.islice(codes, msg.data))
    environment.runner.send_message("vouchers", vouchers, client_id=msg.node_id)


def count(environment, msg, **kwargs):
    redeemed.add(msg.data["voucher"])


@events.init.add_listener
def register(environment, **kwargs):
    if isinstance(environment.runner, MasterRunner):
        environment.runner.register_message("need_vouchers", deal)
        environment.runner.register_message("redeemed", count)


@events.quit.add_listener
def tell(exit_code, **kwargs):
    logging.info("%d vouchers were redeemed", len(redeemed))
