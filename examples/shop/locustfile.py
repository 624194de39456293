"""The master's side of the shop: what `./shop stub` prints, and a custom argument that the web UI shows."""

from locust import User, events, task


@events.init_command_line_parser.add_listener
def add_arguments(parser):
    parser.add_argument("--currency", default="EUR", choices=["EUR", "CHF"], help="of the prices")


class Shopper(User):
    @task(6)
    def browse(self): ...

    @task(3)
    def search(self): ...

    @task(1)
    class Checkout: ...
