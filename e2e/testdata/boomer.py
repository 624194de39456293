"""What the master of a boomer program loads: user classes that only it knows, with tasks that never run."""

from __future__ import annotations

from locust import User, tag, task


class Dummy(User):
    """Stands for users of the Go program."""

    @tag("nothing")
    @task
    def nothing(self) -> None:
        """Is never called."""


class Other(Dummy):
    """Stands for more of them."""
