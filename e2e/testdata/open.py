"""What the master of a worker with arrivals loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from locust import User, events, tag, task

if TYPE_CHECKING:
    from locust.argument_parser import LocustArgumentParser


@events.init_command_line_parser.add_listener
def add_rate(parser: LocustArgumentParser) -> None:
    """Adds the field of the web UI that sets the rate of a user."""
    parser.add_argument("--visitor-rate", type=float, default=5, help="iterations a second of a user")


class Visitor(User):
    """Stands for streams of the Go worker."""

    @tag("browse")
    @task
    def browse(self) -> None:
        """Is run by Go workers only."""

    @tag("other")
    @task
    def other(self) -> None:
        """Is run by Go workers only."""
