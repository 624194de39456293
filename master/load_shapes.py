"""Load shapes for any of the test sets, beside the locustfile:

    locust -f locustfile.py,master/load_shapes.py --master --class-picker

offers them in the web UI, with "Default" for none. Without the class picker a master takes the first shape that it
finds; the variable LOAD_SHAPE chooses one:

    LOAD_SHAPE=Spike locust -f locustfile.py,master/load_shapes.py --master JSONGet

Their numbers are custom arguments: on the command line (--shape-users 100), in the environment (SHAPE_USERS=100) and
in the web UI's advanced options. Users are those of the whole fleet.
"""

from __future__ import annotations

import math
import os
from typing import Any

from locust import LoadTestShape, events

Tick = tuple[int, float] | None

ARGUMENTS = {
    "shape_users": (50, "the most users of a load shape"),
    "shape_duration": (300, "seconds that a load shape takes in all"),
    "shape_steps": (5, "steps of the shapes Steps and RampToFailure"),
    "shape_max_failures": (5, "percent of failed requests at which the shape RampToFailure ends"),
}


def add_arguments(parser: Any) -> None:
    """Offers the numbers as custom arguments."""
    for name, (default, text) in ARGUMENTS.items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=default, env_var=name.upper(), help=text)


events.init_command_line_parser.add_listener(add_arguments)


class Shape(LoadTestShape):
    """What all shapes have in common: a number of users for each moment, as a share of the most."""

    abstract = True

    def number(self, name: str) -> int:
        """A custom argument, above 0."""
        options = self.runner and self.runner.environment.parsed_options
        return max(1, int(getattr(options, name, None) or ARGUMENTS[name][0]))

    def part(self, done: float) -> float | None:
        """The share of the users when the share `done` of the time has gone, or None for the end."""
        raise NotImplementedError

    def tick(self) -> Tick:
        """The users of this moment, and a spawn rate that reaches them within a second (called by Locust)."""
        done = self.get_run_time() / self.number("shape_duration")
        part = self.part(done) if done < 1 else None
        if part is None:
            return None
        most = self.number("shape_users")
        return round(most * part), most


class Steps(Shape):
    """Climbs in equal steps, each as long as the others."""

    def part(self, done: float) -> float:
        """See Shape."""
        steps = self.number("shape_steps")
        return (int(done * steps) + 1) / steps


class Spike(Shape):
    """A tenth of the users, all of them in the middle fifth of the time, a tenth again."""

    def part(self, done: float) -> float:
        """See Shape."""
        return 1.0 if 0.4 <= done < 0.6 else 0.1


class DoubleWave(Shape):
    """Two waves, as of a day with two busy hours: each rises from a tenth to all users and falls again."""

    def part(self, done: float) -> float:
        """See Shape."""
        return 0.1 + 0.9 * math.sin(2 * math.pi * done) ** 2


class RampToFailure(Shape):
    """Climbs in equal steps until too many requests of the last step's time have failed."""

    def __init__(self) -> None:
        super().__init__()
        self._step = -1
        self._before = (0, 0)

    def reset_time(self) -> None:
        """Begins a run anew (called by Locust)."""
        super().reset_time()
        self._step, self._before = -1, (0, 0)

    def part(self, done: float) -> float | None:
        """See Shape."""
        steps = self.number("shape_steps")
        step = int(done * steps)
        total = self.runner.stats.total if self.runner else None
        now = (total.num_requests, total.num_failures) if total else (0, 0)
        if step != self._step:
            self._step, self._before = step, now
        requests, failures = (max(0, new - old) for new, old in zip(now, self._before, strict=True))
        if requests >= 20 and 100 * failures >= requests * self.number("shape_max_failures"):
            return None
        return (step + 1) / steps


if chosen := os.environ.get("LOAD_SHAPE"):
    for shape in (Steps, Spike, DoubleWave, RampToFailure):
        if shape.__name__ != chosen:
            shape.abstract = True
