"""What the load shapes ask for at each moment."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from master.load_shapes import DoubleWave, RampToFailure, Spike, Steps


def at(shape_class, seconds, requests=0, failures=0, **options):
    """The number of users of a shape after so many seconds, None at its end."""
    shape = shape_class()
    return tick(shape, seconds, requests, failures, **options)


def tick(shape, seconds, requests=0, failures=0, **options):
    total = SimpleNamespace(num_requests=requests, num_failures=failures)
    numbers = {"shape_users": 100, "shape_duration": 100, "shape_steps": 4, "shape_max_failures": 5} | options
    environment = SimpleNamespace(parsed_options=SimpleNamespace(**numbers))
    shape.runner = SimpleNamespace(environment=environment, stats=SimpleNamespace(total=total))
    shape.get_run_time = lambda: seconds
    asked = shape.tick()
    assert asked is None or asked[1] > 0
    return asked and asked[0]


@pytest.mark.parametrize(
    ("shape", "want"),
    [
        (Steps, {0: 25, 24: 25, 25: 50, 60: 75, 99: 100, 100: None}),
        (Spike, {0: 10, 39: 10, 40: 100, 59: 100, 60: 10, 99: 10, 100: None}),
        (DoubleWave, {0: 10, 25: 100, 50: 10, 75: 100, 99: 10, 100: None}),
        (RampToFailure, {0: 25, 30: 50, 99: 100, 100: None}),
    ],
)
def test_users_over_time(shape, want):
    assert {seconds: at(shape, seconds) for seconds in want} == want


def test_the_numbers_are_arguments():
    assert at(Steps, 5, shape_users="20", shape_duration="10", shape_steps="2") == 20


def test_ramp_ends_with_too_many_failures_of_the_step():
    shape = RampToFailure()
    assert tick(shape, 10) == 25
    assert tick(shape, 20, requests=1000, failures=49) == 25
    assert tick(shape, 26, requests=1000, failures=49) == 50
    assert tick(shape, 27, requests=1010, failures=59) == 50  # too few to say
    assert tick(shape, 28, requests=1100, failures=53) == 50  # 4 of 100
    assert tick(shape, 29, requests=1100, failures=54) is None
    shape.reset_time()
    shape.get_run_time = lambda: 0
    assert tick(shape, 1) == 25
